//! Deletes dead rows: what no query looks at and no fold reads again.
//!
//! A dialog deleted for all keeps its header. One that came to be again keeps what it
//! has had since; what lies below its `cleared_to` goes.

use domain::DialogId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::values::{dialog, int, number};
use crate::Error;
use crate::marks::{chunk_of, views_chunk_of};

/// Deletes up to about `rows_max` rows of one dialog or message; whether any is left to sweep.
pub(super) fn sweep(connection: &Connection, rows_max: usize) -> Result<bool, Error> {
    let mut next = connection.prepare_cached(
        "SELECT s.dialog, s.sequence, d.alive, d.cleared_to FROM sweeps s
         CROSS JOIN dialogs d ON d.dialog = s.dialog LIMIT 1",
    )?;
    let found = next.query_row([], |row| {
        Ok((dialog(row, 0)?, number(row, 1)?, (row.get::<_, bool>(2)?, number(row, 3)?)))
    });
    let Some((dialog, sequence, (alive, cleared_to))) = found.optional()? else { return Ok(false) };
    let deleted = if sequence > 0 {
        delete(connection, dialog, DELETE_REACTIONS_TO, (int(sequence), rows_max))?
    } else if alive {
        below(connection, dialog, Bounds::living(cleared_to), rows_max)?
    } else {
        below(connection, dialog, Bounds::ALL, rows_max)?
            + delete(connection, dialog, DELETE_STANDINGS, (i64::MAX, rows_max))?
            + delete(connection, dialog, DELETE_REMOVALS, (i64::MAX, rows_max))?
    };
    if deleted == 0 {
        let done = params![dialog.as_bytes(), int(sequence)];
        connection.execute("DELETE FROM sweeps WHERE dialog = ?1 AND sequence = ?2", done)?;
    }
    let left = connection.query_row("SELECT EXISTS (SELECT 1 FROM sweeps)", [], |row| row.get(0))?;
    Ok(left)
}

/// Up to where rows are dead.
struct Bounds {
    /// The last sequence of a dead message.
    messages: i64,
    /// The first chunk of marks that is not dead.
    chunks: i64,
    /// The first row of views that is not.
    views: i64,
}

impl Bounds {
    const ALL: Self = Self { messages: i64::MAX, chunks: i64::MAX, views: i64::MAX };

    /// The chunk in which a dialog goes on is left alone.
    fn living(cleared_to: u64) -> Self {
        Self {
            messages: int(cleared_to),
            chunks: chunk_of(cleared_to + 1).into(),
            views: views_chunk_of(cleared_to + 1).into(),
        }
    }
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

const DELETE_REACTIONS: &str = "DELETE FROM reactions WHERE (dialog, sequence, kind, user) IN
    (SELECT dialog, sequence, kind, user FROM reactions WHERE dialog = ?1 AND sequence <= ?2
     ORDER BY sequence, kind, user LIMIT ?3)";
const DELETE_REACTIONS_TO: &str = "DELETE FROM reactions WHERE (dialog, sequence, kind, user) IN
    (SELECT dialog, sequence, kind, user FROM reactions WHERE dialog = ?1 AND sequence = ?2
     ORDER BY kind, user LIMIT ?3)";
const DELETE_VIEW_COUNTS: &str = "DELETE FROM view_counts WHERE dialog = ?1 AND chunk IN
    (SELECT chunk FROM view_counts WHERE dialog = ?1 AND chunk < ?2 ORDER BY chunk LIMIT ?3)";

/// Deletes what lies below the bounds, until `rows_max` rows are gone.
fn below(
    connection: &Connection,
    dialog: DialogId,
    Bounds { messages, chunks, views }: Bounds,
    rows_max: usize,
) -> Result<usize, Error> {
    let statements = [
        (DELETE_MESSAGES, messages),
        (DELETE_REACTIONS, messages),
        (DELETE_REMOVED_CHUNKS, chunks),
        (DELETE_MARK_CHUNKS, chunks),
        (DELETE_VIEW_COUNTS, views),
    ];
    let mut deleted = 0;
    for (statement, bound) in statements {
        if deleted < rows_max {
            deleted += delete(connection, dialog, statement, (bound, rows_max - deleted))?;
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
