//! The embedded store: `identity.db`, one SQLite file.
//!
//! One writing connection on a thread of its own, a few reading ones. What is answered is on the
//! disk (`synchronous=FULL`). Nothing of SQLite leaves this module but through [`crate::Error`].

mod accounts;
mod copy;
mod find;
mod inspect;
mod list;
mod resets;
mod schema;
mod sessions;
mod users;
mod uses;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::copy::Purpose;
use crate::memory::{Memory, Stale};
use crate::store::number;
use crate::waiting::WaitingUses;
use crate::workers::{Droppable, Precedence, Workers};
use crate::{Error, OpenError, Settings};
pub(crate) use inspect::inspect;

/// How long a connection waits for another process's lock, for example an operator's tool.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(5);

/// Prepared statements kept per connection: more than there are.
const STATEMENTS_MAX: usize = 64;

/// Users, sessions and counters in one SQLite file.
pub(crate) struct Store {
    writer: Workers<Connection>,
    readers: Workers<Connection>,
    /// On its own, so that no question of the others waits for a search.
    finder: Workers<Connection>,
    uses: Arc<WaitingUses>,
}

impl Store {
    /// Opens the file, makes it if it is missing, brings an older format up to date, and refuses
    /// a foreign or newer one untouched. Blocks.
    pub(crate) fn open(path: &Path, settings: &Settings, purpose: Purpose) -> Result<Self, OpenError> {
        let failed = |reason: String| OpenError::Failed { path: path.display().to_string(), reason };
        create_private(path).map_err(|error| failed(error.to_string()))?;
        let mut writer = connect(path).map_err(|error| failed(error.to_string()))?;
        schema::migrate(&mut writer, path)?;
        find::note_missing_terms(&mut writer).map_err(|error| failed(error.to_string()))?;
        let is_unfinished = copy::is_marked(&writer).map_err(|error| failed(error.to_string()))?;
        if is_unfinished && purpose == Purpose::Serve {
            return Err(OpenError::Unfinished { path: path.display().to_string() });
        }
        let reader = || {
            let reader = connect(path)?;
            reader.pragma_update(None, "query_only", true)?;
            Ok(reader)
        };
        let readers = (0..settings.readers).map(|_| reader()).collect::<rusqlite::Result<Vec<_>>>();
        let readers = readers.map_err(|error| failed(error.to_string()))?;
        let finder = reader().map_err(|error| failed(error.to_string()))?;
        let start = |name, connections, queue_max| {
            Workers::start(name, connections, queue_max, Precedence::Usual)
                .map_err(|error| failed(error.to_string()))
        };
        Ok(Self {
            writer: start("identity-write", vec![writer], settings.write_queue_max)?,
            readers: start("identity-read", readers, settings.read_queue_max)?,
            finder: start("identity-find", vec![finder], settings.read_queue_max)?,
            uses: Arc::default(),
        })
    }

    /// Answers a question from a reading connection.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.readers.ask(Droppable::Yes, |connection| question(connection)).await?
    }

    /// Makes a change in one transaction, on the disk when this answers. The change happens
    /// even if the asker goes away.
    async fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.writer.ask(Droppable::No, |connection| in_transaction(connection, change)).await?
    }

    /// As [`Self::write`]; what the change says is stale is forgotten as soon as it is on the disk, also
    /// when the asker has gone away.
    async fn write_forgetting<T: Send + 'static>(
        &self,
        memory: &Arc<Memory>,
        change: impl FnOnce(&Transaction<'_>, &mut Stale) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let memory = Arc::clone(memory);
        let change = move |connection: &mut Connection| {
            let mut stale = Stale::default();
            let changed = in_transaction(connection, |transaction| change(transaction, &mut stale))?;
            memory.forget(&stale);
            Ok(changed)
        };
        self.writer.ask(Droppable::No, change).await?
    }
}

/// All of `change` or nothing. It takes the write lock first, so that what it reads still
/// holds when it writes.
fn in_transaction<T>(
    connection: &mut Connection,
    change: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let changed = change(&transaction)?;
    transaction.commit()?;
    Ok(changed)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(LOCK_WAIT_MAX)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    Ok(connection)
}

/// Makes an empty file that only its owner may read; SQLite's side files follow its mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// The next number of a counter: each is issued once, even if what it names is deleted.
fn issue(connection: &Connection, counter: &str) -> Result<u64, Error> {
    let last = connection
        .prepare_cached("UPDATE counters SET last = last + 1 WHERE name = ?1 RETURNING last")?
        .query_row([counter], |row| row.get(0))?;
    number(last)
}

#[cfg(test)]
mod tests;
