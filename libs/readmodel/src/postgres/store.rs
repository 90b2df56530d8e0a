//! The write side: batches of events become rows, all of a batch or nothing.
//!
//! Rows are loaded and folded outside of any transaction: those of a partition change only
//! together with its checkpoint, and the one statement that saves them looks at the
//! checkpoint first. So whoever was overtaken saves nothing.

use eventlog::{Epoch, FrameHash, Offset, Partition};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::connect::Pool;
use super::line::Line;
use super::load::load;
use super::save::{Saved, save};
use super::sweep::sweep;
use super::values::{get, number};
use crate::fold::{Plan, Rows, fold_batch};
use crate::rows::Checkpoint;
use crate::{Applied, Error};

/// A writer of a read model's rows. Any number of them may write at the same time.
#[derive(Debug)]
pub struct Store {
    line: Line,
    rows_written: u64,
}

impl Store {
    /// A writer on a connection of its own, which it makes when it needs it.
    pub fn new(pool: Pool) -> Self {
        Self { line: Line::new(pool), rows_written: 0 }
    }

    /// Folds a batch and moves the checkpoints of its partitions, in one transaction.
    ///
    /// A partition stands in it at most once. After [`Error::Full`] and
    /// [`Error::Unavailable`] the same call may be tried again; if it was lost on the way
    /// back, that ends with [`Error::Moved`]. Then somebody moved the checkpoint: read it
    /// again. After [`Error::Fold`] no batch with that record can succeed.
    pub async fn apply(&mut self, batch: &[Applied]) -> Result<(), Error> {
        let kept = self.line.is_kept();
        let outcome = self.apply_once(batch).await;
        if self.line.is_worth_another(kept, &outcome) { self.apply_once(batch).await } else { outcome }
    }

    async fn apply_once(&mut self, batch: &[Applied]) -> Result<(), Error> {
        let mut connection = self.line.take().await?;
        let outcome = self.line.within(apply(&mut connection, batch)).await;
        self.line.keep(connection, &outcome);
        self.rows_written += outcome?.rows;
        Ok(())
    }

    /// How far a partition has been folded.
    pub async fn checkpoint(&mut self, partition: Partition) -> Result<Option<Checkpoint>, Error> {
        let all = self.checkpoints().await?;
        Ok(all.into_iter().find(|(found, _)| *found == partition).map(|(_, checkpoint)| checkpoint))
    }

    /// How far each partition has been folded, by partition; none of which nothing was.
    pub async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        let kept = self.line.is_kept();
        let outcome = self.checkpoints_once().await;
        if self.line.is_worth_another(kept, &outcome) { self.checkpoints_once().await } else { outcome }
    }

    async fn checkpoints_once(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        let mut connection = self.line.take().await?;
        let outcome = self.line.within(checkpoints(&mut connection)).await;
        self.line.keep(connection, &outcome);
        outcome
    }

    /// Rows inserted, changed and deleted by this writer.
    pub fn rows_written(&self) -> u64 {
        self.rows_written
    }

    /// Deletes up to about `rows_max` dead rows in one small transaction; whether some are
    /// left. What a query or a fold can see never changes.
    pub async fn sweep(&mut self, rows_max: usize) -> Result<bool, Error> {
        let mut connection = self.line.take().await?;
        let outcome = self.line.within(sweep(&mut connection, rows_max)).await;
        self.line.keep(connection, &outcome);
        let swept = outcome?;
        self.rows_written += swept.rows;
        Ok(swept.left)
    }

    #[cfg(test)]
    pub(crate) async fn load(&mut self, wanted: &crate::fold::Wanted, rows: &mut Rows) -> Result<(), Error> {
        let mut connection = self.line.take().await?;
        let outcome = load(&mut connection, wanted, rows).await;
        self.line.keep(connection, &outcome);
        outcome
    }

    /// Closes the connection.
    pub async fn close(self) {
        self.line.close().await;
    }
}

/// Folds a batch through `connection`.
pub(super) async fn apply(connection: &mut PgConnection, batch: &[Applied]) -> Result<Saved, Error> {
    match fold(connection, batch).await {
        // Rows of several moments may say anything.
        Err(error @ (Error::Fold { .. } | Error::Damaged(_))) => {
            let stored = checkpoints(connection).await?;
            let at = |partition| stored.iter().find(|(found, _)| *found == partition).map(|(_, at)| *at);
            match batch.iter().find(|applied| at(applied.partition) != applied.expected) {
                Some(applied) => Err(Error::Moved { partition: applied.partition }),
                None => Err(error),
            }
        }
        other => other,
    }
}

async fn fold(connection: &mut PgConnection, batch: &[Applied]) -> Result<Saved, Error> {
    let mut rows = Rows::default();
    let mut plan = Plan::of(batch.iter().flat_map(|applied| &applied.records));
    while let Some(wanted) = plan.next(&rows) {
        load(connection, &wanted, &mut rows).await?;
    }
    fold_batch(&mut rows, batch)?;
    save(connection, &rows, batch).await
}

const CHECKPOINTS: &str = "SELECT partition, epoch, next_offset, frame_hash, time_ms FROM checkpoints
    WHERE next_offset <> 0 ORDER BY partition";

/// How far each partition has been folded, by partition.
pub(super) async fn checkpoints(
    connection: &mut PgConnection,
) -> Result<Vec<(Partition, Checkpoint)>, Error> {
    let rows = sqlx::query(CHECKPOINTS).fetch_all(connection).await?;
    rows.iter().map(|row| Ok((partition_of(row, 0)?, checkpoint_of(row, 1)?))).collect()
}

pub(super) fn partition_of(row: &PgRow, column: usize) -> Result<Partition, Error> {
    Ok(Partition(get::<i32>(row, column)?.cast_unsigned()))
}

/// A checkpoint that starts at that column: epoch, next offset, hash, time.
pub(super) fn checkpoint_of(row: &PgRow, column: usize) -> Result<Checkpoint, Error> {
    Ok(Checkpoint {
        epoch: Epoch(get(row, column)?),
        next: Offset(number(row, column + 1)?),
        frame_hash: FrameHash(get(row, column + 2)?),
        time: domain::Time(number(row, column + 3)?),
    })
}
