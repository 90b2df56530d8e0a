//! Opening an index's file: ours, of today's version, and with the settings that every
//! connection to it needs.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::search::SEARCH_VERSION;
use crate::search::error::OpenError;

/// Marks a file as a search index of Hansard: "HanF", for finding.
const APPLICATION_ID: i32 = 0x4861_6e46;
/// Bytes of the file that a connection maps into memory at most.
const MAPPED_BYTES_MAX: i64 = 1 << 30;
/// KiB of pages that the writing connection keeps, and a reading one.
const WRITER_CACHE_KIB: i64 = 32 * 1024;
const READER_CACHE_KIB: i64 = 4 * 1024;
/// How long a statement waits for another connection's lock.
const BUSY_MAX: Duration = Duration::from_secs(5);
/// Statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 32;

/// Every table and index.
const TABLES: &str = "
CREATE VIRTUAL TABLE words USING fts5(
    text, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1'
);

-- Which message a row is, also one without a word in the index: then it has no digest.
CREATE TABLE texts (
    id INTEGER NOT NULL PRIMARY KEY,
    dialog BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    digest INTEGER
) STRICT;

CREATE UNIQUE INDEX texts_by_place ON texts (dialog, sequence);

CREATE TABLE checkpoints (
    partition INTEGER NOT NULL PRIMARY KEY,
    epoch BLOB NOT NULL,
    next_offset INTEGER NOT NULL,
    frame_hash BLOB NOT NULL,
    time_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Dialogs whose messages are gone up to there, until the sweeper has deleted their rows.
CREATE TABLE sweeps (
    dialog BLOB NOT NULL PRIMARY KEY,
    up_to INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Whether a file can be used.
pub(super) enum Fitness {
    Fits,
    /// Nothing is in it yet.
    New,
    /// Ours, of another version: to be made anew.
    Old,
}

/// Opens the one connection that writes; makes the tables if there is no file yet. `None` if
/// what is there has to be made anew.
pub(super) fn open_read_write(path: &Path) -> Result<Option<Connection>, OpenError> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_MAX)?;
    match fitness(&connection, path)? {
        Fitness::Fits => {}
        Fitness::Old => return Ok(None),
        Fitness::New => {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.execute_batch(&format!(
                "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION_ID};
                 PRAGMA user_version = {SEARCH_VERSION}; COMMIT;"
            ))?;
        }
    }
    // What a crash loses is folded again: the checkpoint moves with the rows.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    common(&connection, WRITER_CACHE_KIB)?;
    Ok(Some(connection))
}

/// Opens one that only reads; `None` if there is no index of today's.
pub(super) fn open_read_only(path: &Path) -> Result<Option<Connection>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_MAX)?;
    match fitness(&connection, path)? {
        Fitness::Fits => {}
        Fitness::New | Fitness::Old => return Ok(None),
    }
    common(&connection, READER_CACHE_KIB)?;
    Ok(Some(connection))
}

fn fitness(connection: &Connection, path: &Path) -> Result<Fitness, OpenError> {
    if connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))? {
        return Ok(Fitness::New);
    }
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    if number("application_id")? != APPLICATION_ID {
        return Err(OpenError::Foreign(path.display().to_string()));
    }
    let version = number("user_version")?.cast_unsigned();
    Ok(if version == SEARCH_VERSION { Fitness::Fits } else { Fitness::Old })
}

fn common(connection: &Connection, cache_kib: i64) -> Result<(), OpenError> {
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "mmap_size", MAPPED_BYTES_MAX)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}
