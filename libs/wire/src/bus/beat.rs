//! Who shares a log's partitions, and who holds which.

use std::time::Duration;

use prost::Message as _;

use super::tidings::{Stopped, decode_stopped, encode_stopped};
use super::{Malformed, fixed, parse};
use crate::proto;

/// A member's sign of life, and all that it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    /// Who; another after each start.
    pub member: [u8; 16],
    /// The member's name, for people.
    pub name: String,
    /// Of its beats, which one; ascending.
    pub count: u64,
    /// Whether it is on its way out, and takes nothing more.
    pub leaving: bool,
    /// What it holds.
    pub holdings: Vec<Holding>,
}

/// A partition that a member holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// The partition.
    pub partition: u32,
    /// The revision of its claim.
    pub claim: u64,
    /// For how long; whole milliseconds.
    pub held_for: Duration,
    /// Whether it is about to be given up.
    pub yielding: bool,
    /// What its holder says about it.
    pub standing: Standing,
}

/// What a holder says about its partition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// A writer's term; 0 from a projector.
    pub term: u64,
    /// A writer's tail, a projector's checkpoint.
    pub next: u64,
    /// When the last event before it happened, in milliseconds since 1970; 0 if there is none.
    pub time_ms: u64,
    /// The event at which folding ended, if one ended it.
    pub stopped: Option<Stopped>,
}

/// Who holds a partition, as the claim of it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The member; nobody, once it was given up.
    pub member: Option<[u8; 16]>,
    /// Its name, for people.
    pub name: String,
}

/// The bytes of a beat.
pub fn encode_beat(beat: &Beat) -> Vec<u8> {
    let holding = |holding: &Holding| proto::Holding {
        partition: holding.partition,
        claim: holding.claim,
        held_ms: u64::try_from(holding.held_for.as_millis()).unwrap_or(u64::MAX),
        yielding: holding.yielding,
        standing: Some(proto::Standing {
            term: holding.standing.term,
            next: holding.standing.next,
            time_ms: holding.standing.time_ms,
            stopped: holding.standing.stopped.as_ref().map(encode_stopped),
        }),
    };
    proto::Beat {
        member: beat.member.to_vec(),
        name: beat.name.clone(),
        count: beat.count,
        leaving: beat.leaving,
        holdings: beat.holdings.iter().map(holding).collect(),
    }
    .encode_to_vec()
}

/// The beat that `bytes` hold.
pub fn decode_beat(bytes: &[u8]) -> Result<Beat, Malformed> {
    let beat: proto::Beat = parse(bytes, "beat")?;
    let holding = |holding: proto::Holding| {
        let standing = holding.standing.unwrap_or_default();
        Ok(Holding {
            partition: holding.partition,
            claim: holding.claim,
            held_for: Duration::from_millis(holding.held_ms),
            yielding: holding.yielding,
            standing: Standing {
                term: standing.term,
                next: standing.next,
                time_ms: standing.time_ms,
                stopped: standing.stopped.map(decode_stopped).transpose()?,
            },
        })
    };
    Ok(Beat {
        member: fixed(beat.member, "member")?,
        name: beat.name,
        count: beat.count,
        leaving: beat.leaving,
        holdings: beat.holdings.into_iter().map(holding).collect::<Result<_, Malformed>>()?,
    })
}

/// The bytes of a claim.
pub fn encode_claim(claim: &Claim) -> Vec<u8> {
    proto::Claim { member: claim.member.map_or(vec![], |id| id.to_vec()), name: claim.name.clone() }
        .encode_to_vec()
}

/// The claim that `bytes` hold.
pub fn decode_claim(bytes: &[u8]) -> Result<Claim, Malformed> {
    let claim: proto::Claim = parse(bytes, "claim")?;
    let member = if claim.member.is_empty() { None } else { Some(fixed(claim.member, "member")?) };
    Ok(Claim { member, name: claim.name })
}
