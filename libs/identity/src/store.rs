//! The store behind the port: a file beside the process, or PostgreSQL for several processes.
//!
//! What differs between the two is in their modules; here is only which one it is, and how both
//! spell numbers. A choice and not a trait: authentication from memory asks it one thing, and that
//! costs nothing when the store is embedded.

use std::sync::Arc;

use domain::{Time, UserId};

use crate::copy::{Extent, KeptSession, KeptUser};
use crate::session::{LiveSessions, NewSession, SessionId, StoredSession, TokenHash, Use};
use crate::sign_up::NewUser;
use crate::user::{Display, Found, User};
use crate::{Error, FieldError, postgres, sqlite};

/// Where users and sessions are kept.
pub(crate) enum Store {
    Embedded(sqlite::Store),
    Postgres(postgres::Store),
}

impl Store {
    /// Whether others may end or prolong sessions that are in this process's memory.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Whether every session that ended long enough ago to matter has been forgotten here. To be
    /// asked *before* the memory is.
    pub(crate) fn vouches_for_memory(&self) -> bool {
        match self {
            Self::Embedded(_) => true,
            Self::Postgres(store) => store.vouches_for_memory(),
        }
    }

    /// Which of the new user's names somebody has already; empty: none, for the moment.
    pub(crate) async fn taken(&self, user: &NewUser) -> Result<Vec<FieldError>, Error> {
        match self {
            Self::Embedded(store) => store.taken(user).await,
            Self::Postgres(store) => store.taken(user).await,
        }
    }

    /// Stores the user under a fresh id, unless one of his names is taken.
    pub(crate) async fn insert_user(&self, user: NewUser, hash: String, now: Time) -> Result<User, Error> {
        match self {
            Self::Embedded(store) => store.insert_user(user, hash, now).await,
            Self::Postgres(store) => store.insert_user(user, hash, now).await,
        }
    }

    /// The user of that login, given in canonical form.
    pub(crate) async fn by_login(&self, key: String) -> Result<Option<Found>, Error> {
        match self {
            Self::Embedded(store) => store.by_login(key).await,
            Self::Postgres(store) => store.by_login(key).await,
        }
    }

    /// The user of that email, given in canonical form.
    pub(crate) async fn by_email(&self, key: String) -> Result<Option<Found>, Error> {
        match self {
            Self::Embedded(store) => store.by_email(key).await,
            Self::Postgres(store) => store.by_email(key).await,
        }
    }

    /// Those of `ids` that exist, in the order given.
    pub(crate) async fn users(&self, ids: Vec<UserId>) -> Result<Vec<User>, Error> {
        match self {
            Self::Embedded(store) => store.users(ids).await,
            Self::Postgres(store) => store.users(ids).await,
        }
    }

    /// How those of `ids` that exist are shown, in the order given.
    pub(crate) async fn displays(&self, ids: Vec<UserId>) -> Result<Vec<Display>, Error> {
        match self {
            Self::Embedded(store) => store.displays(ids).await,
            Self::Postgres(store) => store.displays(ids).await,
        }
    }

    /// From now on only ids above `id` are issued.
    pub(crate) async fn raise_user_counter(&self, id: UserId) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.raise_user_counter(id).await,
            Self::Postgres(store) => store.raise_user_counter(id).await,
        }
    }

    /// Stores the session under a fresh id; [`Error::UserNotFound`] if its user is gone.
    pub(crate) async fn insert_session(&self, new: NewSession) -> Result<StoredSession, Error> {
        match self {
            Self::Embedded(store) => store.insert_session(new).await,
            Self::Postgres(store) => store.insert_session(new).await,
        }
    }

    /// The session that the token proves, expired or not.
    pub(crate) async fn session(&self, token: TokenHash) -> Result<Option<StoredSession>, Error> {
        match self {
            Self::Embedded(store) => store.session(token).await,
            Self::Postgres(store) => store.session(token).await,
        }
    }

    /// Removes the session, if it is there, durably, and forgets it then.
    pub(crate) async fn delete_session(&self, id: SessionId, live: Arc<LiveSessions>) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.delete_session(id, move |token| live.forget(token)).await,
            Self::Postgres(store) => store.delete_session(id, &live).await,
        }
    }

    /// Removes at most `batch_max` sessions that have ended by `now`, and forgets them; answers how
    /// many. Of a session in use in this process the row is brought up to date instead.
    pub(crate) async fn delete_expired(
        &self,
        now: Time,
        batch_max: u32,
        live: Arc<LiveSessions>,
    ) -> Result<usize, Error> {
        match self {
            Self::Embedded(store) => store.delete_expired(now, batch_max, live).await,
            Self::Postgres(store) => store.delete_expired(now, batch_max, &live).await,
        }
    }

    /// Has the use written soon, without waiting for it.
    pub(crate) fn note_use(&self, used: Use) {
        match self {
            Self::Embedded(store) => store.note_use(used),
            Self::Postgres(store) => store.note_use(used),
        }
    }

    /// Writes `uses` and all that wait; on the disk when this answers.
    pub(crate) async fn write_uses(&self, uses: Vec<Use>) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.write_uses(uses).await,
            Self::Postgres(store) => store.write_uses(uses).await,
        }
    }
}

/// What only copying asks.
impl Store {
    /// How much there is.
    pub(crate) async fn extent(&self) -> Result<Extent, Error> {
        match self {
            Self::Embedded(store) => store.extent().await,
            Self::Postgres(store) => store.extent().await,
        }
    }

    /// From now on it opens for nobody but whoever fills it; or for all again.
    pub(crate) async fn mark_unfinished(&self, is_unfinished: bool) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.mark_unfinished(is_unfinished).await,
            Self::Postgres(store) => store.mark_unfinished(is_unfinished).await,
        }
    }

    /// The next users above that number, at most `batch_max`.
    pub(crate) async fn users_after(&self, id: u64, batch_max: u32) -> Result<Vec<KeptUser>, Error> {
        match self {
            Self::Embedded(store) => store.users_after(id, batch_max).await,
            Self::Postgres(store) => store.users_after(id, batch_max).await,
        }
    }

    /// The next sessions above that number, at most `batch_max`.
    pub(crate) async fn sessions_after(&self, id: u64, batch_max: u32) -> Result<Vec<KeptSession>, Error> {
        match self {
            Self::Embedded(store) => store.sessions_after(id, batch_max).await,
            Self::Postgres(store) => store.sessions_after(id, batch_max).await,
        }
    }

    /// Stores the users as they were elsewhere; all of them or none.
    pub(crate) async fn import_users(&self, users: Vec<KeptUser>) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.import_users(users).await,
            Self::Postgres(store) => store.import_users(&users).await,
        }
    }

    /// Stores the sessions as they were elsewhere; all of them or none.
    pub(crate) async fn import_sessions(&self, sessions: Vec<KeptSession>) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.import_sessions(sessions).await,
            Self::Postgres(store) => store.import_sessions(&sessions).await,
        }
    }

    /// From now on only numbers above those are issued, of users and of sessions.
    pub(crate) async fn raise_counters(&self, user: u64, session: u64) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.raise_counters(user, session).await,
            Self::Postgres(store) => store.raise_counters(user, session).await,
        }
    }
}

/// Our numbers lie below 2⁵³, and time in milliseconds below 2⁶³ for as long as it matters.
pub(crate) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A number read back; what is out of range there was not written by us.
pub(crate) fn number(value: i64) -> Result<u64, Error> {
    u64::try_from(value).map_err(|_| damaged("a number is negative"))
}

/// A user's id read back.
pub(crate) fn user_id(value: i64) -> Result<UserId, Error> {
    UserId::new(number(value)?).ok_or_else(|| damaged("a user id is out of range"))
}

/// A session's number read back.
pub(crate) fn session_id(value: i64) -> Result<SessionId, Error> {
    SessionId::new(number(value)?).ok_or_else(|| damaged("a session id is out of range"))
}

/// What a row says cannot be.
pub(crate) fn damaged(what: &str) -> Error {
    Error::Store(format!("a stored row is damaged: {what}"))
}
