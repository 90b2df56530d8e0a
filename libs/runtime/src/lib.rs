//! What any process needs: config, telemetry, lifecycle, health, clock, ids, and the
//! folder that its data lives in.
//!
//! Nothing here knows what a chat is. It is the only crate that asks the system for the
//! time, for chance or for its environment; everything else is told.

pub mod audit;
pub mod config;
pub mod data_folder;
pub mod health;
pub mod lifecycle;
pub mod telemetry;
pub mod trace;

mod clock;
mod ids;

pub use clock::{Clock, Hands};
pub use data_folder::DataFolder;
pub use health::Health;
pub use ids::Ids;
pub use lifecycle::{Stop, Tasks};
