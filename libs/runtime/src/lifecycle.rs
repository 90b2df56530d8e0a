//! How a process lives and ends: tasks that somebody waits for, one word to stop, and a
//! bounded wait for all of them.
//!
//! A task that fails does not die unseen: the first failure stops the others and is kept
//! for whoever ends the process. Stopping is a request; every task decides where it can
//! stop without losing what it has accepted.

mod signals;
mod tasks;

pub use signals::{HangUps, Signal, Signals, hang_ups, signals};
pub use tasks::{Failure, Overdue, Stop, Tasks};
