//! Opening a read model's file: ours, of today's folds, and with the settings that every
//! connection to it needs.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;
use super::rebuild::remove_if_there;
use super::schema::{APPLICATION_ID, TABLES};
use crate::Error;
use crate::fold::FOLDS_VERSION;

/// Bytes of the file that a connection maps into memory at most.
const MAPPED_BYTES_MAX: i64 = 1 << 30;
/// KiB of pages that the writing connection keeps.
const WRITER_CACHE_KIB: i64 = 64 * 1024;
/// KiB of pages that a reading connection keeps; mapped pages need no copy.
const READER_CACHE_KIB: i64 = 8 * 1024;
/// Milliseconds that a statement waits for another connection's lock.
const BUSY_MS: u64 = 5_000;
/// Statements that a connection keeps prepared.
const STATEMENTS_MAX: usize = 128;
/// Pages in the write-ahead log at which the writer itself moves them into the file.
/// Below that the keeper does it on a thread of its own.
const WAL_PAGES_MAX: i64 = 16 * 1024;

/// The name of today's read model in a data folder: `readmodel-<folds version>.db`.
pub fn file_name() -> String {
    format!("readmodel-{FOLDS_VERSION}.db")
}

/// The files beside `path` that SQLite keeps for it.
pub(super) fn companions(path: &Path) -> [PathBuf; 2] {
    ["-wal", "-shm"].map(|suffix| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    })
}

/// Deletes the read model at `path`, if there is one: it can be folded again from the log.
/// No connection to it is open.
pub fn discard(path: &Path) -> std::io::Result<()> {
    remove_if_there(path)?;
    companions(path).iter().try_for_each(|companion| remove_if_there(companion))
}

/// Opens a connection that moves the write-ahead log and nothing else.
pub(super) fn open_plain(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Opens the one connection that writes; makes the tables if there is no file yet.
pub(super) fn open_read_write(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    if is_new(&connection)? {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        make_tables(&connection)?;
    }
    check(&connection)?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_MAX)?;
    common(&connection)?;
    Ok(connection)
}

/// Makes a file that is of use only once it was closed: until then no other connection
/// can open it, and an error or a crash ruins it. That saves writing every page twice.
pub(super) fn create_scratch(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "OFF")?;
    connection.pragma_update(None, "synchronous", "OFF")?;
    make_tables(&connection)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    common(&connection)?;
    Ok(connection)
}

/// Makes a scratch file one that several connections can use, and closes it.
pub(super) fn finish_scratch(connection: Connection) -> Result<(), Error> {
    connection.pragma_update(None, "locking_mode", "NORMAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.close().map_err(|(_, error)| error.into())
}

fn make_tables(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE; {TABLES} PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {FOLDS_VERSION}; COMMIT;"
    ))?;
    Ok(())
}

/// Opens a connection that only reads. Several may read beside the one that writes.
pub fn open_read_only(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(std::time::Duration::from_millis(BUSY_MS))?;
    check(&connection)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    common(&connection)?;
    Ok(connection)
}

fn common(connection: &Connection) -> Result<(), Error> {
    connection.pragma_update(None, "mmap_size", MAPPED_BYTES_MAX)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(())
}

fn is_new(connection: &Connection) -> Result<bool, Error> {
    Ok(connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?)
}

fn check(connection: &Connection) -> Result<(), OpenError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    if number("application_id")? != APPLICATION_ID {
        return Err(OpenError::Foreign);
    }
    let found = number("user_version")?.cast_unsigned();
    if found == FOLDS_VERSION { Ok(()) } else { Err(OpenError::OtherFolds { found }) }
}
