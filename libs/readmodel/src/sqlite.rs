//! The embedded store: SQLite through rusqlite, one file, one writer, many readers.
//!
//! Nothing here waits for the disk on a commit: what a crash loses is folded again from
//! the log, because the checkpoint moves in the same transaction as the rows.

mod connect;
mod error;
mod facts;
mod keeper;
mod load;
mod rebuild;
mod save;
mod schema;
mod store;
mod sweep;
mod values;
mod verify;

#[cfg(test)]
mod tests;

pub use crate::difference::{Difference, What};
pub use crate::fold::FOLDS_VERSION;
pub use crate::{Applied, Error};
pub use connect::{discard, file_name, open_read_only};
pub use error::OpenError;
pub use facts::FactSource;
pub use rebuild::{fold_beside, switch};
pub use store::Store;
pub use verify::Snapshot;
