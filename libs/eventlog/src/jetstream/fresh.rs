//! The newest frames of a partition, as the servers told of them: whoever follows the log reads them here and asks nobody.
//!
//! Like places they are only a hint: what a reader gets is checked, and what does not fit is asked for.

use std::collections::VecDeque;

use super::{label::Label, nats::Stored};
use crate::ids::Offset;

/// Bytes of frames that a partition keeps: a second of a thousand posts.
const BYTES_MAX: usize = 512 * 1024;

/// Frames without a gap, oldest first.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    frames: VecDeque<(Label, Stored)>,
    bytes: usize,
}

impl Fresh {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Keep the frame that `label` says `stored` is; where one before it was missed, nothing else.
    pub(super) fn push(&mut self, label: Label, stored: Stored) {
        if self.frames.back().is_some_and(|(_, last)| last.seq + 1 != stored.seq) {
            self.clear();
        }
        self.bytes += stored.encoded.len();
        self.frames.push_back((label, stored));
        while self.bytes > BYTES_MAX {
            let Some((_, oldest)) = self.frames.pop_front() else { break };
            self.bytes -= oldest.encoded.len();
        }
    }

    /// The frame that contains `from` and those after it, at most `frames_max`; none, if that one is not kept.
    pub(super) fn from(&self, from: Offset, frames_max: usize) -> Vec<Stored> {
        let place = self.frames.partition_point(|(label, _)| label.tail.next <= from);
        match self.frames.get(place) {
            Some((label, _)) if label.contains(from) => {
                self.frames.range(place..).take(frames_max).map(|(_, stored)| stored.clone()).collect()
            }
            _ => vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{BYTES_MAX, Fresh};
    use crate::{
        ids::{FrameHash, Offset},
        jetstream::{label::Label, nats::Stored},
        log::Tail,
    };

    /// The message at `seq` holds the two events from 2 · `seq` on.
    fn told(fresh: &mut Fresh, seq: u64, bytes: usize) {
        let first = Offset(2 * seq);
        let tail = Tail { next: first.plus(2), hash: FrameHash([0; 32]), term: 1, time_ms: 0 };
        let label = Label { first, tail };
        fresh.push(label, Stored { seq, label: Some(label), encoded: Bytes::from(vec![0; bytes]) });
    }

    fn found(fresh: &Fresh, from: u64, frames_max: usize) -> Vec<u64> {
        fresh.from(Offset(from), frames_max).iter().map(|stored| stored.seq).collect()
    }

    #[test]
    fn who_follows_finds_the_frame_of_his_offset_and_what_is_behind_it() {
        let mut fresh = Fresh::default();
        for seq in 5..8 {
            told(&mut fresh, seq, 10);
        }
        for (from, frames_max, seqs) in [
            (9, 9, vec![]),
            (10, 9, vec![5, 6, 7]),
            (11, 9, vec![5, 6, 7]),
            (12, 1, vec![6]),
            (15, 9, vec![7]),
            (16, 9, vec![]),
        ] {
            assert_eq!(found(&fresh, from, frames_max), seqs, "from {from}");
        }
    }

    #[test]
    fn nothing_is_kept_before_a_gap() {
        let mut fresh = Fresh::default();
        told(&mut fresh, 5, 10);
        told(&mut fresh, 7, 10);
        assert_eq!((found(&fresh, 10, 9), found(&fresh, 14, 9)), (vec![], vec![7]));
        // The same message told of twice is a gap, too: the stream may have been made anew.
        told(&mut fresh, 7, 10);
        assert_eq!(found(&fresh, 14, 9), [7]);
    }

    #[test]
    fn the_oldest_make_room() {
        let mut fresh = Fresh::default();
        for seq in 0..5 {
            told(&mut fresh, seq, BYTES_MAX / 2);
        }
        assert_eq!((found(&fresh, 4, 9), found(&fresh, 6, 9)), (vec![], vec![3, 4]));
        told(&mut fresh, 5, 2 * BYTES_MAX);
        assert_eq!((found(&fresh, 8, 9), found(&fresh, 10, 9), fresh.bytes), (vec![], vec![], 0));
    }
}
