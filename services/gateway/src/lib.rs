//! HTTP in, commands out, read models back. Never decides, never reads the log.
//!
//! The conventions of the wire are kept here once, for all endpoints: [`Front`] is
//! what every request passes, [`Params`] and [`Path`] are what it asks with,
//! [`answer`] and [`ApiError`] are what it gets.

pub mod answer;
mod cors;
mod error;
mod front;
mod params;
mod path;
mod serve;
#[cfg(test)]
mod testing;

pub use error::{ApiError, FieldError, Text};
pub use front::{Front, Limits, NewRequestId, Visit};
pub use params::{Direction, PAGE_ITEMS_MAX, Page, Params, Sort};
pub use path::{Named, Path, ids};
pub use serve::{ConnectionLimits, serve};
