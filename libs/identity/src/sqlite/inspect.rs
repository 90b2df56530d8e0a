//! Looking at the file without opening it for use.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::{LOCK_WAIT_MAX, copy, schema};
use crate::store::number;
use crate::{Inspected, OpenError};

/// What the file says of itself; `None` of an empty one.
pub(crate) fn inspect(path: &Path) -> Result<Option<Inspected>, OpenError> {
    let shown = path.display().to_string();
    let failed = |error: rusqlite::Error| OpenError::Failed {
        path: path.display().to_string(),
        reason: error.to_string(),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(LOCK_WAIT_MAX).map_err(failed)?;
    let format = schema::version(&connection, path)?;
    if format == 0 {
        return Ok(None);
    }
    if copy::is_marked(&connection).map_err(failed)? {
        return Err(OpenError::Unfinished { path: shown });
    }
    let users = connection.query_row("SELECT count(*) FROM users", [], |row| row.get(0)).map_err(failed)?;
    let users = number(users)
        .map_err(|error| OpenError::Failed { path: shown.clone(), reason: error.to_string() })?;
    Ok(Some(Inspected { path: shown, format, known: schema::VERSION, users }))
}
