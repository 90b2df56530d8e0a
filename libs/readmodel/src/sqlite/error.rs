//! What can go wrong with a file, as far as a caller does something different about it.

use crate::Error;

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

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        match error.sqlite_error_code() {
            Some(Code::DiskFull | Code::SystemIoFailure | Code::DatabaseBusy | Code::DatabaseLocked) => {
                Self::Full(error.into())
            }
            Some(Code::DatabaseCorrupt | Code::NotADatabase) => Self::Damaged(error.to_string()),
            _ => Self::Store(error.into()),
        }
    }
}
