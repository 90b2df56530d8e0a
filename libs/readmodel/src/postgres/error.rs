//! What PostgreSQL says, as far as a caller does something different about it.

use crate::Error;

/// Why a schema cannot be used as a read model.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The connection string cannot be understood.
    #[error("the address of PostgreSQL cannot be understood")]
    Address(#[source] sqlx::Error),
    /// No server, or one that is starting or stopping: the same call may succeed later.
    #[error("PostgreSQL cannot be reached at {address}")]
    Unreachable {
        /// Host and port, or the socket.
        address: String,
        /// Why.
        source: sqlx::Error,
    },
    /// A server or database that cannot hold the rows.
    #[error("PostgreSQL at {address} cannot hold the read model: {what}")]
    Unfit {
        /// Host and port, or the socket.
        address: String,
        /// What is wrong with it.
        what: String,
    },
    /// A schema of that name holds something else; it is left alone.
    #[error("the schema {0} is not a read model of Hansard; name another schema or move it away")]
    Foreign(String),
    /// Somebody else folds a read model from zero right now.
    #[error("somebody else is folding the schema {0}; wait until that has ended")]
    Folding(String),
    /// A read model that is not as far as the one whose place it is to take.
    #[error("the schema {0} is behind the living one: fold it further")]
    Behind(String),
    /// The schema cannot be read or made.
    #[error("the read model's schema cannot be opened")]
    Store(#[from] Error),
}

impl From<sqlx::Error> for OpenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Classes and codes of <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(said) => match said.code().as_deref() {
                // No disk, no memory; too many connections will pass like a restart.
                Some("53100" | "53200" | "53400" | "54000") => Self::Full(error.into()),
                Some("XX001" | "XX002") => Self::Damaged(said.message().to_owned()),
                Some(code) if is_passing(code) => Self::Unavailable(error.into()),
                Some(_) | None => Self::Store(error.into()),
            },
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut => {
                Self::Unavailable(error.into())
            }
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Unavailable(error.into()),
            sqlx::Error::ColumnDecode { source, .. } => Self::Damaged(source.to_string()),
            sqlx::Error::Decode(source) => Self::Damaged(source.to_string()),
            _ => Self::Store(error.into()),
        }
    }
}

/// Connections lost (08), no more of them (53300), given up for another (40, 55P03), ended by
/// a time limit or an operator (57), a server with an input/output error (58), or a standby
/// that was just a primary (25006).
fn is_passing(code: &str) -> bool {
    ["08", "40", "57", "58"].iter().any(|class| code.starts_with(class))
        || ["25006", "25P03", "53300", "55P03"].contains(&code)
}
