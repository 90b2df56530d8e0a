//! What can go wrong, by what a caller does about it.

use std::path::PathBuf;

use crate::{
    frame::{EVENT_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX, NUMBER_MAX},
    ids::{Epoch, Offset, PARTITION_HASH, PARTITIONS_MAX, Partition},
};

/// A frame that may never be appended, however often one tries. Nothing was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// A frame has at least one event.
    #[error("a frame needs at least one event")]
    NoEvents,
    /// Too many events.
    #[error("{0} events are more than the {FRAME_EVENTS_MAX} that fit a frame")]
    Events(usize),
    /// One event is too large.
    #[error("an event of {0} bytes is larger than the {EVENT_BYTES_MAX} allowed")]
    EventBytes(usize),
    /// All events together are too large.
    #[error("a frame of {0} bytes is larger than the {FRAME_BYTES_MAX} allowed")]
    FrameBytes(usize),
    /// A term, offset or time that not every store can hold.
    #[error("a term, offset or time is larger than {NUMBER_MAX}")]
    Number,
    /// The frame's time is before its predecessor's.
    #[error("the frame's time is before that of the frame before it")]
    Time,
    /// The frame was made for another log.
    #[error("the frame belongs to another log")]
    ForeignEpoch,
    /// The log has no such partition.
    #[error("the log has no partition {0}")]
    NoSuchPartition(Partition),
    /// The log was opened to be read.
    #[error("the log was opened read-only")]
    ReadOnly,
}

/// Why a frame was not (or perhaps not) appended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Another writer has appended: this one is dead for good. Nothing was written.
    #[error("another writer has taken over the partition")]
    Fenced,
    /// The frame itself is not acceptable. Nothing was written.
    #[error("the frame was rejected: {0}")]
    Rejected(#[from] Rejection),
    /// There is no space. Nothing was written; it may work again later.
    #[error("the log has no space left: free some, and writing goes on")]
    Full,
    /// The log cannot be reached. Nothing was written; it may work again later.
    #[error("the log cannot be written at the moment: {0}")]
    Unavailable(String),
    /// Nobody knows whether it was written. [`crate::Writer`] resolves it by reading back.
    #[error("it is not known whether the frame was appended")]
    Unknown,
}

/// Why nothing could be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The offset is below the first one that was kept.
    #[error("the log no longer has that offset: the first one kept is {first_kept}")]
    Trimmed {
        /// Where reading can start.
        first_kept: Offset,
    },
    /// What is stored is not what was written.
    #[error("partition {partition} is damaged at offset {offset}: {why}")]
    Corrupt {
        /// Where.
        partition: Partition,
        /// The offset of the first event that cannot be trusted.
        offset: Offset,
        /// What was found.
        why: String,
    },
    /// The log ends before the offset: it has been replaced by an older copy, or the reader's place is another log's.
    #[error("the log ends at offset {tail}, before the place to read from: it is older than its reader")]
    EndsBefore {
        /// Where the log ends.
        tail: Offset,
    },
    /// The place to read from is in another log.
    #[error("the place to read from is in another log: this one's epoch is {found}")]
    ForeignEpoch {
        /// The epoch of the log that was asked.
        found: Epoch,
    },
    /// The log has no such partition.
    #[error("the log has no partition {0}")]
    NoSuchPartition(Partition),
    /// The log cannot be reached; it may work again later.
    #[error("the log cannot be read at the moment: {0}")]
    Unavailable(String),
}

/// Why a writer could not take over a partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeoverError {
    /// The partition's tail could not be read.
    #[error("the partition's tail could not be read: {0}")]
    Read(#[from] ReadError),
    /// The first event could not be appended.
    #[error("the writer's first event could not be appended: {0}")]
    Append(#[from] AppendError),
}

/// Why a log could not be opened or made. Each sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no log: it can be made.
    #[error("there is no log at {0}: make one, or look elsewhere")]
    Missing(PathBuf),
    /// There is a log already.
    #[error("there is a log at {0} already: open it instead of making one")]
    Exists(PathBuf),
    /// The file is something else.
    #[error("{0} is not a Hansard log: choose another data folder, or move the file away")]
    Foreign(PathBuf),
    /// The log was made by a newer version.
    #[error("{path} has log format {found}, but this version knows only up to {known}: use a newer version")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// Another process writes.
    #[error("{0} is held by another process: stop it first; one process at a time may write a log")]
    InUse(PathBuf),
    /// The log has another number of partitions.
    #[error(
        "the log has {found} partitions, not {wanted}: set the number to {found}; it is chosen once, at the start"
    )]
    Partitions {
        /// The log's.
        found: u32,
        /// The caller's.
        wanted: u32,
    },
    /// A log of that many partitions cannot be made.
    #[error("a log has 1 to {PARTITIONS_MAX} partitions, not {0}: choose another number")]
    PartitionsCount(usize),
    /// The log distributes its streams by another function.
    #[error(
        "the log's partition hash is {found:?}, but this version knows {PARTITION_HASH:?}: use the version that made it"
    )]
    PartitionHash {
        /// The log's.
        found: String,
    },
    /// What is stored is not what was written.
    #[error("the log is damaged in partition {partition} at offset {offset}: {why}; restore it from a copy")]
    Corrupt {
        /// Where.
        partition: Partition,
        /// The offset of the first event that cannot be trusted.
        offset: Offset,
        /// What was found.
        why: String,
    },
    /// The file's own bookkeeping (not one offset) cannot be read.
    #[error("the log at {path} is damaged: {why}; restore it from a copy")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The first event of a partition exceeds a limit.
    #[error("the log's first events were rejected: {0}")]
    Rejected(#[from] Rejection),
    /// The operating system refused.
    #[error("{path} could not be opened: {why}; check the folder, its rights and its space")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: String,
    },
}
