//! The one place where domain values become protobuf bytes (`proto/`) and back.
//!
//! Stored bytes are moved as they are: what was decoded is never encoded again.

pub mod bus;
mod decode;
mod encode;
mod envelope;

/// The generated types. Everything in `proto/` is documented there.
#[allow(
    dead_code,
    unreachable_pub,
    reason = "generated from proto/, where events of later versions stand too"
)]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/hansard.v1.rs"));
}

pub use decode::{Error, decode};
pub use encode::encode;
pub use envelope::{Envelope, open};
