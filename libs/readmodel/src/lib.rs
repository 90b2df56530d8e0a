//! Every read model: its rows, its fold, its queries, one file each.
//!
//! A row is a function of the log: folded from zero and folded step by step, in any
//! batching, it is the same. [`fold`] is pure and shared by every store; [`sqlite`] is the
//! embedded one. What is per viewer is computed for the page that is read, never written
//! once for each member.

pub mod fold;
pub mod marks;
pub mod queries;
pub mod rows;
pub mod sqlite;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
