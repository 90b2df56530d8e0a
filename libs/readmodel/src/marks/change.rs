//! Marking and hiding: what an event makes of a user's marks in a dialog.
//!
//! Which rows change depends on the event and on what is stored, never on which other
//! rows happen to be at hand, so folding in any batches gives the same marks.

use std::collections::BTreeMap;

use domain::event::{Mark, Range};

use super::counts::keep_before;
use super::{Bits, Entry, Run, Sparse, bit_of, chunk_of, first_of, last_of};

/// The bits of one user in one chunk of a dialog.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chunk {
    /// Read, as far as that was marked outside the run.
    pub read: Bits,
    /// Delivered, as far as that was marked outside the run.
    pub delivered: Bits,
    /// Put out of the user's sight.
    pub hidden: Bits,
}

impl Chunk {
    /// What the standing row is to know of this chunk, of which `removed` are gone.
    pub fn entry(&self, chunk: u32, removed: &Bits) -> Entry {
        Entry {
            chunk,
            seen: self.read.or(&self.hidden).without(removed).count(),
            hidden: self.hidden.without(removed).count(),
            removed: removed.count(),
        }
    }
}

/// A user's marks in a dialog, but for the bits: part of his standing row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// Read without a gap.
    pub read: Run,
    /// Delivered without a gap.
    pub delivered: Run,
    /// What is marked or hidden elsewhere.
    pub sparse: Sparse,
}

/// What the user and the dialog know of, at the moment of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// Messages up to here are gone for everybody.
    pub cleared_to: u64,
    /// Messages up to here are out of the user's sight; at least `cleared_to`.
    pub floor: u64,
    /// The newest message, removed or not.
    pub head: u64,
}

/// The rows of the chunks that an event names: those that exist. What is not there is empty.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The user's bits; changed, and added where there were none.
    pub chunks: &'a mut BTreeMap<u32, Chunk>,
    /// The dialog's removed messages.
    pub removed: &'a BTreeMap<u32, Bits>,
}

impl Rows<'_> {
    fn is_removed(&self, sequence: u64) -> bool {
        self.removed.get(&chunk_of(sequence)).is_some_and(|bits| bits.contains(bit_of(sequence)))
    }
}

impl Marks {
    /// The marks of a user who joins when the dialog's newest message is `head`.
    pub fn joining_at(head: u64) -> Self {
        Self { read: Run::after(head), delivered: Run::after(head), sparse: Sparse::default() }
    }

    /// Whether nothing is marked or hidden.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty() && self.delivered.is_empty() && self.sparse.is_empty()
    }

    /// The chunks whose rows marking `range` needs; none if the run takes it all.
    pub fn chunks_of(range: Range) -> std::ops::RangeInclusive<u32> {
        chunk_of(range.first.0)..=chunk_of(range.last.0)
    }

    /// Marks `range`; [`Mark::Read`] means delivered too, and [`Mark::Viewed`] is the same
    /// where nobody tells the two apart. Returns the chunks whose row in
    /// `rows` changed, ascending.
    ///
    /// `rows` has the chunks of [`Marks::chunks_of`]. For a range from the user's floor to
    /// the head it may be empty: that changes no row.
    pub fn mark(&mut self, mark: Mark, range: Range, bounds: Bounds, rows: &mut Rows<'_>) -> Vec<u32> {
        let (first, last) = (range.first.0.max(1), range.last.0.min(bounds.head));
        if first > last {
            return vec![];
        }
        self.rotate(bounds);
        let mut changed = match mark {
            Mark::Read | Mark::Viewed => self.extend(Mark::Read, first, last, rows),
            Mark::Delivered => vec![],
        };
        changed.extend(self.extend(Mark::Delivered, first, last, rows));
        changed.sort_unstable();
        changed.dedup();
        self.recount(&changed, rows);
        self.prune(bounds);
        changed
    }

    /// Puts the message at `sequence` out of the user's sight. Returns the chunk whose row
    /// in `rows` changed, if one did.
    pub fn hide(&mut self, sequence: u64, rows: &mut Rows<'_>) -> Option<u32> {
        if sequence == 0 || rows.is_removed(sequence) {
            return None;
        }
        let chunk = chunk_of(sequence);
        let new = self.row(chunk, rows).hidden.insert(bit_of(sequence));
        new.then(|| {
            self.recount(&[chunk], rows);
            chunk
        })
    }

    /// Whether `mark` is on `sequence`. `chunk` is the row of its chunk, if the table has one.
    pub fn has(&self, mark: Mark, sequence: u64, chunk: Option<&Chunk>) -> bool {
        let (run, before) = match mark {
            Mark::Read | Mark::Viewed => (&self.read, &self.sparse.read_before),
            Mark::Delivered => (&self.delivered, &self.sparse.delivered_before),
        };
        if run.contains(sequence) || before.iter().any(|run| run.contains(sequence)) {
            return true;
        }
        let chunk = chunk.filter(|_| self.sparse.get(chunk_of(sequence)).is_some());
        chunk.is_some_and(|chunk| match mark {
            Mark::Read | Mark::Viewed => chunk.read.contains(bit_of(sequence)),
            Mark::Delivered => chunk.delivered.contains(bit_of(sequence)),
        })
    }

    /// A run that ended before the user cleared the dialog cannot grow across what he
    /// never read, so a new one begins at his floor.
    fn rotate(&mut self, bounds: Bounds) {
        let Bounds { cleared_to, floor, .. } = bounds;
        if self.read.to < floor {
            keep_before(&mut self.sparse.read_before, self.read, cleared_to);
            self.read = Run::after(floor);
        }
        if self.delivered.to < floor {
            keep_before(&mut self.sparse.delivered_before, self.delivered, cleared_to);
            self.delivered = Run::after(floor);
        }
    }

    /// Takes `first..=last` into the run or else into the bits, and into the run what now
    /// follows it directly, within the chunks of the range.
    fn extend(&mut self, mark: Mark, first: u64, last: u64, rows: &mut Rows<'_>) -> Vec<u32> {
        let mut changed = vec![];
        if !self.run(mark).join(first, last) {
            for chunk in chunk_of(first)..=chunk_of(last) {
                let (from, to) = (first.max(first_of(chunk)), last.min(last_of(chunk)));
                let bits = bits_of(self.row(chunk, rows), mark);
                if bits.count_within(bit_of(from), bit_of(to)) < (to - from + 1) as u32 {
                    bits.insert_range(bit_of(from), bit_of(to));
                    changed.push(chunk);
                }
            }
            // Only now, so that the entry of a chunk that gets its first bits is not dropped.
            for chunk in &changed {
                if self.sparse.get(*chunk).is_none() {
                    self.sparse.set(Entry { chunk: *chunk, ..Entry::default() });
                }
            }
        }
        self.swallow(mark, chunk_of(first)..=chunk_of(last), rows);
        changed
    }

    /// Moves the run's end over the bits that follow it, in `chunks` only.
    fn swallow(&mut self, mark: Mark, chunks: std::ops::RangeInclusive<u32>, rows: &mut Rows<'_>) {
        loop {
            let next = self.run(mark).to + 1;
            let chunk = chunk_of(next);
            if !chunks.contains(&chunk) || self.sparse.get(chunk).is_none() {
                return;
            }
            let Some(row) = rows.chunks.get_mut(&chunk) else { return };
            let clear = bits_of(row, mark).next_clear(bit_of(next));
            self.run(mark).to = clear.map_or(last_of(chunk), |bit| first_of(chunk) + u64::from(bit) - 1);
            if clear.is_some() {
                return;
            }
        }
    }

    fn run(&mut self, mark: Mark) -> &mut Run {
        match mark {
            Mark::Read | Mark::Viewed => &mut self.read,
            Mark::Delivered => &mut self.delivered,
        }
    }

    /// The row of `chunk`: a new one, if there is none or a dead one.
    fn row<'a>(&self, chunk: u32, rows: &'a mut Rows<'_>) -> &'a mut Chunk {
        let row = rows.chunks.entry(chunk).or_default();
        if self.sparse.get(chunk).is_none() {
            *row = Chunk::default();
        }
        row
    }

    fn recount(&mut self, changed: &[u32], rows: &Rows<'_>) {
        for chunk in changed {
            if let Some(row) = rows.chunks.get(chunk) {
                self.sparse.set(row.entry(*chunk, rows.removed.get(chunk).unwrap_or(&Bits::EMPTY)));
            }
        }
    }

    /// Forgets the rows that say nothing more: what lies within both runs and hides
    /// nothing, and what is gone for everybody.
    fn prune(&mut self, bounds: Bounds) {
        let base = self.read.base.max(self.delivered.base);
        let to = self.read.to.min(self.delivered.to);
        self.sparse.revise(|entry| {
            let first = first_of(entry.chunk).max(bounds.cleared_to + 1);
            let last = last_of(entry.chunk).min(bounds.head);
            let dead = last <= bounds.cleared_to;
            let within = base < first && last <= to;
            if dead || within && entry.hidden == 0 {
                None
            } else if within {
                Some(Entry { seen: entry.hidden, ..*entry })
            } else {
                Some(*entry)
            }
        });
    }
}

fn bits_of(row: &mut Chunk, mark: Mark) -> &mut Bits {
    match mark {
        Mark::Read | Mark::Viewed => &mut row.read,
        Mark::Delivered => &mut row.delivered,
    }
}
