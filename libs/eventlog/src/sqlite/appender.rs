//! The one thread that writes the file.
//!
//! It commits whatever waits at a moment, of all partitions, in one transaction: one fsync. Each frame has its own
//! compare-and-set in it, so one that is fenced does not keep the others out.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Instant,
};

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, ffi, params};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    checkpointer::Checkpointer,
    file::{PAGE_BYTES, Source},
    query::{self, to_sql},
    stats::Stats,
};
use crate::{
    error::{AppendError, OpenError, Rejection},
    frame::{Frame, Header},
    ids::{FrameHash, Offset},
    log::continues,
};

/// Frames that wait; who comes later waits to be let into the queue. It is also the most frames of one commit (16 MiB).
const QUEUE_MAX: usize = 64;
/// The bytes written after which the write-ahead log is moved into the file, beside further writing.
const CHECKPOINT_BYTES: u64 = 4 * 1024 * 1024;
/// The write-ahead log's pages (64 MiB) at which writing waits for that. Only then can the file begin anew.
const WAL_PAGES_MAX: i64 = 16 * 1024;
/// The largest page number that SQLite knows.
const PAGES_MAX: u64 = 4_294_967_294;

const INSERT: &str = "INSERT INTO frames (partition, first_offset, count, term, time_ms, hash, frame)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const MOVE_TAIL: &str = "UPDATE tails SET next = ?2, hash = ?3, term = ?4, time_ms = ?5 WHERE partition = ?1";

/// A frame as a row.
pub(super) struct FrameRow {
    header: Header,
    count: u64,
    hash: FrameHash,
    encoded: Bytes,
}

impl FrameRow {
    pub(super) fn of(frame: &Frame) -> Self {
        Self {
            header: *frame.header(),
            count: frame.count() as u64,
            hash: frame.hash(),
            encoded: frame.encoded().clone(),
        }
    }

    fn next(&self) -> Offset {
        self.header.first.plus(self.count)
    }

    /// Insert it; the tail is the caller's.
    pub(super) fn insert(&self, db: &Connection) -> rusqlite::Result<()> {
        let header = &self.header;
        let (first, count) = (to_sql(header.first.0), to_sql(self.count));
        let (term, time_ms) = (to_sql(header.term), to_sql(header.time_ms));
        let values =
            params![header.partition.0, first, count, term, time_ms, self.hash.0, self.encoded.as_ref()];
        db.prepare_cached(INSERT)?.execute(values).map(|_| ())
    }

    fn move_tail(&self, db: &Connection) -> rusqlite::Result<()> {
        let (term, time_ms) = (to_sql(self.header.term), to_sql(self.header.time_ms));
        let values = params![self.header.partition.0, to_sql(self.next().0), self.hash.0, term, time_ms];
        db.prepare_cached(MOVE_TAIL)?.execute(values).map(|_| ())
    }
}

enum Job {
    Append(FrameRow, oneshot::Sender<Result<(), AppendError>>),
    BytesMax(Option<u64>, oneshot::Sender<Result<(), AppendError>>),
}

/// The thread; it ends, after what waits, when this is dropped.
pub(super) struct Appender {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Appender {
    pub(super) fn start(
        db: Connection,
        source: &Source,
        signals: Arc<[watch::Sender<Offset>]>,
        stats: Arc<Stats>,
    ) -> Result<Self, OpenError> {
        let (jobs, queue) = mpsc::channel(QUEUE_MAX);
        let checkpointer = Checkpointer::start(source, Arc::clone(&stats))?;
        let work = Work { checkpointer, db, signals, stats, bytes_since_checkpoint: 0 };
        let thread = thread::Builder::new()
            .name("log-append".to_owned())
            .spawn(move || work.serve(queue))
            .map_err(|error| source.io(&error))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    pub(super) async fn append(&self, frame: &Frame) -> Result<(), AppendError> {
        let row = FrameRow::of(frame);
        self.send(|answer| Job::Append(row, answer)).await
    }

    pub(super) async fn set_bytes_max(&self, bytes: Option<u64>) -> Result<(), AppendError> {
        self.send(|answer| Job::BytesMax(bytes, answer)).await
    }

    async fn send(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<(), AppendError>>) -> Job,
    ) -> Result<(), AppendError> {
        let closed = || AppendError::Unavailable("the log is closed".to_owned());
        let jobs = self.jobs.as_ref().ok_or_else(closed)?;
        let (answer, answered) = oneshot::channel();
        jobs.send(job(answer)).await.map_err(|_| closed())?;
        // No answer: the thread died with the frame in its hands.
        answered.await.unwrap_or(Err(AppendError::Unknown))
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has answered nothing, which its callers have seen.
            let _panicked = thread.join();
        }
    }
}

/// What the thread owns.
struct Work {
    // Dropped in this order: see `SqliteLog`.
    checkpointer: Checkpointer,
    db: Connection,
    signals: Arc<[watch::Sender<Offset>]>,
    stats: Arc<Stats>,
    bytes_since_checkpoint: u64,
}

type Waiting = (FrameRow, oneshot::Sender<Result<(), AppendError>>);

impl Work {
    fn serve(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut waiting: Vec<Waiting> = Vec::with_capacity(QUEUE_MAX);
        while let Some(job) = queue.blocking_recv() {
            let mut next = Some(job);
            while let Some(job) = next {
                match job {
                    Job::Append(row, answer) => waiting.push((row, answer)),
                    Job::BytesMax(bytes, answer) => {
                        let _given_up = answer.send(self.limit(bytes));
                    }
                }
                next = if waiting.len() < QUEUE_MAX { queue.try_recv().ok() } else { None };
            }
            if !waiting.is_empty() {
                self.append(&mut waiting);
            }
        }
    }

    fn limit(&self, bytes: Option<u64>) -> Result<(), AppendError> {
        let pages = bytes.map_or(PAGES_MAX, |bytes| (bytes / PAGE_BYTES).clamp(1, PAGES_MAX));
        let outcome = self.db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()));
        outcome.map_err(|error| AppendError::Unavailable(error.to_string()))
    }

    /// Append all that waits, in one transaction, and answer each.
    fn append(&mut self, waiting: &mut Vec<Waiting>) {
        let outcomes = self.transact(waiting);
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the log could not take a failed append back");
        }
        for ((row, answer), outcome) in waiting.drain(..).zip(outcomes) {
            if outcome.is_ok() {
                let bytes = row.encoded.len() as u64;
                self.stats.appended(row.count, bytes);
                // Each frame also rewrites the page of its tail and a page that it shares.
                self.bytes_since_checkpoint += bytes + 2 * PAGE_BYTES;
                if let Some(signal) = self.signals.get(row.header.partition.0 as usize) {
                    signal.send_replace(row.next());
                }
            }
            let _given_up = answer.send(outcome);
        }
        if self.bytes_since_checkpoint >= CHECKPOINT_BYTES {
            self.bytes_since_checkpoint = 0;
            if self.wal_pages() > WAL_PAGES_MAX { self.checkpointer.wait() } else { self.checkpointer.wake() }
        }
    }

    /// The write-ahead log's length now; too long to bear, if that cannot be found out.
    fn wal_pages(&self) -> i64 {
        let pages = self.db.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| row.get(1));
        pages.unwrap_or(i64::MAX)
    }

    /// The outcome of each; where any is `Ok`, it is committed. May leave a transaction to be rolled back.
    fn transact(&self, waiting: &[Waiting]) -> Vec<Result<(), AppendError>> {
        let all = |error: AppendError| waiting.iter().map(|_| Err(error.clone())).collect();
        if let Err(error) = self.db.execute_batch("BEGIN IMMEDIATE") {
            return all(before_commit(&error));
        }
        let mut outcomes = Vec::with_capacity(waiting.len());
        for (row, _) in waiting {
            match self.insert(row) {
                Ok(outcome) => outcomes.push(outcome),
                Err(error) => return all(before_commit(&error)),
            }
        }
        if outcomes.iter().any(Result::is_ok) {
            let start = Instant::now();
            if let Err(error) = self.db.execute_batch("COMMIT") {
                return all(at_commit(&error));
            }
            self.stats.committed(start.elapsed());
        }
        outcomes
    }

    fn insert(&self, row: &FrameRow) -> rusqlite::Result<Result<(), AppendError>> {
        let Some(ends) = query::ends_row(&self.db, row.header.partition)? else {
            return Ok(Err(Rejection::NoSuchPartition(row.header.partition).into()));
        };
        if let Err(error) = continues(&row.header, &ends.tail) {
            return Ok(Err(error));
        }
        row.insert(&self.db)?;
        row.move_tail(&self.db)?;
        Ok(Ok(()))
    }
}

fn is_full(error: &rusqlite::Error) -> bool {
    const WRITE_FAILURES: [i32; 3] =
        [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE, ffi::SQLITE_IOERR_TRUNCATE];
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error.sqlite_error().is_some_and(|error| WRITE_FAILURES.contains(&error.extended_code))
}

/// Certainly nothing was written.
fn before_commit(error: &rusqlite::Error) -> AppendError {
    if is_full(error) { AppendError::Full } else { AppendError::Unavailable(error.to_string()) }
}

/// The commit's record may be in the file although the fsync failed: only a look at the log can tell.
fn at_commit(error: &rusqlite::Error) -> AppendError {
    if is_full(error) {
        return AppendError::Full;
    }
    tracing::error!(%error, "the log could not commit");
    AppendError::Unknown
}
