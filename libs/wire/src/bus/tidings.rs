//! How far partitions have been folded, as a projector tells it.

use prost::Message as _;

use super::{Malformed, fixed, parse};
use crate::proto;

/// Characters of a reason that travel.
const REASON_CHARACTERS_MAX: usize = 500;

/// Where a partition stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The partition.
    pub partition: u32,
    /// Every event before this offset is visible.
    pub next: u64,
    /// Whether somebody folds.
    pub folding: bool,
    /// The event at which folding ended, if one ended it.
    pub stopped: Option<Stopped>,
}

/// An event that cannot be folded; everything before it has been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// Where it is.
    pub offset: u64,
    /// Its id, if that can be read.
    pub event_id: Option<[u8; 16]>,
    /// What is wrong with it, for the operator; of a bounded length once it has travelled.
    pub reason: String,
}

/// The bytes that tell of `places`.
pub fn encode_tidings(places: &[Place]) -> Vec<u8> {
    let place = |place: &Place| proto::Place {
        partition: place.partition,
        next: place.next,
        folding: place.folding,
        stopped: place.stopped.as_ref().map(encode_stopped),
    };
    proto::Tidings { places: places.iter().map(place).collect() }.encode_to_vec()
}

pub(super) fn encode_stopped(stopped: &Stopped) -> proto::Stopped {
    proto::Stopped {
        offset: stopped.offset,
        event_id: stopped.event_id.map_or(vec![], |id| id.to_vec()),
        reason: stopped.reason.chars().take(REASON_CHARACTERS_MAX).collect(),
    }
}

/// The places that `bytes` tell of.
pub fn decode_tidings(bytes: &[u8]) -> Result<Vec<Place>, Malformed> {
    let tidings: proto::Tidings = parse(bytes, "tidings")?;
    let place = |place: proto::Place| {
        Ok(Place {
            partition: place.partition,
            next: place.next,
            folding: place.folding,
            stopped: place.stopped.map(decode_stopped).transpose()?,
        })
    };
    tidings.places.into_iter().map(place).collect()
}

pub(super) fn decode_stopped(stopped: proto::Stopped) -> Result<Stopped, Malformed> {
    let id = stopped.event_id;
    Ok(Stopped {
        offset: stopped.offset,
        event_id: if id.is_empty() { None } else { Some(fixed(id, "event id")?) },
        reason: stopped.reason,
    })
}
