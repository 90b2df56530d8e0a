//! What comes of an act: also the answer on the socket, one line of JSON.

use domain::{Time, calendar};
use identity::{SessionSummary, User};
use serde::{Deserialize, Serialize};

/// What was done.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Done {
    /// This is the user now.
    User(ShownUser),
    /// These are the users asked for; there are more if there is a number to go on after.
    Users { users: Vec<ShownUser>, next: Option<u64> },
    /// These are the sessions.
    Sessions(Vec<ShownSession>),
    /// The session of this number is open no more, be it that there was none.
    Revoked(u64),
    /// So many sessions were ended.
    Ended(u64),
    /// The user is deleted.
    Deleted(u64),
    /// These are the application's credentials from now on.
    Rotated { auth_key: String, auth_secret: String },
}

/// A user, as commands print him.
#[derive(Serialize, Deserialize)]
pub(crate) struct ShownUser {
    pub(crate) id: u64,
    pub(crate) login: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) full_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) created_at: String,
    pub(crate) last_request_at: Option<String>,
    pub(crate) is_guest: bool,
    pub(crate) is_disabled: bool,
}

impl ShownUser {
    pub(crate) fn of(user: &User) -> Self {
        Self {
            id: user.id.get(),
            login: user.login.clone(),
            email: user.email.clone(),
            full_name: user.full_name.clone(),
            external_id: user.external_id.clone(),
            tags: user.user_tags.clone(),
            created_at: shown(user.created_at),
            last_request_at: user.last_request_at.map(shown),
            is_guest: user.is_guest,
            is_disabled: user.is_disabled,
        }
    }
}

/// A session, as commands print it. It proves nothing.
#[derive(Serialize, Deserialize)]
pub(crate) struct ShownSession {
    pub(crate) id: u64,
    pub(crate) created_at: String,
    pub(crate) used_at: String,
    pub(crate) expires_at: String,
}

impl ShownSession {
    pub(crate) fn of(session: &SessionSummary) -> Self {
        Self {
            id: session.id.get(),
            created_at: shown(session.created_at),
            used_at: shown(session.used_at),
            expires_at: shown(session.expires_at),
        }
    }
}

fn shown(time: Time) -> String {
    String::from_utf8_lossy(&calendar::iso(time)).into_owned()
}
