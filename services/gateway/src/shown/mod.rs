//! What clients see of users, sessions, dialogs and messages: every key of the API, in
//! its order and type, null where nothing is set.

mod dialog;
mod message;
mod results;
mod schemas;
mod user;

use std::fmt::Display;

use domain::UserId;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;

use crate::{ApiError, answer};
use axum::response::Response;

pub(crate) use dialog::{DialogShown, DialogsShown, displays};
pub(crate) use message::{MESSAGE_KEYS, message, messages, reacted};
pub(crate) use results::results;
pub(crate) use schemas::{
    DialogsAnswer, Found, HealthShown, MessageShown, MessagesAnswer, NotReady, Reacted, SystemShown, Unread,
};
pub(crate) use user::{
    SessionAnswer, SessionShown, UserAnswer, UserPageShown, UserShown, UsersAnswer, UsersShown, users,
};

/// A value as its text.
pub(crate) struct Word<T>(pub(crate) T);

impl<T: Display> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Users as their numbers.
pub(crate) struct Numbers<'a>(pub(crate) &'a [UserId]);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|user| user.get()))
    }
}

/// The three lists that deleting several things answers with. Each name that a client
/// gave is in one of them, as he wrote it.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Deletion {
    #[serde(rename = "SuccessfullyDeleted")]
    pub(crate) deleted: Ids,
    #[serde(rename = "NotFound")]
    pub(crate) not_found: Ids,
    #[serde(rename = "WrongPermissions")]
    pub(crate) denied: Ids,
}

/// Names as they were written.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Ids {
    pub(crate) ids: Vec<String>,
}

/// How the deletion of one thing ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Deleted,
    NotFound,
    Denied,
}

impl End {
    /// How it ended; an error that says nothing about that one thing is the whole call's.
    pub(crate) fn of<T>(outcome: Result<T, ApiError>) -> Result<Self, ApiError> {
        match outcome {
            Ok(_) => Ok(Self::Deleted),
            Err(ApiError::NoSuchResource) => Ok(Self::NotFound),
            Err(ApiError::NotPermitted) => Ok(Self::Denied),
            Err(other) => Err(other),
        }
    }
}

impl Deletion {
    /// Puts the name of something into the list that its end belongs to.
    pub(crate) fn add(&mut self, end: End, name: String) {
        let list = match end {
            End::Deleted => &mut self.deleted,
            End::NotFound => &mut self.not_found,
            End::Denied => &mut self.denied,
        };
        list.ids.push(name);
    }
}

/// Whether the caller is alerted of what is written in a dialog: 1 or 0.
#[derive(Serialize, ToSchema)]
pub(crate) struct Notifications {
    notifications: Enabled,
}

#[derive(Serialize, ToSchema)]
struct Enabled {
    #[schema(maximum = 1)]
    enabled: u8,
}

impl Notifications {
    pub(crate) fn new(enabled: bool) -> Self {
        Self { notifications: Enabled { enabled: u8::from(enabled) } }
    }
}

/// How many there are.
#[derive(Serialize, ToSchema)]
pub(crate) struct Count {
    items: Counted,
}

#[derive(Serialize, ToSchema)]
struct Counted {
    count: u64,
}

/// `{"items":{"count":n}}`
pub(crate) fn count(count: u64) -> Response {
    answer::ok(&Count { items: Counted { count } })
}
