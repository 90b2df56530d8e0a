//! The JetStream backend keeps the contract on real servers, and what only a cluster can do to it: elections, cuts,
//! replaced streams, servers that are not good enough.

#![expect(clippy::unwrap_used, reason = "these are tests: a panic is how they fail")]

mod cluster;
mod conformance;
mod faults;
mod making;
mod profile;
mod world;
