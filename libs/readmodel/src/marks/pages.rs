//! Which messages a user sees: counted, and found by their rank from either end.

use super::{Bits, Loaded, Marks, Removals, Want, bit_of, chunk_of, first_of, last_of};

/// From which end messages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first message first.
    OldestFirst,
    /// The last message first.
    NewestFirst,
}

/// A dialog as one user sees it, or a stretch of it: the messages after `floor` and up to
/// `to` that are neither removed nor hidden by him.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// Messages up to here are out of his sight.
    pub floor: u64,
    /// The last message that is looked at; the head, if all of the dialog is.
    pub to: u64,
    /// The newest message, removed or not.
    pub head: u64,
    /// How many messages are removed for everybody.
    pub removals: &'a Removals,
    /// What he has read and hidden.
    pub marks: &'a Marks,
}

impl View<'_> {
    /// The same, but nothing outside of `first..=last`.
    #[must_use]
    pub fn within(self, first: u64, last: u64) -> Self {
        Self { floor: self.floor.max(first.saturating_sub(1)), to: self.to.min(last), ..self }
    }

    /// How many messages he sees. `load` as for [`unread`](super::unread).
    pub fn count<E>(&self, load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>) -> Result<u64, E> {
        let mut total = 0;
        for chunk in self.chunks() {
            total += self.visible(chunk, load)?;
        }
        Ok(total)
    }

    /// The sequences of up to `limit` messages that he sees after skipping `skip`, in that
    /// order. The skipped ones cost a look at the counts of their chunks.
    pub fn page<E>(
        &self,
        order: Order,
        skip: u64,
        limit: usize,
        load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>,
    ) -> Result<Vec<u64>, E> {
        let mut skip = skip;
        let mut page = vec![];
        let mut chunks = self.chunks();
        while page.len() < limit {
            let next = match order {
                Order::OldestFirst => chunks.next(),
                Order::NewestFirst => chunks.next_back(),
            };
            let Some(chunk) = next else { break };
            if skip > 0 {
                let visible = self.visible(chunk, load)?;
                if visible <= skip {
                    skip -= visible;
                    continue;
                }
            }
            let out_of_sight = self.out_of_sight(chunk, load)?;
            let places = self.part(chunk);
            let seen = |sequence: &u64| !out_of_sight.contains(bit_of(*sequence));
            let (skipped, left) = (skip as usize, limit - page.len());
            match order {
                Order::OldestFirst => page.extend(places.filter(seen).skip(skipped).take(left)),
                Order::NewestFirst => page.extend(places.rev().filter(seen).skip(skipped).take(left)),
            }
            skip = 0;
        }
        Ok(page)
    }

    /// The newest message that he sees.
    pub fn newest<E>(&self, load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>) -> Result<Option<u64>, E> {
        Ok(self.page(Order::NewestFirst, 0, 1, load)?.pop())
    }

    /// Whether he sees the message at `sequence`.
    pub fn sees<E>(
        &self,
        sequence: u64,
        load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>,
    ) -> Result<bool, E> {
        if sequence <= self.floor || sequence > self.to {
            return Ok(false);
        }
        Ok(!self.out_of_sight(chunk_of(sequence), load)?.contains(bit_of(sequence)))
    }

    fn chunks(&self) -> std::ops::Range<u32> {
        if self.floor >= self.to { 0..0 } else { chunk_of(self.floor + 1)..chunk_of(self.to) + 1 }
    }

    /// The sequences of `chunk` that are looked at.
    fn part(&self, chunk: u32) -> std::ops::RangeInclusive<u64> {
        first_of(chunk).max(self.floor + 1)..=last_of(chunk).min(self.to)
    }

    fn visible<E>(
        &self,
        chunk: u32,
        load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>,
    ) -> Result<u64, E> {
        let part = self.part(chunk);
        let (first, last) = (*part.start(), *part.end());
        let removed = self.removals.of(chunk);
        let hidden = self.marks.sparse.get(chunk).filter(|entry| entry.hidden > 0);
        // Nothing lies above the head.
        let whole = first == first_of(chunk) && (last == last_of(chunk) || last == self.head);
        let gone = match hidden {
            None if whole || removed == 0 => removed,
            Some(entry) if whole && entry.removed == removed => removed + entry.hidden,
            None | Some(_) => self.out_of_sight(chunk, load)?.count_within(bit_of(first), bit_of(last)),
        };
        Ok(last - first + 1 - u64::from(gone))
    }

    /// What of `chunk` is removed or hidden.
    fn out_of_sight<E>(
        &self,
        chunk: u32,
        load: &mut impl FnMut(u32, Want) -> Result<Loaded, E>,
    ) -> Result<Bits, E> {
        let own = self.marks.sparse.get(chunk).is_some_and(|entry| entry.hidden > 0);
        let removed = self.removals.of(chunk) > 0;
        if !own && !removed {
            return Ok(Bits::EMPTY);
        }
        let bits = load(chunk, Want { removed, own })?;
        Ok(if own { bits.removed.or(&bits.own.hidden) } else { bits.removed })
    }
}
