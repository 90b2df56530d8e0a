//! What PostgreSQL's failures mean for whoever asked.

use crate::Error;

/// The failure in the port's words.
pub(super) fn meaning(error: &sqlx::Error) -> Error {
    use sqlx::Error::{Io, PoolClosed, PoolTimedOut, Protocol, Tls, WorkerCrashed};
    match error {
        Io(_) | Tls(_) | Protocol(_) | PoolClosed | WorkerCrashed => Error::Unavailable,
        PoolTimedOut => Error::Busy,
        other => match other.as_database_error().and_then(|error| error.code()) {
            Some(code) => of_code(&code).unwrap_or_else(|| Error::Store(other.to_string())),
            None => Error::Store(other.to_string()),
        },
    }
}

/// By SQLSTATE.
fn of_code(code: &str) -> Option<Error> {
    match code {
        // Disk full.
        "53100" => Some(Error::StorageFull),
        // Too many connections, a statement or a lock that took too long, a serialization failure, a deadlock:
        // nothing has changed.
        "53300" | "57014" | "55P03" | "40001" | "40P01" => Some(Error::Busy),
        // A standby writes nothing.
        "25006" => Some(Error::Unavailable),
        // A connection exception; shutting down, crashed, starting up.
        code if code.starts_with("08") || code.starts_with("57P") => Some(Error::Unavailable),
        _ => None,
    }
}

/// Whether a login or an email was given to somebody else in the same moment.
pub(super) fn is_taken(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

/// Whether the server gave up on a statement that took too long.
pub(super) fn is_too_slow(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == "57014")
}
