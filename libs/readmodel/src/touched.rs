//! When somebody last read which messages of a dialog: so reading moves a message's
//! `updated_at`, and no message is rewritten for it.
//!
//! It is part of the dialog's row and bounded. What is forgotten first is exactness about
//! old messages: they may seem read later than they were, never earlier.

use domain::{Sequence, Time};

use crate::marks::{Corrupt, put, take};

/// Stretches that are kept apart.
const STRETCHES_MAX: usize = 16;

/// The messages that were read, as stretches in ascending order that do not overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    stretches: Vec<Stretch>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stretch {
    first: u64,
    last: u64,
    at: Time,
}

impl Touched {
    /// When the message at `sequence` was last read; `None` if it never was.
    pub fn at(&self, sequence: Sequence) -> Option<Time> {
        let index = self.stretches.partition_point(|stretch| stretch.last < sequence.0);
        self.stretches.get(index).filter(|stretch| stretch.first <= sequence.0).map(|stretch| stretch.at)
    }

    /// The messages that were read, in ascending stretches: first, last, and when it was last.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64, Time)> {
        self.stretches.iter().map(|stretch| (stretch.first, stretch.last, stretch.at))
    }

    /// The messages `first..=last` are read at the time `at`, which is none of the past.
    pub(crate) fn touch(&mut self, first: u64, last: u64, at: Time) {
        if first > last {
            return;
        }
        let mut stretches = Vec::with_capacity(self.stretches.len() + 2);
        for stretch in &self.stretches {
            let before = Stretch { last: stretch.last.min(first.saturating_sub(1)), ..*stretch };
            let after = Stretch { first: stretch.first.max(last.saturating_add(1)), ..*stretch };
            stretches.extend([before, after].into_iter().filter(|part| part.first <= part.last));
        }
        let place = stretches.partition_point(|stretch| stretch.last < first);
        stretches.insert(place, Stretch { first, last, at });
        stretches.dedup_by(|next, stretch| {
            let one = next.at == stretch.at && next.first == stretch.last + 1;
            if one {
                stretch.last = next.last;
            }
            one
        });
        while stretches.len() > STRETCHES_MAX {
            let oldest = stretches.remove(0);
            stretches[0].first = oldest.first;
            stretches[0].at = stretches[0].at.max(oldest.at);
        }
        self.stretches = stretches;
    }

    /// The bytes of the column; none if nothing was read.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![];
        let Some(latest) = self.stretches.iter().map(|stretch| stretch.at.0).max() else { return bytes };
        put(&mut bytes, latest);
        let mut end = 0;
        for Stretch { first, last, at } in &self.stretches {
            put(&mut bytes, first - end);
            put(&mut bytes, last - first);
            put(&mut bytes, latest - at.0);
            end = *last;
        }
        bytes
    }

    /// What was encoded so.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut stretches = vec![];
        if bytes.is_empty() {
            return Ok(Self { stretches });
        }
        let latest = take(&mut bytes)?;
        let mut end = 0_u64;
        while !bytes.is_empty() {
            let beyond = Corrupt("a stretch has no end");
            let first = end.checked_add(take(&mut bytes)?).ok_or(beyond)?;
            let last = first.checked_add(take(&mut bytes)?).ok_or(beyond)?;
            let at = latest.checked_sub(take(&mut bytes)?).ok_or(Corrupt("a time before all times"))?;
            stretches.push(Stretch { first, last, at: Time(at) });
            end = last;
        }
        Ok(Self { stretches })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn a_message_is_touched_when_it_was_last_read_or_later(
            readings in prop::collection::vec((1..200_u64, 0..20_u64, 0..3_u64), 0..60),
        ) {
            let mut touched = Touched::default();
            let mut model = BTreeMap::new();
            let mut now = 1_700_000_000_000;
            let mut forgot = false;
            for (first, more, pause) in readings {
                now += pause;
                touched.touch(first, first + more, Time(now));
                model.extend((first..=first + more).map(|sequence| (sequence, Time(now))));
                forgot |= touched.stretches.len() == STRETCHES_MAX;
                prop_assert!(touched.stretches.len() <= STRETCHES_MAX);
                prop_assert!(touched.stretches.is_sorted_by(|one, other| one.last < other.first));
            }
            for sequence in 0..230 {
                let (found, exact) = (touched.at(Sequence(sequence)), model.get(&sequence).copied());
                prop_assert!(found >= exact && found <= Some(Time(now)), "{}", sequence);
                prop_assert!(forgot || found == exact, "{}", sequence);
            }
            prop_assert_eq!(Touched::decode(&touched.encode()), Ok(touched));
        }

        #[test]
        fn damaged_bytes_are_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _: Result<_, Corrupt> = Touched::decode(&bytes);
        }
    }

    #[test]
    fn of_too_many_stretches_the_oldest_become_one() {
        let mut touched = Touched::default();
        for number in 1..=17 {
            touched.touch(number * 10, number * 10 + 1, Time(number));
        }
        let at = |sequence| touched.at(Sequence(sequence)).map(|at| at.0);
        assert_eq!(
            [10, 15, 21, 22, 30, 171, 172].map(at),
            [Some(2), Some(2), Some(2), None, Some(3), Some(17), None]
        );
        assert_eq!(Touched::default().encode(), Vec::<u8>::new());
    }
}
