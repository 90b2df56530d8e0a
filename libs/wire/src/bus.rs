//! What processes tell each other: commands and replies, progress, signals, leases.
//!
//! Nothing of it is stored. It comes from a process of the same deployment, perhaps of
//! another version: what this one cannot read is refused whole, and no bytes break anything.

mod ask;
mod beat;
mod reply;
mod signal;
mod tidings;

pub use ask::{Ask, REQUEST_BYTES_MAX, decode_ask, encode_ask};
pub use beat::{Beat, Claim, Holding, Standing, decode_beat, decode_claim, encode_beat, encode_claim};
pub use reply::{Decided, Reply, decode_reply, encode_reply};
pub use signal::{SystemMessage, decode_system_message, encode_system_message};
pub use tidings::{Place, Stopped, decode_tidings, encode_tidings};

/// Why bytes are not what they should be: which part of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed: {0}")]
pub struct Malformed(pub String);

impl From<crate::Error> for Malformed {
    fn from(error: crate::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<&str> for Malformed {
    fn from(what: &str) -> Self {
        Self(what.to_owned())
    }
}

fn parse<M: prost::Message + Default>(bytes: &[u8], what: &str) -> Result<M, Malformed> {
    M::decode(bytes).map_err(|_| what.into())
}

fn fixed<const N: usize>(bytes: Vec<u8>, what: &str) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| what.into())
}
