//! What roles tell each other beside the log: commands and their answers, how far the read
//! models have come, signals, and who looks after which partition.
//!
//! In process, or over NATS. Nothing here is durable and nothing may be relied on for
//! safety: a lost command is asked again under the same id, lost progress only makes
//! somebody wait, and two who believe that they hold the same partition are told apart by
//! the log's and the read models' compare-and-set.

mod answer;
mod commands;
pub mod leases;
pub mod nats;
mod progress;
mod queue;
mod signals;

pub use answer::{Answer, Decided, Position, Unanswered};
pub use commands::{Commands, Router};
pub use progress::{Look, Progress, Reached, Stopped, Visibility, watch_rows};
pub use queue::{Capacity, Inbox, Job, Reply};
pub use signals::{Listener, Signals, SystemMessage};
