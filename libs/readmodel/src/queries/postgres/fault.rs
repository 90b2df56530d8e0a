//! Why a question to PostgreSQL failed, as far as something different is done about it.

use std::fmt;

use super::super::Error;

/// What went wrong on a connection.
#[derive(Debug)]
pub(super) enum Fault {
    /// There is no answer for whoever asked; the connection is all right.
    Answer(Error),
    /// The tables are not those that the statement was prepared for: a schema was switched.
    Switched(sqlx::Error),
    /// The connection is of no use any more.
    Gone(sqlx::Error),
    /// Nothing was heard for so long that the server must be gone.
    Silent,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(error) => error.fmt(f),
            Self::Switched(error) | Self::Gone(error) => error.fmt(f),
            Self::Silent => f.write_str("no answer in time"),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Answer(error)
    }
}

/// Codes of <https://www.postgresql.org/docs/15/errcodes-appendix.html>.
impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let Some(said) = error.as_database_error() else {
            return match error {
                sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => Self::Gone(error),
                error => Self::Answer(Error::Store(error.into())),
            };
        };
        match said.code().as_deref() {
            // Took too long, or gave way to somebody else.
            Some("57014" | "40001" | "40P01" | "55P03") => Self::Answer(Error::Busy),
            // No such table, schema or prepared statement, one of another shape, or one that was
            // dropped while the statement waited for it.
            Some("42P01" | "3F000" | "26000" | "0A000" | "XX000") => Self::Switched(error),
            // Connections, operators, crashes, input/output.
            Some(code) if ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => {
                Self::Gone(error)
            }
            Some(_) | None => Self::Answer(Error::Store(error.into())),
        }
    }
}
