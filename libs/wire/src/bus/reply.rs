//! What comes back for a command.

use std::time::Duration;

use domain::event::{MessageRef, Record};
use domain::{MessageId, Refusal};
use prost::Message as _;

use super::{Malformed, fixed, parse};
use crate::proto::{self, command_reply::Reply as Wire, refused::Why};
use crate::{decode, encode};

/// What a writer says.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// It is decided, and durable.
    Decided(Decided),
    /// It is decided: no.
    Refused(Refusal),
    /// Nothing happened; ask again after that time.
    Busy {
        /// Whole milliseconds.
        retry_after: Duration,
    },
    /// Nothing happened: the log has no room.
    Full,
    /// The writer cannot decide at the moment.
    Unavailable,
    /// The writer went away without a decision. Another can be asked under the same id.
    Undecided,
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    /// The log's epoch.
    pub epoch: [u8; 16],
    /// The partition.
    pub partition: u32,
    /// The offset after the last event that belongs to the command.
    pub next: u64,
    /// The command's events.
    pub records: Vec<Record>,
    /// The message that was posted.
    pub message: Option<MessageRef>,
    /// Messages that may not be deleted.
    pub denied: Vec<MessageId>,
    /// Messages that were not there to be deleted.
    pub missing: Vec<MessageId>,
}

/// The bytes of a reply.
pub fn encode_reply(reply: &Reply) -> Vec<u8> {
    let reply = match reply {
        Reply::Decided(decided) => Wire::Decided(encode_decided(decided)),
        Reply::Refused(refusal) => Wire::Refused(encode_refusal(*refusal)),
        Reply::Busy { retry_after } => Wire::Busy(u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX)),
        Reply::Full => Wire::Full(proto::LogFull {}),
        Reply::Unavailable => Wire::Unavailable(proto::WriterUnavailable {}),
        Reply::Undecided => Wire::Undecided(proto::Undecided {}),
    };
    proto::CommandReply { reply: Some(reply) }.encode_to_vec()
}

fn encode_decided(decided: &Decided) -> proto::Decided {
    let ids = |ids: &[MessageId]| ids.iter().map(|id| id.as_bytes().to_vec()).collect();
    proto::Decided {
        epoch: decided.epoch.to_vec(),
        partition: decided.partition,
        next: decided.next,
        events: decided.records.iter().map(encode::encode).collect(),
        message: decided.message.map(encode::reference),
        denied: ids(&decided.denied),
        missing: ids(&decided.missing),
    }
}

fn encode_refusal(refusal: Refusal) -> proto::Refused {
    let (why, max) = match refusal {
        Refusal::NoSuchDialog => (Why::NoSuchDialog, 0),
        Refusal::NoSuchMessage => (Why::NoSuchMessage, 0),
        Refusal::NotPermitted => (Why::NotPermitted, 0),
        Refusal::OccupantsFixed => (Why::OccupantsFixed, 0),
        Refusal::TooManyOccupants(max) => (Why::TooManyOccupants, max),
        Refusal::TooManyAdmins(max) => (Why::TooManyAdmins, max),
        Refusal::AdminNotOccupant => (Why::AdminNotOccupant, 0),
        Refusal::MessageIdTaken => (Why::MessageIdTaken, 0),
        Refusal::TooLarge => (Why::TooLarge, 0),
        Refusal::NotSubscribable => (Why::NotSubscribable, 0),
        Refusal::Blocked => (Why::Blocked, 0),
        Refusal::BroadcastDisabled => (Why::BroadcastDisabled, 0),
        Refusal::NoSuchPin => (Why::NoSuchPin, 0),
        Refusal::TooManyPins(max) => (Why::TooManyPins, max),
        Refusal::TooManyReactions(max) => (Why::TooManyReactions, max),
    };
    proto::Refused { why: why.into(), max: max as u64 }
}

/// The reply that `bytes` hold.
pub fn decode_reply(bytes: &[u8]) -> Result<Reply, Malformed> {
    let reply: proto::CommandReply = parse(bytes, "reply")?;
    Ok(match reply.reply.ok_or("a kind of reply that this version does not know")? {
        Wire::Decided(decided) => Reply::Decided(decode_decided(decided)?),
        Wire::Refused(refused) => Reply::Refused(decode_refusal(refused)?),
        Wire::Busy(millis) => Reply::Busy { retry_after: Duration::from_millis(millis) },
        Wire::Full(proto::LogFull {}) => Reply::Full,
        Wire::Unavailable(proto::WriterUnavailable {}) => Reply::Unavailable,
        Wire::Undecided(proto::Undecided {}) => Reply::Undecided,
    })
}

fn decode_decided(decided: proto::Decided) -> Result<Decided, Malformed> {
    let ids = |ids: Vec<Vec<u8>>| {
        ids.into_iter()
            .map(|id| Ok(MessageId::from_bytes(fixed(id, "message id")?)))
            .collect::<Result<_, Malformed>>()
    };
    let records = decided.events.iter().map(|event| decode::decode(event)).collect::<Result<_, _>>()?;
    Ok(Decided {
        epoch: fixed(decided.epoch, "epoch")?,
        partition: decided.partition,
        next: decided.next,
        records,
        message: decided.message.map(decode::reference).transpose()?,
        denied: ids(decided.denied)?,
        missing: ids(decided.missing)?,
    })
}

fn decode_refusal(refused: proto::Refused) -> Result<Refusal, Malformed> {
    let max = || usize::try_from(refused.max).map_err(|_| Malformed::from("limit"));
    Ok(match refused.why() {
        Why::NoSuchDialog => Refusal::NoSuchDialog,
        Why::NoSuchMessage => Refusal::NoSuchMessage,
        Why::NotPermitted => Refusal::NotPermitted,
        Why::OccupantsFixed => Refusal::OccupantsFixed,
        Why::TooManyOccupants => Refusal::TooManyOccupants(max()?),
        Why::TooManyAdmins => Refusal::TooManyAdmins(max()?),
        Why::AdminNotOccupant => Refusal::AdminNotOccupant,
        Why::MessageIdTaken => Refusal::MessageIdTaken,
        Why::TooLarge => Refusal::TooLarge,
        Why::NotSubscribable => Refusal::NotSubscribable,
        Why::Blocked => Refusal::Blocked,
        Why::BroadcastDisabled => Refusal::BroadcastDisabled,
        Why::NoSuchPin => Refusal::NoSuchPin,
        Why::TooManyPins => Refusal::TooManyPins(max()?),
        Why::TooManyReactions => Refusal::TooManyReactions(max()?),
        Why::Unspecified => return Err("a refusal that this version does not know".into()),
    })
}
