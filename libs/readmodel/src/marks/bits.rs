//! The set of marked places in one chunk.

use super::{CHUNK, Corrupt};

const WORDS: usize = (CHUNK / 64) as usize;
const LAST: u32 = CHUNK as u32 - 1;

/// A set of places 0..4,096 of one chunk.
#[derive(Clone, PartialEq, Eq)]
pub struct Bits([u64; WORDS]);

impl Default for Bits {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl std::fmt::Debug for Bits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Bits {
    /// No place at all.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// Adds `bit`; whether it is new. A place beyond the chunk is none.
    pub fn insert(&mut self, bit: u32) -> bool {
        let Some(word) = self.0.get_mut(bit as usize / 64) else { return false };
        let mask = 1 << (bit % 64);
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    /// Adds `first..=last`.
    pub fn insert_range(&mut self, first: u32, last: u32) {
        for (word, mask) in masks(first, last) {
            self.0[word] |= mask;
        }
    }

    /// Whether `bit` belongs to it.
    pub fn contains(&self, bit: u32) -> bool {
        self.0.get(bit as usize / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Whether it has no place.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// How many places it has.
    pub fn count(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// How many of `first..=last` belong to it.
    pub fn count_within(&self, first: u32, last: u32) -> u32 {
        masks(first, last).map(|(word, mask)| (self.0[word] & mask).count_ones()).sum()
    }

    /// What is in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        let mut result = self.clone();
        result.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
        result
    }

    /// What is in this one and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut result = self.clone();
        result.0.iter_mut().zip(other.0).for_each(|(word, other)| *word &= !other);
        result
    }

    /// The places, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().enumerate().flat_map(|(index, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = left.trailing_zeros();
                left &= left.checked_sub(1)?;
                Some(index as u32 * 64 + bit)
            })
        })
    }

    /// The first place from `bit` on that does not belong to it, if the chunk has one.
    pub fn next_clear(&self, bit: u32) -> Option<u32> {
        let mut index = bit as usize / 64;
        let mut word = !self.0.get(index)? & (u64::MAX << (bit % 64));
        while word == 0 {
            index += 1;
            word = !*self.0.get(index)?;
        }
        Some(index as u32 * 64 + word.trailing_zeros())
    }

    /// The words in little-endian order up to the last one that is not 0; nothing for the
    /// empty set.
    pub fn encode(&self) -> Vec<u8> {
        let words = self.0.iter().rposition(|word| *word != 0).map_or(0, |last| last + 1);
        self.0[..words].iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// The set that was encoded so; any length up to 512 bytes will do.
    pub fn decode(bytes: &[u8]) -> Result<Self, Corrupt> {
        if bytes.len() > WORDS * 8 {
            return Err(Corrupt("a chunk is longer than 512 bytes"));
        }
        let mut result = Self::EMPTY;
        for (word, part) in result.0.iter_mut().zip(bytes.chunks(8)) {
            let mut whole = [0; 8];
            whole[..part.len()].copy_from_slice(part);
            *word = u64::from_le_bytes(whole);
        }
        Ok(result)
    }
}

/// The words that `first..=last` touches, each with the mask of what it covers there.
fn masks(first: u32, last: u32) -> impl Iterator<Item = (usize, u64)> {
    let last = last.min(LAST);
    let words = if first > last { 0..0 } else { first as usize / 64..last as usize / 64 + 1 };
    words.map(move |index| {
        let start = index as u32 * 64;
        let low = u64::MAX << first.saturating_sub(start).min(63);
        let high = u64::MAX >> (63 - (last - start).min(63));
        (index, low & high)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn place() -> impl Strategy<Value = u32> {
        prop_oneof![0..CHUNK as u32, 0..130_u32, 4000..CHUNK as u32]
    }

    proptest! {
        #[test]
        fn bits_are_a_set(
            single in prop::collection::vec(place(), 0..40),
            ranges in prop::collection::vec((place(), place()), 0..4),
            (first, last) in (place(), place()),
        ) {
            let mut bits = Bits::EMPTY;
            let mut model = BTreeSet::new();
            for bit in single {
                prop_assert_eq!(bits.insert(bit), model.insert(bit));
            }
            let mut ranged = Bits::EMPTY;
            let mut ranged_model = BTreeSet::new();
            for (first, last) in ranges {
                ranged.insert_range(first, last);
                ranged_model.extend(first..=last);
            }
            prop_assert_eq!(bits.iter().collect::<BTreeSet<_>>(), model.clone());
            prop_assert_eq!(ranged.iter().collect::<BTreeSet<_>>(), ranged_model.clone());
            let both: BTreeSet<_> = model.union(&ranged_model).copied().collect();
            prop_assert_eq!(bits.or(&ranged).iter().collect::<BTreeSet<_>>(), both.clone());
            let one: BTreeSet<_> = ranged_model.difference(&model).copied().collect();
            prop_assert_eq!(ranged.without(&bits).iter().collect::<BTreeSet<_>>(), one);
            let all = bits.or(&ranged);
            prop_assert_eq!(all.count() as usize, both.len());
            let within = both.iter().filter(|bit| (first..=last).contains(*bit)).count();
            prop_assert_eq!(all.count_within(first, last) as usize, within);
            prop_assert_eq!(all.contains(first), both.contains(&first));
            prop_assert_eq!(all.next_clear(first), (first..CHUNK as u32).find(|bit| !both.contains(bit)));
            prop_assert_eq!(Bits::decode(&all.encode()), Ok(all));
        }
    }

    #[test]
    fn the_empty_set_takes_no_byte_and_too_much_is_refused() {
        assert_eq!(Bits::EMPTY.encode(), Vec::<u8>::new());
        assert_eq!(Bits::decode(&[1]).map(|bits| bits.iter().collect()), Ok(vec![0]));
        assert!(Bits::decode(&[0; 513]).is_err());
        assert!(!Bits::EMPTY.contains(9999));
    }
}
