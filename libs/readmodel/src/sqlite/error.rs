//! What can go wrong with the store, as far as a caller does something different about it.

use eventlog::Partition;

use crate::fold;

/// Why a file cannot be opened as a read model.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A database of something else; it is left alone.
    #[error("the file is not a read model of Hansard; name another folder or move the file away")]
    Foreign,
    /// Made by other folds than today's; fold the log into a file of its own.
    #[error("the read model was made by version {found} of the folds, this is another version")]
    OtherFolds {
        /// The version in the file.
        found: u32,
    },
    /// The file cannot be removed or replaced.
    #[error("the read model's file cannot be removed or replaced")]
    File(#[source] std::io::Error),
    /// The thread that keeps the write-ahead log short cannot be started.
    #[error("no thread for the read model's write-ahead log")]
    Thread(#[source] std::io::Error),
    /// The file cannot be read; it may be discarded and folded again.
    #[error("the read model's file cannot be read")]
    Store(#[from] Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Why the store did not do what was asked. Nothing is ever half done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No space, no input/output, or another process's lock: the same call may succeed later.
    #[error("the read model cannot be written for now: {0}")]
    Full(#[source] rusqlite::Error),
    /// The file is damaged: discard it and fold the log again.
    #[error("the read model's file is damaged: {0}")]
    Damaged(String),
    /// Another projector moved the checkpoint of that partition.
    #[error("the checkpoint of partition {} was moved by somebody else", .partition.0)]
    Moved {
        /// Whose checkpoint is not what was expected.
        partition: Partition,
    },
    /// The events do not follow from the rows: the fold of that partition stops.
    #[error("partition {}: an event does not fit the rows", .partition.0)]
    Fold {
        /// Whose fold stops.
        partition: Partition,
        /// Which of the partition's records in the batch, from 0.
        index: usize,
        /// Why.
        source: fold::Error,
    },
    /// Anything else that SQLite says.
    #[error("the read model's store failed")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DiskFull | Code::SystemIoFailure | Code::DatabaseBusy | Code::DatabaseLocked) => {
                Self::Full(error)
            }
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}
