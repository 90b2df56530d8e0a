//! Comparing two read models row by row: what lives in one must live in the other.
//!
//! Dead rows do not count: nothing of deleted dialogs but their headers, no message below
//! `cleared_to`, no chunk that neither a standing nor the counts of removed messages name.
//! Both are read as streams in the order of their keys, so it takes no memory to speak of.

use std::cmp::Ordering;
use std::path::Path;

use eventlog::Partition;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Row, Rows, params_from_iter};

use super::connect::open_read_only;
use super::error::OpenError;
use super::store::stored_checkpoints;
use crate::Error;
use crate::difference::{Difference, What};
use crate::marks::{Removals, Sparse};
use crate::rows::Checkpoint;

/// One moment of a living read model, which stays as it is while a fresh one is folded up
/// to the same checkpoints. The file's write-ahead log grows as long as it is held.
#[derive(Debug)]
pub struct Snapshot {
    connection: Connection,
}

impl Snapshot {
    /// Takes one of the file at `path`. The writer may go on beside it.
    pub fn take(path: &Path) -> Result<Self, OpenError> {
        let connection = open_read_only(path)?;
        connection.execute_batch("BEGIN; SELECT 1 FROM checkpoints LIMIT 1")?;
        Ok(Self { connection })
    }

    /// How far each partition has been folded, by partition.
    pub fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        Ok(stored_checkpoints(&self.connection)?)
    }

    /// The rows that differ from those in the file at `fresh`, up to `differences_max`.
    pub fn compare(&self, fresh: &Path, differences_max: usize) -> Result<Vec<Difference>, OpenError> {
        let fresh = open_read_only(fresh)?;
        fresh.execute_batch("BEGIN")?;
        let mut found = vec![];
        for table in &TABLES {
            compare_table(table, [&self.connection, &fresh], &mut found, differences_max)?;
        }
        Ok(found)
    }
}

/// A table as it is compared.
struct Table {
    name: &'static str,
    /// How many columns, from the first one on, are its key.
    keys: usize,
    /// The living rows in the order of the key.
    sql: &'static str,
    /// What names a row, if the row is living only then.
    named_by: Option<NamedBy>,
}

#[derive(Clone, Copy)]
enum NamedBy {
    Removals,
    Standing,
}

const TABLES: [Table; 9] = [
    Table {
        name: "checkpoints",
        keys: 1,
        sql: "SELECT * FROM checkpoints ORDER BY partition",
        named_by: None,
    },
    Table { name: "dialogs", keys: 1, sql: "SELECT * FROM dialogs ORDER BY dialog", named_by: None },
    Table {
        name: "standings",
        keys: 2,
        sql: "SELECT t.* FROM standings t CROSS JOIN dialogs d USING (dialog) WHERE d.alive
              ORDER BY t.dialog, t.user",
        named_by: None,
    },
    Table {
        name: "messages",
        keys: 2,
        sql: "SELECT t.* FROM messages t CROSS JOIN dialogs d USING (dialog)
              WHERE d.alive AND t.sequence > d.cleared_to ORDER BY t.dialog, t.sequence",
        named_by: None,
    },
    Table {
        name: "removals",
        keys: 1,
        sql: "SELECT t.* FROM removals t CROSS JOIN dialogs d USING (dialog)
              WHERE d.alive AND length(t.counts) > 0 ORDER BY t.dialog",
        named_by: None,
    },
    Table {
        name: "removed_chunks",
        keys: 2,
        sql: "SELECT t.* FROM removed_chunks t CROSS JOIN dialogs d USING (dialog) WHERE d.alive
              ORDER BY t.dialog, t.chunk",
        named_by: Some(NamedBy::Removals),
    },
    Table {
        name: "mark_chunks",
        keys: 3,
        sql: "SELECT t.* FROM mark_chunks t CROSS JOIN dialogs d USING (dialog)
              WHERE d.alive AND t.chunk >= d.cleared_to / 4096 ORDER BY t.dialog, t.chunk, t.user",
        named_by: Some(NamedBy::Standing),
    },
    Table {
        name: "reactions",
        keys: 4,
        sql: "SELECT t.* FROM reactions t CROSS JOIN dialogs d USING (dialog)
              CROSS JOIN messages m ON m.dialog = t.dialog AND m.sequence = t.sequence
              WHERE d.alive AND t.sequence > d.cleared_to AND m.reactions IS NOT NULL
              ORDER BY t.dialog, t.sequence, t.kind, t.user",
        named_by: None,
    },
    Table {
        name: "view_counts",
        keys: 2,
        sql: "SELECT t.* FROM view_counts t CROSS JOIN dialogs d USING (dialog)
              WHERE d.alive AND t.chunk >= d.cleared_to / 256 ORDER BY t.dialog, t.chunk",
        named_by: None,
    },
];

type Values = Vec<Value>;

fn compare_table(
    table: &Table,
    connections: [&Connection; 2],
    found: &mut Vec<Difference>,
    differences_max: usize,
) -> Result<(), Error> {
    let [mut living_select, mut fresh_select] =
        [connections[0].prepare(table.sql)?, connections[1].prepare(table.sql)?];
    let names: Vec<String> = living_select.column_names().into_iter().map(str::to_owned).collect();
    let [mut living_rows, mut fresh_rows] = [living_select.query([])?, fresh_select.query([])?];
    let mut living = next(table, connections[0], &mut living_rows)?;
    let mut fresh = next(table, connections[1], &mut fresh_rows)?;
    while found.len() < differences_max {
        let order = match (&living, &fresh) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => order(&one[..table.keys], &other[..table.keys]),
        };
        let what = match (order, &living, &fresh) {
            (Ordering::Less, _, _) => Some(What::Surplus),
            (Ordering::Greater, _, _) => Some(What::Missing),
            (Ordering::Equal, Some(one), Some(other)) => columns(&names, one, other),
            (Ordering::Equal, _, _) => None,
        };
        if let (Some(what), Some(row)) = (what, if order.is_le() { &living } else { &fresh }) {
            found.push(Difference { table: table.name, key: key(&row[..table.keys]), what });
        }
        if order.is_le() {
            living = next(table, connections[0], &mut living_rows)?;
        }
        if order.is_ge() {
            fresh = next(table, connections[1], &mut fresh_rows)?;
        }
    }
    Ok(())
}

/// The next living row.
fn next(table: &Table, connection: &Connection, rows: &mut Rows<'_>) -> Result<Option<Values>, Error> {
    while let Some(row) = rows.next()? {
        let values = values(row)?;
        let named = match table.named_by {
            None => true,
            Some(by) => is_named(connection, by, &values)?,
        };
        if named {
            return Ok(Some(values));
        }
    }
    Ok(None)
}

fn values(row: &Row<'_>) -> rusqlite::Result<Values> {
    (0..row.as_ref().column_count()).map(|column| row.get(column)).collect()
}

fn is_named(connection: &Connection, by: NamedBy, row: &[Value]) -> Result<bool, Error> {
    let (sql, keys) = match by {
        NamedBy::Removals => ("SELECT counts FROM removals WHERE dialog = ?1", vec![&row[0]]),
        NamedBy::Standing => {
            ("SELECT sparse FROM standings WHERE dialog = ?1 AND user = ?2", vec![&row[0], &row[2]])
        }
    };
    let chunk = match &row[1] {
        Value::Integer(chunk) => u32::try_from(*chunk).ok(),
        Value::Null | Value::Real(_) | Value::Text(_) | Value::Blob(_) => None,
    };
    let mut select = connection.prepare_cached(sql)?;
    let blob: Option<Vec<u8>> = select.query_row(params_from_iter(keys), |row| row.get(0)).optional()?;
    let (Some(blob), Some(chunk)) = (blob, chunk) else { return Ok(false) };
    Ok(match by {
        NamedBy::Removals => Removals::decode(&blob)?.of(chunk) > 0,
        NamedBy::Standing => Sparse::decode(&blob)?.get(chunk).is_some(),
    })
}

/// Keys are integers, texts and blobs, each column of one sort.
fn order(one: &[Value], other: &[Value]) -> Ordering {
    let pairs = one.iter().zip(other).map(|pair| match pair {
        (Value::Integer(one), Value::Integer(other)) => one.cmp(other),
        (Value::Blob(one), Value::Blob(other)) => one.cmp(other),
        (Value::Text(one), Value::Text(other)) => one.cmp(other),
        _ => Ordering::Equal,
    });
    pairs.fold(Ordering::Equal, Ordering::then)
}

fn columns(names: &[String], one: &[Value], other: &[Value]) -> Option<What> {
    let pairs = names.iter().zip(one.iter().zip(other));
    let differing: Vec<_> =
        pairs.filter(|(_, (one, other))| one != other).map(|(name, _)| name.clone()).collect();
    (!differing.is_empty()).then_some(What::Columns(differing))
}

fn key(values: &[Value]) -> String {
    let parts: Vec<_> = values
        .iter()
        .map(|value| match value {
            Value::Blob(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Value::Integer(number) => number.to_string(),
            Value::Text(_) => "…".to_owned(),
            Value::Null | Value::Real(_) => String::new(),
        })
        .collect();
    parts.join("/")
}
