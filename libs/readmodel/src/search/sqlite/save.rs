//! Changes as rows. What goes, goes first; then what comes, in the order of its numbers: the
//! index of words writes itself out whenever a smaller number follows.

use std::collections::HashMap;

use domain::DialogId;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::first_of;
use crate::Error;
use crate::search::changes::{Change, Changes};
use crate::search::digest::digest;

const FIND: &str = "SELECT id, digest IS NOT NULL FROM texts WHERE dialog = ?1 AND sequence = ?2";
const FORGET: &str = "DELETE FROM words WHERE rowid = ?1";
const INDEX: &str = "INSERT INTO words (rowid, text) VALUES (?1, ?2)";
const INSERT: &str = "INSERT INTO texts (id, dialog, sequence, digest) VALUES (?1, ?2, ?3, ?4)";
const NEWEST: &str = "SELECT max(id) FROM texts WHERE id >= ?1 AND id < ?2";
const CLEAR: &str = "INSERT INTO sweeps (dialog, up_to)
    SELECT ?1, max(sequence) FROM texts WHERE dialog = ?1 HAVING max(sequence) IS NOT NULL
    ON CONFLICT DO UPDATE SET up_to = max(up_to, excluded.up_to)";

/// Saves what a batch has changed.
pub(super) fn save(connection: &Connection, changes: Changes) -> Result<(), Error> {
    for dialog in &changes.cleared {
        connection.prepare_cached(CLEAR)?.execute([dialog.as_bytes()])?;
    }
    let mut numbers = Numbers { connection, next: HashMap::new() };
    let mut texts: Vec<(i64, String)> = vec![];
    for ((dialog, sequence), change) in changes.messages {
        match change {
            Change::Posted { date_sent, text } => {
                let id = numbers.next(date_sent)?;
                let digest = text.as_deref().map(|text| digest(text).cast_signed());
                let values = params![id, dialog.as_bytes(), sequence.cast_signed(), digest];
                connection.prepare_cached(INSERT)?.execute(values)?;
                texts.extend(text.map(|text| (id, text)));
            }
            Change::Edited { text } => {
                let Some((id, indexed)) = find(connection, dialog, sequence)? else { continue };
                if indexed {
                    connection.prepare_cached(FORGET)?.execute([id])?;
                }
                let digest = text.as_deref().map(|text| digest(text).cast_signed());
                let mut update = connection.prepare_cached("UPDATE texts SET digest = ?2 WHERE id = ?1")?;
                update.execute(params![id, digest])?;
                texts.extend(text.map(|text| (id, text)));
            }
            Change::Removed => {
                if let Some(found) = find(connection, dialog, sequence)? {
                    remove(connection, found)?;
                }
            }
        }
    }
    texts.sort_unstable_by_key(|(id, _)| *id);
    for (id, text) in texts {
        connection.prepare_cached(INDEX)?.execute(params![id, text])?;
    }
    Ok(())
}

fn find(connection: &Connection, dialog: DialogId, sequence: u64) -> Result<Option<(i64, bool)>, Error> {
    let mut find = connection.prepare_cached(FIND)?;
    let place = params![dialog.as_bytes(), sequence.cast_signed()];
    Ok(find.query_row(place, |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

fn remove(connection: &Connection, (id, indexed): (i64, bool)) -> Result<(), Error> {
    if indexed {
        connection.prepare_cached(FORGET)?.execute([id])?;
    }
    connection.prepare_cached("DELETE FROM texts WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Hands out numbers: of one date in the order in which they are asked for.
struct Numbers<'c> {
    connection: &'c Connection,
    next: HashMap<i64, i64>,
}

impl Numbers<'_> {
    fn next(&mut self, date_sent: u64) -> Result<i64, Error> {
        let (first, end) = (first_of(date_sent), first_of(date_sent.saturating_add(1)));
        let next = match self.next.get(&first) {
            Some(next) => *next,
            None => {
                let mut newest = self.connection.prepare_cached(NEWEST)?;
                // Of the last date there is no end.
                let end = if end > first { end } else { i64::MAX };
                let found: Option<i64> = newest.query_row([first, end], |row| row.get(0))?;
                found.map_or(first, |newest| newest + 1)
            }
        };
        self.next.insert(first, next + 1);
        Ok(next)
    }
}

const DEAD: &str = "SELECT t.id, t.digest IS NOT NULL FROM texts t
    WHERE t.dialog = ?1 AND t.sequence <= ?2 ORDER BY t.sequence LIMIT ?3";

/// Deletes up to `rows_max` rows of messages that are gone; whether there may be more.
pub(super) fn sweep(connection: &Connection, rows_max: usize) -> Result<bool, Error> {
    let mut next = connection.prepare_cached("SELECT dialog, up_to FROM sweeps LIMIT 1")?;
    let found = next.query_row([], |row| Ok((row.get::<_, [u8; 12]>(0)?, row.get::<_, i64>(1)?)));
    let Some((dialog, up_to)) = found.optional()? else { return Ok(false) };
    let most = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let mut select = connection.prepare_cached(DEAD)?;
    let dead = select.query_map(params![dialog, up_to, most], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let dead: Vec<(i64, bool)> = dead.collect::<Result<_, _>>()?;
    for row in &dead {
        remove(connection, *row)?;
    }
    if dead.len() < rows_max {
        connection.prepare_cached("DELETE FROM sweeps WHERE dialog = ?1")?.execute([dialog])?;
    }
    Ok(true)
}
