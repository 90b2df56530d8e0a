//! The chain of a partition's frames: each begins where the one before it ended, and carries its hash.
//!
//! Every check of contiguity goes through here: a backend's read, a reader, a verification.

use crate::{
    error::ReadError,
    frame::Frame,
    ids::{Epoch, FrameHash, Offset, Partition},
    log::Tail,
};

/// The place in a partition up to which frames have been seen, and what the next one must be.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub(crate) epoch: Epoch,
    pub(crate) partition: Partition,
    pub(crate) next: Offset,
    /// The hash of the frame before `next`, where it is known.
    pub(crate) previous: Option<FrameHash>,
    term: u64,
    time_ms: u64,
    /// The first frame may begin before the place that reading starts from.
    started: bool,
}

impl Chain {
    /// Start at `next`. Without a hash it may lie inside a frame.
    pub(crate) fn new(epoch: Epoch, partition: Partition, next: Offset, previous: Option<FrameHash>) -> Self {
        let previous = if next == Offset(0) { Some(FrameHash::ZERO) } else { previous };
        Self { epoch, partition, next, previous, term: 0, time_ms: 0, started: false }
    }

    /// Damage at the place that is looked at.
    pub(crate) fn corrupt(&self, why: impl Into<String>) -> ReadError {
        ReadError::Corrupt { partition: self.partition, offset: self.next, why: why.into() }
    }

    /// Take the next frame, or say what is wrong with it; then nothing has changed.
    pub(crate) fn accept(&mut self, frame: &Frame) -> Result<(), ReadError> {
        if frame.epoch() != self.epoch || frame.partition() != self.partition {
            return Err(self.corrupt("a frame of another log or partition lies here"));
        }
        let starts_here = frame.first() == self.next;
        let may_contain = !self.started && self.previous.is_none();
        let contains = may_contain && frame.first() < self.next && self.next < frame.next();
        if !(starts_here || contains) {
            let first = frame.first();
            return Err(self.corrupt(format!(
                "the next frame begins at offset {first}: frames are missing or repeated"
            )));
        }
        if starts_here && self.previous.is_some_and(|previous| previous != frame.previous()) {
            return Err(self.corrupt("the frame does not continue the one before it: their hashes differ"));
        }
        if frame.term() < self.term || frame.time_ms() < self.time_ms {
            return Err(self.corrupt("the frame's term or time is below that of the frame before it"));
        }
        self.next = frame.next();
        self.previous = Some(frame.hash());
        self.term = frame.term();
        self.time_ms = frame.time_ms();
        self.started = true;
        Ok(())
    }

    /// Check that the log's end is where this chain has arrived, if it claims to be.
    pub(crate) fn ends_at(&self, tail: &Tail) -> Result<(), ReadError> {
        if self.next == tail.next && self.previous.is_some_and(|previous| previous != tail.hash) {
            return Err(self.corrupt("the log ends here with another frame than the one before this place"));
        }
        Ok(())
    }
}
