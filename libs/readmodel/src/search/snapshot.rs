//! One moment of an index, to be compared with one that was folded anew.

use eventlog::Partition;

use super::error::OpenError;
use super::place::Place;
use super::{postgres, sqlite};
use crate::rows::Checkpoint;
use crate::{Difference, Error};

/// It stays as it is while others write.
#[derive(Debug)]
pub struct Snapshot(Kind);

#[derive(Debug)]
enum Kind {
    Embedded(sqlite::Snapshot),
    Postgres(postgres::Snapshot),
}

impl Snapshot {
    pub(super) async fn take(place: &Place) -> Result<Option<Self>, OpenError> {
        Ok(match place {
            Place::File(path) => sqlite::Snapshot::take(path)?.map(Kind::Embedded),
            Place::Schema(settings) => postgres::Snapshot::take(settings).await?.map(Kind::Postgres),
        }
        .map(Self))
    }

    /// How far each partition had been folded, by partition.
    pub async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        match &mut self.0 {
            Kind::Embedded(snapshot) => snapshot.checkpoints(),
            Kind::Postgres(snapshot) => snapshot.checkpoints().await,
        }
    }

    /// The rows that differ from those of `fresh`, which was folded as far, up to
    /// `differences_max`.
    pub async fn compare(
        &mut self,
        fresh: &mut Self,
        differences_max: usize,
    ) -> Result<Vec<Difference>, Error> {
        match (&mut self.0, &mut fresh.0) {
            (Kind::Embedded(living), Kind::Embedded(fresh)) => living.compare(fresh, differences_max),
            (Kind::Postgres(living), Kind::Postgres(fresh)) => living.compare(fresh, differences_max).await,
            (Kind::Embedded(_), Kind::Postgres(_)) | (Kind::Postgres(_), Kind::Embedded(_)) => {
                Err(Error::Damaged("the two are not of one sort".to_owned()))
            }
        }
    }
}
