//! Dialogs as clients see them. Name and photo of a private one are its opponent's.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{DialogId, Kind, MessageId, UserId};
use identity::Display;
use readmodel::queries::{DialogView, Status};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{Numbers, Word};
use crate::answer::Iso;
use crate::edge::Application;
use crate::{ApiError, Edge};

/// How the opponents of private dialogs are shown.
pub(crate) type Displays = HashMap<UserId, Arc<Display>>;

/// How the opponents in `dialogs` are shown, asked for all at once.
pub(crate) async fn displays(edge: &Edge, dialogs: &[DialogView]) -> Result<Displays, ApiError> {
    let opponents: Vec<UserId> = dialogs.iter().filter_map(|dialog| dialog.opponent).collect();
    if opponents.is_empty() {
        return Ok(Displays::new());
    }
    let displays = edge.identity.display(&opponents).await?;
    Ok(displays.into_iter().map(|display| (display.id, display)).collect())
}

/// A page of dialogs.
#[derive(Serialize, ToSchema)]
#[schema(as = Dialogs)]
pub(crate) struct DialogsShown<'a> {
    /// How many there are in all.
    pub(crate) total_entries: u64,
    pub(crate) skip: u64,
    pub(crate) limit: u32,
    pub(crate) items: Vec<DialogShown<'a>>,
}

/// A dialog as one viewer sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Dialog)]
pub(crate) struct DialogShown<'a> {
    #[serde(rename = "_id")]
    id: DialogKey,
    /// 1 broadcast, 2 group, 3 private, 4 public.
    #[serde(rename = "type")]
    #[schema(minimum = 1, maximum = 4)]
    kind: u8,
    /// Its owner.
    user_id: u64,
    /// That of a private dialog is the other user's.
    #[schema(required)]
    name: Option<&'a str>,
    /// Where its picture is; for a private dialog the other user's.
    #[schema(required)]
    photo: Option<&'a str>,
    #[schema(required)]
    description: Option<&'a str>,
    created_at: Iso,
    updated_at: Iso,
    /// Its address for realtime clients; a private dialog has none.
    #[schema(required)]
    xmpp_room_jid: Option<String>,
    /// Who is in it; of public dialogs and broadcasts nobody is listed.
    occupants_ids: Numbers<'a>,
    occupants_count: u32,
    admins_ids: Numbers<'a>,
    pinned_messages_ids: Vec<MessageKey>,
    #[schema(required)]
    last_message: Option<&'a str>,
    /// In seconds since 1970.
    #[schema(required)]
    last_message_date_sent: Option<u64>,
    #[schema(required)]
    last_message_id: Option<MessageKey>,
    #[schema(required)]
    last_message_user_id: Option<u64>,
    /// `sent`, `delivered` or `read`, if the viewer has sent it.
    #[schema(required)]
    last_message_status: Option<&'static str>,
    unread_messages_count: u64,
    /// The values of the application's extension keys.
    #[schema(required, value_type = Option<Object>)]
    extensions: Option<Map<String, Value>>,
    #[schema(required)]
    permissions: Option<PermissionsShown>,
}

type DialogKey = Word<DialogId>;
type MessageKey = Word<MessageId>;

/// What others may do with a dialog.
#[derive(Serialize, ToSchema)]
#[schema(as = DialogPermissions)]
struct PermissionsShown {
    allow_preview: bool,
}

impl<'a> DialogShown<'a> {
    /// `displays` has the opponent, unless he is gone.
    pub(crate) fn new(dialog: &'a DialogView, application: &Application, displays: &'a Displays) -> Self {
        let opponent = dialog.opponent.and_then(|opponent| displays.get(&opponent));
        let private = dialog.kind == Kind::Private;
        let (name, photo) = if private {
            (opponent.map(|shown| shown.name.as_str()), opponent.and_then(|shown| shown.avatar.as_deref()))
        } else {
            (dialog.name.as_deref(), dialog.photo.as_deref())
        };
        let (id, last) = (dialog.id, dialog.last.as_ref());
        let Application { id: application_id, chat_domain, extension_keys, .. } = application;
        Self {
            id: Word(id),
            kind: dialog.kind.number(),
            user_id: dialog.owner.get(),
            name,
            photo,
            description: dialog.description.as_deref(),
            created_at: Iso(dialog.created_at),
            updated_at: Iso(dialog.updated_at),
            xmpp_room_jid: (!private).then(|| format!("{application_id}_{id}@muc.{chat_domain}")),
            occupants_ids: Numbers(&dialog.occupants),
            occupants_count: dialog.occupants_count,
            admins_ids: Numbers(&dialog.admins),
            pinned_messages_ids: dialog.pins.iter().map(|pin| Word(pin.id)).collect(),
            last_message: last.and_then(|last| last.text.as_deref()),
            last_message_date_sent: last.map(|last| last.date_sent),
            last_message_id: last.map(|last| Word(last.id)),
            last_message_user_id: last.map(|last| last.sender.get()),
            last_message_status: last.and_then(|last| last.status).map(status),
            unread_messages_count: dialog.unread,
            extensions: dialog.extensions.as_deref().and_then(|stored| allowed(stored, extension_keys)),
            permissions: dialog
                .permissions
                .map(|permissions| PermissionsShown { allow_preview: permissions.allow_preview }),
        }
    }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::Sent => "sent",
        Status::Delivered => "delivered",
        Status::Read => "read",
    }
}

/// Of the stored extensions those whose keys the application still allows; none for none.
fn allowed(stored: &str, keys: &[String]) -> Option<Map<String, Value>> {
    let Ok(Value::Object(mut extensions)) = serde_json::from_str(stored) else { return None };
    extensions.retain(|key, _| keys.contains(key));
    (!extensions.is_empty()).then_some(extensions)
}
