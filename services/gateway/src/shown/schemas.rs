//! The schemas of what is not written through a type: messages and what has them in it are
//! written by hand, and simple values have writers of their own.

#![expect(dead_code, reason = "only the schemas of these types are used")]

use std::borrow::Cow;
use std::collections::BTreeMap;

use utoipa::openapi::schema::{ArrayBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{Count, DialogShown, DialogsShown, Numbers, UserShown, Word};
use crate::answer::Iso;
use crate::asked::{DIALOG, MESSAGE};
use crate::document::Errors;

/// A message as one viewer sees it. Custom parameters stand beside these.
#[derive(ToSchema)]
#[schema(as = Message)]
pub(crate) struct MessageShown {
    #[schema(rename = "_id", value_type = Id)]
    id: String,
    #[schema(value_type = Id)]
    chat_dialog_id: String,
    #[schema(required)]
    message: Option<String>,
    /// In seconds since 1970.
    date_sent: u64,
    sender_id: u64,
    /// The user that it is for; 0 in dialogs that are not private.
    recipient_id: u64,
    #[schema(value_type = Vec<Object>)]
    attachments: Vec<()>,
    /// Who has read it; in large dialogs, whether the viewer has.
    read_ids: Vec<u64>,
    /// Who has received it; in large dialogs, whether the viewer has.
    delivered_ids: Vec<u64>,
    created_at: Iso,
    updated_at: Iso,
    #[schema(required)]
    edited_at: Option<Iso>,
    #[schema(required)]
    reactions: Option<Reactions>,
    /// How many have seen it, in public dialogs and broadcasts.
    views_count: u64,
    /// 1 if others have read it, or all of them in a group; else 0.
    #[schema(maximum = 1)]
    read: u8,
}

/// Reactions on a message.
#[derive(ToSchema)]
pub(crate) struct Reactions {
    /// The viewer's own.
    own: Vec<String>,
    /// How many users have put each of them.
    total: BTreeMap<String, u64>,
}

/// A page of messages.
#[derive(ToSchema)]
pub(crate) struct Messages {
    skip: u64,
    limit: u32,
    items: Vec<MessageShown>,
}

/// A page of messages, or how many there are.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum MessagesAnswer {
    Page(Messages),
    Count(Count),
}

/// A page of dialogs, or how many there are.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum DialogsAnswer<'a> {
    Page(DialogsShown<'a>),
    Count(Count),
}

/// Who has put which reaction on a message: users by reaction.
#[derive(ToSchema)]
pub(crate) struct Reacted(BTreeMap<String, Vec<u64>>);

/// How much is unread: in `total`, and by dialog if some were named.
#[derive(ToSchema)]
pub(crate) struct Unread(BTreeMap<String, u64>);

/// What was found: under `results`, and beside it once more.
#[derive(ToSchema)]
pub(crate) struct Found<'a> {
    results: Hits<'a>,
    dialogs: Vec<DialogShown<'a>>,
    messages: Vec<MessageShown>,
    users: Vec<UserShown<'a>>,
}

/// What was found.
#[derive(ToSchema)]
pub(crate) struct Hits<'a> {
    dialogs: Vec<DialogShown<'a>>,
    messages: Vec<MessageShown>,
    /// Users are never searched for.
    users: Vec<UserShown<'a>>,
}

/// A signal that was sent.
#[derive(ToSchema)]
#[schema(as = SystemMessage)]
pub(crate) struct SystemShown {
    #[schema(rename = "messageId", value_type = Id)]
    message: String,
    #[schema(rename = "recipientId")]
    recipient: u64,
    /// What went with it.
    #[schema(rename = "extensionParams", value_type = Object)]
    parameters: (),
}

/// Whether a process can do its work.
#[derive(ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthShown {
    ready: bool,
    checks: Vec<Check>,
}

/// One part of a process.
#[derive(ToSchema)]
pub(crate) struct Check {
    name: String,
    ready: bool,
    /// Why it cannot do its work.
    why: Option<String>,
}

/// What is not ready, or why that was not said.
#[derive(ToSchema)]
#[serde(untagged)]
pub(crate) enum NotReady {
    Parts(HealthShown),
    Refused(Errors),
}

/// The id of a dialog or message.
pub(crate) struct Id;

impl PartialSchema for Id {
    fn schema() -> RefOr<Schema> {
        let digits = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{24}$"));
        digits.description(Some("24 hex digits.")).examples([DIALOG, MESSAGE]).into()
    }
}

impl ToSchema for Id {}

impl<T> PartialSchema for Word<T> {
    fn schema() -> RefOr<Schema> {
        Id::schema()
    }
}

impl<T> ToSchema for Word<T> {
    fn name() -> Cow<'static, str> {
        Id::name()
    }
}

impl PartialSchema for Numbers<'_> {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(u64::schema()).into()
    }
}

impl ToSchema for Numbers<'_> {
    fn name() -> Cow<'static, str> {
        "UserIds".into()
    }
}

impl PartialSchema for Iso {
    fn schema() -> RefOr<Schema> {
        let text = ObjectBuilder::new().schema_type(Type::String);
        let text = text.format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
        text.description(Some("ISO-8601 in UTC, whole seconds.")).examples(["2018-12-06T12:04:48Z"]).into()
    }
}

impl ToSchema for Iso {
    fn name() -> Cow<'static, str> {
        "Moment".into()
    }
}
