//! The embedded store: SQLite through rusqlite, one file, one writer, many readers.

mod connect;
mod error;
mod schema;

pub use connect::{file_name, open_read_only};
pub use error::{Error, OpenError};
pub use schema::FOLDS_VERSION;
