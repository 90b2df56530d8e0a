//! What a writer answers.

use std::sync::Arc;
use std::time::Duration;

use domain::command::Decision;
use domain::event::Record;
use domain::{MessageId, Refusal, command};

/// A place in a log: everything of that partition before `next`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The log's epoch.
    pub epoch: [u8; 16],
    /// The partition.
    pub partition: u32,
    /// The offset after the last event that belongs to it.
    pub next: u64,
}

/// A decision, durable. Only a decision is an answer; a writer that cannot decide says
/// nothing, and the command is asked again or given up as [`Unanswered`].
pub type Answer = Result<Decided, Refusal>;

/// What came of a command.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Where the log stands once the command is in it.
    pub position: Position,
    /// The command's events as they stand in the log; none, if it had already happened.
    pub records: Arc<[Record]>,
    /// The message that was posted, now or by the same command before.
    pub message: Option<domain::event::MessageRef>,
    /// Messages that the caller may not delete.
    pub denied: Vec<MessageId>,
    /// Messages that were not there to be deleted.
    pub missing: Vec<MessageId>,
}

impl Decided {
    /// The answer that a `decision` gives once its `records` are in the log before `position`.
    pub fn new(decision: command::Decision, records: Vec<Record>, position: Position) -> Self {
        let Decision { events: _, message, denied, missing } = decision;
        Self { position, records: records.into(), message, denied, missing }
    }
}

/// Why there is no answer. The command may or may not have happened; asking again under
/// the same id is safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// More is waiting than may wait, or the read models are too far behind. Nothing happened.
    #[error("overloaded; try again in {} s", retry_after.as_secs())]
    Busy {
        /// When to ask again.
        retry_after: Duration,
    },
    /// The log has no room left. Nothing happened.
    #[error("the log has no room left")]
    Full,
    /// Nobody writes the partition at the moment.
    #[error("no writer at the moment")]
    Unavailable,
}
