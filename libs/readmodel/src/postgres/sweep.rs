//! Deletes dead rows: what no query looks at and no fold reads again.
//!
//! A dialog deleted for all keeps its header. One that came to be again keeps what it
//! has had since; what lies below its `cleared_to` goes. The header is held meanwhile, so
//! that no fold brings a dialog back into the middle of it; a fold holds headers before
//! anything else, and a header that is held is left for another time.

use domain::DialogId;
use sqlx::{Connection as _, PgConnection};

use super::values::{dialog, get, int, number};
use crate::Error;
use crate::marks::{chunk_of, views_chunk_of};

/// What a sweep did.
#[derive(Debug)]
pub(super) struct Swept {
    /// Rows deleted.
    pub(super) rows: u64,
    /// Whether any dialog is left to sweep.
    pub(super) left: bool,
}

const PENDING: &str = "SELECT EXISTS (SELECT 1 FROM sweeps)";
const NEXT: &str = "
    SELECT d.dialog, s.sequence, d.alive, d.cleared_to FROM sweeps s JOIN dialogs d ON d.dialog = s.dialog
    LIMIT 1 FOR UPDATE OF d SKIP LOCKED";
const MESSAGES: &str = "DELETE FROM messages WHERE dialog = $1 AND sequence = ANY(ARRAY(
    SELECT sequence FROM messages WHERE dialog = $1 AND sequence <= $2 ORDER BY sequence LIMIT $3))";
const REMOVED_CHUNKS: &str = "DELETE FROM removed_chunks WHERE dialog = $1 AND chunk = ANY(ARRAY(
    SELECT chunk FROM removed_chunks WHERE dialog = $1 AND chunk < $2 ORDER BY chunk LIMIT $3))";
const MARK_CHUNKS: &str = "DELETE FROM mark_chunks c USING (
    SELECT chunk, user_id FROM mark_chunks WHERE dialog = $1 AND chunk < $2
    ORDER BY chunk, user_id LIMIT $3) n
    WHERE c.dialog = $1 AND c.chunk = n.chunk AND c.user_id = n.user_id";
const REACTIONS: &str = "DELETE FROM reactions r USING (
    SELECT sequence, kind, user_id FROM reactions WHERE dialog = $1 AND sequence <= $2
    ORDER BY sequence, kind, user_id LIMIT $3) n
    WHERE r.dialog = $1 AND r.sequence = n.sequence AND r.kind = n.kind AND r.user_id = n.user_id";
const REACTIONS_TO: &str = "DELETE FROM reactions r USING (
    SELECT kind, user_id FROM reactions WHERE dialog = $1 AND sequence = $2
    ORDER BY kind, user_id LIMIT $3) n
    WHERE r.dialog = $1 AND r.sequence = $2 AND r.kind = n.kind AND r.user_id = n.user_id";
const VIEW_COUNTS: &str = "DELETE FROM view_counts WHERE dialog = $1 AND chunk = ANY(ARRAY(
    SELECT chunk FROM view_counts WHERE dialog = $1 AND chunk < $2 ORDER BY chunk LIMIT $3))";
const STANDINGS: &str = "DELETE FROM standings WHERE dialog = $1 AND user_id = ANY(ARRAY(
    SELECT user_id FROM standings WHERE dialog = $1 AND user_id <= $2 ORDER BY user_id LIMIT $3))";
const REMOVALS: &str = "DELETE FROM removals WHERE dialog = $1 AND $2 > 0 AND $3 > 0";

/// Deletes up to about `rows_max` rows of one dialog or message.
pub(super) async fn sweep(connection: &mut PgConnection, rows_max: usize) -> Result<Swept, Error> {
    // Asked after every batch, and almost always there is nothing.
    let pending: bool = sqlx::query_scalar(PENDING).fetch_one(&mut *connection).await?;
    if !pending {
        return Ok(Swept { rows: 0, left: false });
    }
    let mut transaction = connection.begin().await?;
    let Some(row) = sqlx::query(NEXT).fetch_optional(&mut *transaction).await? else {
        return Ok(Swept { rows: 0, left: true });
    };
    let (id, sequence) = (dialog(&row, 0)?, number(&row, 1)?);
    let (alive, cleared_to) = (get::<bool>(&row, 2)?, number(&row, 3)?);
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let mut deleted = 0;
    for (statement, bound) in dead(sequence, alive, cleared_to) {
        if deleted < rows_max {
            deleted += delete(&mut transaction, id, statement, (bound, rows_max - deleted)).await?;
        }
    }
    if deleted == 0 {
        let done = sqlx::query("DELETE FROM sweeps WHERE dialog = $1 AND sequence = $2");
        done.bind(id.as_bytes()).bind(int(sequence)).execute(&mut *transaction).await?;
    }
    let left = sqlx::query_scalar(PENDING).fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(Swept { rows: deleted.cast_unsigned(), left })
}

/// What to delete of a message, or of a dialog, each up to a bound.
fn dead(sequence: u64, alive: bool, cleared_to: u64) -> Vec<(&'static str, i64)> {
    if sequence > 0 {
        return vec![(REACTIONS_TO, int(sequence))];
    }
    let mut all = vec![];
    let (messages, chunks, views) = if alive {
        // The chunk in which the dialog goes on is left alone.
        let next = cleared_to + 1;
        (int(cleared_to), chunk_of(next).into(), views_chunk_of(next).into())
    } else {
        all.extend([(STANDINGS, i64::MAX), (REMOVALS, i64::MAX)]);
        (i64::MAX, i64::MAX, i64::MAX)
    };
    all.extend([(MESSAGES, messages), (REACTIONS, messages)]);
    all.extend([(REMOVED_CHUNKS, chunks), (MARK_CHUNKS, chunks), (VIEW_COUNTS, views)]);
    all
}

async fn delete(
    connection: &mut PgConnection,
    dialog: DialogId,
    statement: &'static str,
    (bound, rows_max): (i64, i64),
) -> Result<i64, Error> {
    let delete = sqlx::query(statement).bind(dialog.as_bytes()).bind(bound).bind(rows_max);
    Ok(delete.execute(connection).await?.rows_affected().cast_signed())
}
