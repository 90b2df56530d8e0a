//! Over random valid histories: a message has as many views as users but its author have
//! seen it, each counted once, whoever left and came back meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, Kind, Mark, Marked, Record, Stream};
use domain::{DialogId, UserId};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::ground::{Case, load, property};
use super::records;
use crate::fold::{Rows, Wanted};
use crate::marks::views_chunk_of;
use crate::testing::{Feeder, Step, World, steps};

/// A dialog as far as it matters for views.
#[derive(Default)]
struct Shown {
    kind: Option<Kind>,
    alive: bool,
    cleared_to: u64,
    authors: Vec<UserId>,
    removed: BTreeSet<u64>,
    seen: BTreeMap<UserId, BTreeSet<u64>>,
    floors: BTreeMap<UserId, u64>,
    views: BTreeMap<u64, u32>,
}

impl Shown {
    fn head(&self) -> u64 {
        self.authors.len() as u64
    }

    fn count(&mut self, actor: UserId, event: &Event) {
        match event {
            Event::DialogCreated { kind, .. } => (self.kind, self.alive) = (Some(*kind), true),
            Event::DialogDeleted => self.alive = false,
            Event::MessagePosted { .. } => self.authors.push(actor),
            Event::MessagesRemoved { messages } => self.removed.extend(messages.iter().map(|m| m.sequence.0)),
            Event::HistoryClearedForAll => self.cleared_to = self.head(),
            Event::HistoryCleared | Event::DialogHidden => _ = self.floors.insert(actor, self.head()),
            Event::OccupantSubscribed | Event::OccupantLeft => _ = self.floors.remove(&actor),
            Event::OccupantsAdded { users } | Event::OccupantsRemoved { users } => {
                users.iter().for_each(|user| _ = self.floors.remove(user));
            }
            Event::UserBlocked { user } => {
                if self.kind == Some(Kind::Public) {
                    self.floors.remove(user);
                }
            }
            Event::MessagesMarked { mark: Mark::Viewed, marked: Marked::Listed(ranges) } => {
                for sequence in ranges.iter().flat_map(|range| range.first.0..=range.last.0) {
                    self.show(actor, sequence);
                }
            }
            Event::MessagesMarked { .. } | Event::MessagesHidden { .. } | Event::MessageEdited { .. } => {}
            Event::LogOpened { .. } | Event::WriterStarted | Event::DialogChanged { .. } => {}
            Event::ExtensionsMerged { .. } | Event::DialogShown | Event::NotificationsSet { .. } => {}
            Event::AdminsAdded { .. } | Event::AdminsRemoved { .. } | Event::UserUnblocked { .. } => {}
            Event::MessagesPinned { .. } | Event::MessagesUnpinned { .. } => {}
            Event::ReactionsChanged { .. } => {}
        }
    }

    fn show(&mut self, user: UserId, sequence: u64) {
        let floor = self.floors.get(&user).copied().unwrap_or(0).max(self.cleared_to);
        let own = self.authors[sequence as usize - 1] == user;
        if sequence > floor && !own && !self.removed.contains(&sequence) {
            let new = self.seen.entry(user).or_default().insert(sequence);
            *self.views.entry(sequence).or_default() += u32::from(new);
        }
    }
}

fn recount(records: &[Record]) -> BTreeMap<DialogId, Shown> {
    let mut dialogs = BTreeMap::<DialogId, Shown>::new();
    for record in records {
        if let (Stream::Dialog(dialog), Some(actor)) = (record.stream, record.actor) {
            dialogs.entry(dialog).or_default().count(actor, &record.event);
        }
    }
    dialogs
}

async fn views_agree(case: &mut Case, (steps, size): &(Vec<Step>, usize)) -> Result<(), TestCaseError> {
    let records = records(&mut World::default(), steps);
    let mut store = case.store("rows").await;
    let mut feeder = Feeder::new(1);
    for part in records.chunks(*size) {
        store.apply(&feeder.batch(part.to_vec())).await.unwrap();
    }
    while store.sweep(100).await.unwrap() {}
    for (id, dialog) in recount(&records).iter().filter(|(_, dialog)| dialog.alive) {
        let chunks = 0..=views_chunk_of(dialog.head());
        let wanted = Wanted { views: chunks.map(|chunk| (*id, chunk)).collect(), ..Wanted::default() };
        let mut rows = Rows::default();
        load(&mut store, &wanted, &mut rows).await;
        for sequence in dialog.cleared_to + 1..=dialog.head() {
            let views = rows.of(*id).views.get(&views_chunk_of(sequence));
            let expected = dialog.views.get(&sequence).copied().unwrap_or(0);
            prop_assert_eq!(views.map_or(0, |views| views.of(sequence)), expected, "{:?} {}", id, sequence);
        }
    }
    Ok(())
}

#[test]
fn a_message_has_as_many_views_as_others_have_seen_it() {
    let histories = (steps(80, false), prop_oneof![1..4_usize, 1..200_usize]);
    property([96, 12], &histories, async |case, history| views_agree(case, &history).await);
}

#[test]
fn also_across_the_border_of_a_chunk() {
    let histories = (steps(60, true), 20..2_000_usize);
    property([6, 2], &histories, async |case, history| views_agree(case, &history).await);
}
