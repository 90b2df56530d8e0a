//! Changes as rows: each sort of them in one statement, whatever their number.

use domain::DialogId;
use sqlx::PgConnection;

use crate::Error;
use crate::search::changes::{Change, Changes};

const CLEAR: &str = "INSERT INTO sweeps (dialog, up_to)
    SELECT dialog, max(sequence) FROM texts WHERE dialog = ANY ($1) GROUP BY dialog
    ON CONFLICT (dialog) DO UPDATE SET up_to = greatest(sweeps.up_to, excluded.up_to)";
const REMOVE: &str = "DELETE FROM texts t USING unnest($1::bytea[], $2::bigint[]) AS n (dialog, sequence)
    WHERE t.dialog = n.dialog AND t.sequence = n.sequence";
const EDIT: &str = "UPDATE texts t SET text = n.text
    FROM unnest($1::bytea[], $2::bigint[], $3::text[]) AS n (dialog, sequence, text)
    WHERE t.dialog = n.dialog AND t.sequence = n.sequence";
const INSERT: &str = "INSERT INTO texts (dialog, sequence, date_sent, text)
    SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::text[])";
const SWEEP: &str = "SELECT dialog, up_to FROM sweeps LIMIT 1 FOR UPDATE SKIP LOCKED";
const DEAD: &str = "DELETE FROM texts WHERE dialog = $1 AND sequence = ANY (ARRAY(
    SELECT sequence FROM texts WHERE dialog = $1 AND sequence <= $2 ORDER BY sequence LIMIT $3))";

/// Rows of one statement, column by column.
#[derive(Default)]
struct Rows {
    dialogs: Vec<[u8; 12]>,
    sequences: Vec<i64>,
    dates: Vec<i64>,
    texts: Vec<Option<String>>,
}

impl Rows {
    fn place(&mut self, (dialog, sequence): (DialogId, u64)) {
        self.dialogs.push(*dialog.as_bytes());
        self.sequences.push(sequence.cast_signed());
    }
}

/// Saves what a batch has changed. The oldest and the newest date of its messages, or what
/// leaves every such pair as it is.
pub(super) async fn save(connection: &mut PgConnection, changes: Changes) -> Result<(i64, i64), Error> {
    if !changes.cleared.is_empty() {
        let cleared: Vec<_> = changes.cleared.iter().map(|dialog| dialog.as_bytes().as_slice()).collect();
        sqlx::query(CLEAR).bind(cleared).execute(&mut *connection).await?;
    }
    let (mut removed, mut edited, mut posted) = (Rows::default(), Rows::default(), Rows::default());
    for (place, change) in changes.messages {
        match change {
            Change::Removed => removed.place(place),
            Change::Edited { text } => {
                edited.place(place);
                edited.texts.push(text);
            }
            Change::Posted { date_sent, text } => {
                posted.place(place);
                posted.dates.push(i64::try_from(date_sent).unwrap_or(i64::MAX));
                posted.texts.push(text);
            }
        }
    }
    if !removed.dialogs.is_empty() {
        let remove = sqlx::query(REMOVE).bind(removed.dialogs).bind(removed.sequences);
        remove.execute(&mut *connection).await?;
    }
    if !edited.dialogs.is_empty() {
        let edit = sqlx::query(EDIT).bind(edited.dialogs).bind(edited.sequences).bind(edited.texts);
        edit.execute(&mut *connection).await?;
    }
    let dates = posted.dates.iter().copied();
    let dates = (dates.clone().min().unwrap_or(i64::MAX), dates.max().unwrap_or(0));
    if !posted.dialogs.is_empty() {
        let insert = sqlx::query(INSERT).bind(posted.dialogs).bind(posted.sequences);
        insert.bind(posted.dates).bind(posted.texts).execute(connection).await?;
    }
    Ok(dates)
}

/// Deletes up to `rows_max` rows of messages that are gone; whether there may be more.
pub(super) async fn sweep(connection: &mut PgConnection, rows_max: usize) -> Result<bool, Error> {
    let next: Option<(Vec<u8>, i64)> = sqlx::query_as(SWEEP).fetch_optional(&mut *connection).await?;
    let Some((dialog, up_to)) = next else { return Ok(false) };
    let most = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let delete = sqlx::query(DEAD).bind(&dialog).bind(up_to).bind(most);
    let deleted = delete.execute(&mut *connection).await?.rows_affected();
    if deleted < rows_max as u64 {
        sqlx::query("DELETE FROM sweeps WHERE dialog = $1").bind(&dialog).execute(connection).await?;
    }
    Ok(true)
}
