//! The connections that read: bounded, and given up together once the server is gone.
//!
//! A pool that tests each connection, or tries again until somebody's time is up, makes
//! every question wait for a server that is not there. Here one failure is everybody's: whoever
//! waits is told at once, and so is whoever comes, until the keeper has reached the server again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::super::{Error, Settings};
use super::fault::Fault;

/// How long connecting may take.
const CONNECT_MAX: Duration = Duration::from_secs(1);
/// How long a question may wait for a connection.
const WAIT_MAX: Duration = Duration::from_secs(2);
/// How long the keeper waits between two tries to reach the server.
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// The pool. Dropping it closes what is idle and ends the keeper.
pub(super) struct Pool {
    shared: Arc<Shared>,
    _keeper: JoinSet<()>,
}

struct Shared {
    options: PgConnectOptions,
    places: Semaphore,
    waiting: AtomicUsize,
    queue_max: usize,
    idle: Mutex<Vec<PgConnection>>,
    /// Whether the server is there, as far as is known.
    up: watch::Sender<bool>,
}

/// The right to use one connection.
pub(super) struct Place<'p> {
    shared: &'p Shared,
    _permit: SemaphorePermit<'p>,
}

impl Pool {
    /// A pool without connections yet; they are made when they are needed. Called within a
    /// runtime, which runs the keeper.
    pub(super) fn new(options: PgConnectOptions, settings: Settings) -> Self {
        let shared = Arc::new(Shared {
            options,
            places: Semaphore::new(settings.threads.max(1)),
            waiting: AtomicUsize::new(0),
            queue_max: settings.queue_max,
            idle: Mutex::default(),
            up: watch::Sender::new(true),
        });
        let mut keeper = JoinSet::new();
        keeper.spawn(keep(Arc::clone(&shared)));
        Self { shared, _keeper: keeper }
    }

    /// How many questions wait for a connection.
    pub(super) fn waiting(&self) -> usize {
        self.shared.waiting.load(Ordering::Relaxed)
    }

    /// Waits for a place, as long as fewer than `queue_max` wait and the server is there.
    pub(super) async fn place(&self) -> Result<Place<'_>, Error> {
        let shared = &*self.shared;
        if !*shared.up.borrow() {
            return Err(Error::Unavailable);
        }
        if let Ok(permit) = shared.places.try_acquire() {
            return Ok(Place { shared, _permit: permit });
        }
        let Some(_waiting) = shared.wait() else { return Err(Error::Busy) };
        let permit = timeout(WAIT_MAX, shared.while_up(shared.places.acquire())).await;
        let permit = permit.map_err(|_| Error::Busy)??.map_err(|_| Error::Lost)?;
        Ok(Place { shared, _permit: permit })
    }
}

impl Place<'_> {
    /// A connection, and whether it is a new one.
    pub(super) async fn connection(&self) -> Result<(PgConnection, bool), Fault> {
        let idle = self.shared.idle().pop();
        match idle {
            Some(connection) => Ok((connection, false)),
            None => Ok((self.shared.connect().await?, true)),
        }
    }

    /// Gives a connection back that is ready for the next question.
    pub(super) fn give_back(&self, connection: PgConnection) {
        if *self.shared.up.borrow() {
            self.shared.idle().push(connection);
        }
    }

    /// Closes what is idle: it is older than a connection that has just broken.
    pub(super) fn forget(&self) {
        self.shared.idle().clear();
    }

    /// Says that the server is gone.
    pub(super) fn is_gone(&self, fault: &Fault) {
        if self.shared.up.send_replace(false) {
            tracing::warn!(%fault, "PostgreSQL does not answer; nothing is read until it does");
        }
        self.forget();
    }

    /// Runs `work`, unless the server turns out to be gone meanwhile.
    pub(super) async fn while_up<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        self.shared.while_up(work).await
    }
}

/// Counts somebody as waiting for as long as it lives.
struct Waiting<'p>(&'p Shared);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Shared {
    /// A list of connections is whole between two statements.
    fn idle(&self) -> MutexGuard<'_, Vec<PgConnection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait(&self) -> Option<Waiting<'_>> {
        let waiting = Waiting(self);
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        (before < self.queue_max).then_some(waiting)
    }

    async fn while_up<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        let mut up = self.up.subscribe();
        tokio::select! {
            biased;
            done = work => Ok(done),
            _ = up.wait_for(|up| !up) => Err(Error::Unavailable),
        }
    }

    async fn connect(&self) -> Result<PgConnection, Fault> {
        match timeout(CONNECT_MAX, self.options.connect()).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(Fault::Silent),
        }
    }
}

/// Reaches the server again whenever it was gone.
async fn keep(shared: Arc<Shared>) {
    let mut up = shared.up.subscribe();
    while up.wait_for(|up| !up).await.is_ok() {
        match shared.connect().await {
            Ok(connection) => {
                shared.idle().push(connection);
                shared.up.send_replace(true);
                tracing::info!("PostgreSQL answers again");
            }
            Err(_) => sleep(TRY_AGAIN).await,
        }
    }
}
