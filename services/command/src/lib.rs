//! Decides and appends: the partition writers.
//!
//! One writer a partition is the only one to append there. It drains its queue, decides
//! every waiting command against staged facts, appends all their events as one frame, then
//! answers each: a decision is told only once it is durable.

mod frame;
mod office;
mod overlay;
mod recent;
mod refuse;
mod share;
mod tail;
mod takeover;
mod unfolded;
mod writer;

pub use office::{Loaded, Rows, Settings};
pub use share::{Shared, share};
pub use writer::{Parts, run};
