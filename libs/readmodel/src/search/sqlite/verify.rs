//! Comparing an index's file with one that was folded anew: which messages are in it with
//! what date and text, and, unless something waits for the sweeper, in how many rows each
//! trigram is.
//!
//! The numbers of rows may differ: they tell in what order partitions were folded.

use std::cmp::Ordering;
use std::path::Path;

use eventlog::Partition;
use rusqlite::Connection;

use super::connect::open_read_only;
use super::date_of;
use super::store::checkpoints;
use crate::Error;
use crate::difference::{Difference, What};
use crate::rows::Checkpoint;
use crate::search::digest::digest;
use crate::search::error::OpenError;

/// Without what the sweeper has not come to yet.
const TEXTS: &str = "SELECT t.dialog, t.sequence, t.id, t.digest FROM texts t
    LEFT JOIN sweeps s ON s.dialog = t.dialog
    WHERE s.up_to IS NULL OR t.sequence > s.up_to ORDER BY t.dialog, t.sequence";
const TRIGRAMS: &str = "SELECT term, doc FROM temp.trigrams ORDER BY term";

/// A row of either, as it is compared: its key, how people write that, and the rest.
type Row = (Vec<u8>, String, Vec<i64>);

/// One moment of an index's file, whoever writes it meanwhile.
#[derive(Debug)]
pub(in crate::search) struct Snapshot {
    connection: Connection,
}

impl Snapshot {
    /// `None` if there is no index of today's.
    pub(in crate::search) fn take(path: &Path) -> Result<Option<Self>, OpenError> {
        let Some(connection) = open_read_only(path)? else { return Ok(None) };
        connection.execute_batch(
            "CREATE VIRTUAL TABLE temp.trigrams USING fts5vocab(main, words, row);
             BEGIN; SELECT 1 FROM checkpoints LIMIT 1",
        )?;
        Ok(Some(Self { connection }))
    }

    pub(in crate::search) fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        Ok(checkpoints(&self.connection)?)
    }

    /// The rows that differ from those of `fresh`, up to `differences_max`.
    pub(in crate::search) fn compare(
        &self,
        fresh: &Self,
        differences_max: usize,
    ) -> Result<Vec<Difference>, Error> {
        let both = [&self.connection, &fresh.connection];
        let mut found = vec![];
        compare_rows("texts", TEXTS, both, (&mut found, differences_max))?;
        // Rows that are to be swept cannot be told from the others here.
        if both.into_iter().map(is_swept).collect::<Result<Vec<_>, _>>()?.iter().all(|swept| *swept) {
            compare_rows("words", TRIGRAMS, both, (&mut found, differences_max))?;
        }
        Ok(found)
    }
}

fn is_swept(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sweeps)", [], |row| row.get(0))
}

fn compare_rows(
    table: &'static str,
    sql: &str,
    [living, fresh]: [&Connection; 2],
    (found, most): (&mut Vec<Difference>, usize),
) -> Result<(), Error> {
    let [mut living, mut fresh] = [living.prepare(sql)?, fresh.prepare(sql)?];
    let [mut living, mut fresh] = [living.query([])?, fresh.query([])?];
    let [mut one, mut other] = [next(table, &mut living)?, next(table, &mut fresh)?];
    while found.len() < most {
        let (order, key) = match (&one, &other) {
            (None, None) => break,
            (Some((_, key, _)), None) => (Ordering::Less, key),
            (None, Some((_, key, _))) => (Ordering::Greater, key),
            (Some(one), Some(other)) => {
                let order = one.0.cmp(&other.0);
                (order, if order.is_le() { &one.1 } else { &other.1 })
            }
        };
        let what = match order {
            Ordering::Less => Some(What::Surplus),
            Ordering::Greater => Some(What::Missing),
            Ordering::Equal if one == other => None,
            Ordering::Equal => Some(What::Columns(vec!["content".to_owned()])),
        };
        found.extend(what.map(|what| Difference { table, key: key.clone(), what }));
        if order.is_le() {
            one = next(table, &mut living)?;
        }
        if order.is_ge() {
            other = next(table, &mut fresh)?;
        }
    }
    Ok(())
}

fn next(table: &str, rows: &mut rusqlite::Rows<'_>) -> Result<Option<Row>, Error> {
    let Some(row) = rows.next()? else { return Ok(None) };
    if table == "words" {
        let term: String = row.get(0)?;
        // What people wrote is shown to nobody, in whatever pieces.
        let name = format!("{:016x}", digest(&term));
        return Ok(Some((term.into_bytes(), name, vec![row.get(1)?])));
    }
    let (dialog, sequence): (Vec<u8>, i64) = (row.get(0)?, row.get(1)?);
    let hex: String = dialog.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = [dialog, sequence.to_be_bytes().to_vec()].concat();
    let date = date_of(row.get(2)?).cast_signed();
    let text: Option<i64> = row.get(3)?;
    Ok(Some((key, format!("{hex}/{sequence}"), vec![date, text.is_some().into(), text.unwrap_or(0)])))
}
