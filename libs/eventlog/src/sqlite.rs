//! A log in one SQLite file: `log.db` in a folder, one row a frame, `synchronous=FULL`.
//!
//! One process writes (it holds `log.lock` for as long as it lives); any number may read beside it. All SQLite work happens on
//! threads of its own, fed by bounded queues: one that appends, one that checkpoints, a few that read.

mod appender;
mod checkpointer;
mod file;
mod query;
mod readers;
mod stats;
mod wal;

use std::{fs::File, path::Path, sync::Arc};

use tokio::sync::watch;

use self::{appender::Appender, file::Opened, readers::Readers};
pub use self::{file::SQLITE_FORMAT, stats::Stats};
use crate::{
    error::{AppendError, OpenError, ReadError, Rejection},
    frame::Frame,
    ids::{Epoch, Offset, Partition},
    log::{BoxFuture, Log, ReadLimit, Spec, Tail, belongs},
    verify::Progress,
};

/// A log in a SQLite file.
///
/// Dropping it finishes the appends that wait (at most a queue of them), so it may block for some fsyncs, and then
/// frees the lock.
pub struct SqliteLog {
    epoch: Epoch,
    signals: Arc<[watch::Sender<Offset>]>,
    // Fields drop in this order. The writer's connection closes last of all, alone: so it puts the write-ahead log
    // away, which two that close at once may both leave to the other. Then the lock is free.
    readers: Readers,
    appender: Option<Appender>,
    stats: Arc<Stats>,
    _lock: Option<File>,
}

impl SqliteLog {
    /// Make a log in `folder` (made too where it is missing) and open it for writing. Blocks.
    ///
    /// It appears whole or not at all: after a crash in the middle, making it again works.
    ///
    /// # Errors
    /// [`OpenError::Exists`], [`OpenError::Foreign`], [`OpenError::InUse`], [`OpenError::PartitionsCount`],
    /// [`OpenError::Rejected`], [`OpenError::Io`].
    pub fn create(folder: &Path, spec: &Spec) -> Result<Self, OpenError> {
        Self::start(file::create(folder, spec)?)
    }

    /// Open the log in `folder` for reading and writing, after checking every frame of it. Blocks.
    ///
    /// `report` hears how far the check is, about every 4 MiB of frames and at the end of each partition.
    ///
    /// # Errors
    /// [`OpenError::Missing`] when there is none; [`OpenError::Corrupt`] names the first bad offset; the others say what to do.
    pub fn open(
        folder: &Path,
        partitions: u32,
        report: &mut dyn FnMut(&Progress),
    ) -> Result<Self, OpenError> {
        Self::start(file::open(folder, partitions, report)?)
    }

    /// Open the log in `folder` for reading only, beside a process that writes it or without one. Blocks for a moment; checks
    /// nothing but that it is a log. Every append answers [`Rejection::ReadOnly`].
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_read_only(folder: &Path) -> Result<Self, OpenError> {
        Self::start(file::open_read_only(folder)?)
    }

    fn start(opened: Opened) -> Result<Self, OpenError> {
        let signals: Arc<[_]> = opened.tails.iter().map(|tail| watch::Sender::new(tail.next)).collect();
        let stats = Arc::new(Stats::default());
        let readers = Readers::start(&opened.source)?;
        let appender = match opened.writer {
            None => None,
            Some(writer) => {
                Some(Appender::start(writer, &opened.source, Arc::clone(&signals), Arc::clone(&stats))?)
            }
        };
        Ok(Self { epoch: opened.epoch, signals, appender, readers, stats, _lock: opened.lock })
    }

    /// What has been written since it was opened.
    #[must_use]
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Let the file grow to about `bytes` at most (`None`: as the disk allows). Beyond it, appends are
    /// [`AppendError::Full`] until the limit is raised. It can be set at any time and holds until the log is closed.
    ///
    /// # Errors
    /// [`AppendError::Rejected`] on a read-only log, [`AppendError::Unavailable`] when the file refuses.
    pub async fn set_bytes_max(&self, bytes: Option<u64>) -> Result<(), AppendError> {
        let appender = self.appender.as_ref().ok_or(Rejection::ReadOnly)?;
        appender.set_bytes_max(bytes).await
    }

    async fn append_frame(&self, frame: &Frame) -> Result<(), AppendError> {
        belongs(frame, self.epoch, self.partitions())?;
        let appender = self.appender.as_ref().ok_or(Rejection::ReadOnly)?;
        appender.append(frame).await
    }

    fn check(&self, partition: Partition) -> Result<(), ReadError> {
        if partition.0 < self.partitions() { Ok(()) } else { Err(ReadError::NoSuchPartition(partition)) }
    }
}

impl Log for SqliteLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn partitions(&self) -> u32 {
        self.signals.len() as u32
    }

    fn append<'a>(&'a self, frame: &'a Frame) -> BoxFuture<'a, Result<(), AppendError>> {
        Box::pin(self.append_frame(frame))
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        let epoch = self.epoch;
        Box::pin(async move {
            self.check(partition)?;
            self.readers.run(move |db| query::read(db, epoch, (partition, from), limit)).await
        })
    }

    fn read_back(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        Box::pin(async move {
            self.check(partition)?;
            self.readers.run(move |db| query::read_back(db, partition, before, limit)).await
        })
    }

    fn tail(&self, partition: Partition) -> BoxFuture<'_, Result<Tail, ReadError>> {
        Box::pin(async move {
            self.check(partition)?;
            self.readers.run(move |db| query::ends(db, partition).map(|ends| ends.tail)).await
        })
    }

    fn watch(&self, partition: Partition) -> Result<watch::Receiver<Offset>, ReadError> {
        let signal = self.signals.get(partition.0 as usize).ok_or(ReadError::NoSuchPartition(partition))?;
        Ok(signal.subscribe())
    }
}
