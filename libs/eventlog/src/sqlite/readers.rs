//! A few threads that read, each with its own connection: SQLite never runs on an async worker.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::file::Source;
use crate::error::{OpenError, ReadError};

/// Threads, and so reads at the same time.
const READERS: usize = 2;
/// Reads that wait for a thread; who comes later waits to be let into the queue.
const QUEUE_MAX: usize = 64;

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// The threads; they end when this is dropped.
pub(super) struct Readers {
    jobs: Option<mpsc::Sender<Job>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(source: &Source) -> Result<Self, OpenError> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let queue = Arc::new(Mutex::new(queue));
        let mut readers = Self { jobs: Some(jobs), threads: Vec::with_capacity(READERS) };
        for _ in 0..READERS {
            let db = source.connect_to_read()?;
            let queue = Arc::clone(&queue);
            let thread = thread::Builder::new().name("log-read".to_owned()).spawn(move || serve(&db, &queue));
            readers.threads.push(thread.map_err(|error| source.io(&error))?);
        }
        Ok(readers)
    }

    /// Run `read` on a reader's connection.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let closed = || ReadError::Unavailable("the log is closed".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(closed)?;
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            // Nobody waits for a read that was given up.
            let _given_up = answer.send(read(db));
        });
        jobs.send(job).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

/// Take jobs until there is nobody to send any. Idle threads queue up behind the lock of the one that waits.
fn serve(db: &Connection, queue: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        match job {
            Some(job) => job(db),
            None => return,
        }
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has answered nothing, which its caller has seen.
            let _panicked = thread.join();
        }
    }
}
