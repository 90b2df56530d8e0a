//! Comparing an index with one that was folded anew: row by row, but for what waits for the
//! sweeper.

use eventlog::Partition;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

use super::schema::{connect, is_there, schema};
use super::store::checkpoints;
use crate::Error;
use crate::difference::{Difference, What};
use crate::postgres::Settings;
use crate::rows::Checkpoint;
use crate::search::error::OpenError;

/// One moment of an index, whoever writes it meanwhile.
#[derive(Debug)]
pub(in crate::search) struct Snapshot {
    connection: PgConnection,
    schema: String,
}

impl Snapshot {
    /// `None` if there is no index.
    pub(in crate::search) async fn take(settings: &Settings) -> Result<Option<Self>, OpenError> {
        let (mut connection, schema) = (connect(settings).await?, schema(settings));
        if !is_there(&mut connection, &schema).await? {
            return Ok(None);
        }
        // The tables are read whole.
        let begin = "SET enable_seqscan = on; SET enable_hashjoin = on; SET enable_mergejoin = on;
            SET idle_in_transaction_session_timeout = 0;
            BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1 FROM checkpoints LIMIT 1";
        sqlx::raw_sql(begin).execute(&mut connection).await?;
        Ok(Some(Self { connection, schema }))
    }

    pub(in crate::search) async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        checkpoints(&mut self.connection).await
    }

    /// The rows that differ from those of `fresh`, up to `differences_max`. Nobody writes to it,
    /// and it was folded before this snapshot was asked anything but its checkpoints; it is
    /// read by a connection of its own.
    pub(in crate::search) async fn compare(
        &mut self,
        fresh: &mut Self,
        differences_max: usize,
    ) -> Result<Vec<Difference>, Error> {
        let mut found = vec![];
        let mut after = (vec![], i64::MIN);
        loop {
            let ours = page(&mut self.connection, &self.schema, &after).await?;
            let theirs = page(&mut fresh.connection, &fresh.schema, &after).await?;
            // Both go on behind the smaller of the two last places, so that none is missed.
            let lasts = [ours.last(), theirs.last()].map(|row| row.map(|row| row.place.clone()));
            let bound = match lasts {
                [None, None] => return Ok(found),
                [Some(one), Some(other)] if ours.len() == PAGE && theirs.len() == PAGE => one.min(other),
                [Some(one), _] if ours.len() == PAGE => one,
                [_, Some(other)] if theirs.len() == PAGE => other,
                [one, other] => one.max(other).unwrap_or_default(),
            };
            differ(&ours, &theirs, &bound, &mut found);
            if found.len() >= differences_max {
                found.truncate(differences_max);
                return Ok(found);
            }
            after = bound;
        }
    }
}

/// Rows compared at once.
const PAGE: usize = 10_000;

#[derive(PartialEq, Eq)]
struct Row {
    place: (Vec<u8>, i64),
    date_sent: i64,
    text: Option<String>,
}

async fn page(
    connection: &mut PgConnection,
    schema: &str,
    (dialog, sequence): &(Vec<u8>, i64),
) -> Result<Vec<Row>, Error> {
    let select = format!(
        "SELECT t.dialog, t.sequence, t.date_sent, t.text FROM \"{schema}\".texts t
         LEFT JOIN \"{schema}\".sweeps s ON s.dialog = t.dialog
         WHERE (t.dialog, t.sequence) > ($1, $2) AND (s.up_to IS NULL OR t.sequence > s.up_to)
         ORDER BY t.dialog, t.sequence LIMIT {PAGE}"
    );
    let rows = sqlx::query(AssertSqlSafe(select)).bind(dialog).bind(sequence).fetch_all(connection).await?;
    let row = |row: &sqlx::postgres::PgRow| {
        let place = (row.try_get(0)?, row.try_get(1)?);
        Ok(Row { place, date_sent: row.try_get(2)?, text: row.try_get(3)? })
    };
    rows.iter().map(row).collect::<Result<_, sqlx::Error>>().map_err(Error::from)
}

/// What differs up to `bound`.
fn differ(ours: &[Row], theirs: &[Row], bound: &(Vec<u8>, i64), found: &mut Vec<Difference>) {
    let up_to = |rows: &[Row]| rows.partition_point(|row| row.place <= *bound);
    let (ours, theirs) = (&ours[..up_to(ours)], &theirs[..up_to(theirs)]);
    let mut note = |row: &Row, what| {
        let hex: String = row.place.0.iter().map(|byte| format!("{byte:02x}")).collect();
        found.push(Difference { table: "texts", key: format!("{hex}/{}", row.place.1), what });
    };
    let of = |rows: &'_ [Row], place: &(Vec<u8>, i64)| rows.binary_search_by(|row| row.place.cmp(place)).ok();
    for row in ours {
        match of(theirs, &row.place) {
            None => note(row, What::Surplus),
            Some(at) if theirs[at] != *row => note(row, What::Columns(vec!["content".to_owned()])),
            Some(_) => {}
        }
    }
    for row in theirs.iter().filter(|row| of(ours, &row.place).is_none()) {
        note(row, What::Missing);
    }
}
