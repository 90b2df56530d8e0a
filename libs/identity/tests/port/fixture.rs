//! An identity in a folder of its own, cheap to hash with.

use std::path::PathBuf;
use std::sync::Arc;

use domain::{ApplicationId, Time, UserId};
use identity::{HashCost, Identity, NewUser, Password, Salt, Session, Settings, SignUp, User};
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) const START: Time = Time(1_700_000_000_000);
pub(crate) const SALT: Salt = Salt([9; 16]);
pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) struct Fixture {
    dir: TempDir,
    settings: Settings,
    pub(crate) identity: Arc<Identity>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        Self::with(cheap())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let dir = TempDir::new().unwrap();
        let identity = open(&dir, &settings);
        Self { dir, settings, identity }
    }

    /// The same folder, opened again without any farewell.
    pub(crate) fn restart(self) -> Self {
        let Self { dir, settings, identity } = self;
        drop(identity);
        let identity = open(&dir, &settings);
        Self { dir, settings, identity }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// A look into the store from beside.
    pub(crate) fn beside(&self) -> Connection {
        Connection::open(self.folder().join("identity.db")).unwrap()
    }

    pub(crate) async fn user(&self, login: &str) -> User {
        self.identity.sign_up(new_user(login), SALT, START).await.unwrap()
    }

    pub(crate) async fn session(&self, token: u8, user: Option<UserId>) -> Session {
        self.identity.open_session([token; 20], application(), user, START).await.unwrap()
    }
}

fn open(dir: &TempDir, settings: &Settings) -> Arc<Identity> {
    Arc::new(Identity::open_embedded(&dir.path().join("identity.db"), settings).unwrap())
}

pub(crate) fn cheap() -> Settings {
    Settings { hash_cost: HashCost { memory_kib: 8, iterations: 1, lanes: 1 }, ..Settings::default() }
}

pub(crate) fn application() -> ApplicationId {
    ApplicationId::new(77).unwrap()
}

pub(crate) fn new_user(login: &str) -> NewUser {
    NewUser::parse(SignUp {
        login: Some(login.into()),
        password: Some(Password::new(PASSWORD)),
        ..SignUp::default()
    })
    .unwrap()
}

pub(crate) fn id(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

/// `minutes` after the start.
pub(crate) fn at(minutes: u64) -> Time {
    Time(START.0 + minutes * 60_000)
}
