//! Deletes dead rows: what no query looks at and no fold reads again.
//!
//! A dialog deleted for all keeps its header. One that came to be again keeps what it
//! has had since; what lies below its `cleared_to` goes.

use domain::DialogId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::values::{dialog, int, number};
use crate::Error;
use crate::marks::chunk_of;

/// Deletes up to about `rows_max` rows of one dialog; whether any dialog is left to sweep.
pub(super) fn sweep(connection: &Connection, rows_max: usize) -> Result<bool, Error> {
    let mut next = connection.prepare_cached(
        "SELECT s.dialog, d.alive, d.cleared_to FROM sweeps s CROSS JOIN dialogs d ON d.dialog = s.dialog LIMIT 1",
    )?;
    let found = next.query_row([], |row| Ok((dialog(row, 0)?, row.get::<_, bool>(1)?, number(row, 2)?)));
    let Some((dialog, alive, cleared_to)) = found.optional()? else { return Ok(false) };
    let deleted = if alive {
        // The chunk in which the dialog goes on is left alone.
        let bound = chunk_of(cleared_to + 1);
        below(connection, dialog, (cleared_to, bound), rows_max)?
    } else {
        below(connection, dialog, (u64::MAX >> 1, u32::MAX), rows_max)?
            + delete(connection, dialog, DELETE_STANDINGS, (i64::MAX, rows_max))?
            + delete(connection, dialog, DELETE_REMOVALS, (i64::MAX, rows_max))?
    };
    if deleted == 0 {
        connection.execute("DELETE FROM sweeps WHERE dialog = ?1", [dialog.as_bytes()])?;
    }
    let left = connection.query_row("SELECT EXISTS (SELECT 1 FROM sweeps)", [], |row| row.get(0))?;
    Ok(left)
}

const DELETE_MESSAGES: &str = "DELETE FROM messages WHERE dialog = ?1 AND sequence IN
    (SELECT sequence FROM messages WHERE dialog = ?1 AND sequence <= ?2 ORDER BY sequence LIMIT ?3)";
const DELETE_REMOVED_CHUNKS: &str = "DELETE FROM removed_chunks WHERE dialog = ?1 AND chunk IN
    (SELECT chunk FROM removed_chunks WHERE dialog = ?1 AND chunk < ?2 ORDER BY chunk LIMIT ?3)";
const DELETE_MARK_CHUNKS: &str = "DELETE FROM mark_chunks WHERE (dialog, chunk, user) IN
    (SELECT dialog, chunk, user FROM mark_chunks WHERE dialog = ?1 AND chunk < ?2
     ORDER BY chunk, user LIMIT ?3)";
const DELETE_STANDINGS: &str = "DELETE FROM standings WHERE dialog = ?1 AND user IN
    (SELECT user FROM standings WHERE dialog = ?1 AND user <= ?2 ORDER BY user LIMIT ?3)";
const DELETE_REMOVALS: &str = "DELETE FROM removals WHERE dialog = ?1 AND ?2 > 0 AND ?3 > 0";

/// Deletes what lies below a sequence and a chunk, until `rows_max` rows are gone.
fn below(
    connection: &Connection,
    dialog: DialogId,
    (cleared_to, chunk): (u64, u32),
    rows_max: usize,
) -> Result<usize, Error> {
    let mut deleted = delete(connection, dialog, DELETE_MESSAGES, (int(cleared_to), rows_max))?;
    for statement in [DELETE_REMOVED_CHUNKS, DELETE_MARK_CHUNKS] {
        if deleted < rows_max {
            deleted += delete(connection, dialog, statement, (i64::from(chunk), rows_max - deleted))?;
        }
    }
    Ok(deleted)
}

fn delete(
    connection: &Connection,
    dialog: DialogId,
    statement: &str,
    (bound, rows_max): (i64, usize),
) -> Result<usize, Error> {
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let mut delete = connection.prepare_cached(statement)?;
    Ok(delete.execute(params![dialog.as_bytes(), bound, rows_max])?)
}
