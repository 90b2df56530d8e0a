//! Comparing two read models row by row: what lives in one must live in the other.
//!
//! Dead rows do not count: nothing of deleted dialogs but their headers, no message below
//! `cleared_to`, no chunk that neither a standing nor the counts of removed messages name.
//! Both are read as streams in the order of their keys, so it takes no memory to speak of.

use std::cmp::Ordering;

use eventlog::Partition;
use futures::TryStreamExt as _;
use futures::stream::BoxStream;
use sqlx::postgres::PgRow;
use sqlx::{Column as _, Connection as _, PgConnection, Row as _, TypeInfo as _, ValueRef as _};

use super::connect::Pool;
use super::fresh::Fresh;
use super::store::checkpoints;
use crate::marks::{Removals, Sparse};
use crate::rows::Checkpoint;
use crate::{Difference, Error, What};

/// One moment of a living read model, which stays as it is while a fresh one is folded up
/// to the same checkpoints. The server keeps dead rows as long as it is held.
#[derive(Debug)]
pub struct Snapshot {
    connection: PgConnection,
}

impl Snapshot {
    /// Takes one. The writers may go on beside it.
    pub async fn take(pool: &Pool) -> Result<Self, Error> {
        let mut connection = pool.unlimited().await?;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT 1 FROM checkpoints LIMIT 1";
        sqlx::raw_sql(begin).execute(&mut connection).await?;
        Ok(Self { connection })
    }

    /// How far each partition has been folded, by partition.
    pub async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        checkpoints(&mut self.connection).await
    }

    /// The rows that differ from those in `fresh`, up to `differences_max`.
    pub async fn compare(
        &mut self,
        fresh: &mut Fresh,
        differences_max: usize,
    ) -> Result<Vec<Difference>, Error> {
        self.compare_with(fresh.connection(), differences_max).await
    }

    /// The rows that differ from those of the schema on that connection.
    pub(crate) async fn compare_with(
        &mut self,
        fresh: &mut PgConnection,
        differences_max: usize,
    ) -> Result<Vec<Difference>, Error> {
        let mut found = vec![];
        for table in &TABLES {
            let living = Living::of(table, &mut self.connection);
            let fresh = Living::of(table, fresh);
            compare_table(table, (living, fresh), &mut found, differences_max).await?;
        }
        Ok(found)
    }

    /// Lets the server forget that moment.
    pub async fn release(self) -> Result<(), Error> {
        Ok(self.connection.close().await?)
    }
}

/// A table as it is compared.
struct Table {
    name: &'static str,
    /// How many columns, from the first one on, are its key.
    keys: usize,
    /// The living rows in the order of the key.
    sql: &'static str,
    /// What names a row, if the row is living only then: it stands in the last column.
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
        sql: "SELECT * FROM checkpoints WHERE next_offset <> 0 ORDER BY partition",
        named_by: None,
    },
    Table { name: "dialogs", keys: 1, sql: "SELECT * FROM dialogs ORDER BY dialog", named_by: None },
    Table {
        name: "standings",
        keys: 2,
        sql: "SELECT t.* FROM standings t JOIN dialogs d USING (dialog) WHERE d.alive
              ORDER BY t.dialog, t.user_id",
        named_by: None,
    },
    Table {
        name: "messages",
        keys: 2,
        sql: "SELECT t.* FROM messages t JOIN dialogs d USING (dialog)
              WHERE d.alive AND t.sequence > d.cleared_to ORDER BY t.dialog, t.sequence",
        named_by: None,
    },
    Table {
        name: "removals",
        keys: 1,
        sql: "SELECT t.* FROM removals t JOIN dialogs d USING (dialog)
              WHERE d.alive AND length(t.counts) > 0 ORDER BY t.dialog",
        named_by: None,
    },
    Table {
        name: "removed_chunks",
        keys: 2,
        sql: "SELECT t.*, r.counts FROM removed_chunks t JOIN dialogs d USING (dialog)
              JOIN removals r USING (dialog) WHERE d.alive ORDER BY t.dialog, t.chunk",
        named_by: Some(NamedBy::Removals),
    },
    Table {
        name: "mark_chunks",
        keys: 3,
        sql: "SELECT t.*, s.sparse FROM mark_chunks t JOIN dialogs d USING (dialog)
              JOIN standings s ON s.dialog = t.dialog AND s.user_id = t.user_id
              WHERE d.alive AND t.chunk >= d.cleared_to / 4096 ORDER BY t.dialog, t.chunk, t.user_id",
        named_by: Some(NamedBy::Standing),
    },
    Table {
        name: "reactions",
        keys: 4,
        sql: "SELECT t.* FROM reactions t JOIN dialogs d USING (dialog)
              JOIN messages m ON m.dialog = t.dialog AND m.sequence = t.sequence
              WHERE d.alive AND t.sequence > d.cleared_to AND m.reactions IS NOT NULL
              ORDER BY t.dialog, t.sequence, t.kind, t.user_id",
        named_by: None,
    },
    Table {
        name: "view_counts",
        keys: 2,
        sql: "SELECT t.* FROM view_counts t JOIN dialogs d USING (dialog)
              WHERE d.alive AND t.chunk >= d.cleared_to / 256 ORDER BY t.dialog, t.chunk",
        named_by: None,
    },
];

/// The living rows of a table, one after another.
struct Living<'c> {
    rows: BoxStream<'c, Result<PgRow, sqlx::Error>>,
    named_by: Option<NamedBy>,
}

impl<'c> Living<'c> {
    fn of(table: &Table, connection: &'c mut PgConnection) -> Self {
        Self { rows: sqlx::query(table.sql).fetch(connection), named_by: table.named_by }
    }

    async fn next(&mut self) -> Result<Option<PgRow>, Error> {
        while let Some(row) = self.rows.try_next().await? {
            if self.named_by.map_or(Ok(true), |by| is_named(by, &row))? {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }
}

fn is_named(by: NamedBy, row: &PgRow) -> Result<bool, Error> {
    let Ok(chunk) = u32::try_from(row.try_get::<i64, _>(1)?) else { return Ok(false) };
    let bytes: &[u8] = row.try_get(row.len() - 1)?;
    Ok(match by {
        NamedBy::Removals => Removals::decode(bytes)?.of(chunk) > 0,
        NamedBy::Standing => Sparse::decode(bytes)?.get(chunk).is_some(),
    })
}

async fn compare_table(
    table: &Table,
    (mut living_rows, mut fresh_rows): (Living<'_>, Living<'_>),
    found: &mut Vec<Difference>,
    differences_max: usize,
) -> Result<(), Error> {
    let mut living = living_rows.next().await?;
    let mut fresh = fresh_rows.next().await?;
    while found.len() < differences_max {
        let order = match (&living, &fresh) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(one), Some(other)) => order(table, one, other)?,
        };
        let what = match (order, &living, &fresh) {
            (Ordering::Less, _, _) => Some(What::Surplus),
            (Ordering::Greater, _, _) => Some(What::Missing),
            (Ordering::Equal, Some(one), Some(other)) => columns(table, one, other)?,
            (Ordering::Equal, _, _) => None,
        };
        if let (Some(what), Some(row)) = (what, if order.is_le() { &living } else { &fresh }) {
            found.push(Difference { table: table.name, key: key(table, row)?, what });
        }
        if order.is_le() {
            living = living_rows.next().await?;
        }
        if order.is_ge() {
            fresh = fresh_rows.next().await?;
        }
    }
    Ok(())
}

/// A value of a key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(i64),
    Bytes(Vec<u8>),
    Text(String),
}

fn parts(table: &Table, row: &PgRow) -> Result<Vec<Part>, Error> {
    let part = |column: usize| match row.columns()[column].type_info().name() {
        "BYTEA" => row.try_get(column).map(Part::Bytes),
        "TEXT" => row.try_get(column).map(Part::Text),
        "INT4" => row.try_get::<i32, _>(column).map(|number| Part::Number(number.into())),
        _ => row.try_get(column).map(Part::Number),
    };
    Ok((0..table.keys).map(part).collect::<Result<_, _>>()?)
}

fn order(table: &Table, one: &PgRow, other: &PgRow) -> Result<Ordering, Error> {
    Ok(parts(table, one)?.cmp(&parts(table, other)?))
}

/// The columns that differ, as they stand on the wire.
fn columns(table: &Table, one: &PgRow, other: &PgRow) -> Result<Option<What>, Error> {
    let compared = one.len() - usize::from(table.named_by.is_some());
    let mut differing = vec![];
    for column in 0..compared {
        if bytes(one, column)? != bytes(other, column)? {
            differing.push(one.column(column).name().to_owned());
        }
    }
    Ok((!differing.is_empty()).then_some(What::Columns(differing)))
}

fn bytes(row: &PgRow, column: usize) -> Result<Option<&[u8]>, Error> {
    let value = row.try_get_raw(column)?;
    if value.is_null() {
        return Ok(None);
    }
    value.as_bytes().map(Some).map_err(Error::Store)
}

fn key(table: &Table, row: &PgRow) -> Result<String, Error> {
    let part = |part: &Part| match part {
        Part::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Part::Number(number) => number.to_string(),
        Part::Text(_) => "…".to_owned(),
    };
    let parts: Vec<String> = parts(table, row)?.iter().map(part).collect();
    Ok(parts.join("/"))
}
