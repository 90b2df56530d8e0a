//! The folding side of whichever index a deployment has.

use eventlog::Partition;

use super::error::OpenError;
use super::{postgres, sqlite};
use crate::rows::Checkpoint;
use crate::{Applied, Error};

/// Who writes an index. On an embedded one every call blocks.
#[derive(Debug)]
pub struct Store(pub(super) Kind);

#[derive(Debug)]
pub(super) enum Kind {
    /// The one writer of a file.
    Embedded(sqlite::Store),
    /// One of any number.
    Postgres(postgres::Store),
}

impl Store {
    /// Folds a batch and moves the checkpoints of its partitions, in one transaction. A
    /// partition stands in it at most once.
    ///
    /// Unlike the rows, the index takes any event that can be decoded: what the rows refuse is
    /// in no dialog that anybody can see.
    pub async fn apply(&mut self, batch: &[Applied]) -> Result<(), Error> {
        match &mut self.0 {
            Kind::Embedded(store) => store.apply(batch),
            Kind::Postgres(store) => store.apply(batch).await,
        }
    }

    /// How far each partition has been folded, by partition; none of which nothing was.
    pub async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        match &mut self.0 {
            Kind::Embedded(store) => store.checkpoints(),
            Kind::Postgres(store) => store.checkpoints().await,
        }
    }

    /// Deletes up to `rows_max` rows of messages that are gone, in one small transaction;
    /// whether there may be more of them.
    pub async fn sweep(&mut self, rows_max: usize) -> Result<bool, Error> {
        match &mut self.0 {
            Kind::Embedded(store) => store.sweep(rows_max),
            Kind::Postgres(store) => store.sweep(rows_max).await,
        }
    }

    /// Throws everything away, to be folded again.
    pub async fn renew(self) -> Result<Self, OpenError> {
        Ok(Self(match self.0 {
            Kind::Embedded(store) => Kind::Embedded(store.renew()?),
            Kind::Postgres(store) => Kind::Postgres(store.renew().await?),
        }))
    }

    /// Closes it; everything that was applied is in its file or on its server.
    pub async fn close(self) -> Result<(), Error> {
        match self.0 {
            Kind::Embedded(store) => store.close(),
            Kind::Postgres(store) => {
                store.close().await;
                Ok(())
            }
        }
    }
}
