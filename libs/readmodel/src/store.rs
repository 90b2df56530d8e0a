//! The rows of whichever store a deployment has, for those who write them and who decide on
//! them: only the composition root knows which.
//!
//! On the embedded one every call blocks, so its users stand on threads of their own.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use domain::facts::{Fact, Key};
use eventlog::Partition;

use crate::rows::Checkpoint;
use crate::{Applied, Error, postgres, sqlite};

/// A writer of rows.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a process")]
pub enum Store {
    /// The one of a file.
    Embedded(sqlite::Store),
    /// One of any number.
    Postgres(postgres::Store),
}

impl From<sqlite::Store> for Store {
    fn from(store: sqlite::Store) -> Self {
        Self::Embedded(store)
    }
}

impl From<postgres::Store> for Store {
    fn from(store: postgres::Store) -> Self {
        Self::Postgres(store)
    }
}

impl Store {
    /// Folds a batch and moves the checkpoints of its partitions, in one transaction.
    ///
    /// A partition stands in it at most once. After a [passing](Error::is_passing) error the
    /// same call may be tried again; after [`Error::Moved`] somebody else moved a
    /// checkpoint, or this one did and was not told: read it again. After [`Error::Fold`] no
    /// batch with that record can succeed.
    pub async fn apply(&mut self, batch: &[Applied]) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.apply(batch),
            Self::Postgres(store) => store.apply(batch).await,
        }
    }

    /// How far a partition has been folded.
    pub async fn checkpoint(&mut self, partition: Partition) -> Result<Option<Checkpoint>, Error> {
        match self {
            Self::Embedded(store) => store.checkpoint(partition),
            Self::Postgres(store) => store.checkpoint(partition).await,
        }
    }

    /// How far each partition has been folded, by partition; none of which nothing was.
    pub async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        match self {
            Self::Embedded(store) => store.checkpoints(),
            Self::Postgres(store) => store.checkpoints().await,
        }
    }

    /// Rows inserted, changed and deleted by this writer.
    pub fn rows_written(&self) -> u64 {
        match self {
            Self::Embedded(store) => store.rows_written(),
            Self::Postgres(store) => store.rows_written(),
        }
    }

    /// Deletes up to about `rows_max` dead rows in one small transaction; whether some are
    /// left. What a query or a fold can see never changes.
    pub async fn sweep(&mut self, rows_max: usize) -> Result<bool, Error> {
        match self {
            Self::Embedded(store) => store.sweep(rows_max),
            Self::Postgres(store) => store.sweep(rows_max).await,
        }
    }

    /// Closes it; everything that was applied is in its file or on its server.
    pub async fn close(self) -> Result<(), Error> {
        match self {
            Self::Embedded(store) => store.close(),
            Self::Postgres(store) => {
                store.close().await;
                Ok(())
            }
        }
    }
}

/// A reader of facts.
#[derive(Debug)]
pub enum FactSource {
    /// Of a file.
    Embedded(sqlite::FactSource),
    /// Of a schema.
    Postgres(postgres::FactSource),
}

impl From<sqlite::FactSource> for FactSource {
    fn from(source: sqlite::FactSource) -> Self {
        Self::Embedded(source)
    }
}

impl From<postgres::FactSource> for FactSource {
    fn from(source: postgres::FactSource) -> Self {
        Self::Postgres(source)
    }
}

impl FactSource {
    /// The facts of `keys` that there are, all of one moment, and the checkpoint that
    /// `partition` had then.
    ///
    /// Messages that are gone because their dialog was cleared or deleted are no facts.
    /// A standing that says nothing may be missing.
    pub async fn facts(
        &mut self,
        partition: Partition,
        keys: &[Key],
    ) -> Result<(HashMap<Key, Fact>, Option<Checkpoint>), Error> {
        match self {
            Self::Embedded(source) => source.facts(partition, keys),
            Self::Postgres(source) => source.facts(partition, keys).await,
        }
    }

    /// The highest user id that any folded event named, 0 if none did.
    pub async fn highest_user(&mut self) -> Result<u64, Error> {
        match self {
            Self::Embedded(source) => source.highest_user(),
            Self::Postgres(source) => source.highest_user().await,
        }
    }

    /// How far each partition has been folded, by partition; none of which nothing was.
    pub async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        match self {
            Self::Embedded(source) => source.checkpoints(),
            Self::Postgres(source) => source.checkpoints().await,
        }
    }
}
