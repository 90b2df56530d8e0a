//! Looking at a store from outside: is it there, and of which format? Nothing is made or changed.

use std::path::Path;

use crate::{OpenError, postgres, sqlite};

/// What a store says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// The file, or the database.
    pub path: String,
    /// Its format.
    pub format: i64,
    /// The newest format known here: a server brings an older one up to it.
    pub known: i64,
    /// How many users there are, deleted ones included.
    pub users: u64,
}

/// Looks at the embedded store in the file `path`, beside whoever has it open; `None` if there is none, or
/// an empty file. Blocks for a moment.
///
/// # Errors
///
/// It is another one's, newer, damaged, or a copy into it was not finished.
pub fn inspect_embedded(path: &Path) -> Result<Option<Inspected>, OpenError> {
    if !path.exists() {
        return Ok(None);
    }
    sqlite::inspect(path)
}

/// Looks at the schema `identity` of the database at `url`; `None` if there is none.
///
/// # Errors
///
/// The server does not answer within some seconds, or those of [`inspect_embedded`].
pub async fn inspect_postgres(url: &str) -> Result<Option<Inspected>, OpenError> {
    postgres::inspect(url).await
}
