//! The port: everything that the rest of Hansard may ask about users and sessions.
//!
//! It adds to the store what every store needs: hashing on threads of its own, sessions and
//! names in memory, and the order "durable first, then forgotten, then answered".

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::{Time, UserId};
use tokio::sync::Notify;

use crate::copy::Purpose;
use crate::find::{Hits, Query};
use crate::memory::Memory;
use crate::password::{Hasher, Password, Salt};
use crate::sign_up::{EMAIL_MAX, NewUser, PASSWORD_MAX, SignUp};
use crate::store::Store;
use crate::user::{Display, Found, IDS_MAX, Names, Newcomer, User};
use crate::workers::{Droppable, Precedence, Workers};
use crate::{Error, OpenError, Settings, canonical, postgres, sqlite};

/// Ended sessions that one sweep removes at most: a few milliseconds of the writer's time.
const SWEEP_MAX: u32 = 500;
/// Guests that one sweep deletes at most: each costs about ten times as much.
const SWEEP_GUESTS_MAX: u32 = 50;

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
    pub(crate) store: Store,
    hashing: Workers<Hasher>,
    pub(crate) memory: Arc<Memory>,
    /// Told whenever a user is deleted here.
    pub(crate) departing: Notify,
    pub(crate) session_lifetime: Duration,
    pub(crate) guest_lifetime: Duration,
    pub(crate) reset_lifetime: Duration,
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
        let memory = Arc::new(Memory::new(settings));
        let store = Store::Embedded(sqlite::Store::open(path, settings, Purpose::Serve)?);
        Ok(Self::new(store, hashing, memory, settings))
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
        let memory = Arc::new(Memory::new(settings));
        let store = postgres::Store::open(url, settings, Arc::clone(&memory), Purpose::Serve).await?;
        Ok(Self::new(Store::Postgres(store), hashing, memory, settings))
    }

    fn new(store: Store, hashing: Workers<Hasher>, memory: Arc<Memory>, settings: &Settings) -> Self {
        Self {
            store,
            hashing,
            memory,
            departing: Notify::new(),
            session_lifetime: settings.session_lifetime,
            guest_lifetime: settings.guest_lifetime,
            reset_lifetime: settings.reset_lifetime,
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// Creates the user. Of many who ask for the same login or email at once one gets it.
    ///
    /// [`Error::Invalid`] if login or email has been taken: all that are, at once.
    pub async fn sign_up(&self, user: NewUser, salt: Salt, now: Time) -> Result<User, Error> {
        // Before the hash, so that a taken name costs no hashing.
        let taken = self.store.taken(Names::of(&user.profile), None).await?;
        if !taken.is_empty() {
            return Err(Error::Invalid(taken));
        }
        let NewUser { password, profile } = user;
        let password_hash = Some(self.hash(password, salt).await?);
        self.store.insert_user(Newcomer { profile, password_hash, ..Newcomer::default() }, now).await
    }

    /// The user of those credentials. It opens no session.
    ///
    /// [`Error::InvalidPassword`] if the user exists and has another password or none;
    /// [`Error::Disabled`] if it is the password and an operator has disabled him;
    /// [`Error::UserNotFound`] if nobody has the name and `unknown` refuses;
    /// [`Error::Invalid`] if he should be created and may not be.
    pub async fn sign_in(
        &self,
        credentials: Credentials,
        unknown: Unknown,
        now: Time,
    ) -> Result<User, Error> {
        if let Some(found) = self.known(&credentials.name).await? {
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
            Err(Error::Invalid(taken)) => match self.known(&name).await? {
                Some(found) => self.verify(found, password).await,
                None => Err(Error::Invalid(taken)),
            },
            other => other,
        }
    }

    /// Removes what ended by itself: sessions, tokens that reset passwords, and guests, who are deleted as
    /// [`Self::delete_user`] does it; at most 500, 500 and 50 a call. Answers how many. To be called now and
    /// then, until it answers 0.
    pub async fn sweep(&self, now: Time) -> Result<usize, Error> {
        let sessions = self.store.delete_expired(now, SWEEP_MAX, &self.memory).await?;
        let resets = self.store.delete_expired_resets(now, SWEEP_MAX).await?;
        let over = self.store.guests_over(now, SWEEP_GUESTS_MAX).await?;
        let mut guests = 0;
        if !over.is_empty() {
            guests = self.store.delete_users(over, now, &self.memory).await?;
            self.departing.notify_one();
        }
        Ok(sessions + resets + guests)
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

    /// Those whom `query` is about, and how many there are in all.
    ///
    /// [`Error::TooCostly`] if too many users would have to be looked at. What it says by number, tag or
    /// text (but a website's) looks at nobody else than those who have that.
    pub async fn find(&self, query: Query) -> Result<Hits, Error> {
        if query.holds_nul() {
            return Ok(Hits { total: 0, users: vec![] });
        }
        self.store.find_users(query).await
    }

    /// How those of `ids` that exist are shown, in the order given; without any waiting if all are in
    /// memory. [`Error::TooManyIds`] above [`IDS_MAX`].
    pub async fn display(&self, ids: &[UserId]) -> Result<Vec<Arc<Display>>, Error> {
        if ids.len() > IDS_MAX {
            return Err(Error::TooManyIds);
        }
        let remembered = ids.iter().map(|id| (*id, self.memory.displays.get(id))).collect::<Vec<_>>();
        let unknown = remembered.iter().filter(|(_, display)| display.is_none()).map(|(id, _)| *id);
        let unknown = unknown.collect::<Vec<_>>();
        let mut loaded = HashMap::new();
        if !unknown.is_empty() {
            let begun = self.memory.displays.epoch();
            for display in self.store.displays(unknown).await? {
                let id = display.id;
                loaded.insert(id, self.memory.displays.keep(id, Arc::new(display), begun));
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

    /// Whoever has the name, unless he is deleted.
    pub(crate) async fn known(&self, name: &Name) -> Result<Option<Found>, Error> {
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
        if !self.matches(password, kept).await? {
            return Err(Error::InvalidPassword);
        }
        if user.is_disabled { Err(Error::Disabled) } else { Ok(user) }
    }

    /// Whether the password is the one that `kept` was made of.
    pub(crate) async fn matches(&self, password: Password, kept: String) -> Result<bool, Error> {
        if password.as_str().chars().nth(PASSWORD_MAX).is_some() {
            return Ok(false);
        }
        self.hash_work(move |hasher| hasher.matches(&password, &kept)).await
    }

    /// What to keep of the password.
    pub(crate) async fn hash(&self, password: Password, salt: Salt) -> Result<String, Error> {
        self.hash_work(move |hasher| hasher.hash(&password, salt)).await
    }

    async fn hash_work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Hasher) -> Result<T, String> + Send + 'static,
    ) -> Result<T, Error> {
        self.hashing.ask(Droppable::Yes, |hasher| work(hasher)).await?.map_err(Error::Store)
    }
}

fn hashing(settings: &Settings, path: &str) -> Result<Workers<Hasher>, OpenError> {
    let hashers = (0..settings.hash_threads).map(|_| Hasher::new(settings.hash_cost));
    let hashers = hashers.collect::<Result<_, _>>()?;
    Workers::start("identity-hash", hashers, settings.hash_queue_max, Precedence::GivesWay)
        .map_err(|error| OpenError::Failed { path: path.to_owned(), reason: error.to_string() })
}
