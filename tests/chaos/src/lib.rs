//! A cluster on this machine, what can go wrong with it, and a judge of what its clients then saw.
//!
//! It knows of Hansard what an operator and a client know: the program, its settings, the API.

mod balance;
mod check;
mod client;
mod cluster;
mod faults;
mod history;
mod layout;
mod member;
mod report;
mod run;

pub use balance::balance;
pub use check::{Rule, Violation, check};
pub use cluster::{Cluster, New};
pub use faults::Fault;
pub use history::{Asked, Operation, Outcome, Recorder, Seen, read};
pub use layout::Layout;
pub use member::{Member, Ready};
pub use report::{Report, Stretch};
pub use run::{Plan, history_file, run};
