//! The write side: batches of events become rows, all of a batch or nothing.

use std::path::{Path, PathBuf};

use domain::Time;
use eventlog::{Epoch, FrameHash, Offset, Partition};
use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior, params};

use super::connect::open_read_write;
use super::error::OpenError;
use super::keeper::Keeper;
use super::load::load;
use super::save::save;
use super::values::{int, number};
use crate::fold::{Plan, Rows, fold_batch, highest_user};
use crate::rows::Checkpoint;
use crate::{Applied, Error};

/// The one writer of a read model's file. Every call blocks.
#[derive(Debug)]
pub struct Store {
    // Closed first, so that the writer's is the last connection.
    keeper: Keeper,
    connection: Connection,
    path: PathBuf,
}

impl Store {
    /// Opens the file at `path`, or makes it.
    pub fn open_or_create(path: &Path) -> Result<Self, OpenError> {
        let connection = open_read_write(path)?;
        let keeper = Keeper::start(path)?;
        Ok(Self { keeper, connection, path: path.to_owned() })
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Folds a batch and moves the checkpoints of its partitions, in one transaction.
    ///
    /// A partition stands in it at most once. After [`Error::Full`] the same call may be
    /// tried again; after [`Error::Fold`] no batch with that record can succeed.
    pub fn apply(&mut self, batch: &[Applied]) -> Result<(), Error> {
        apply(&mut self.connection, batch)?;
        self.keeper.wake();
        Ok(())
    }

    /// How far a partition has been folded.
    pub fn checkpoint(&self, partition: Partition) -> Result<Option<Checkpoint>, Error> {
        Ok(stored_checkpoint(&self.connection, partition)?)
    }

    /// How far each partition has been folded, by partition.
    pub fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        Ok(stored_checkpoints(&self.connection)?)
    }

    /// Rows inserted, changed and deleted since it was opened.
    pub fn rows_written(&self) -> u64 {
        self.connection.total_changes()
    }

    /// Deletes up to about `rows_max` dead rows in one small transaction; whether some are
    /// left. What a query or a fold can see never changes.
    pub fn sweep(&mut self, rows_max: usize) -> Result<bool, Error> {
        // Asked after every batch, and almost always there is nothing.
        let mut pending = self.connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM sweeps)")?;
        if !pending.query_row([], |row| row.get::<_, bool>(0))? {
            return Ok(false);
        }
        drop(pending);
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let left = super::sweep::sweep(&transaction, rows_max)?;
        transaction.commit()?;
        self.keeper.wake();
        Ok(left)
    }

    /// Moves everything into the one file and closes it.
    pub fn close(self) -> Result<(), Error> {
        let Self { connection, path: _, keeper } = self;
        drop(keeper);
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error.into())
    }

    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    #[cfg(test)]
    pub(crate) fn load(&self, wanted: &crate::fold::Wanted, rows: &mut Rows) -> Result<(), Error> {
        load(&self.connection, wanted, rows)
    }
}

/// Folds a batch through `connection`, in one transaction.
pub(super) fn apply(connection: &mut Connection, batch: &[Applied]) -> Result<(), Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for applied in batch {
        if stored_checkpoint(&transaction, applied.partition)? != applied.expected {
            return Err(Error::Moved { partition: applied.partition });
        }
    }
    let mut rows = Rows::default();
    let mut plan = Plan::of(batch.iter().flat_map(|applied| &applied.records));
    while let Some(wanted) = plan.next(&rows) {
        load(&transaction, &wanted, &mut rows)?;
    }
    fold_batch(&mut rows, batch)?;
    save(&transaction, &rows)?;
    for applied in batch {
        save_checkpoint(&transaction, applied)?;
    }
    transaction.commit()?;
    Ok(())
}

/// How far a partition has been folded.
pub(super) fn stored_checkpoint(
    connection: &Connection,
    partition: Partition,
) -> rusqlite::Result<Option<Checkpoint>> {
    let mut select = connection.prepare_cached(
        "SELECT epoch, next_offset, frame_hash, time_ms FROM checkpoints WHERE partition = ?1",
    )?;
    let checkpoint = select.query_row([partition.0], |row| checkpoint_of(row, 0));
    checkpoint.optional()
}

/// How far each partition has been folded, by partition.
pub(super) fn stored_checkpoints(connection: &Connection) -> rusqlite::Result<Vec<(Partition, Checkpoint)>> {
    let mut select = connection.prepare_cached(
        "SELECT partition, epoch, next_offset, frame_hash, time_ms FROM checkpoints ORDER BY partition",
    )?;
    let checkpoints = select.query_map([], |row| Ok((Partition(row.get(0)?), checkpoint_of(row, 1)?)))?;
    checkpoints.collect()
}

/// A checkpoint that starts at that column: epoch, next offset, hash, time.
pub(super) fn checkpoint_of(row: &Row<'_>, column: usize) -> rusqlite::Result<Checkpoint> {
    Ok(Checkpoint {
        epoch: Epoch(row.get(column)?),
        next: Offset(number(row, column + 1)?),
        frame_hash: FrameHash(row.get(column + 2)?),
        time: Time(number(row, column + 3)?),
    })
}

fn save_checkpoint(transaction: &Transaction<'_>, applied: &Applied) -> Result<(), Error> {
    let highest = applied.records.iter().map(highest_user).max().unwrap_or(0);
    let mut upsert = transaction.prepare_cached(
        "INSERT INTO checkpoints VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET epoch = ?2, next_offset = ?3, frame_hash = ?4, time_ms = ?5,
            highest_user = max(highest_user, ?6)",
    )?;
    let Checkpoint { epoch, next, frame_hash, time } = applied.checkpoint;
    upsert.execute(params![
        applied.partition.0,
        epoch.0,
        int(next.0),
        frame_hash.0,
        int(time.0),
        int(highest),
    ])?;
    Ok(())
}
