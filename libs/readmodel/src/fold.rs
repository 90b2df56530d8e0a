//! What events make of the rows: pure, and the same for every store.

use domain::{DialogId, Sequence};

/// Why an event cannot be folded: the log and the rows contradict each other, so the
/// fold stops rather than guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A message whose sequence is not the one after the head.
    #[error("dialog {dialog}: message {found} follows {head}")]
    Gap {
        /// Where.
        dialog: DialogId,
        /// The newest sequence that the rows know.
        head: Sequence,
        /// The sequence in the event.
        found: Sequence,
    },
    /// An event of a dialog that no event has created.
    #[error("dialog {0}: an event before its creation")]
    NoDialog(DialogId),
    /// An event of a dialog in the application's stream.
    #[error("an event of a dialog without a dialog")]
    Streamless,
    /// An event that only somebody can cause, by nobody.
    #[error("dialog {0}: an event without an actor")]
    Actorless(DialogId),
}
