//! Which rows a batch wants: everything its folds read, and little else.
//!
//! The answer comes in rounds, because headers and standings say which chunks exist: a
//! store loads what one round names and asks again. What no event touches is never
//! loaded, and no round asks for more rows than the batch names messages and users.

use std::collections::{BTreeSet, HashMap};

use domain::event::{Event, Mark, Marked, MessageRef, Record, Stream};
use domain::{DialogId, UserId};

use super::mark::VIEWED_MAX;
use super::rows::{DialogRows, Rows};
use crate::marks::{bit_of, chunk_of, first_of, last_of, views_chunk_of};

/// Rows to load; each is named once, in ascending order.
#[derive(Debug, Default)]
pub struct Wanted {
    /// Headers, with the counts of removed messages.
    pub dialogs: Vec<DialogId>,
    /// Standings.
    pub standings: Vec<(DialogId, UserId)>,
    /// Users' marks in a chunk.
    pub chunks: Vec<(DialogId, u32, UserId)>,
    /// Removed messages of a chunk.
    pub removed_chunks: Vec<(DialogId, u32)>,
    /// The authors of living messages, for [`DialogRows::living`].
    pub authors: Vec<(DialogId, u64)>,
    /// The authors of living messages that somebody may view for the first time, for
    /// [`DialogRows::authors`].
    pub viewed: Vec<(DialogId, u64)>,
    /// Counts of viewers, by [`views_chunk_of`]; there may be none yet.
    pub views: Vec<(DialogId, u32)>,
    /// Totals of reactions to messages.
    pub totals: Vec<(DialogId, u64)>,
}

impl Wanted {
    /// Whether it names nothing.
    pub fn is_empty(&self) -> bool {
        self.dialogs.is_empty()
            && self.standings.is_empty()
            && self.chunks.is_empty()
            && self.removed_chunks.is_empty()
            && self.authors.is_empty()
            && self.viewed.is_empty()
            && self.views.is_empty()
            && self.totals.is_empty()
    }

    fn sort(mut self) -> Self {
        distinct(&mut self.dialogs);
        distinct(&mut self.standings);
        distinct(&mut self.chunks);
        distinct(&mut self.removed_chunks);
        distinct(&mut self.authors);
        distinct(&mut self.viewed);
        distinct(&mut self.views);
        distinct(&mut self.totals);
        self
    }
}

fn distinct<T: Ord>(list: &mut Vec<T>) {
    list.sort_unstable();
    list.dedup();
}

/// What a batch touches.
#[derive(Debug, Default)]
pub struct Plan {
    dialogs: Vec<DialogId>,
    standings: Vec<(DialogId, UserId)>,
    /// Sequences that a user marks or hides, first and last.
    touched: Vec<(DialogId, UserId, u64, u64)>,
    /// Sequences that a user views, first and last.
    viewed: Vec<(DialogId, UserId, u64, u64)>,
    leaving: Vec<(DialogId, UserId)>,
    reacted: Vec<(DialogId, u64)>,
    removed: HashMap<DialogId, BTreeSet<u64>>,
    rounds: u32,
}

impl Plan {
    /// The plan of a batch.
    pub fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut plan = Self::default();
        for record in records {
            if let Stream::Dialog(dialog) = record.stream {
                plan.dialogs.push(dialog);
                plan.add(dialog, record.actor, &record.event);
            }
        }
        plan
    }

    fn add(&mut self, dialog: DialogId, actor: Option<UserId>, event: &Event) {
        match event {
            Event::LogOpened { .. } | Event::WriterStarted => {}
            // Whoever comes in gets a fresh standing, whatever is there.
            Event::DialogCreated { .. } => {}
            Event::DialogChanged { .. } | Event::ExtensionsMerged { .. } | Event::DialogDeleted => {}
            Event::AdminsAdded { .. } | Event::AdminsRemoved { .. } => {}
            Event::MessagesPinned { .. } | Event::MessagesUnpinned { .. } => {}
            Event::MessageEdited { .. } | Event::HistoryClearedForAll => {}
            Event::DialogHidden | Event::DialogShown | Event::HistoryCleared => self.stand(dialog, actor),
            Event::NotificationsSet { .. } | Event::OccupantSubscribed => self.stand(dialog, actor),
            // He may have been here before.
            Event::OccupantsAdded { users } => {
                self.standings.extend(users.iter().map(|user| (dialog, *user)));
            }
            Event::UserBlocked { user } | Event::UserUnblocked { user } => self.stand(dialog, Some(*user)),
            Event::OccupantsRemoved { users } => {
                self.leaving.extend(users.iter().map(|user| (dialog, *user)));
            }
            Event::OccupantLeft => self.leaving.extend(actor.map(|user| (dialog, user))),
            Event::MessagePosted { message, .. } => self.touch(dialog, actor, &[*message]),
            Event::MessagesRemoved { messages } => {
                self.removed.entry(dialog).or_default().extend(messages.iter().map(|m| m.sequence.0));
            }
            Event::MessagesHidden { messages } => self.touch(dialog, actor, messages),
            Event::MessagesMarked { mark, marked } => self.mark(dialog, actor, *mark, marked),
            Event::ReactionsChanged { message, .. } => self.reacted.push((dialog, message.sequence.0)),
        }
    }

    fn stand(&mut self, dialog: DialogId, user: Option<UserId>) {
        self.standings.extend(user.map(|user| (dialog, user)));
    }

    fn mark(&mut self, dialog: DialogId, actor: Option<UserId>, mark: Mark, marked: &Marked) {
        let ranges = match marked {
            Marked::Named(messages) => messages.iter().map(|m| (m.sequence.0, m.sequence.0)).collect(),
            Marked::Listed(ranges) => ranges.iter().map(|range| (range.first.0, range.last.0)).collect(),
            // The run takes it all: only the counts of the newest message need bits.
            Marked::All(up_to) => vec![(up_to.0, up_to.0)],
        };
        for (first, last) in ranges {
            self.touch_range(dialog, actor, (first, last));
            if mark == Mark::Viewed {
                self.viewed.extend(actor.map(|user| (dialog, user, first, last)));
            }
        }
    }

    fn touch(&mut self, dialog: DialogId, actor: Option<UserId>, messages: &[MessageRef]) {
        for message in messages {
            self.touch_range(dialog, actor, (message.sequence.0, message.sequence.0));
        }
    }

    fn touch_range(&mut self, dialog: DialogId, actor: Option<UserId>, (first, last): (u64, u64)) {
        if let Some(user) = actor {
            self.standings.push((dialog, user));
            self.touched.push((dialog, user, first, last));
        }
    }

    /// What to load next, given what is loaded; `None` once everything is.
    pub fn next(&mut self, rows: &Rows) -> Option<Wanted> {
        self.rounds += 1;
        let wanted = match self.rounds {
            1 => Wanted {
                dialogs: std::mem::take(&mut self.dialogs),
                standings: [std::mem::take(&mut self.standings), self.leaving.clone()].concat(),
                ..Wanted::default()
            },
            2 => self.chunks(rows),
            3 => {
                let viewed = self.views(rows);
                self.successors(rows, viewed)
            }
            _ => self.successors(rows, Wanted::default()),
        };
        // The rounds that follow the second one end with the first that wants nothing.
        if wanted.is_empty() && self.rounds > 2 { None } else { Some(wanted.sort()) }
    }

    fn chunks(&mut self, rows: &Rows) -> Wanted {
        let mut wanted = Wanted::default();
        for (dialog, user) in std::mem::take(&mut self.leaving) {
            let last =
                rows.get(&dialog).and_then(|rows| rows.row.as_ref()).map_or(0, |row| row.last.sequence.0);
            self.touched.push((dialog, user, last, last));
        }
        for (dialog, user, first, last) in std::mem::take(&mut self.touched) {
            // What a deleted dialog has left, the sweeper may have deleted.
            let Some(rows) = rows.get(&dialog).filter(|rows| rows.is_alive()) else { continue };
            // Nor is what lies below its `cleared_to` there for sure.
            let cleared_to = rows.row.as_ref().map_or(0, |row| row.cleared_to.0);
            let (first, last) = (chunk_of(first).max(chunk_of(cleared_to + 1)), chunk_of(last));
            let entries =
                rows.standing(user).map_or([].as_slice(), |standing| standing.marks.sparse.entries());
            let own = entries.iter().map(|entry| entry.chunk).filter(|chunk| (first..=last).contains(chunk));
            wanted.chunks.extend(own.map(|chunk| (dialog, chunk, user)));
            // Also of one without a standing: he may get it within the batch.
            let removed = rows.removals.iter().filter(|(chunk, _)| (first..=last).contains(chunk));
            wanted.removed_chunks.extend(removed.map(|(chunk, _)| (dialog, chunk)));
        }
        for (dialog, sequences) in &self.removed {
            let Some(rows) = rows.get(dialog).filter(|rows| rows.is_alive()) else { continue };
            let chunks = sequences.iter().map(|sequence| chunk_of(*sequence));
            let known = chunks.filter(|chunk| rows.removals.of(*chunk) > 0);
            wanted.removed_chunks.extend(known.map(|chunk| (*dialog, chunk)));
        }
        for (dialog, sequence) in std::mem::take(&mut self.reacted) {
            let row = rows.get(&dialog).and_then(|rows| rows.row.as_ref()).filter(|row| row.alive);
            if row.is_some_and(|row| sequence > row.cleared_to.0 && sequence <= row.head.0) {
                wanted.totals.push((dialog, sequence));
            }
        }
        wanted
    }

    /// What counting viewers needs: of what somebody has not seen, who wrote it and how many
    /// have seen it.
    fn views(&mut self, rows: &Rows) -> Wanted {
        let mut wanted = Wanted::default();
        for (dialog, user, first, last) in std::mem::take(&mut self.viewed) {
            let Some(rows) = rows.get(&dialog).filter(|rows| rows.is_alive()) else { continue };
            let Some(row) = rows.row.as_ref().filter(|row| !row.kind.is_marked()) else { continue };
            let standing = rows.standing(user);
            let chunks = rows.standings.get(&user).map(|rows| &rows.chunks);
            let lowest = first.max(last.saturating_sub(VIEWED_MAX - 1)).max(row.cleared_to.0 + 1);
            for sequence in lowest..=last {
                let chunk = chunk_of(sequence);
                let own = chunks.and_then(|chunks| chunks.get(&chunk));
                let seen = standing.is_some_and(|standing| standing.marks.has(Mark::Viewed, sequence, own));
                let gone =
                    rows.removed_chunks.get(&chunk).is_some_and(|bits| bits.contains(bit_of(sequence)));
                if seen || gone {
                    continue;
                }
                wanted.views.push((dialog, views_chunk_of(sequence)));
                // What is newer comes to be within the batch.
                if sequence <= row.head.0 {
                    wanted.viewed.push((dialog, sequence));
                }
            }
        }
        wanted
    }

    /// Where the newest message is removed: what is needed to know the next one.
    fn successors(&self, rows: &Rows, mut wanted: Wanted) -> Wanted {
        for (dialog, removed) in &self.removed {
            match rows.get(dialog).map(|rows| successor(rows, removed)) {
                Some(Successor::Bits(chunk)) => wanted.removed_chunks.push((*dialog, chunk)),
                Some(Successor::At(sequence)) => wanted.authors.push((*dialog, sequence)),
                Some(Successor::Known) | None => {}
            }
        }
        wanted
    }
}

/// The newest message that outlives the batch, of those that were there before it.
enum Successor {
    /// It is known, or not asked for, or there is none.
    Known,
    /// It is at this sequence.
    At(u64),
    /// The removed messages of this chunk are needed to tell.
    Bits(u32),
}

fn successor(rows: &DialogRows, removed: &BTreeSet<u64>) -> Successor {
    let Some(row) = rows.row.as_ref().filter(|row| row.alive) else { return Successor::Known };
    let (last, cleared_to) = (row.last.sequence.0, row.cleared_to.0);
    if !removed.contains(&last) || rows.living.range(..last).next().is_some() {
        return Successor::Known;
    }
    let mut above = last;
    while above > cleared_to + 1 {
        let chunk = chunk_of(above - 1);
        let count = rows.removals.of(chunk);
        let full = u64::from(count) == last_of(chunk) - first_of(chunk) + 1;
        let bits = rows.removed_chunks.get(&chunk);
        if count > 0 && !full && bits.is_none() {
            return Successor::Bits(chunk);
        }
        let gone = |sequence: u64| {
            removed.contains(&sequence) || bits.is_some_and(|bits| bits.contains(bit_of(sequence)))
        };
        let bottom = first_of(chunk).max(cleared_to + 1);
        let found = if full { None } else { (bottom..above).rev().find(|sequence| !gone(*sequence)) };
        match found {
            Some(sequence) => return Successor::At(sequence),
            None => above = bottom,
        }
    }
    Successor::Known
}
