//! Folds of marks: what somebody has received, read and seen.

use domain::event::{Kind, Mark, Marked, Range};
use domain::{Sequence, UserId};

use super::rows::DialogRows;
use super::{Cause, Error};
use crate::marks::{CHUNK, Marks, Rows as ChunkRows, Run, bit_of, chunk_of, views_chunk_of};
use crate::rows::Standing;

/// Of a range that somebody has seen, the messages that get another viewer: its newest. No
/// page is nearly as long.
pub(super) const VIEWED_MAX: u64 = 4 * CHUNK;

impl DialogRows {
    pub(super) fn marked(&mut self, by: Cause, mark: Mark, marked: &Marked) -> Result<(), Error> {
        let kind = self.header(by.dialog)?.kind;
        match (mark, kind.is_marked()) {
            (Mark::Read | Mark::Delivered, true) => self.received(by, mark, marked),
            (Mark::Viewed, false) => self.viewed(by, kind, marked),
            (Mark::Read | Mark::Delivered, false) | (Mark::Viewed, true) => Ok(()),
        }
    }

    fn received(&mut self, by: Cause, mark: Mark, marked: &Marked) -> Result<(), Error> {
        let user = by.actor()?;
        let Some(standing) = self.standing(user) else { return Ok(()) };
        let ranges = marked.ranges(Sequence(self.bounds(standing).floor));
        let before = self.has_last(user);
        for range in &ranges {
            let new = self.mark(user, mark, *range);
            if let (Mark::Read, Some(new)) = (mark, new) {
                self.header(by.dialog)?.touched.touch(new.first.0, new.last.0, by.at);
                self.row_dirty = true;
            }
        }
        let after = self.has_last(user);
        self.recount_last(before, after);
        Ok(())
    }

    /// In a broadcast nobody has a standing for being in it, so his first view gives him one.
    fn viewed(&mut self, by: Cause, kind: Kind, marked: &Marked) -> Result<(), Error> {
        let user = by.actor()?;
        // Nothing else is ever decided.
        let Marked::Listed(ranges) = marked else { return Ok(()) };
        if kind == Kind::Broadcast {
            self.stand(by)?;
        }
        let within = |standing: &&Standing| standing.member || kind == Kind::Broadcast;
        if self.standing(user).filter(within).is_none() {
            return Ok(());
        }
        for range in ranges {
            self.count_views(user, *range);
            self.mark(user, Mark::Viewed, *range);
        }
        Ok(())
    }

    /// Counts `user` as a viewer of what in `range` he has not seen, but for what is his own.
    fn count_views(&mut self, user: UserId, range: Range) {
        let Some(bounds) = self.standing(user).map(|standing| self.bounds(standing)) else { return };
        let Some(rows) = self.standings.get_mut(&user) else { return };
        let Some(row) = &mut rows.row else { return };
        let (first, last) = (range.first.0.max(bounds.floor + 1), range.last.0.min(bounds.head));
        if row.marks.is_empty() && first <= last {
            // A run begins where he begins to look: it needs no bits.
            row.marks = Marks::joining_at(first - 1);
        }
        for sequence in first.max(range.last.0.saturating_sub(VIEWED_MAX - 1))..=last {
            let own = rows.chunks.get(&chunk_of(sequence));
            let gone = self.removed_chunks.get(&chunk_of(sequence));
            let author = self.living.get(&sequence).or_else(|| self.authors.get(&sequence));
            let counts = author.is_some_and(|author| *author != user)
                && !gone.is_some_and(|bits| bits.contains(bit_of(sequence)))
                && !row.marks.has(Mark::Viewed, sequence, own);
            if counts {
                let chunk = views_chunk_of(sequence);
                self.views.entry(chunk).or_default().raise(sequence);
                self.views_dirty.insert(chunk);
            }
        }
    }

    /// Marks what of `range` the user can see. Returns about what of it is new, if anything
    /// is. Who has no standing has no marks.
    pub(super) fn mark(&mut self, user: UserId, mark: Mark, range: Range) -> Option<Range> {
        let bounds = self.standing(user).map(|standing| self.bounds(standing))?;
        let rows = self.standings.get_mut(&user)?;
        let row = rows.row.as_mut()?;
        let first = Sequence(range.first.0.max(bounds.floor + 1));
        let seen = Range { first, last: range.last.min(Sequence(bounds.head)) };
        let before = row.marks.read;
        let mut chunks = ChunkRows { chunks: &mut rows.chunks, removed: &self.removed_chunks };
        let changed = row.marks.mark(mark, seen, bounds, &mut chunks);
        rows.dirty = true;
        let new = !changed.is_empty() || row.marks.read != before;
        rows.chunks_dirty.extend(changed);
        new.then(|| outside(seen, before))
    }
}

/// `range` without what of `run` lies at its ends.
fn outside(range: Range, run: Run) -> Range {
    let Range { first, last } = range;
    let first = if run.contains(first.0) { Sequence(run.to + 1) } else { first };
    let last = if run.contains(last.0) { Sequence(run.base) } else { last };
    Range { first, last }
}
