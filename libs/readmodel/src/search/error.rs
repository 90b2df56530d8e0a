//! Why a search finds nothing out, and why an index cannot be opened.

use crate::{queries, sqlite};

/// Why a search got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The index does not have yet what the rows have; ask again later.
    #[error("the search index is behind the rows")]
    Behind,
    /// There is no index at all: nobody folds one.
    #[error("there is no search index")]
    Missing,
    /// Too many searches wait already; ask again later.
    #[error("too many searches wait for the index")]
    Busy,
    /// The index cannot be reached or is damaged, which whoever folds it mends; ask again later.
    #[error("the search index cannot be read")]
    Unread(#[source] crate::Error),
    /// The rows gave no answer.
    #[error(transparent)]
    Rows(#[from] queries::Error),
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Self {
        Self::Unread(error)
    }
}

/// Why there is no index to fold into.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// PostgreSQL has no trigram index, or does not let this user have it.
    #[error(
        "PostgreSQL's extension pg_trgm is not there and cannot be made: install the server's contrib package, and \
         have somebody who may run CREATE EXTENSION pg_trgm in the database"
    )]
    NoTrigrams(#[source] sqlx::Error),
    /// A file or schema of that name holds something else; it is left alone.
    #[error("{0} is no search index of Hansard; move it away")]
    Foreign(String),
    /// The file cannot be removed.
    #[error("the file of the search index cannot be removed")]
    File(#[source] std::io::Error),
    /// Where PostgreSQL is cannot be understood, or it is not one that Hansard can use.
    #[error(transparent)]
    Postgres(#[from] crate::postgres::OpenError),
    /// It cannot be read or made.
    #[error("the search index cannot be opened")]
    Store(#[from] crate::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(sqlite::Error::from(error))
    }
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(crate::Error::from(error))
    }
}
