//! Reading the index over a few connections, stretch by stretch.

use std::time::{Duration, Instant};

use domain::{DialogId, Sequence};
use eventlog::Partition;
use sqlx::postgres::{PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{AssertSqlSafe, Row as _};

use super::schema::connecting;
use super::store::checkpoints;
use super::{STRETCHES, stretch, stretch_begin, stretches};
use crate::Error as StoreError;
use crate::postgres::Settings;
use crate::rows::Checkpoint;
use crate::search::error::{Error, OpenError};
use crate::search::reader::{Looked, Place, Step};
use crate::search::walk::Settings as Searching;

/// How long to wait for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(1);
/// Rows that one stretch may give; it is looked at further below the last of them.
const ROWS_MAX: usize = 4_000;

/// Connections that only read.
#[derive(Debug)]
pub(in crate::search) struct Reader {
    connections: PgPool,
    statement: String,
}

impl Reader {
    /// None is made yet.
    pub(in crate::search) fn new(settings: &Settings, searching: &Searching) -> Result<Self, OpenError> {
        // No stretch takes longer than the whole search may.
        let time_max = searching.time_max.as_millis().to_string();
        let reading = [("default_transaction_read_only", "on"), ("statement_timeout", time_max.as_str())];
        let options = connecting(settings)?.options(reading);
        let connections_max = u32::try_from(searching.readers.max(1)).unwrap_or(u32::MAX);
        let pool = PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(ACQUIRE_MAX)
            .test_before_acquire(false);
        let statement = format!(
            "SELECT dialog, sequence, date_sent FROM texts
             WHERE {} @> ARRAY[$1::bigint] AND text LIKE $2 AND text IS NOT NULL AND date_sent < $3 AND date_sent >= $4
             ORDER BY date_sent DESC, dialog DESC, sequence DESC LIMIT $5",
            stretches()
        );
        Ok(Self { connections: pool.connect_lazy_with(options), statement })
    }

    pub(in crate::search) async fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        let mut connection = self.connections.acquire().await.map_err(unread)?;
        match checkpoints(&mut connection).await {
            Err(StoreError::Store(cause)) => Err(missing_or(cause)),
            other => Ok(other?),
        }
    }

    pub(in crate::search) async fn look(&self, step: Step) -> Result<Looked, Error> {
        let mut connection = self.connections.acquire().await.map_err(unread)?;
        let dates = "SELECT min(oldest), max(newest) FROM checkpoints";
        let dates: (Option<i64>, Option<i64>) =
            sqlx::query_as(dates).fetch_one(&mut *connection).await.map_err(unread)?;
        let (oldest, newest) = (dates.0.unwrap_or(i64::MAX), dates.1.unwrap_or(0));
        let from = step.from.max(oldest.cast_unsigned());
        let before = step.before.min(newest.cast_unsigned().saturating_add(1));
        let mut looked = Looked { places: vec![], before, looked: 0, ended: before <= from };
        let mut length = 0;
        while !looked.ended && looked.places.len() < step.wanted {
            if looked.looked >= step.looked_max || Instant::now() >= step.until {
                break;
            }
            let begin = stretch_begin(looked.before - 1, length).max(from);
            let values = (stretch(looked.before - 1, length), looked.before, begin);
            let Some(rows) = self.stretch(&mut connection, &step, values).await? else { break };
            looked.looked += rows.len().max(1);
            length = next_length(length, rows.len(), looked.before - begin);
            looked.before = take(&rows, &step, begin, &mut looked.places)?;
            looked.ended = looked.before <= from;
        }
        Ok(looked)
    }

    /// The rows of one stretch; `None` if it took too long.
    async fn stretch(
        &self,
        connection: &mut PgConnection,
        step: &Step,
        (name, before, begin): (i64, u64, u64),
    ) -> Result<Option<Vec<PgRow>>, Error> {
        let most = ROWS_MAX as i64 + 1;
        let query = sqlx::query(AssertSqlSafe(self.statement.as_str()))
            .bind(name)
            .bind(step.needle.pattern())
            .bind(i64::try_from(before).unwrap_or(i64::MAX))
            .bind(i64::try_from(begin).unwrap_or(i64::MAX))
            .bind(most);
        match query.fetch_all(connection).await {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if was_cancelled(&error) => Ok(None),
            Err(error) => Err(unread(error)),
        }
    }
}

/// Whether the server gave a statement up because of the time.
fn was_cancelled(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|said| said.code()).as_deref() == Some("57014")
}

/// The next stretch is a longer one unless that would give too many rows, going by how many
/// these `seconds` gave; a shorter one if they gave too many.
fn next_length(length: usize, rows: usize, seconds: u64) -> usize {
    let longer = (length + 1).min(STRETCHES.len() - 1);
    let expected = (rows as u64).saturating_mul(1 << STRETCHES[longer]) / seconds.max(1);
    match rows {
        rows if rows > ROWS_MAX => length.saturating_sub(1),
        _ if expected <= ROWS_MAX as u64 => longer,
        _ => length,
    }
}

/// Takes the places that are in reach; up to where (exclusive) that was everything.
fn take(rows: &[PgRow], step: &Step, begin: u64, places: &mut Vec<Place>) -> Result<u64, Error> {
    let whole = rows.len() <= ROWS_MAX;
    let date = |row: &PgRow| row.try_get::<i64, _>(2).map(i64::cast_unsigned).map_err(unread);
    let last = match rows.last() {
        Some(row) if !whole => date(row)?,
        Some(_) | None => begin,
    };
    // Of the last date there may be more, unless all are of it: then they must do.
    let one_date = !whole && date(&rows[0])? == last;
    for row in rows {
        let date_sent = date(row)?;
        if !whole && date_sent == last && !one_date {
            continue;
        }
        let dialog = DialogId::from_bytes(row.try_get(0).map_err(unread)?)
            .ok_or_else(|| StoreError::Damaged("a dialog id without a letter".to_owned()))?;
        let sequence = Sequence(row.try_get::<i64, _>(1).map_err(unread)?.cast_unsigned());
        if step.scope.reaches(dialog, sequence) {
            places.push(Place { date_sent, dialog, sequence });
        }
    }
    Ok(if whole || one_date { last } else { last + 1 })
}

fn unread(error: sqlx::Error) -> Error {
    match StoreError::from(error) {
        StoreError::Store(cause) => missing_or(cause),
        other => Error::Unread(other),
    }
}

/// No such table means that nobody has made the index.
fn missing_or(cause: crate::error::Cause) -> Error {
    let missing = cause
        .downcast_ref::<sqlx::Error>()
        .and_then(|error| error.as_database_error()?.code())
        .is_some_and(|code| ["42P01", "3F000"].contains(&code.as_ref()));
    if missing { Error::Missing } else { Error::Unread(StoreError::Store(cause)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_longer_stretch_follows_where_little_was_found() {
        for (length, rows, seconds, next) in [
            (0, 0, 16, 1),
            (0, 500, 16, 1),
            (0, 501, 16, 0),
            // Of a stretch that had begun only: two seconds of sixteen.
            (0, 62, 2, 1),
            (0, 63, 2, 0),
            (1, ROWS_MAX, 128, 1),
            (1, ROWS_MAX + 1, 128, 0),
            (0, ROWS_MAX + 1, 1, 0),
            (7, 0, 1 << 25, 7),
        ] {
            assert_eq!(next_length(length, rows, seconds), next, "{rows} in {seconds} s of length {length}");
        }
    }
}
