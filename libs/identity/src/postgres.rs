//! The store for several processes: the schema `identity` of a PostgreSQL database.
//!
//! What is answered is on the disk (`synchronous_commit=on`, whatever the database's default). Every
//! wait is bounded, and nobody waits for a server that is known not to answer ([`link`]). Sessions
//! that other processes end are learnt by reading, never by hoping for a message ([`ended`]). Nothing of
//! PostgreSQL leaves this module but through [`crate::Error`].

mod accounts;
mod copy;
mod ended;
mod failures;
mod find;
mod inspect;
mod link;
mod list;
mod resets;
mod schema;
mod sessions;
mod users;
mod uses;

use std::str::FromStr as _;
use std::sync::Arc;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::copy::Purpose;
use crate::memory::Memory;
use crate::session::write_back_every;
use crate::{Error, OpenError, Settings};
use ended::Feed;
pub(crate) use inspect::inspect;
use link::Link;
use uses::WriteBack;

/// How long the server may work on one statement before it gives up on it.
const STATEMENT_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a statement may wait for another's lock.
const LOCK_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a question may wait for a connection.
const ACQUIRE_TIME_MAX: Duration = Duration::from_secs(2);

/// Users, sessions and counters in one schema.
pub(crate) struct Store {
    pool: PgPool,
    path: String,
    link: Arc<Link>,
    /// Whoever has none is refused as busy.
    places: Semaphore,
    /// Whoever looks for users waits for one, so that the others find a connection.
    finding: Arc<Semaphore>,
    uses: Arc<WriteBack>,
    /// How far a session's row may lag behind its use in another process.
    lag_max: Duration,
    /// They end with the store.
    _tasks: JoinSet<()>,
}

impl Store {
    /// Opens the schema, makes it if it is missing, brings an older format up to date, and refuses
    /// a foreign or newer one untouched. Sessions that others end, and users
    /// whom they change, vanish from `memory`.
    pub(crate) async fn open(
        url: &str,
        settings: &Settings,
        memory: Arc<Memory>,
        purpose: Purpose,
    ) -> Result<Self, OpenError> {
        let options = options(url)?;
        schema::migrate(&options, purpose).await?;
        let path = schema::schema_at(&options);
        let link = Arc::new(Link::new());
        let mut feed = Feed::new(options.clone(), memory);
        let heard = feed.turn(&link).await;
        heard.map_err(|reason| OpenError::Unavailable { address: address(&options), reason })?;
        let pool = pool(options, settings, &link);
        let uses = Arc::new(WriteBack::new(pool.clone(), Arc::clone(&link)));
        let mut tasks = JoinSet::new();
        tasks.spawn(ended::listen(feed, Arc::clone(&link)));
        tasks.spawn(Arc::clone(&uses).keep_writing());
        Ok(Self {
            pool,
            path,
            link,
            places: Semaphore::new(settings.connections_max.saturating_add(settings.read_queue_max)),
            finding: Arc::new(Semaphore::new(settings.connections_max.div_ceil(2))),
            uses,
            lag_max: write_back_every(settings.session_lifetime),
            _tasks: tasks,
        })
    }

    /// Which schema of which database, for an operator.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Whether every session that ended long enough ago to matter has been forgotten.
    pub(crate) fn vouches_for_memory(&self) -> bool {
        self.link.is_fresh()
    }

    /// Does `work`, unless there is no place for it or the server is known not to answer; gives it
    /// up as soon as that becomes known.
    fn run<'a, T>(
        &'a self,
        work: impl Future<Output = sqlx::Result<T>> + Send + 'a,
    ) -> impl Future<Output = Result<T, Error>> + Send + 'a {
        // It is tens of kilobytes of state, which would be a part of every future above it.
        let work = Box::pin(work);
        async move {
            let _place = self.places.try_acquire().map_err(|_| Error::Busy)?;
            self.link.run(work).await
        }
    }

    /// As [`Self::run`], for work in a transaction that may be refused in the middle: as it is not committed
    /// then, nothing has happened.
    fn transact<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = Result<T, Undone>> + Send + 'a,
    ) -> impl Future<Output = Result<T, Error>> + Send + 'a {
        let done = self.run(async {
            match work.await {
                Ok(done) => Ok(Ok(done)),
                Err(Undone::Refused(error)) => Ok(Err(error)),
                Err(Undone::Failed(error)) => Err(error),
            }
        });
        async { done.await? }
    }
}

/// Why a transaction was given up.
enum Undone {
    /// By the server, or on the way to it.
    Failed(sqlx::Error),
    /// By us, for what was read in it.
    Refused(Error),
}

impl From<sqlx::Error> for Undone {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Error> for Undone {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

fn pool(options: PgConnectOptions, settings: &Settings, link: &Arc<Link>) -> PgPool {
    let link = Arc::clone(link);
    PgPoolOptions::new()
        .max_connections(u32::try_from(settings.connections_max).unwrap_or(u32::MAX))
        .acquire_timeout(ACQUIRE_TIME_MAX)
        // A question to the server before each question. Connections from before an absence are
        // dropped instead.
        .test_before_acquire(false)
        .before_acquire(move |_, connection| {
            let is_younger = link.up_for().is_some_and(|up_for| connection.age < up_for);
            Box::pin(std::future::ready(Ok(is_younger || !link.has_been_away())))
        })
        .connect_lazy_with(options)
}

fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    let options = PgConnectOptions::from_str(url).map_err(|_| OpenError::Setting {
        name: "url",
        // The reason could quote the password.
        reason: "is no address such as postgres://user:password@host:port/database".to_owned(),
    })?;
    let milliseconds = |time: Duration| time.as_millis().to_string();
    Ok(options.application_name("hansard identity").options([
        ("synchronous_commit", "on".to_owned()),
        // That something is there already is no news.
        ("client_min_messages", "warning".to_owned()),
        ("statement_timeout", milliseconds(STATEMENT_TIME_MAX)),
        ("lock_timeout", milliseconds(LOCK_TIME_MAX)),
        ("idle_in_transaction_session_timeout", milliseconds(2 * STATEMENT_TIME_MAX)),
    ]))
}

/// Where the database is, for an operator: without its password.
fn address(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    format!("{}:{}/{database}", options.get_host(), options.get_port())
}

#[cfg(test)]
mod tests;
