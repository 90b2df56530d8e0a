//! Filling an empty store with everything of another: the way into a cluster, and back.
//!
//! A store that is being filled is marked as such and opens for nobody else, so that half a copy
//! is never served. Whatever gives up in the middle goes on with the next call: rows go over in the
//! order of their numbers. The store that is copied from must rest meanwhile.

use std::path::Path;
use std::sync::Arc;

use crate::memory::Memory;
use crate::session::{StoredSession, TokenHash};
use crate::store::Store;
use crate::{Error, Identity, OpenError, Settings, postgres, sqlite};

/// Rows that go over at a time.
const BATCH: u32 = 500;
/// The counter that is there for as long as a store is being filled.
pub(crate) const MARK: &str = "copying";

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be asked: one that is being filled is refused.
    Serve,
    /// To be filled.
    Fill,
}

/// A session with all that is kept of it.
pub(crate) struct KeptSession {
    pub(crate) token: TokenHash,
    pub(crate) stored: StoredSession,
    pub(crate) is_ended: bool,
}

/// How much a store holds, and the last numbers that it issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) users: u64,
    pub(crate) sessions: u64,
    pub(crate) resets: u64,
    pub(crate) user_counter: u64,
    pub(crate) session_counter: u64,
    pub(crate) last_user: u64,
    pub(crate) last_session: u64,
    pub(crate) is_marked: bool,
}

impl Extent {
    fn is_empty(self) -> bool {
        self.users == 0 && self.sessions == 0 && self.user_counter == 0 && self.session_counter == 0
    }
}

/// A store that is being filled and opens as an [`Identity`] for nobody until that is finished.
pub struct Unfinished {
    store: Store,
    path: String,
}

/// What went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filled {
    /// Users, with their passwords.
    pub users: u64,
    /// Sessions: whoever is signed in stays so.
    pub sessions: u64,
}

impl Unfinished {
    /// The embedded store in the file `path`: a new or empty one, or one that was not finished.
    ///
    /// [`OpenError::NotEmpty`] for any other.
    pub async fn open_embedded(path: &Path, settings: &Settings) -> Result<Self, OpenError> {
        settings.check()?;
        let store = Store::Embedded(sqlite::Store::open(path, settings, Purpose::Fill)?);
        Self::begin(store, path.display().to_string()).await
    }

    /// The schema `identity` of the database at `url`, as [`Self::open_embedded`].
    pub async fn open_postgres(url: &str, settings: &Settings) -> Result<Self, OpenError> {
        settings.check()?;
        let memory = Arc::new(Memory::new(settings));
        let store = postgres::Store::open(url, settings, memory, Purpose::Fill).await?;
        let path = store.path().to_owned();
        Self::begin(Store::Postgres(store), path).await
    }

    async fn begin(store: Store, path: String) -> Result<Self, OpenError> {
        let extent = store.extent().await.map_err(|error| failed(&path, &error))?;
        if !extent.is_marked && !extent.is_empty() {
            return Err(OpenError::NotEmpty { path });
        }
        store.mark_unfinished(true).await.map_err(|error| failed(&path, &error))?;
        Ok(Self { store, path })
    }

    /// Where it is, for an operator.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Copies whatever of `from` is not here yet, and makes sure that as much is there then as in
    /// `from`. `report` hears how many rows of how many are over.
    pub async fn fill(
        &self,
        from: &Identity,
        report: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Filled, Error> {
        let wanted = from.store().extent().await?;
        let total = wanted.users + wanted.sessions;
        let here = self.store.extent().await?;
        let (mut done, mut last) = (here.users + here.sessions, here.last_user);
        report(done, total);
        loop {
            let users = from.store().users_after(last, BATCH).await?;
            let Some(newest) = users.last() else { break };
            last = newest.user.id.get();
            done += users.len() as u64;
            self.store.import_users(users).await?;
            report(done, total);
        }
        let mut last = here.last_session;
        loop {
            let sessions = from.store().sessions_after(last, BATCH).await?;
            let Some(newest) = sessions.last() else { break };
            last = newest.stored.id.get();
            done += sessions.len() as u64;
            self.store.import_sessions(sessions).await?;
            report(done, total);
        }
        self.fill_resets(from).await?;
        let here = self.store.extent().await?;
        let after = from.store().extent().await?;
        if (here.users, here.sessions, here.resets) != (after.users, after.sessions, after.resets) {
            return Err(Error::Store(format!(
                "{} users and {} sessions are here and {} and {} there: the store copied from is in use, or another one",
                here.users, here.sessions, after.users, after.sessions
            )));
        }
        self.store.raise_counters(after.user_counter, after.session_counter).await?;
        Ok(Filled { users: here.users, sessions: here.sessions })
    }

    /// Few, and soon over: all of them again if it was given up in the middle.
    async fn fill_resets(&self, from: &Identity) -> Result<(), Error> {
        let mut last = None;
        loop {
            let resets = from.store().resets_after(last, BATCH).await?;
            let Some(newest) = resets.last() else { return Ok(()) };
            last = Some(newest.token);
            self.store.import_resets(resets).await?;
        }
    }

    /// It is whole: from now on it opens as any other.
    pub async fn finish(self) -> Result<(), Error> {
        self.store.mark_unfinished(false).await
    }
}

fn failed(path: &str, error: &Error) -> OpenError {
    OpenError::Failed { path: path.to_owned(), reason: error.to_string() }
}
