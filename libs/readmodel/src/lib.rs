//! Every read model: its rows, its fold, its queries, one file each.
//!
//! A row is a function of the log: folded from zero and folded step by step, in any
//! batching, it is the same. [`fold`] is pure and shared by both stores: [`sqlite`] is the
//! embedded one, [`postgres`] that of many processes. What is per viewer is computed for
//! the page that is read, never written
//! once for each member.

mod difference;
mod error;
pub mod fold;
pub mod marks;
pub mod postgres;
pub mod queries;
pub mod rows;
pub mod search;
pub mod sqlite;
pub mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod totals;
mod touched;

pub use difference::{Difference, What};
pub use error::{Cause, Error};
pub use rows::Applied;
pub use store::{FactSource, Store};
