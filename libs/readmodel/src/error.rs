//! What can go wrong with the rows, in whichever store, as far as a caller does something
//! different about it.

use eventlog::Partition;

use crate::fold;
use crate::marks::Corrupt;

/// What the engine of a store said.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store did not do what was asked. Nothing is ever half done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No space, no input/output, or another process's lock: the same call may succeed later.
    #[error("the read model cannot be written for now: {0}")]
    Full(#[source] Cause),
    /// The store cannot be reached, restarts, or gave this call up in favour of another: the
    /// same call may succeed later.
    #[error("the read model cannot be reached for now: {0}")]
    Unavailable(#[source] Cause),
    /// The rows are damaged: discard them and fold the log again.
    #[error("the read model is damaged: {0}")]
    Damaged(String),
    /// Another projector moved the checkpoint of that partition.
    #[error("the checkpoint of partition {} was moved by somebody else", .partition.0)]
    Moved {
        /// Whose checkpoint is not what was expected.
        partition: Partition,
    },
    /// The events do not follow from the rows: the fold of that partition stops.
    #[error("partition {}: an event does not fit the rows", .partition.0)]
    Fold {
        /// Whose fold stops.
        partition: Partition,
        /// Which of the partition's records in the batch, from 0.
        index: usize,
        /// Why.
        source: fold::Error,
    },
    /// Anything else that the store's engine says.
    #[error("the read model's store failed")]
    Store(#[source] Cause),
}

impl Error {
    /// Whether the same call may succeed later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Full(_) | Self::Unavailable(_) => true,
            Self::Damaged(_) | Self::Moved { .. } | Self::Fold { .. } | Self::Store(_) => false,
        }
    }
}

impl From<Corrupt> for Error {
    fn from(corrupt: Corrupt) -> Self {
        Self::Damaged(corrupt.to_string())
    }
}
