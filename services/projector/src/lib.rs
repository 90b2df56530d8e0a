//! Folds the log into the read models.
//!
//! Everything here may run again from the last checkpoint: it has no effect but rows, and
//! rows and checkpoint move in one transaction.

mod batch;
mod fold;

pub use batch::decode;
pub use fold::{CATCH_UP_EVENTS, Parts, check, run};
