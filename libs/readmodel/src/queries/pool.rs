//! The threads that read: each with a connection of its own, behind one bounded queue.
//!
//! A query is one job: it waits in the queue, runs on one thread in one read transaction,
//! and its answer wakes whoever asked. A job that nobody waits for any more is skipped.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::Error;
use crate::sqlite::{OpenError, open_read_only};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// How much reading there may be at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Threads, each with a connection; at least 1 is used.
    pub threads: usize,
    /// Queries that may wait for a thread; one more is refused with [`Error::Busy`].
    pub queue_max: usize,
}

impl Default for Settings {
    /// A thread for each processor, and about as many waiting queries as they answer in a
    /// quarter of a second.
    fn default() -> Self {
        Self { threads: std::thread::available_parallelism().map_or(2, usize::from), queue_max: 4_096 }
    }
}

/// The pool. Dropping it ends its threads once the waiting jobs are done.
pub(super) struct Pool {
    shared: Arc<Shared>,
    queue_max: usize,
}

struct Shared {
    queue: Mutex<Queue>,
    ready: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    pub(super) fn open(path: &Path, settings: Settings) -> Result<Self, OpenError> {
        let shared = Arc::new(Shared { queue: Mutex::default(), ready: Condvar::new() });
        let pool = Self { shared, queue_max: settings.queue_max };
        for number in 0..settings.threads.max(1) {
            let connection = open_read_only(path)?;
            let shared = Arc::clone(&pool.shared);
            std::thread::Builder::new()
                .name(format!("readmodel-{number}"))
                .spawn(move || shared.work(&connection))
                .map_err(OpenError::Thread)?;
        }
        Ok(pool)
    }

    /// Runs `query` on one of the threads, in a transaction that sees one state.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            if !answer.is_closed() {
                // Whoever asked may be gone by now.
                let _: Result<(), _> = answer.send(in_transaction(connection, query));
            }
        });
        {
            let mut queue = self.shared.lock();
            if queue.jobs.len() >= self.queue_max {
                return Err(Error::Busy);
            }
            queue.jobs.push_back(job);
        }
        self.shared.ready.notify_one();
        answered.await.unwrap_or(Err(Error::Lost))
    }

    /// How many queries wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.shared.lock().jobs.len()
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.ready.notify_all();
    }
}

impl Shared {
    /// A queue is whole between two statements, so a panic elsewhere leaves it usable.
    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, connection: &Connection) {
        while let Some(job) = self.next() {
            // A query that panics loses its own answer, not the thread.
            if catch_unwind(AssertUnwindSafe(|| job(connection))).is_err() {
                tracing::error!("a query of the read model panicked");
            }
        }
    }

    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if let Some(job) = queue.jobs.pop_front() {
                return Some(job);
            }
            if queue.closed {
                return None;
            }
            queue = self.ready.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn in_transaction<T>(
    connection: &Connection,
    query: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let end = End(connection);
    let answer = query(connection);
    drop(end);
    answer
}

/// Ends the transaction also when the query fails or panics. It has written nothing, so
/// there is nothing to lose should that fail.
struct End<'a>(&'a Connection);

impl Drop for End<'_> {
    fn drop(&mut self) {
        let ended = self.0.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
        if let Err(error) = ended {
            tracing::warn!(%error, "a read transaction did not end");
        }
    }
}
