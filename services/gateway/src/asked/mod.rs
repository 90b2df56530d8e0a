//! What clients send, as the document shows it: bodies, paths and queries of the endpoints.
//!
//! These are shapes only. What a call takes is read by [`Params`](crate::Params), in more
//! spellings than a schema can say; the document's introduction has them in words.

#![expect(dead_code, reason = "only the schemas of these types are used")]

mod dialog;
mod filter;
mod finding;
mod message;
mod path;
mod session;
mod user;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

pub(crate) use dialog::{
    AdminsChange, DialogChange, DialogFilters, Force, NewDialog, NotificationsChange, Subscription,
};
pub(crate) use filter::{Filter, Values};
pub(crate) use finding::{NumberedPart, Somebody, TimeFilter, UserFilter, UserFilters, UserRules};
pub(crate) use message::{
    HistoryQuery, MessageChange, MessagesMark, NewMessage, ReactionChange, SearchQuery, SystemSignal,
    UnreadQuery, Within,
};
pub(crate) use path::{
    DialogPath, DialogsPath, ExternalPath, MessagePath, MessagesPath, OwnPath, PagePart, PublicDialogPath,
    SessionPath, UserPath,
};
pub(crate) use session::{Credentials, Opening};
pub(crate) use user::{
    ChangingUser, Forgetful, ForgetfulQuery, NewPassword, SigningUp, UserNamed, UserQuery,
};

/// A dialog in examples: a group of the caller's with another user in it.
pub(crate) const DIALOG: &str = "5c094c0ce588ce6856f87422";
/// A public dialog of the caller's in examples.
pub(crate) const PUBLIC_DIALOG: &str = "5c0e7a13e588ce6b6f3ebf8a";
/// A message of the caller's in that group in examples.
pub(crate) const MESSAGE: &str = "5c0e7a0ee588ce6b6f3ebf7e";
/// The caller in examples.
pub(crate) const CALLER: u64 = 29_085;
/// A session of the caller in examples.
pub(crate) const SESSION: u64 = 31_001;
/// Another user in examples.
pub(crate) const USER: u64 = 29_086;

/// Yes or no: `1` and `true`, `0` and `false`, as such or as text.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(examples(1))]
pub(crate) enum Flag {
    /// 1 or 0.
    Number(u8),
    /// As JSON has it.
    Truth(bool),
}

/// Which part of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Part {
    /// The most items, 1 to 100; other numbers are moved into that range.
    #[param(minimum = 1, maximum = 100, default = 100)]
    limit: Option<u32>,
    /// How many items to leave out first.
    #[param(minimum = 0, default = 0)]
    skip: Option<u64>,
}
