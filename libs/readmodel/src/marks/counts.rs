//! How much is marked and removed, chunk by chunk: the small numbers beside the bits.

use super::number::{put, take};
use super::{CHUNK, Corrupt, Run};

/// Earlier runs that are kept for a user in a dialog. Each takes a clearing with unread
/// messages before it; past the limit the oldest reading is forgotten, never invented.
const EARLIER_MAX: usize = 64;

/// The first byte of a row that counts a hidden message.
const HIDES: u8 = 1;

/// What is known of one chunk of a user in a dialog without its bits.
///
/// The counts are of messages that were living when they were written; they hold as long
/// as no other message of the chunk has been removed since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Entry {
    /// Which chunk.
    pub chunk: u32,
    /// How many are read or hidden.
    pub seen: u32,
    /// How many are hidden.
    pub hidden: u32,
    /// How many of the chunk were removed then.
    pub removed: u32,
}

/// A user's marks in a dialog outside the runs, but for the bits: which chunks have a
/// row that counts, what these hold, and the runs from before he cleared the dialog.
///
/// A chunk without an entry has no row, whatever the table holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sparse {
    entries: Vec<Entry>,
    pub(super) read_before: Vec<Run>,
    pub(super) delivered_before: Vec<Run>,
}

impl Sparse {
    /// The entry of that chunk.
    pub fn get(&self, chunk: u32) -> Option<&Entry> {
        let index = self.entries.binary_search_by_key(&chunk, |entry| entry.chunk).ok()?;
        self.entries.get(index)
    }

    /// All entries, by ascending chunk.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Replaces the entry of its chunk, or adds it.
    pub fn set(&mut self, entry: Entry) {
        match self.entries.binary_search_by_key(&entry.chunk, |entry| entry.chunk) {
            Ok(index) => self.entries[index] = entry,
            Err(index) => self.entries.insert(index, entry),
        }
    }

    /// Changes each entry or, where `change` says `None`, drops it.
    pub(super) fn revise(&mut self, change: impl Fn(&Entry) -> Option<Entry>) {
        self.entries.retain_mut(|entry| match change(entry) {
            Some(changed) => {
                *entry = changed;
                true
            }
            None => false,
        });
    }

    /// Whether nothing is known at all.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.read_before.is_empty() && self.delivered_before.is_empty()
    }

    /// Whether the row of these bytes counts a hidden message: told without decoding them, as
    /// stores can do it too.
    pub fn hides(bytes: &[u8]) -> bool {
        bytes.first() == Some(&HIDES)
    }

    /// The bytes of the row; none if nothing is known. The first is `HIDES` or 0.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![];
        if self.is_empty() {
            return bytes;
        }
        let hides = self.entries.iter().any(|entry| entry.hidden > 0);
        bytes.push(if hides { HIDES } else { 0 });
        for runs in [&self.read_before, &self.delivered_before] {
            put(&mut bytes, runs.len() as u64);
            for run in runs {
                put(&mut bytes, run.base);
                put(&mut bytes, run.to - run.base);
            }
        }
        let mut next = 0;
        for Entry { chunk, seen, hidden, removed } in &self.entries {
            put(&mut bytes, u64::from(chunk - next));
            for count in [seen, hidden, removed] {
                put(&mut bytes, u64::from(*count));
            }
            next = chunk + 1;
        }
        bytes
    }

    /// What was encoded so.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut result = Self::default();
        let Some((hides, rest)) = bytes.split_first() else { return Ok(result) };
        bytes = rest;
        for runs in [&mut result.read_before, &mut result.delivered_before] {
            for _ in 0..take(&mut bytes)? {
                let base = take(&mut bytes)?;
                let to = base.checked_add(take(&mut bytes)?).ok_or(Corrupt("a run has no end"))?;
                runs.push(Run { base, to });
            }
        }
        let mut next = 0;
        while !bytes.is_empty() {
            let chunk = take_chunk(&mut bytes, next)?;
            let [seen, hidden, removed] =
                [take_count(&mut bytes)?, take_count(&mut bytes)?, take_count(&mut bytes)?];
            result.entries.push(Entry { chunk, seen, hidden, removed });
            next = chunk + 1;
        }
        if (*hides == HIDES) != result.entries.iter().any(|entry| entry.hidden > 0) {
            return Err(Corrupt("a row does not hide what it says"));
        }
        Ok(result)
    }
}

/// Adds a run to those from before; `forgotten_to` is where the dialog itself begins.
pub(super) fn keep_before(runs: &mut Vec<Run>, run: Run, forgotten_to: u64) {
    runs.retain(|run| run.to > forgotten_to);
    if !run.is_empty() && run.to > forgotten_to {
        runs.push(run);
    }
    if runs.len() > EARLIER_MAX {
        runs.remove(0);
    }
}

/// How many messages of each chunk of a dialog are removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removals {
    counts: Vec<(u32, u32)>,
}

impl Removals {
    /// How many messages of that chunk are removed.
    pub fn of(&self, chunk: u32) -> u32 {
        let found = self.counts.binary_search_by_key(&chunk, |(chunk, _)| *chunk);
        found.map_or(0, |index| self.counts[index].1)
    }

    /// The chunks with removed messages, ascending, each with how many.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        self.counts.iter().copied()
    }

    /// From now on `count` messages of that chunk are removed.
    pub fn set(&mut self, chunk: u32, count: u32) {
        match self.counts.binary_search_by_key(&chunk, |(chunk, _)| *chunk) {
            Ok(index) => self.counts[index].1 = count,
            Err(index) => self.counts.insert(index, (chunk, count)),
        }
    }

    /// Whether nothing was ever removed.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The bytes of the row; none if nothing is removed.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![];
        let mut next = 0;
        for (chunk, count) in &self.counts {
            put(&mut bytes, u64::from(chunk - next));
            put(&mut bytes, u64::from(*count));
            next = chunk + 1;
        }
        bytes
    }

    /// What was encoded so.
    pub fn decode(mut bytes: &[u8]) -> Result<Self, Corrupt> {
        let mut counts = vec![];
        let mut next = 0;
        while !bytes.is_empty() {
            let chunk = take_chunk(&mut bytes, next)?;
            counts.push((chunk, take_count(&mut bytes)?));
            next = chunk + 1;
        }
        Ok(Self { counts })
    }
}

fn take_chunk(bytes: &mut &[u8], next: u32) -> Result<u32, Corrupt> {
    let chunk = u64::from(next).checked_add(take(bytes)?);
    // One below the largest, so that the next one can be counted.
    let chunk = chunk.and_then(|chunk| u32::try_from(chunk).ok()).filter(|chunk| *chunk < u32::MAX);
    chunk.ok_or(Corrupt("a chunk lies beyond every dialog"))
}

fn take_count(bytes: &mut &[u8]) -> Result<u32, Corrupt> {
    let count = take(bytes)?;
    if count > CHUNK {
        return Err(Corrupt("a chunk counts more than it holds"));
    }
    Ok(count as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn runs() -> impl Strategy<Value = Vec<Run>> {
        prop::collection::vec((0..1_u64 << 50, 1..1_u64 << 20), 0..3)
            .prop_map(|runs| runs.into_iter().map(|(base, len)| Run { base, to: base + len }).collect())
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(
            entries in prop::collection::vec((0..500_u32, 0..=4096_u32, 0..=4096_u32, 0..=4096_u32), 0..20),
            (read_before, delivered_before) in (runs(), runs()),
        ) {
            let mut sparse = Sparse { read_before, delivered_before, ..Sparse::default() };
            let mut removals = Removals::default();
            for (chunk, seen, hidden, removed) in entries {
                sparse.set(Entry { chunk, seen, hidden, removed });
                removals.set(chunk, removed);
                prop_assert_eq!(sparse.get(chunk), Some(&Entry { chunk, seen, hidden, removed }));
                prop_assert_eq!(removals.of(chunk), removed);
            }
            prop_assert!(sparse.entries().is_sorted_by(|a, b| a.chunk < b.chunk));
            let hides = sparse.entries().iter().any(|entry| entry.hidden > 0);
            prop_assert_eq!(Sparse::hides(&sparse.encode()), hides);
            prop_assert_eq!(Sparse::decode(&sparse.encode()), Ok(sparse));
            prop_assert_eq!(Removals::decode(&removals.encode()), Ok(removals));
        }

        #[test]
        fn damaged_bytes_are_an_error_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _: Result<_, Corrupt> = Sparse::decode(&bytes);
            let _: Result<_, Corrupt> = Removals::decode(&bytes);
        }
    }

    #[test]
    fn nothing_takes_no_byte() {
        assert_eq!(Sparse::default().encode(), Vec::<u8>::new());
        assert_eq!(Removals::default().encode(), Vec::<u8>::new());
    }

    #[test]
    fn runs_from_before_are_bounded() {
        let mut runs = vec![];
        for number in 0..100 {
            keep_before(&mut runs, Run { base: number * 10, to: number * 10 + 5 }, 0);
        }
        assert_eq!(runs.len(), EARLIER_MAX);
        assert_eq!(runs.last(), Some(&Run { base: 990, to: 995 }));
    }
}
