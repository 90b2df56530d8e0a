//! What roles tell each other beside the log: commands and their answers, and how far
//! the read models have come.
//!
//! In process for now. Nothing here is durable and nothing may be relied on for safety:
//! a lost command is asked again under the same id, lost progress only makes somebody wait.

mod answer;
mod commands;
mod progress;
mod queue;

pub use answer::{Answer, Decided, Position, Unanswered};
pub use commands::{Commands, Router};
pub use progress::{Progress, Reached, Visibility};
pub use queue::{Capacity, Inbox, Job, Reply};
