//! How many users have seen each message, where that is counted and not tracked: in public
//! and broadcast dialogs.
//!
//! Counts stand in rows of [`VIEWS`] messages each, so that a page that somebody looks at
//! rewrites one or two small rows, whoever else has seen it.

use super::Corrupt;
use super::number::{put, take};

/// Messages of one row.
pub const VIEWS: u64 = 256;

/// The row that counts for `sequence` (from 1).
pub fn views_chunk_of(sequence: u64) -> u32 {
    u32::try_from(sequence.saturating_sub(1) / VIEWS).unwrap_or(u32::MAX)
}

/// The counts of one row, by the message's place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Views(Vec<u32>);

impl Views {
    /// How many users have seen the message at `sequence`, which lies in this row.
    pub fn of(&self, sequence: u64) -> u32 {
        self.0.get(place(sequence)).copied().unwrap_or(0)
    }

    /// One user more has seen it.
    pub fn raise(&mut self, sequence: u64) {
        let place = place(sequence);
        if self.0.len() <= place {
            self.0.resize(place + 1, 0);
        }
        self.0[place] = self.0[place].saturating_add(1);
    }

    /// The counts up to the last one that is not 0, a number each.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len());
        self.0.iter().for_each(|count| put(&mut bytes, u64::from(*count)));
        bytes
    }

    /// What was encoded so.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut counts = vec![];
        while !bytes.is_empty() {
            let count = u32::try_from(take(&mut bytes)?);
            counts.push(count.map_err(|_| Corrupt("more viewers than there can be"))?);
        }
        if counts.len() as u64 > VIEWS {
            return Err(Corrupt("a row counts views of more messages than it has"));
        }
        Ok(Self(counts))
    }
}

fn place(sequence: u64) -> usize {
    (sequence.saturating_sub(1) % VIEWS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn views_are_counted_by_message(seen in prop::collection::vec(1..=VIEWS, 0..400)) {
            let mut views = Views::default();
            let mut model = BTreeMap::<u64, u32>::new();
            for sequence in seen {
                views.raise(sequence + 3 * VIEWS);
                *model.entry(sequence + 3 * VIEWS).or_default() += 1;
            }
            for sequence in 3 * VIEWS + 1..=4 * VIEWS {
                prop_assert_eq!(views_chunk_of(sequence), 3);
                prop_assert_eq!(views.of(sequence), model.get(&sequence).copied().unwrap_or(0));
            }
            prop_assert_eq!(Views::decode(&views.encode()), Ok(views));
        }

        #[test]
        fn damaged_bytes_are_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            let _: Result<_, Corrupt> = Views::decode(&bytes);
        }
    }

    #[test]
    fn nothing_takes_no_byte_and_too_much_is_refused() {
        assert_eq!(Views::default().encode(), Vec::<u8>::new());
        assert!(Views::decode(&[1; 257]).is_err());
        assert_eq!(Views::decode(&[7; 256]).map(|views| views.of(256)), Ok(7));
        assert_eq!([1, 256, 257].map(views_chunk_of), [0, 0, 1]);
    }
}
