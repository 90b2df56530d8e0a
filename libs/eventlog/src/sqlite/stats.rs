//! What an open log has written, for the caller's metrics.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

/// Counters since the log was opened. Each grows on its own: read together they may be one commit apart.
#[derive(Debug, Default)]
pub struct Stats {
    frames: AtomicU64,
    events: AtomicU64,
    bytes: AtomicU64,
    commits: AtomicU64,
    commit_nanos: AtomicU64,
    last_commit_nanos: AtomicU64,
    checkpoints: AtomicU64,
    wal_pages: AtomicU64,
}

impl Stats {
    /// Frames appended.
    pub fn frames(&self) -> u64 {
        self.frames.load(Relaxed)
    }

    /// Events appended.
    pub fn events(&self) -> u64 {
        self.events.load(Relaxed)
    }

    /// Bytes of encoded frames appended.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Commits: each is one fsync, and holds the frames of at most as many partitions as waited at that moment.
    pub fn commits(&self) -> u64 {
        self.commits.load(Relaxed)
    }

    /// The time that all commits took together, fsync included.
    pub fn commit_time(&self) -> Duration {
        Duration::from_nanos(self.commit_nanos.load(Relaxed))
    }

    /// The time that the last commit took.
    pub fn last_commit_time(&self) -> Duration {
        Duration::from_nanos(self.last_commit_nanos.load(Relaxed))
    }

    /// How often the write-ahead log was moved into the file (two fsyncs each, beside the appends).
    pub fn checkpoints(&self) -> u64 {
        self.checkpoints.load(Relaxed)
    }

    /// Pages in the write-ahead log when it was last moved.
    pub fn wal_pages(&self) -> u64 {
        self.wal_pages.load(Relaxed)
    }

    pub(super) fn appended(&self, events: u64, bytes: u64) {
        self.frames.fetch_add(1, Relaxed);
        self.events.fetch_add(events, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
    }

    pub(super) fn committed(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Relaxed);
        self.commit_nanos.fetch_add(nanos, Relaxed);
        self.last_commit_nanos.store(nanos, Relaxed);
    }

    pub(super) fn checkpointed(&self, wal_pages: u64) {
        self.checkpoints.fetch_add(1, Relaxed);
        self.wal_pages.store(wal_pages, Relaxed);
    }
}
