//! Folds the log into the read models.
//!
//! Everything here may run again from the last checkpoint: it has no effect but rows, and
//! rows and checkpoint move in one transaction.

mod alone;
mod batch;
mod feed;
mod fold;
mod gathered;
mod index;
mod share;

pub use alone::{check, run};
pub use batch::decode;
pub use fold::{CATCH_UP_EVENTS, Parts};
pub use index::{IndexParts, index};
pub use share::share;
