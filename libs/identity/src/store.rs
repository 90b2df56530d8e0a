//! The store behind the port: a file beside the process, or PostgreSQL for several processes.
//!
//! What differs between the two is in their modules; here is only which one it is, and how both
//! spell numbers. A choice and not a trait: authentication from memory asks it one thing, and that
//! costs nothing when the store is embedded.

use std::sync::Arc;

use domain::{Time, UserId};

use crate::account::{Amendment, Reset};
use crate::copy::{Extent, KeptSession};
use crate::find::{Hits, Query};
use crate::memory::Memory;
use crate::session::{NewSession, SessionId, SessionSummary, StoredSession, TokenHash, Use};
use crate::user::{Departure, Display, Found, Kept, Names, Newcomer, User};
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

    /// Which of the names somebody but `owner` has already; empty: none, for the moment.
    pub(crate) async fn taken(&self, names: Names, owner: Option<UserId>) -> Result<Vec<FieldError>, Error> {
        match self {
            Self::Embedded(store) => store.taken(names, owner).await,
            Self::Postgres(store) => store.taken(names, owner).await,
        }
    }

    /// Stores the user under a fresh id, unless one of his names is taken; [`Error::Busy`] if his provider's
    /// key is.
    pub(crate) async fn insert_user(&self, new: Newcomer, now: Time) -> Result<User, Error> {
        match self {
            Self::Embedded(store) => store.insert_user(new, now).await,
            Self::Postgres(store) => store.insert_user(new, now).await,
        }
    }

    /// Stores the user and a session of his, or neither.
    pub(crate) async fn insert_with_session(
        &self,
        new: Newcomer,
        session: NewSession,
    ) -> Result<(User, StoredSession), Error> {
        match self {
            Self::Embedded(store) => store.insert_with_session(new, session).await,
            Self::Postgres(store) => store.insert_with_session(new, session).await,
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

    /// The user whom a provider knows as `key`.
    pub(crate) async fn by_provider(&self, key: String) -> Result<Option<Found>, Error> {
        match self {
            Self::Embedded(store) => store.by_provider(key).await,
            Self::Postgres(store) => store.by_provider(key).await,
        }
    }

    /// The user of that id.
    pub(crate) async fn by_id(&self, user: UserId) -> Result<Option<Found>, Error> {
        match self {
            Self::Embedded(store) => store.by_id(user).await,
            Self::Postgres(store) => store.by_id(user).await,
        }
    }

    /// Those of `ids` that exist, in the order given.
    pub(crate) async fn users(&self, ids: Vec<UserId>) -> Result<Vec<User>, Error> {
        match self {
            Self::Embedded(store) => store.users(ids).await,
            Self::Postgres(store) => store.users(ids).await,
        }
    }

    /// Those whom `query` is about, and how many there are in all.
    pub(crate) async fn find_users(&self, query: Query) -> Result<Hits, Error> {
        match self {
            Self::Embedded(store) => store.find_users(query).await,
            Self::Postgres(store) => store.find_users(query).await,
        }
    }

    /// Users above that number, in the order of their numbers; deleted ones are none.
    pub(crate) async fn list_after(&self, id: u64, max: u32) -> Result<Vec<User>, Error> {
        match self {
            Self::Embedded(store) => store.list_after(id, max).await,
            Self::Postgres(store) => store.list_after(id, max).await,
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
}

/// What becomes of users.
impl Store {
    /// Changes the user, and his password if there is a new one and the old one is still as it was seen.
    pub(crate) async fn change_user(
        &self,
        user: UserId,
        amendment: Amendment,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<User, Error> {
        match self {
            Self::Embedded(store) => store.change_user(user, amendment, now, memory).await,
            Self::Postgres(store) => store.change_user(user, amendment, now, memory).await,
        }
    }

    /// Leaves tombstones of those of `users` who are not deleted yet, and ends their sessions; how many.
    pub(crate) async fn delete_users(
        &self,
        users: Vec<UserId>,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<usize, Error> {
        match self {
            Self::Embedded(store) => store.delete_users(users, now, memory).await,
            Self::Postgres(store) => store.delete_users(users, now, memory).await,
        }
    }

    /// Guests whose time was over at `now`, at most `batch_max`.
    pub(crate) async fn guests_over(&self, now: Time, batch_max: u32) -> Result<Vec<UserId>, Error> {
        match self {
            Self::Embedded(store) => store.guests_over(now, batch_max).await,
            Self::Postgres(store) => store.guests_over(now, batch_max).await,
        }
    }

    /// Deleted users whose dialogs may still hold them, the longest deleted first.
    pub(crate) async fn departures(&self, max: u32) -> Result<Vec<Departure>, Error> {
        match self {
            Self::Embedded(store) => store.departures(max).await,
            Self::Postgres(store) => store.departures(max).await,
        }
    }

    /// No dialog holds the deleted user any more.
    pub(crate) async fn departed(&self, user: UserId) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.departed(user).await,
            Self::Postgres(store) => store.departed(user).await,
        }
    }

    /// Notes since when the user is disabled, or that he is not; ends his sessions if he is.
    pub(crate) async fn set_disabled(
        &self,
        user: UserId,
        since: Option<Time>,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.set_disabled(user, since, memory).await,
            Self::Postgres(store) => store.set_disabled(user, since, memory).await,
        }
    }

    /// Sets the user's password and ends his sessions.
    pub(crate) async fn set_password(
        &self,
        user: UserId,
        hash: String,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.set_password(user, hash, now, memory).await,
            Self::Postgres(store) => store.set_password(user, hash, now, memory).await,
        }
    }

    /// Notes that the token may reset the password of the user until then; of his older ones a few stay.
    pub(crate) async fn insert_reset(&self, reset: Reset) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.insert_reset(reset).await,
            Self::Postgres(store) => store.insert_reset(reset).await,
        }
    }

    /// Whether the token may reset a password at `now`.
    pub(crate) async fn has_reset(&self, token: TokenHash, now: Time) -> Result<bool, Error> {
        match self {
            Self::Embedded(store) => store.has_reset(token, now).await,
            Self::Postgres(store) => store.has_reset(token, now).await,
        }
    }

    /// Uses up the token: sets the password of its user and ends his sessions.
    pub(crate) async fn finish_reset(
        &self,
        token: TokenHash,
        hash: String,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.finish_reset(token, hash, now, memory).await,
            Self::Postgres(store) => store.finish_reset(token, hash, now, memory).await,
        }
    }

    /// Removes at most `batch_max` tokens that had expired by `now`; how many.
    pub(crate) async fn delete_expired_resets(&self, now: Time, batch_max: u32) -> Result<usize, Error> {
        match self {
            Self::Embedded(store) => store.delete_expired_resets(now, batch_max).await,
            Self::Postgres(store) => store.delete_expired_resets(now, batch_max).await,
        }
    }
}

/// Sessions.
impl Store {
    /// Stores the session under a fresh id; [`Error::UserNotFound`] or [`Error::Disabled`] if its user may
    /// have none.
    pub(crate) async fn insert_session(&self, new: NewSession) -> Result<StoredSession, Error> {
        match self {
            Self::Embedded(store) => store.insert_session(new).await,
            Self::Postgres(store) => store.insert_session(new).await,
        }
    }

    /// As [`Self::insert_session`], unless the token has a session already, which is prolonged then;
    /// [`Error::NoSuchSession`] if that was ended.
    pub(crate) async fn insert_foreign(&self, new: NewSession) -> Result<StoredSession, Error> {
        match self {
            Self::Embedded(store) => store.insert_foreign(new).await,
            Self::Postgres(store) => store.insert_foreign(new).await,
        }
    }

    /// The session that the token proves, expired or not.
    pub(crate) async fn session(&self, token: TokenHash) -> Result<Option<StoredSession>, Error> {
        match self {
            Self::Embedded(store) => store.session(token).await,
            Self::Postgres(store) => store.session(token).await,
        }
    }

    /// Makes the session that user's, or nobody's, as of that use of it.
    pub(crate) async fn switch_session(
        &self,
        used: Use,
        user: Option<UserId>,
        memory: &Arc<Memory>,
    ) -> Result<StoredSession, Error> {
        match self {
            Self::Embedded(store) => store.switch_session(used, user, memory).await,
            Self::Postgres(store) => store.switch_session(used, user, memory).await,
        }
    }

    /// Removes the session, if it is there, durably, and forgets it then.
    pub(crate) async fn delete_session(&self, id: SessionId, memory: &Arc<Memory>) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.delete_session(id, memory).await,
            Self::Postgres(store) => store.delete_session(id, memory).await,
        }
    }

    /// As [`Self::delete_session`], if it is that owner's; whether it was.
    pub(crate) async fn delete_session_of(
        &self,
        owner: Option<UserId>,
        id: SessionId,
        memory: &Arc<Memory>,
    ) -> Result<bool, Error> {
        match self {
            Self::Embedded(store) => store.delete_session_of(owner, id, memory).await,
            Self::Postgres(store) => store.delete_session_of(owner, id, memory).await,
        }
    }

    /// Removes the user's sessions but `kept`; how many.
    pub(crate) async fn delete_sessions_of(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        memory: &Arc<Memory>,
    ) -> Result<u64, Error> {
        match self {
            Self::Embedded(store) => store.delete_sessions_of(user, kept, memory).await,
            Self::Postgres(store) => store.delete_sessions_of(user, kept, memory).await,
        }
    }

    /// The user's sessions, the newest first, at most `max`.
    pub(crate) async fn sessions_of(&self, user: UserId, max: u32) -> Result<Vec<SessionSummary>, Error> {
        match self {
            Self::Embedded(store) => store.sessions_of(user, max).await,
            Self::Postgres(store) => store.sessions_of(user, max).await,
        }
    }

    /// Removes at most `batch_max` sessions that have ended by `now`, and forgets them; answers how
    /// many. Of a session in use in this process the row is brought up to date instead.
    pub(crate) async fn delete_expired(
        &self,
        now: Time,
        batch_max: u32,
        memory: &Arc<Memory>,
    ) -> Result<usize, Error> {
        match self {
            Self::Embedded(store) => store.delete_expired(now, batch_max, memory).await,
            Self::Postgres(store) => store.delete_expired(now, batch_max, memory).await,
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
    pub(crate) async fn users_after(&self, id: u64, batch_max: u32) -> Result<Vec<Kept>, Error> {
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
    pub(crate) async fn import_users(&self, users: Vec<Kept>) -> Result<(), Error> {
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

    /// The next resets above that token, at most `batch_max`.
    pub(crate) async fn resets_after(
        &self,
        token: Option<TokenHash>,
        batch_max: u32,
    ) -> Result<Vec<Reset>, Error> {
        match self {
            Self::Embedded(store) => store.resets_after(token, batch_max).await,
            Self::Postgres(store) => store.resets_after(token, batch_max).await,
        }
    }

    /// Stores the resets as they were elsewhere; all of them or none.
    pub(crate) async fn import_resets(&self, resets: Vec<Reset>) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.import_resets(resets).await,
            Self::Postgres(store) => store.import_resets(&resets).await,
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
