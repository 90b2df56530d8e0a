//! What a query reads with: the rows of one state, and the counts that earlier queries
//! have corrected.
//!
//! A user's counts of a chunk are out of date once a message of it is removed after his
//! last mark there, and nobody rewrites them: that would be a row for each member. The bits
//! answer then, and what they said is kept here, so that they are read once for each
//! removal and not once for each question.

use std::sync::Arc;

use domain::{DialogId, UserId};
use moka::sync::Cache;
use rusqlite::Connection;

use super::fetched::Fetched;
use super::seat::Seat;
use crate::marks::Entry;

/// Corrected counts that are kept, each of about 64 bytes.
const RECOUNTS_MAX: u64 = 100_000;

/// The surroundings of a query.
pub(super) struct Reader<'a> {
    pub(super) rows: Rows<'a>,
    pub(super) recounts: &'a Recounts,
    pub(super) receipts_max: usize,
}

/// Where the rows come from. Only the leaves that read a row tell one from the other.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    /// The embedded store's file: a connection within its transaction.
    File(&'a Connection),
    /// What was fetched from PostgreSQL. What is not there is noted, to be fetched, and the
    /// answer is of no use then.
    Fetched(&'a Fetched),
}

/// A chunk's counts as they stand in the row, and as they are.
///
/// Bits are only ever added while a standing lasts, and so are removals; so the same
/// counts in the row and the same number of removals are the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recount {
    pub(super) stored: Entry,
    pub(super) now: Entry,
}

/// Corrected counts by dialog and user, for as long as there is room.
pub(super) struct Recounts(Cache<(DialogId, UserId), Arc<Known>>);

struct Known {
    standing_began: (u64, u64),
    recounts: Vec<Recount>,
}

impl Default for Recounts {
    fn default() -> Self {
        let weigh = |_: &_, known: &Arc<Known>| u32::try_from(known.recounts.len()).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(RECOUNTS_MAX).weigher(weigh).build())
    }
}

impl Recounts {
    /// What is known of the seat's chunks and still holds is put in place of what its row
    /// says.
    pub(super) fn correct(&self, seat: &mut Seat) {
        if !seat.marks.sparse.entries().iter().any(|entry| seat.is_stale(entry)) {
            return;
        }
        let Some(known) = self.0.get(&(seat.dialog, seat.viewer)) else { return };
        if known.standing_began != seat.began {
            return;
        }
        for recount in &known.recounts {
            let same = seat.marks.sparse.get(recount.stored.chunk) == Some(&recount.stored);
            if same && !seat.is_stale(&recount.now) {
                seat.marks.sparse.set(recount.now);
                seat.corrected.push(*recount);
            }
        }
    }

    /// Keeps what was corrected in the seat and what its bits have said since.
    pub(super) fn keep(&self, seat: &Seat, found: Vec<Recount>) {
        let mut recounts = seat.corrected.clone();
        recounts.extend(found);
        let known = Known { standing_began: seat.began, recounts };
        self.0.insert((seat.dialog, seat.viewer), Arc::new(known));
    }
}
