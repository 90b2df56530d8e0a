//! Where offsets lie among a stream's sequences: what is known of it, and the search for what is not.
//!
//! A stream's own sequence is only a seek hint. Nothing here is trusted: what a search finds is a message whose label
//! has been looked at, and what a reader gets is a frame whose chain has been checked.

use std::collections::BTreeMap;

use crate::ids::Offset;

/// The most places that a partition remembers.
const PLACES_MAX: usize = 64;

/// A message's place: at `seq` lies the frame that begins at `first`, if it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) first: Offset,
    pub(super) seq: u64,
}

/// Some places of a partition, for readers that go on where they were and for searches that begin near.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The sequence, and when it was last of use.
    by_first: BTreeMap<Offset, (u64, u64)>,
    clock: u64,
}

impl Places {
    pub(super) fn clear(&mut self) {
        self.by_first.clear();
    }

    pub(super) fn remember(&mut self, place: Place) {
        self.clock += 1;
        self.by_first.insert(place.first, (place.seq, self.clock));
        if self.by_first.len() > PLACES_MAX {
            let oldest = self.by_first.iter().min_by_key(|(_, (_, used))| *used).map(|(first, _)| *first);
            if let Some(first) = oldest {
                self.by_first.remove(&first);
            }
        }
    }

    /// The sequence of the frame that begins at `first`, where that is known.
    pub(super) fn at(&mut self, first: Offset) -> Option<u64> {
        let (seq, used) = self.by_first.get_mut(&first)?;
        self.clock += 1;
        *used = self.clock;
        Some(*seq)
    }

    /// The nearest places at or before `offset`, and after it.
    pub(super) fn around(&self, offset: Offset) -> (Option<Place>, Option<Place>) {
        let place = |(first, (seq, _)): (&Offset, &(u64, u64))| Place { first: *first, seq: *seq };
        let low = self.by_first.range(..=offset).next_back().map(place);
        let high = self.by_first.range((std::ops::Bound::Excluded(offset), std::ops::Bound::Unbounded));
        (low, high.map(place).next())
    }
}

/// A search for the message whose frame contains an offset: interpolation, and halving whenever that leaves more than
/// half. At most 2 · log2(n) looks; 2 or 3 where frames are alike.
#[derive(Debug)]
pub(super) struct Search {
    wanted: Offset,
    low: Place,
    high: Place,
    halve: bool,
}

impl Search {
    /// For `wanted`, at or after `low` and before `high`.
    pub(super) fn new(wanted: Offset, low: Place, high: Place) -> Self {
        Self { wanted, low, high, halve: false }
    }

    /// The sequence to look at next; `None` if there is nothing left to look at: no frame contains the offset.
    pub(super) fn next(&self) -> Option<u64> {
        let width = self.high.seq.checked_sub(self.low.seq).filter(|width| *width > 0)?;
        let events = self.high.first.0.saturating_sub(self.low.first.0).max(1);
        let step = if self.halve {
            width / 2
        } else {
            let into = self.wanted.0.saturating_sub(self.low.first.0);
            // The quotient is below the width, which is a u64.
            (u128::from(into) * u128::from(width) / u128::from(events)) as u64
        };
        Some(self.low.seq + step.min(width - 1))
    }

    /// At `asked` or the first sequence after it, `found`, lies a frame of the offsets from `first` up to `next`. True if that
    /// is the one.
    pub(super) fn saw(&mut self, (asked, found): (u64, u64), first: Offset, next: Offset) -> bool {
        let width = self.high.seq.saturating_sub(self.low.seq);
        if self.wanted < first {
            self.high = Place { first, seq: asked };
        } else if next <= self.wanted {
            self.low = Place { first: next, seq: found + 1 };
        } else {
            return true;
        }
        self.halve = !self.halve && self.high.seq.saturating_sub(self.low.seq) > width / 2;
        false
    }

    /// Nothing lies at `asked` or after it.
    pub(super) fn saw_nothing(&mut self, asked: u64) {
        self.high.seq = asked;
    }

    /// Where the search has arrived when nothing is left: the first message after the offset.
    pub(super) fn end(&self) -> u64 {
        self.low.seq
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{PLACES_MAX, Place, Places, Search};
    use crate::ids::Offset;

    /// Frames of `counts` events each, at sequences with gaps between them: (seq, first, next).
    fn frames(counts: &[(u64, u64)]) -> Vec<(u64, Offset, Offset)> {
        let (mut seq, mut first) = (0, 0);
        let mut frames = Vec::new();
        for (gap, count) in counts {
            seq += gap;
            frames.push((seq, Offset(first), Offset(first + count)));
            first += count;
        }
        frames
    }

    /// Search as the backend does; the sequence found and how many looks it took.
    fn find(frames: &[(u64, Offset, Offset)], wanted: Offset) -> (Option<u64>, u32) {
        let last = frames[frames.len() - 1];
        let high = Place { first: last.2, seq: last.0 + 1 };
        let mut search = Search::new(wanted, Place { first: frames[0].1, seq: frames[0].0 }, high);
        let mut looks = 0;
        while let Some(asked) = search.next() {
            looks += 1;
            match frames.iter().find(|(seq, _, _)| *seq >= asked) {
                None => search.saw_nothing(asked),
                Some((seq, first, next)) if search.saw((asked, *seq), *first, *next) => {
                    return (Some(*seq), looks);
                }
                Some(_) => {}
            }
        }
        (None, looks)
    }

    proptest! {
        #[test]
        fn every_offset_is_found(
            counts in prop::collection::vec((1_u64..3, 1_u64..513), 1..300),
            at in any::<prop::sample::Index>(),
        ) {
            let frames = frames(&counts);
            let end = frames[frames.len() - 1].2.0;
            let wanted = Offset(at.index(end as usize) as u64);
            let (found, looks) = find(&frames, wanted);
            let expected = frames.iter().find(|(_, first, next)| *first <= wanted && wanted < *next);
            prop_assert_eq!(found, expected.map(|frame| frame.0));
            prop_assert!(looks <= 2 * (600_u32.ilog2() + 1), "{} looks", looks);
        }

        #[test]
        fn a_missing_offset_ends_the_search(
            counts in prop::collection::vec((1_u64..3, 1_u64..20), 3..50),
            at in any::<prop::sample::Index>(),
        ) {
            let mut frames = frames(&counts);
            let lost = frames.remove(1 + at.index(counts.len() - 2));
            prop_assert_eq!(find(&frames, lost.1).0, None);
        }
    }

    #[test]
    fn like_frames_are_found_at_once() {
        let frames = frames(&vec![(1, 16); 10_000]);
        for wanted in [0, 1, 77_777, 159_999] {
            assert!(find(&frames, Offset(wanted)).1 <= 2);
        }
    }

    #[test]
    fn the_least_used_place_is_forgotten() {
        let mut places = Places::default();
        for n in 0..=PLACES_MAX as u64 {
            places.remember(Place { first: Offset(10 * n), seq: n });
        }
        assert_eq!(places.at(Offset(0)), None);
        assert_eq!(places.at(Offset(10)), Some(1));
        let near = |first, seq| Some(Place { first: Offset(first), seq });
        assert_eq!(places.around(Offset(25)), (near(20, 2), near(30, 3)));
        assert_eq!(places.around(Offset(20)), (near(20, 2), near(30, 3)));
        assert_eq!(places.around(Offset(5)), (None, near(10, 1)));
    }
}
