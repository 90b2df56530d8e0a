//! Projectors over a log in memory and real stores: alone, and sharing partitions.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fold;
mod index;
mod share;
mod world;
