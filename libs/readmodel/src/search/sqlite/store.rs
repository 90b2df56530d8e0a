//! The write side: all of a batch or nothing, with the checkpoints.

use std::path::{Path, PathBuf};

use eventlog::{Epoch, FrameHash, Offset, Partition};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::connect::open_read_write;
use super::save;
use crate::rows::Checkpoint;
use crate::search::changes::Changes;
use crate::search::error::OpenError;
use crate::{Applied, Error, sqlite};

/// The one writer of an index's file. Every call blocks.
#[derive(Debug)]
pub(in crate::search) struct Store {
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the index at `path`, or makes it; one that is damaged or of another version is
    /// thrown away, as the log has everything that was in it.
    pub(in crate::search) fn open_or_create(path: &Path) -> Result<Self, OpenError> {
        let opened = match open_read_write(path) {
            Err(OpenError::Store(error @ Error::Damaged(_))) => {
                tracing::warn!(%error, path = %path.display(), "the search index is damaged; folding it again");
                None
            }
            Ok(None) => {
                tracing::info!(path = %path.display(), "the search index is an older one; folding it again");
                None
            }
            other => other?,
        };
        match opened {
            Some(connection) => Ok(Self { connection, path: path.to_owned() }),
            None => Self::create_anew(path),
        }
    }

    fn create_anew(path: &Path) -> Result<Self, OpenError> {
        sqlite::discard(path).map_err(OpenError::File)?;
        match open_read_write(path)? {
            Some(connection) => Ok(Self { connection, path: path.to_owned() }),
            None => Err(OpenError::Foreign(path.display().to_string())),
        }
    }

    /// Throws everything away.
    pub(in crate::search) fn renew(self) -> Result<Self, OpenError> {
        let Self { connection, path } = self;
        drop(connection);
        Self::create_anew(&path)
    }

    pub(in crate::search) fn apply(&mut self, batch: &[Applied]) -> Result<(), Error> {
        let changes = Changes::of(batch);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for applied in batch {
            if checkpoint(&transaction, applied.partition)? != applied.expected {
                return Err(Error::Moved { partition: applied.partition });
            }
        }
        save::save(&transaction, changes)?;
        for applied in batch {
            save_checkpoint(&transaction, applied)?;
        }
        transaction.commit()?;
        Ok(())
    }

    pub(in crate::search) fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        Ok(checkpoints(&self.connection)?)
    }

    pub(in crate::search) fn sweep(&mut self, rows_max: usize) -> Result<bool, Error> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let left = save::sweep(&transaction, rows_max)?;
        transaction.commit()?;
        Ok(left)
    }

    /// Moves everything into the one file and closes it.
    pub(in crate::search) fn close(self) -> Result<(), Error> {
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        self.connection.close().map_err(|(_, error)| error.into())
    }
}

const COLUMNS: &str = "epoch, next_offset, frame_hash, time_ms";

fn checkpoint(connection: &Connection, partition: Partition) -> rusqlite::Result<Option<Checkpoint>> {
    let sql = format!("SELECT {COLUMNS} FROM checkpoints WHERE partition = ?1");
    let mut select = connection.prepare_cached(&sql)?;
    select.query_row([partition.0], |row| checkpoint_of(row, 0)).optional()
}

/// How far each partition has been folded, by partition.
pub(super) fn checkpoints(connection: &Connection) -> rusqlite::Result<Vec<(Partition, Checkpoint)>> {
    let sql = format!("SELECT partition, {COLUMNS} FROM checkpoints ORDER BY partition");
    let mut select = connection.prepare_cached(&sql)?;
    select.query_map([], |row| Ok((Partition(row.get(0)?), checkpoint_of(row, 1)?)))?.collect()
}

fn checkpoint_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint {
        epoch: Epoch(row.get(first)?),
        next: Offset(row.get::<_, i64>(first + 1)?.cast_unsigned()),
        frame_hash: FrameHash(row.get(first + 2)?),
        time: domain::Time(row.get::<_, i64>(first + 3)?.cast_unsigned()),
    })
}

fn save_checkpoint(transaction: &Transaction<'_>, applied: &Applied) -> rusqlite::Result<()> {
    let Checkpoint { epoch, next, frame_hash, time } = applied.checkpoint;
    let sql =
        format!("INSERT OR REPLACE INTO checkpoints (partition, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5)");
    let (next, time) = (next.0.cast_signed(), time.0.cast_signed());
    let values = params![applied.partition.0, epoch.0, next, frame_hash.0, time];
    transaction.prepare_cached(&sql)?.execute(values)?;
    Ok(())
}
