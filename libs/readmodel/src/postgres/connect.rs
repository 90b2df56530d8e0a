//! Connections to a read model's schema, with the settings that every one of them needs.
//!
//! The schema is each connection's search path, so that statements name tables only and are
//! the same text in every schema.

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, PgPool};

use super::error::OpenError;
use super::schema::{drop_schema, open_or_make};
use crate::Error;
use crate::fold::FOLDS_VERSION;

/// The oldest PostgreSQL whose statements and settings these are.
const SERVER_VERSION_MIN: u32 = 14;
/// Bytes of a schema's name, so that what is put after it still fits PostgreSQL's 63.
const SCHEMA_BYTES_MAX: usize = 32;
/// Statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 128;
/// Milliseconds that a statement waits for somebody's lock. Less than the second after which
/// PostgreSQL looks for deadlocks: whoever takes a schema's place waits longer, and wins.
const LOCK_MAX_MS: &str = "500";
/// How long a connection may stand unused before it is closed.
const IDLE_MAX: Duration = Duration::from_mins(10);

/// Where the read model is, and how much of the server it may use.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// `postgres://user:password@host:port/database`; `?sslmode=verify-full` and the like
    /// after it.
    pub url: String,
    /// What the schema is called before the version of the folds: small letters, digits and
    /// underscores.
    pub schema: String,
    /// Connections at most.
    pub connections_max: u32,
    /// How long to wait for a connection.
    pub acquire_max: Duration,
    /// How long the server may work on one statement.
    pub statement_max: Duration,
}

impl Settings {
    /// The usual ones for the server at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: "readmodel".to_owned(),
            connections_max: 8,
            acquire_max: Duration::from_secs(2),
            statement_max: Duration::from_secs(30),
        }
    }
}

/// The address may hold a password.
impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { url: _, schema, connections_max, acquire_max, statement_max } = self;
        f.debug_struct("Settings")
            .field("schema", schema)
            .field("connections_max", connections_max)
            .field("acquire_max", acquire_max)
            .field("statement_max", statement_max)
            .finish_non_exhaustive()
    }
}

/// Connections to one schema. Clones share them.
#[derive(Debug, Clone)]
pub struct Pool {
    connections: PgPool,
    place: Arc<Place>,
}

/// Where the connections go, and how patient they are.
#[derive(Debug)]
struct Place {
    options: PgConnectOptions,
    schema: String,
    acquire_max: Duration,
    statement_max: Duration,
}

/// How to connect, but for the search path, and the schema's name.
pub(crate) fn options(settings: &Settings) -> Result<(PgConnectOptions, String), OpenError> {
    let options = PgConnectOptions::from_str(&settings.url).map_err(OpenError::Address)?;
    let named = settings.schema.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if !named || settings.schema.is_empty() || settings.schema.len() > SCHEMA_BYTES_MAX {
        let what = format!("{:?} is no name for a schema", settings.schema);
        return Err(OpenError::Unfit { address: address(&options), what });
    }
    let schema = format!("{}_{FOLDS_VERSION}", settings.schema);
    let options = options
        .application_name("hansard")
        .statement_cache_capacity(STATEMENTS_MAX)
        .disable_statement_logging()
        .options(session(settings));
    Ok((options, schema))
}

/// Connects to today's read model, `<schema>_<folds version>`, and makes it if it is not there.
pub async fn connect(settings: &Settings) -> Result<Pool, OpenError> {
    let (options, schema) = options(settings)?;
    let options = options.options([("search_path", &schema)]);
    let mut first = connect_first(&options, settings.acquire_max).await?;
    open_or_make(&mut first, &schema).await?;
    first.close().await?;
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections_max.max(1))
        .acquire_timeout(settings.acquire_max)
        .idle_timeout(IDLE_MAX)
        // A connection that broke is found by its first statement, which is repeated anyway.
        .test_before_acquire(false);
    let connections = pool.connect_lazy_with(options.clone());
    let Settings { acquire_max, statement_max, .. } = *settings;
    Ok(Pool { connections, place: Arc::new(Place { options, schema, acquire_max, statement_max }) })
}

/// What each connection asks of the server.
///
/// A lost end is folded again, so no commit waits for the disk. Every statement goes by key
/// and is planned once: while tables are young, and their statistics older still, the
/// planner would rather read them whole.
fn session(settings: &Settings) -> Vec<(&'static str, String)> {
    let statement_max = settings.statement_max.as_millis().to_string();
    let fixed = [
        ("synchronous_commit", "off"),
        ("jit", "off"),
        ("plan_cache_mode", "force_generic_plan"),
        ("enable_seqscan", "off"),
        ("enable_hashjoin", "off"),
        ("enable_mergejoin", "off"),
        ("lock_timeout", LOCK_MAX_MS),
        ("idle_in_transaction_session_timeout", "60000"),
        ("client_min_messages", "warning"),
    ];
    let fixed = fixed.map(|(key, value)| (key, value.to_owned()));
    fixed.into_iter().chain([("statement_timeout", statement_max)]).collect()
}

/// Host and port, or the socket, without user and password.
pub(super) fn address(options: &PgConnectOptions) -> String {
    match options.get_socket() {
        Some(socket) => format!("{}, port {}", socket.display(), options.get_port()),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    }
}

pub(super) async fn connect_first(
    options: &PgConnectOptions,
    patience: Duration,
) -> Result<PgConnection, OpenError> {
    let connected = tokio::time::timeout(patience, options.connect()).await;
    let mut connection = match connected.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
        Ok(connection) => connection,
        Err(source) => return Err(unreachable(options, source)),
    };
    let (version, encoding): (String, String) =
        sqlx::query_as("SELECT current_setting('server_version_num'), current_setting('server_encoding')")
            .fetch_one(&mut connection)
            .await?;
    let unfit = |what| OpenError::Unfit { address: address(options), what };
    if version.parse::<u32>().map_or(0, |version| version / 10_000) < SERVER_VERSION_MIN {
        return Err(unfit(format!("its version is {version}, at least {SERVER_VERSION_MIN}.0 is needed")));
    }
    if encoding != "UTF8" {
        return Err(unfit(format!("its database is encoded in {encoding}, not in UTF8")));
    }
    Ok(connection)
}

/// Whether waiting may help, or somebody has to change the settings.
fn unreachable(options: &PgConnectOptions, source: sqlx::Error) -> OpenError {
    let refused = source.as_database_error().and_then(|error| error.code());
    match refused.as_deref() {
        // Another user, another password, another database.
        Some(code) if code.starts_with("28") || code.starts_with("3D") => {
            OpenError::Unfit { address: address(options), what: source.to_string() }
        }
        Some(_) | None => OpenError::Unreachable { address: address(options), source },
    }
}

impl Pool {
    /// The connections, each with the schema as its search path.
    pub fn connections(&self) -> &PgPool {
        &self.connections
    }

    /// The name of the schema.
    pub fn schema(&self) -> &str {
        &self.place.schema
    }

    /// Where the server is, for people.
    pub fn address(&self) -> String {
        address(&self.place.options)
    }

    /// How long the server may work on one statement.
    pub(super) fn statement_max(&self) -> Duration {
        self.place.statement_max
    }

    /// A connection beside the pool, for one user of it.
    pub(super) async fn dedicated(&self) -> Result<PgConnection, Error> {
        match tokio::time::timeout(self.place.acquire_max, self.place.options.connect()).await {
            Ok(connected) => connected.map_err(|error| match error.into() {
                // Whatever a server says that was right before, it may mean it for now only.
                Error::Store(cause) => Error::Unavailable(cause),
                other => other,
            }),
            Err(elapsed) => Err(Error::Unavailable(elapsed.into())),
        }
    }

    /// A connection without time limits, for work that takes as long as it takes.
    pub(crate) async fn unlimited(&self) -> Result<PgConnection, Error> {
        self.beside(self.schema()).await
    }

    /// The same, to another schema of the database.
    pub(super) async fn beside(&self, schema: &str) -> Result<PgConnection, Error> {
        let unlimited = [
            ("search_path", schema),
            ("statement_timeout", "0"),
            ("lock_timeout", "0"),
            ("idle_in_transaction_session_timeout", "0"),
        ];
        Ok(self.place.options.clone().options(unlimited).connect().await?)
    }

    /// Deletes the schema: it can be folded again from the log.
    pub async fn discard(self) -> Result<(), Error> {
        self.connections.close().await;
        let mut connection = self.unlimited().await?;
        drop_schema(&mut connection, self.schema()).await?;
        Ok(connection.close().await?)
    }

    /// Closes every connection once its statement has ended.
    pub async fn close(&self) {
        self.connections.close().await;
    }
}
