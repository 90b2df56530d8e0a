//! The reading side of whichever index a deployment has.

use std::sync::Arc;
use std::time::Instant;

use domain::{DialogId, Sequence};
use eventlog::Partition;

use super::error::Error;
use super::needle::Needle;
use super::scope::Reach;
use super::{postgres, sqlite};
use crate::rows::Checkpoint;

/// Where a message is, and when it was sent. They stand in the order of their dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) date_sent: u64,
    pub(super) dialog: DialogId,
    pub(super) sequence: Sequence,
}

/// One look into the index.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) needle: Arc<Needle>,
    pub(super) scope: Arc<Reach>,
    /// Messages of this date and of later ones are not wanted.
    pub(super) before: u64,
    /// Nor are those of earlier dates.
    pub(super) from: u64,
    /// How many places to look for; those of the last one's date are all named.
    pub(super) wanted: usize,
    /// How many rows may be looked at.
    pub(super) looked_max: usize,
    pub(super) until: Instant,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// Where messages may hold the text, the newest first.
    pub(super) places: Vec<Place>,
    /// Everything of this date and of later ones was looked at.
    pub(super) before: u64,
    pub(super) looked: usize,
    /// Whether there is nothing more.
    pub(super) ended: bool,
}

/// The index, for those who search.
#[derive(Debug)]
pub(super) enum Reader {
    Embedded(sqlite::Reader),
    Postgres(postgres::Reader),
}

impl Reader {
    /// How far each partition is folded, by partition.
    pub(super) async fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        match self {
            Self::Embedded(reader) => reader.checkpoints().await,
            Self::Postgres(reader) => reader.checkpoints().await,
        }
    }

    pub(super) async fn look(&self, step: Step) -> Result<Looked, Error> {
        let mut looked = match self {
            Self::Embedded(reader) => reader.look(step).await?,
            Self::Postgres(reader) => reader.look(step).await?,
        };
        looked.places.sort_unstable_by(|one, other| other.cmp(one));
        Ok(looked)
    }
}
