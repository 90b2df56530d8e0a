//! The port: everything that the rest of Hansard may ask about users and sessions.
//!
//! It adds to the store what every store needs: hashing on threads of its own, sessions and
//! names in memory, and the order "durable first, then forgotten, then answered".

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use argon2::Argon2;
use domain::{ApplicationId, Time, UserId};

use crate::cache::Remembered;
use crate::copy::Purpose;
use crate::password::{self, Password, Salt};
use crate::session::{LiveSession, LiveSessions, NewSession, TokenHash, after};
use crate::sign_up::{EMAIL_MAX, NewUser, PASSWORD_MAX, SignUp};
use crate::store::Store;
use crate::user::{Display, Found, IDS_MAX, User};
use crate::workers::{Droppable, Workers};
use crate::{Caller, Error, OpenError, Session, SessionId, Settings, Token, canonical, postgres, sqlite};

/// Ended sessions that one sweep removes at most: a few milliseconds of the writer's time.
const SWEEP_MAX: u32 = 500;

/// By which of his names somebody signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// His login.
    Login(String),
    /// His email.
    Email(String),
}

/// What somebody signs in with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Who he says he is.
    pub name: Name,
    /// What should prove it.
    pub password: Password,
}

/// What becomes of somebody who signs in under a name that nobody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// He is refused: [`Error::UserNotFound`].
    Refuse,
    /// He is signed up with that name and password, which must keep the rules of sign-up.
    Create(Salt),
}

/// Users, passwords and sessions.
///
/// Every call may answer [`Error::Busy`], [`Error::StorageFull`], [`Error::Unavailable`] or
/// [`Error::Store`]; other errors are named where they occur. Dropping a call's future never leaves half a change.
pub struct Identity {
    store: Store,
    hashing: Workers<Argon2<'static>>,
    sessions: Arc<LiveSessions>,
    displays: Remembered<UserId, Arc<Display>>,
    session_lifetime: Duration,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    /// Opens the embedded store in the file `path`, whose folder exists; makes the file if it
    /// is missing. Blocks for some milliseconds: for the start of a process.
    ///
    /// One process at a time: sessions are ended in this process's memory only. Who owns the
    /// folder is for the composition root to see to.
    pub fn open_embedded(path: &Path, settings: &Settings) -> Result<Self, OpenError> {
        settings.check()?;
        let hashing = hashing(settings, &path.display().to_string())?;
        let sessions = Arc::new(Remembered::new(settings.sessions_cached_max));
        Ok(Self::new(
            Store::Embedded(sqlite::Store::open(path, settings, Purpose::Serve)?),
            hashing,
            sessions,
            settings,
        ))
    }

    /// Opens the schema `identity` of the database at `url`, `postgres://user:password@host:port/database`;
    /// makes it if it is missing and brings an older format up to date. Many processes may use it at
    /// once: a session that one of them has ended is dead in all others within a second, and
    /// whoever cannot learn of ended sessions in time lets nobody in.
    ///
    /// [`OpenError::Unavailable`] if the server does not answer: trying again may help. Within a tokio
    /// runtime, which it needs for as long as it lives.
    pub async fn open_postgres(url: &str, settings: &Settings) -> Result<Self, OpenError> {
        settings.check()?;
        let hashing = hashing(settings, "identity")?;
        let sessions = Arc::new(Remembered::new(settings.sessions_cached_max));
        let store = postgres::Store::open(url, settings, Arc::clone(&sessions), Purpose::Serve).await?;
        Ok(Self::new(Store::Postgres(store), hashing, sessions, settings))
    }

    fn new(
        store: Store,
        hashing: Workers<Argon2<'static>>,
        sessions: Arc<LiveSessions>,
        settings: &Settings,
    ) -> Self {
        let displays = Remembered::new(settings.displays_cached_max);
        Self { store, hashing, sessions, displays, session_lifetime: settings.session_lifetime }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Creates the user. Of many who ask for the same login or email at once one gets it.
    ///
    /// [`Error::Invalid`] if login or email has been taken: all that are, at once.
    pub async fn sign_up(&self, user: NewUser, salt: Salt, now: Time) -> Result<User, Error> {
        // Before the hash, so that a taken name costs no hashing.
        let taken = self.store.taken(&user).await?;
        if !taken.is_empty() {
            return Err(Error::Invalid(taken));
        }
        let password = user.password.clone();
        let hash = self.hash_work(move |hasher| password::hash(hasher, &password, salt)).await?;
        self.store.insert_user(user, hash, now).await
    }

    /// The user of those credentials. It opens no session.
    ///
    /// [`Error::InvalidPassword`] if the user exists and has another password or none;
    /// [`Error::UserNotFound`] if nobody has the name and `unknown` refuses;
    /// [`Error::Invalid`] if he should be created and may not be.
    pub async fn sign_in(
        &self,
        credentials: Credentials,
        unknown: Unknown,
        now: Time,
    ) -> Result<User, Error> {
        if let Some(found) = self.find(&credentials.name).await? {
            return self.verify(found, credentials.password).await;
        }
        let Unknown::Create(salt) = unknown else { return Err(Error::UserNotFound) };
        let Credentials { name, password } = credentials;
        let mut raw = SignUp { password: Some(password.clone()), ..SignUp::default() };
        match name.clone() {
            Name::Login(login) => raw.login = Some(login),
            Name::Email(email) => raw.email = Some(email),
        }
        let user = NewUser::parse(raw).map_err(Error::Invalid)?;
        match self.sign_up(user, salt, now).await {
            // Somebody was created under this name meanwhile: the same person, if the password fits.
            Err(Error::Invalid(taken)) => match self.find(&name).await? {
                Some(found) => self.verify(found, password).await,
                None => Err(Error::Invalid(taken)),
            },
            other => other,
        }
    }

    /// Opens a session that `token` (fresh bytes from a cryptographic generator) proves; of
    /// the application itself if there is no `user`. Durable when answered.
    ///
    /// [`Error::UserNotFound`] if the user does not exist.
    pub async fn open_session(
        &self,
        token: [u8; 20],
        application: ApplicationId,
        user: Option<UserId>,
        now: Time,
    ) -> Result<Session, Error> {
        let token = Token::from_bytes(token);
        let hash = token.hash();
        let begun = self.sessions.epoch();
        let expires_at = after(now, self.session_lifetime);
        let new = NewSession { token: hash, user, application, created_at: now, expires_at };
        let stored = self.store.insert_session(new).await?;
        let live = self.sessions.keep(hash, Arc::new(LiveSession::new(stored)), begun);
        Ok(live.session(token))
    }

    /// Who asks with `token`, and moves his session's end to one lifetime after `now`.
    ///
    /// Without any waiting if the session is in memory. What is on the disk of the end lags at most 5
    /// minutes behind, and by so much a session may end early after a crash.
    /// [`Error::NoSuchSession`] if the token is malformed, unknown, expired or ended.
    pub async fn authenticate(&self, token: &str, now: Time) -> Result<Caller, Error> {
        let token = Token::parse(token).ok_or(Error::NoSuchSession)?;
        Ok(self.live_session(&token, now).await?.caller())
    }

    /// Whether the session of `token` is in memory, so that authenticating it asks no store; that
    /// says nothing about whether it has ended.
    pub fn remembers(&self, token: &str) -> bool {
        Token::parse(token).is_some_and(|token| self.sessions.get(&token.hash()).is_some())
    }

    /// The session of `token` as the API shows it. It counts as a use, and fails, like
    /// [`Self::authenticate`].
    pub async fn session(&self, token: &str, now: Time) -> Result<Session, Error> {
        let token = Token::parse(token).ok_or(Error::NoSuchSession)?;
        Ok(self.live_session(&token, now).await?.session(token))
    }

    /// Ends the session: when this answers, its token is dead here, also after a crash, and within a
    /// second in every other process on the same store. Other sessions of the same user go on. One that has ended already is no error.
    pub async fn end_session(&self, session: SessionId) -> Result<(), Error> {
        self.store.delete_session(session, Arc::clone(&self.sessions)).await
    }

    /// Removes sessions that ended by themselves, at most 500 a call; answers how many. To be
    /// called now and then; again at once if it answers 500.
    pub async fn sweep(&self, now: Time) -> Result<usize, Error> {
        self.store.delete_expired(now, SWEEP_MAX, Arc::clone(&self.sessions)).await
    }

    /// Writes back how far sessions in use have moved. Before a process ends, so that none
    /// ends early after it.
    pub async fn flush(&self) -> Result<(), Error> {
        let uses = self.sessions.values().filter_map(|session| session.unwritten()).collect();
        self.store.write_uses(uses).await
    }

    /// The user of that id; [`Error::UserNotFound`] if there is none.
    pub async fn user(&self, id: UserId) -> Result<User, Error> {
        self.store.users(vec![id]).await?.pop().ok_or(Error::UserNotFound)
    }

    /// Those of `ids` that exist, in the order given; [`Error::TooManyIds`] above [`IDS_MAX`].
    pub async fn users(&self, ids: &[UserId]) -> Result<Vec<User>, Error> {
        if ids.len() > IDS_MAX {
            return Err(Error::TooManyIds);
        }
        self.store.users(ids.to_vec()).await
    }

    /// How those of `ids` that exist are shown, in the order given; without any waiting if all are in
    /// memory. [`Error::TooManyIds`] above [`IDS_MAX`].
    pub async fn display(&self, ids: &[UserId]) -> Result<Vec<Arc<Display>>, Error> {
        if ids.len() > IDS_MAX {
            return Err(Error::TooManyIds);
        }
        let remembered = ids.iter().map(|id| (*id, self.displays.get(id))).collect::<Vec<_>>();
        let unknown = remembered.iter().filter(|(_, display)| display.is_none()).map(|(id, _)| *id);
        let unknown = unknown.collect::<Vec<_>>();
        let mut loaded = HashMap::new();
        if !unknown.is_empty() {
            let begun = self.displays.epoch();
            for display in self.store.displays(unknown).await? {
                let id = display.id;
                loaded.insert(id, self.displays.keep(id, Arc::new(display), begun));
            }
        }
        let known = |(id, display): (UserId, Option<_>)| display.or_else(|| loaded.get(&id).cloned());
        Ok(remembered.into_iter().filter_map(known).collect())
    }

    /// Those of `ids` that do not exist, in the order given; [`Error::TooManyIds`] above [`IDS_MAX`].
    pub async fn missing(&self, ids: &[UserId]) -> Result<Vec<UserId>, Error> {
        let known = self.display(ids).await?;
        let known = known.iter().map(|display| display.id).collect::<std::collections::HashSet<_>>();
        Ok(ids.iter().copied().filter(|id| !known.contains(id)).collect())
    }

    /// From now on only ids above `id` are issued. At the start of a process, with the
    /// highest id that the read models know: so that an id stays unique even if this store
    /// was restored from an older copy.
    pub async fn raise_counter_above(&self, id: UserId) -> Result<(), Error> {
        self.store.raise_user_counter(id).await
    }

    async fn live_session(&self, token: &Token, now: Time) -> Result<Arc<LiveSession>, Error> {
        let hash = token.hash();
        let vouched = self.store.vouches_for_memory();
        let remembered = self.sessions.get(&hash);
        let session = match remembered {
            Some(session) if vouched && (session.is_live(now) || !self.store.is_shared()) => session,
            remembered => self.reload(hash, remembered, now).await?,
        };
        if !session.slide(now, self.session_lifetime) {
            return Err(Error::NoSuchSession);
        }
        if session.claim_write_back(now, self.session_lifetime) {
            self.store.note_use(session.last_use());
        }
        Ok(session)
    }

    /// The session as the store has it now: one that is not in memory, or may have been ended or
    /// prolonged by another process.
    async fn reload(
        &self,
        hash: TokenHash,
        remembered: Option<Arc<LiveSession>>,
        now: Time,
    ) -> Result<Arc<LiveSession>, Error> {
        let begun = self.sessions.epoch();
        let stored = self.store.session(hash).await?;
        match (stored, remembered) {
            (Some(stored), Some(session)) => {
                session.catch_up(&stored);
                Ok(session)
            }
            (Some(stored), None) if now < stored.expires_at => {
                Ok(self.sessions.keep(hash, Arc::new(LiveSession::new(stored)), begun))
            }
            (None, Some(_)) => {
                self.sessions.forget(&hash);
                Err(Error::NoSuchSession)
            }
            (Some(_) | None, None) => Err(Error::NoSuchSession),
        }
    }

    async fn find(&self, name: &Name) -> Result<Option<Found>, Error> {
        let (Name::Login(text) | Name::Email(text)) = name;
        // No stored name is longer or holds a NUL, and comparing costs time by length.
        if text.trim().chars().nth(EMAIL_MAX).is_some() || text.contains('\0') {
            return Ok(None);
        }
        let key = canonical(text);
        match name {
            Name::Login(_) => self.store.by_login(key).await,
            Name::Email(_) => self.store.by_email(key).await,
        }
    }

    async fn verify(&self, found: Found, password: Password) -> Result<User, Error> {
        let Found { user, password_hash: Some(kept) } = found else { return Err(Error::InvalidPassword) };
        if password.as_str().chars().nth(PASSWORD_MAX).is_some() {
            return Err(Error::InvalidPassword);
        }
        match self.hash_work(move |hasher| password::matches(hasher, &password, &kept)).await? {
            true => Ok(user),
            false => Err(Error::InvalidPassword),
        }
    }

    async fn hash_work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Error> {
        self.hashing.ask(Droppable::Yes, |hasher| work(hasher)).await?.map_err(Error::Store)
    }
}

fn hashing(settings: &Settings, path: &str) -> Result<Workers<Argon2<'static>>, OpenError> {
    let hasher = password::hasher(settings.hash_cost)?;
    let hashers = vec![hasher; settings.hash_threads];
    Workers::start("identity-hash", hashers, settings.hash_queue_max)
        .map_err(|error| OpenError::Failed { path: path.to_owned(), reason: error.to_string() })
}
