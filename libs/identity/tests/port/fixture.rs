//! An identity in a store of its own, cheap to hash with: every story is told on each kind of store.

use std::sync::Arc;
use std::time::Duration;

use domain::{ApplicationId, Time, UserId};
use engines::{Database, Postgres};
use identity::{
    Credentials, Error, FieldError, HashCost, Identity, Name, NewUser, Password, Salt, Session, Settings,
    SignUp, Token, Unknown, User,
};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;

pub(crate) const START: Time = Time(1_700_000_000_000);
pub(crate) const SALT: Salt = Salt([9; 16]);
pub(crate) const PASSWORD: &str = "correct horse battery";
/// How long a condition is waited for before the story fails.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Fixture {
    pub(crate) place: Place,
    settings: Settings,
    pub(crate) identity: Arc<Identity>,
}

/// Where the store is.
pub(crate) enum Place {
    Embedded(TempDir),
    Postgres(Database),
}

/// Tells `story` once on each kind of store.
pub(crate) async fn each_store(story: impl AsyncFn(Fixture)) {
    each_store_with(cheap(), story).await;
}

/// Tells `story` once on each kind of store, with those settings.
pub(crate) async fn each_store_with(settings: Settings, story: impl AsyncFn(Fixture)) {
    story(Fixture::at(Place::Embedded(TempDir::new().unwrap()), settings.clone()).await).await;
    story(Fixture::postgres_with(settings).await).await;
}

impl Fixture {
    /// On the embedded store only.
    pub(crate) async fn embedded() -> Self {
        Self::at(Place::Embedded(TempDir::new().unwrap()), cheap()).await
    }

    /// On PostgreSQL only.
    pub(crate) async fn postgres() -> Self {
        Self::postgres_with(cheap()).await
    }

    async fn postgres_with(settings: Settings) -> Self {
        Self::at(Place::Postgres(Postgres::shared().await.database().await), settings).await
    }

    async fn at(place: Place, settings: Settings) -> Self {
        let identity = place.open(&settings).await;
        Self { place, settings, identity }
    }

    /// The same store, opened again without any farewell.
    pub(crate) async fn restart(self) -> Self {
        let Self { place, settings, identity } = self;
        drop(identity);
        Self::at(place, settings).await
    }

    /// The same store in one more process.
    pub(crate) async fn another(&self) -> Arc<Identity> {
        self.place.open(&self.settings).await
    }

    /// How far a session's row may lag behind its use in another process, in minutes.
    pub(crate) fn lag_minutes(&self) -> u64 {
        match self.place {
            Place::Embedded(_) => 0,
            Place::Postgres(_) => 5,
        }
    }

    pub(crate) async fn user(&self, login: &str) -> User {
        self.identity.sign_up(new_user(login), SALT, START).await.unwrap()
    }

    /// Who asks with that session's token.
    pub(crate) async fn asks(&self, session: &Session, now: Time) -> Result<Option<UserId>, Error> {
        self.identity.authenticate(session.token.as_str(), now).await.map(|caller| caller.user)
    }

    /// Who signs in with that login and password.
    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Result<UserId, Error> {
        let credentials = Credentials { name: Name::Login(login.into()), password: Password::new(password) };
        self.identity.sign_in(credentials, Unknown::Refuse, START).await.map(|user| user.id)
    }

    pub(crate) async fn session(&self, token: u8, user: Option<UserId>) -> Session {
        self.identity.open_session([token; 20], application(), user, START).await.unwrap()
    }
}

impl Place {
    async fn open(&self, settings: &Settings) -> Arc<Identity> {
        Arc::new(match self {
            Self::Embedded(folder) => {
                Identity::open_embedded(&folder.path().join("identity.db"), settings).unwrap()
            }
            Self::Postgres(database) => Identity::open_postgres(database.url(), settings).await.unwrap(),
        })
    }

    /// A number from the tables, looked up from beside.
    pub(crate) async fn number(&self, question: &str) -> i64 {
        match self {
            Self::Embedded(folder) => {
                let beside = rusqlite::Connection::open(folder.path().join("identity.db")).unwrap();
                beside.query_row(question, [], |row| row.get(0)).unwrap()
            }
            Self::Postgres(database) => {
                let question = sqlx::query_scalar(AssertSqlSafe(question.to_owned()));
                question.fetch_one(&mut beside(database).await).await.unwrap()
            }
        }
    }

    /// Changes the tables from beside.
    pub(crate) async fn change(&self, statements: &str) {
        match self {
            Self::Embedded(folder) => {
                let beside = rusqlite::Connection::open(folder.path().join("identity.db")).unwrap();
                beside.execute_batch(statements).unwrap();
            }
            Self::Postgres(database) => {
                let statements = sqlx::raw_sql(AssertSqlSafe(statements.to_owned()));
                statements.execute(&mut beside(database).await).await.unwrap();
            }
        }
    }

    /// Everything that the store has written, as bytes to search in.
    pub(crate) async fn written(&self) -> Vec<u8> {
        match self {
            Self::Embedded(folder) => {
                let entries = std::fs::read_dir(folder.path()).unwrap();
                entries.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
            }
            Self::Postgres(database) => {
                let mut beside = beside(database).await;
                let mut written = String::new();
                for table in ["users", "sessions", "resets", "ended", "counters"] {
                    let question = format!("SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t");
                    let question = sqlx::query_scalar::<_, String>(AssertSqlSafe(question));
                    written += &question.fetch_one(&mut beside).await.unwrap();
                }
                written.into_bytes()
            }
        }
    }
}

/// A connection that finds the tables without their schema.
async fn beside(database: &Database) -> PgConnection {
    let options: PgConnectOptions = database.url().parse().unwrap();
    options.options([("search_path", "identity")]).connect().await.unwrap()
}

/// Waits until `condition` holds.
pub(crate) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let holds = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, holds).await.is_ok(), "{what} within {PATIENCE:?}");
}

/// Waits until `identity` lets nobody in with that token.
pub(crate) async fn until_dead(identity: &Identity, token: &Token, now: Time) {
    until("the token dies", async || {
        identity.authenticate(token.as_str(), now).await == Err(Error::NoSuchSession)
    })
    .await;
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

/// What is said of fields that somebody else has.
pub(crate) fn taken(fields: &[&'static str]) -> Error {
    let error = |&field| FieldError { field, text: "has already been taken.".to_owned() };
    Error::Invalid(fields.iter().map(error).collect())
}

pub(crate) fn id(number: u64) -> UserId {
    UserId::new(number).unwrap()
}

/// `minutes` after the start.
pub(crate) fn at(minutes: u64) -> Time {
    Time(START.0 + minutes * 60_000)
}
