//! What a process remembers of the store: sessions, and how users are shown.
//!
//! Whatever changes the store says which of it is out of date then, and it is forgotten once the
//! change is on the disk: here by whoever made it, in other processes by [`crate::postgres`]'s feed.

use std::sync::Arc;

use domain::UserId;

use crate::Settings;
use crate::cache::Remembered;
use crate::session::{LiveSessions, TokenHash};
use crate::user::Display;

/// Sessions and displays at hand.
pub(crate) struct Memory {
    pub(crate) sessions: LiveSessions,
    pub(crate) displays: Remembered<UserId, Arc<Display>>,
}

/// What a change has put out of date.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(crate) tokens: Vec<TokenHash>,
    pub(crate) users: Vec<UserId>,
}

impl Memory {
    /// As much of both as `settings` allow.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            sessions: Remembered::new(settings.sessions_cached_max),
            displays: Remembered::new(settings.displays_cached_max),
        }
    }

    /// To be called *after* the store has changed.
    pub(crate) fn forget(&self, stale: &Stale) {
        stale.tokens.iter().for_each(|token| self.sessions.forget(token));
        stale.users.iter().for_each(|user| self.displays.forget(user));
    }

    /// As if all had been named.
    pub(crate) fn forget_all(&self) {
        self.sessions.forget_all();
        self.displays.forget_all();
    }
}
