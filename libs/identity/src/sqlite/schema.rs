//! The format of `identity.db`, its mark and its migrations.
//!
//! Identity is a store of record: a change of the format is a new migration at the end of
//! [`MIGRATIONS`], and none is ever edited.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use crate::OpenError;

/// `application_id` of the file: the letters `HsId`.
const MARK: i64 = 0x4873_4964;

/// Each brings the format one version further; the version stands in `user_version`.
const MIGRATIONS: [&str; 3] = [
    include_str!("0001_users_sessions.sql"),
    include_str!("0002_departures_guests_providers.sql"),
    include_str!("0003_terms.sql"),
];

/// The newest format known here.
#[expect(clippy::cast_possible_wrap, reason = "a handful of migrations")]
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Brings the file to [`VERSION`] and makes the connection one for durable writes; refuses a
/// foreign or newer file before anything is written.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let found = version(connection, path)?;
    let failed = |error: rusqlite::Error| OpenError::Failed {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(failed)?;
    for (migration, version) in MIGRATIONS.iter().zip(1..).skip_while(|(_, version)| *version <= found) {
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
        transaction.execute_batch(migration).map_err(failed)?;
        transaction.pragma_update(None, "application_id", MARK).map_err(failed)?;
        transaction.pragma_update(None, "user_version", version).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(())
}

/// The format of the file: 0 of an empty one.
pub(super) fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let shown = || path.display().to_string();
    let failed = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign { path: shown() },
        _ => OpenError::Failed { path: shown(), reason: error.to_string() },
    };
    let ask = |question| connection.query_row(question, [], |row| row.get::<_, i64>(0)).map_err(failed);
    let tables = ask("SELECT count(*) FROM sqlite_schema")?;
    let mark = ask("PRAGMA application_id")?;
    let found = ask("PRAGMA user_version")?;
    match (mark, found) {
        (0, 0) if tables == 0 => Ok(0),
        (MARK, 1..=VERSION) => Ok(found),
        (MARK, found) if found > VERSION => Err(OpenError::Newer { path: shown(), found, known: VERSION }),
        _ => Err(OpenError::Foreign { path: shown() }),
    }
}
