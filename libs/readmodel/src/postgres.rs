//! The store of many processes: PostgreSQL through sqlx, one schema a version of the folds.
//!
//! Commits do not wait for the disk: what a crash loses is folded again from the log,
//! because the checkpoint moves in the same transaction as the rows. Any number of
//! projectors may write; of those who believe that they fold the same partition, only one
//! ever moves its checkpoint, and only with the rows that belong to it.

mod connect;
mod error;
mod facts;
mod fresh;
mod inspect;
mod line;
mod load;
mod save;
mod schema;
mod store;
mod sweep;
mod values;
mod verify;

#[cfg(test)]
mod tests;

pub(crate) use connect::options;
pub use connect::{Pool, Settings, connect};
pub use error::OpenError;
pub use facts::FactSource;
pub use fresh::Fresh;
pub use inspect::{Inspected, Trigrams, inspect};
pub use store::Store;
pub use verify::Snapshot;
