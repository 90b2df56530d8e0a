//! The end of a partition: what this process knows of it, and what the stream's leader says.
//!
//! Direct gets are not read-after-write, so an end is only ever taken from the leader. Even that may be an old leader that
//! has not noticed yet that it was replaced: where that would matter, it must have heard from a majority just now.

use super::{
    JetStreamLog,
    label::Label,
    nats::{Stored, Trouble, is_surely_leader},
    places::Place,
};
use crate::{
    error::ReadError,
    frame::Frame,
    ids::{Offset, Partition},
    log::Tail,
};

/// The last message of a stream, as far as is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    /// Where its frame begins.
    pub(super) first: Offset,
    pub(super) tail: Tail,
    pub(super) seq: u64,
}

impl End {
    pub(super) fn new(label: Label, seq: u64) -> Self {
        Self { first: label.first, tail: label.tail, seq }
    }
}

impl JetStreamLog {
    /// The end, at least every append that was acknowledged before the call.
    pub(super) async fn sure_end(&self, partition: Partition) -> Result<End, ReadError> {
        let state = self.partition(partition)?;
        let end = self.nats.persist(|| self.ask_for_end(partition)).await;
        let end = end.map_err(|trouble| unreadable(partition, &trouble))??;
        state.replace(end);
        Ok(end)
    }

    async fn ask_for_end(&self, partition: Partition) -> Result<Result<End, ReadError>, Trouble> {
        let info = self.nats.info(partition).await?;
        if !is_surely_leader(info.cluster.as_ref()) {
            return Err(Trouble::Away("the stream's leader has lost touch with its replicas".to_owned()));
        }
        let last = self.nats.last(partition).await?;
        match last {
            // The leader changed in between, or the last messages have been deleted.
            Some(last) if last.seq < info.state.last_sequence => {
                Err(Trouble::Away("the stream's last message is missing".to_owned()))
            }
            None if info.state.last_sequence > 0 => {
                Err(Trouble::Away("the stream's messages are missing".to_owned()))
            }
            last => Ok(end_of(partition, last.as_ref())),
        }
    }
}

/// The end of a partition whose stream's last message is `last`.
pub(super) fn end_of(partition: Partition, last: Option<&Stored>) -> Result<End, ReadError> {
    let corrupt = |why: &str| ReadError::Corrupt { partition, offset: Offset(0), why: why.to_owned() };
    let last = last.ok_or_else(|| corrupt("the partition's stream is empty"))?;
    let label = label_of(last).ok_or_else(|| corrupt("the stream's last message is no frame"))?;
    Ok(End::new(label, last.seq))
}

/// What a message says of its frame; without the header, what the frame itself says.
pub(super) fn label_of(stored: &Stored) -> Option<Label> {
    stored.label.or_else(|| Frame::decode(stored.encoded.clone()).ok().as_ref().map(Label::of))
}

/// Where the frame after this end lies.
pub(super) fn place_after(end: &End) -> Place {
    Place { first: end.tail.next, seq: end.seq + 1 }
}

/// A question that found no answer, as a reader's error.
pub(super) fn unreadable(partition: Partition, trouble: &Trouble) -> ReadError {
    ReadError::Unavailable(format!("partition {partition}: {trouble}"))
}
