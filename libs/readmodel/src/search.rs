//! Search: which messages hold a text, found through a read model of its own.
//!
//! It has rows, checkpoints, versions and a fold of its own, so that nobody who writes waits
//! for it: an index of all trigrams costs several times what a message's row does. It only
//! ever names candidates. What is shown is read from the living rows, as whoever asks may
//! see them, so that what was edited, deleted, cleared or hidden is gone at once; and a
//! search waits a little until the index has what the rows had when it was asked.
//!
//! Names of dialogs are not in it: somebody's dialogs are visited anyway.

mod changes;
mod digest;
mod error;
mod needle;
mod place;
mod postgres;
mod reader;
mod scope;
mod snapshot;
mod sqlite;
mod store;
#[cfg(test)]
mod tests;
mod walk;

pub use error::{Error, OpenError};
pub use needle::{Needle, TEXT_CHARACTERS_MIN};
pub use place::Place;
pub use scope::{Scope, Wanted};
pub use snapshot::Snapshot;
pub use store::Store;
pub use walk::{Search, Settings};

/// Version of the index: one that is made otherwise is a new one, folded into a file or
/// schema of its own.
pub const SEARCH_VERSION: u32 = 2;
