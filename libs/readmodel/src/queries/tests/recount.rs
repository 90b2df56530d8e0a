//! Every answer against a naive recount from the list of events.

mod message;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use domain::event::{Event, Kind, Mark, MessageRef, Range, Record, Stream};
use domain::{DialogId, MessageId, Sequence, UserId};
use proptest::prelude::*;

use super::super::{DialogView, History, Listing, MessageView, Order, Page, ReactionsView, Status};
use super::Model;
use crate::testing::{World, steps};
use message::Message;

#[derive(Default)]
struct Recount {
    dialogs: BTreeMap<DialogId, Dialog>,
}

struct Dialog {
    kind: Kind,
    alive: bool,
    owner: UserId,
    created_at: u64,
    cleared_to: u64,
    seats: BTreeMap<UserId, Seat>,
    messages: Vec<Message>,
    pins: Vec<MessageRef>,
}

#[derive(Default)]
struct Seat {
    member: bool,
    blocked: bool,
    from: u64,
    cleared_to: u64,
    hidden_at: Option<u64>,
    read: BTreeSet<u64>,
    delivered: BTreeSet<u64>,
    hidden: BTreeSet<u64>,
}

impl Recount {
    fn count(&mut self, record: &Record) {
        let Stream::Dialog(id) = record.stream else { return };
        if let Event::DialogCreated { kind, owner, occupants, .. } = &record.event {
            let (kind, owner, created_at) = (*kind, *owner, record.at.0);
            let messages = self.dialogs.remove(&id).map_or(vec![], |dialog| dialog.messages);
            let cleared_to = messages.len() as u64;
            let seats = BTreeMap::new();
            let (alive, pins) = (true, vec![]);
            let dialog = Dialog { kind, alive, owner, created_at, cleared_to, seats, messages, pins };
            self.dialogs.entry(id).or_insert(dialog).join(occupants);
            return;
        }
        if let Some(dialog) = self.dialogs.get_mut(&id) {
            dialog.count(record);
        }
    }
}

impl Dialog {
    fn head(&self) -> u64 {
        self.messages.len() as u64
    }

    fn join(&mut self, users: &[UserId]) {
        let from = self.head();
        for user in users {
            let before = self.seats.remove(user).unwrap_or_default();
            let seat = Seat { member: true, from, hidden: before.hidden, ..Seat::default() };
            self.seats.insert(*user, seat);
        }
    }

    /// In a public dialog what somebody has hidden is hidden when he comes back.
    fn part(&mut self, users: &[UserId]) {
        for user in users {
            let hidden = self.seats.remove(user).map(|seat| seat.hidden);
            if let (Kind::Public, Some(hidden)) = (self.kind, hidden) {
                self.seats.insert(*user, Seat { hidden, ..Seat::default() });
            }
        }
    }

    fn count(&mut self, record: &Record) {
        let head = self.head();
        let actor = record.actor.unwrap();
        match &record.event {
            Event::LogOpened { .. } | Event::WriterStarted | Event::DialogCreated { .. } => {}
            Event::DialogChanged { .. } => {}
            Event::MessageEdited { message, .. } => {
                self.messages[message.sequence.0 as usize - 1].changed_at = record.at.0;
            }
            Event::ExtensionsMerged { .. } | Event::NotificationsSet { .. } => {}
            Event::AdminsAdded { .. } | Event::AdminsRemoved { .. } => {}
            Event::MessagesPinned { messages } => self.pins.extend(messages),
            Event::MessagesUnpinned { messages } => self.pins.retain(|pin| !messages.contains(pin)),
            Event::ReactionsChanged { message, added, removed } => {
                self.messages[message.sequence.0 as usize - 1].react(actor, added, removed);
            }
            Event::HistoryCleared => {
                let seat = self.seats.entry(actor).or_default();
                (seat.cleared_to, seat.from) = (head, head);
            }
            Event::HistoryClearedForAll => (self.cleared_to, self.pins) = (head, vec![]),
            Event::UserBlocked { user } => {
                if self.members().any(|(member, _)| member == *user) {
                    self.part(&[*user]);
                }
                let seat = self.seats.entry(*user).or_default();
                (seat.blocked, seat.hidden_at) = (true, None);
            }
            Event::UserUnblocked { user } => self.seats.entry(*user).or_default().blocked = false,
            Event::DialogDeleted => self.alive = false,
            Event::DialogHidden => {
                let seat = self.seats.entry(actor).or_default();
                (seat.hidden_at, seat.cleared_to, seat.from) = (Some(head), head, head);
            }
            Event::DialogShown => self.seats.entry(actor).or_default().hidden_at = None,
            Event::OccupantsAdded { users } => self.join(users),
            Event::OccupantSubscribed => self.join(&[actor]),
            Event::OccupantsRemoved { users } => self.part(users),
            Event::OccupantLeft => self.part(&[actor]),
            Event::MessagePosted { message, date_sent, .. } => {
                self.messages.push(Message::posted(*message, actor, *date_sent, record.at.0));
                let own = Range { first: message.sequence, last: message.sequence };
                self.mark(actor, Mark::Read, &[own], record.at.0);
            }
            Event::MessagesRemoved { messages } => {
                self.pins.retain(|pin| !messages.contains(pin));
                for message in messages {
                    self.messages[message.sequence.0 as usize - 1].removed = true;
                }
            }
            Event::MessagesHidden { messages } => {
                let hidden = messages.iter().map(|message| message.sequence.0);
                self.seats.entry(actor).or_default().hidden.extend(hidden);
            }
            Event::MessagesMarked { mark, marked } => {
                let ranges = marked.ranges(Sequence(self.floor(actor)));
                self.mark(actor, *mark, &ranges, record.at.0);
                self.view(actor, *mark, &ranges);
            }
        }
    }

    /// Where reading is not tracked, others than the author are counted as viewers.
    fn view(&mut self, user: UserId, mark: Mark, ranges: &[Range]) {
        if mark != Mark::Viewed || self.kind.is_marked() || !self.readable(user) {
            return;
        }
        let floor = self.floor(user);
        for message in self.messages.iter_mut().skip(floor as usize) {
            let place = Sequence(message.sequence);
            let shown = ranges.iter().any(|range| range.first <= place && place <= range.last);
            if shown && !message.removed && message.sender != user {
                message.viewers.insert(user);
            }
        }
    }

    fn mark(&mut self, user: UserId, mark: Mark, ranges: &[Range], at: u64) {
        let floor = self.floor(user);
        let tracked = self.kind.is_marked();
        let Some(seat) = self.seats.get_mut(&user).filter(|_| tracked) else { return };
        for range in ranges {
            let seen = range.first.0.max(floor + 1)..=range.last.0;
            seat.delivered.extend(seen.clone());
            if mark == Mark::Read {
                for sequence in seen {
                    if seat.read.insert(sequence) && self.messages[sequence as usize - 1].sender != user {
                        self.messages[sequence as usize - 1].changed_at = at;
                    }
                }
            }
        }
    }

    fn floor(&self, user: UserId) -> u64 {
        self.seats.get(&user).map_or(0, |seat| seat.cleared_to).max(self.cleared_to)
    }

    fn members(&self) -> impl Iterator<Item = (UserId, &Seat)> {
        self.seats.iter().filter(|(_, seat)| seat.member).map(|(user, seat)| (*user, seat))
    }

    fn readable(&self, user: UserId) -> bool {
        let seat = self.seats.get(&user);
        let invited = self.kind == Kind::Broadcast && !seat.is_some_and(|seat| seat.blocked);
        self.alive && (invited || seat.is_some_and(|seat| seat.member))
    }

    fn hidden(&self, user: UserId) -> bool {
        let hidden_at = self.seats.get(&user).and_then(|seat| seat.hidden_at);
        match self.kind {
            Kind::Private => hidden_at == Some(self.head()),
            Kind::Broadcast => hidden_at.is_some(),
            Kind::Group | Kind::Public => false,
        }
    }

    fn visible(&self, user: UserId) -> Vec<&Message> {
        let hides = |m: &Message| self.seats.get(&user).is_some_and(|s| s.hidden.contains(&m.sequence));
        let above = self.messages.iter().skip(self.floor(user) as usize);
        above.filter(|message| !message.removed && !hides(message)).collect()
    }

    fn is_unread(&self, user: UserId, message: &Message) -> bool {
        let read = self.seats.get(&user).is_some_and(|seat| seat.read.contains(&message.sequence));
        self.kind.is_marked() && !read && message.sender != user
    }

    /// Whether listing it is to leave a mark.
    fn is_new(&self, user: UserId, message: &Message) -> bool {
        let unseen = !self.kind.is_marked() && !message.viewers.contains(&user) && message.sender != user;
        unseen || self.is_unread(user, message)
    }

    fn unread(&self, user: UserId) -> u64 {
        let from = self.seats.get(&user).map_or(0, |seat| seat.from);
        let unread = |m: &&&Message| m.sequence > from && self.is_unread(user, m);
        if self.readable(user) { self.visible(user).iter().filter(unread).count() as u64 } else { 0 }
    }

    /// Who has that mark: the author, then the others as far as they are named.
    fn who(&self, mark: Mark, message: &Message, viewer: UserId, receipts_max: usize) -> Vec<UserId> {
        let all = self.members().count() <= receipts_max;
        let others = self.members().filter(|(user, seat)| {
            let marks = if mark == Mark::Read { &seat.read } else { &seat.delivered };
            let named = all || *user == viewer;
            named && *user != message.sender && marks.contains(&message.sequence)
        });
        [message.sender].into_iter().chain(others.map(|(user, _)| user)).collect()
    }

    /// Whether all others, and at least one, have that mark.
    fn everybody(&self, mark: Mark, message: &Message, receipts_max: usize) -> bool {
        let others = self.members().filter(|(user, _)| *user != message.sender).count();
        let who = self.who(mark, message, message.sender, receipts_max);
        self.kind.is_marked() && others > 0 && who.len() == others + 1
    }
}

fn ids(messages: &[&Message]) -> Vec<MessageId> {
    messages.iter().map(|message| message.id).collect()
}

fn check_message(
    view: &MessageView,
    dialog: &Dialog,
    viewer: UserId,
    receipts_max: usize,
) -> Result<(), TestCaseError> {
    let message = &dialog.messages[view.sequence.0 as usize - 1];
    prop_assert_eq!((view.id, view.sender), (message.id, message.sender));
    prop_assert_eq!(view.date_sent, message.date_sent);
    prop_assert_eq!(&view.read_ids, &dialog.who(Mark::Read, message, viewer, receipts_max));
    prop_assert_eq!(&view.delivered_ids, &dialog.who(Mark::Delivered, message, viewer, receipts_max));
    prop_assert_eq!(view.read, dialog.everybody(Mark::Read, message, receipts_max));
    prop_assert_eq!(view.views, message.viewers.len() as u64);
    // What was read long ago may seem read later.
    prop_assert!(view.updated_at.0 >= message.changed_at);
    let total: Vec<_> =
        message.reactions.iter().map(|(kind, users)| (kind.clone(), users.len() as u32)).collect();
    let own = message.reactions.iter().filter(|(_, users)| users.contains(&viewer));
    let own = own.map(|(kind, _)| kind.clone()).collect();
    prop_assert_eq!(&view.reactions, &(!total.is_empty()).then_some(ReactionsView { own, total }));
    Ok(())
}

/// The ranges cover what is unread on the page, and of the rest only what changes nothing.
fn check_ranges(history: &History, dialog: &Dialog, viewer: UserId) -> Result<(), TestCaseError> {
    let message = |sequence: u64| &dialog.messages[sequence as usize - 1];
    let mut page: BTreeSet<u64> = history.messages.iter().map(|view| view.sequence.0).collect();
    page.retain(|sequence| dialog.is_new(viewer, message(*sequence)));
    for sequence in history.unread.iter().flat_map(|range| range.first.0..=range.last.0) {
        let harmless = message(sequence).removed || !dialog.is_new(viewer, message(sequence));
        prop_assert!(page.remove(&sequence) || harmless, "{} is not on the page", sequence);
    }
    prop_assert!(page.is_empty(), "left out: {:?}", page);
    prop_assert!(history.unread.is_sorted_by(|one, next| one.last < next.first));
    Ok(())
}

fn check_history(
    model: &Model,
    recount: &Recount,
    (viewer, id): (UserId, DialogId),
    (skip, limit): (f64, usize),
) -> Result<(), TestCaseError> {
    let (dialog, receipts_max) = (&recount.dialogs[&id], model.receipts_max);
    let count = model.ask(async |queries| queries.history_count(viewer, id).await);
    let visible = dialog.visible(viewer);
    if !dialog.readable(viewer) {
        prop_assert!(count.is_err());
        return Ok(());
    }
    prop_assert_eq!(count, Ok(visible.len() as u64));
    let skip = (visible.len() as f64 * skip) as usize;
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let page = Page { skip: skip as u64, limit, order };
        let history = model.ask(async |queries| queries.history(viewer, id, page).await).unwrap();
        let mut expected = visible.clone();
        if order == Order::NewestFirst {
            expected.reverse();
        }
        let expected: Vec<_> = expected.into_iter().skip(skip).take(limit).collect();
        let found: Vec<_> = history.messages.iter().map(|view| view.id).collect();
        prop_assert_eq!(found, ids(&expected));
        for view in &history.messages {
            check_message(view, dialog, viewer, receipts_max)?;
        }
        check_ranges(&history, dialog, viewer)?;
        let sequences: Vec<_> = history.messages.iter().map(|view| view.sequence).collect();
        let again = model.ask(async |queries| queries.messages(viewer, id, sequences.clone()).await);
        prop_assert_eq!(again, history.messages);
    }
    Ok(())
}

fn check_view(view: &DialogView, dialog: &Dialog, viewer: UserId, max: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!((view.kind, view.owner, view.hidden), (dialog.kind, dialog.owner, dialog.hidden(viewer)));
    let occupants: Vec<_> = dialog.members().map(|(user, _)| user).collect();
    prop_assert_eq!(view.occupants_count as usize, occupants.len());
    let named = if dialog.kind.is_marked() { occupants } else { vec![] };
    prop_assert_eq!(&view.occupants, &named);
    prop_assert_eq!(view.unread, dialog.unread(viewer));
    prop_assert_eq!(&view.pins, &dialog.pins);
    let visible = dialog.visible(viewer);
    let (Some(last), Some(found)) = (visible.last(), &view.last) else {
        prop_assert_eq!(visible.len(), usize::from(view.last.is_some()));
        return Ok(());
    };
    prop_assert_eq!((found.id, found.date_sent), (last.id, last.date_sent));
    // The newest of all is counted whatever the limit; of another one nothing is said above it.
    let counted = if found.sequence.0 == dialog.head() { usize::MAX } else { max };
    let status = match [Mark::Read, Mark::Delivered].map(|mark| dialog.everybody(mark, last, counted)) {
        [true, _] => Status::Read,
        [false, true] => Status::Delivered,
        [false, false] => Status::Sent,
    };
    prop_assert_eq!(found.status, (last.sender == viewer).then_some(status));
    Ok(())
}

fn check_viewer(
    model: &Model,
    recount: &Recount,
    viewer: UserId,
    page: (f64, usize),
) -> Result<(), TestCaseError> {
    let max = model.receipts_max;
    let mut listed = vec![];
    let mut total = 0;
    for (id, dialog) in &recount.dialogs {
        check_history(model, recount, (viewer, *id), page)?;
        let view = model.ask(async |queries| queries.dialog(viewer, *id).await);
        prop_assert_eq!(view.is_some(), dialog.readable(viewer));
        let Some(view) = view else { continue };
        check_view(&view, dialog, viewer, max)?;
        total += dialog.unread(viewer);
        if !view.hidden {
            let sent = dialog.visible(viewer).last().map(|last| last.date_sent * 1000);
            let changed = view.updated_at.0;
            listed.push((sent.map_or(dialog.created_at, |sent| changed.clamp(sent, sent + 999)), *id));
        }
    }
    listed.sort_unstable();
    let listed: Vec<_> = listed.into_iter().rev().map(|(_, id)| id).collect();
    let part = Listing { skip: 1, limit: 3, ..super::listing() };
    let found = model.ask(async |queries| queries.dialogs(viewer, part.clone()).await);
    prop_assert_eq!(found.total, listed.len() as u64);
    let items: Vec<_> = found.items.iter().map(|item| item.id).collect();
    prop_assert_eq!(items, listed.iter().copied().skip(1).take(3).collect::<Vec<_>>());
    prop_assert_eq!(
        model.ask(async |queries| queries.dialogs_count(viewer, vec![]).await),
        listed.len() as u64
    );
    let asked: Vec<_> = recount.dialogs.keys().copied().collect();
    let unread = model.ask(async |queries| queries.unread(viewer, Some(asked.clone())).await);
    let each = asked.iter().map(|id| (*id, recount.dialogs[id].unread(viewer)));
    prop_assert_eq!(unread.dialogs, each.collect::<Vec<_>>());
    prop_assert_eq!(
        (unread.total, model.ask(async |queries| queries.unread(viewer, None).await).total),
        (total, total)
    );
    names::check(model, recount, viewer)
}

fn check(mut model: Model, steps: &[crate::testing::Step], page: (f64, usize)) -> Result<(), TestCaseError> {
    let (mut world, mut recount) = (World::default(), Recount::default());
    for (index, records) in world.history(steps).into_iter().enumerate() {
        records.iter().for_each(|record| recount.count(record));
        model.fold(records);
        if index % 5 == 4 {
            world.users().try_for_each(|viewer| check_counts(&model, &recount, viewer))?;
        }
    }
    world.users().try_for_each(|viewer| check_viewer(&model, &recount, viewer, page))
}

/// The counts also hold in the middle, where earlier answers have corrected some.
fn check_counts(model: &Model, recount: &Recount, viewer: UserId) -> Result<(), TestCaseError> {
    let dialogs = recount.dialogs.values();
    let total: u64 = dialogs.map(|dialog| dialog.unread(viewer)).sum();
    prop_assert_eq!(model.ask(async |queries| queries.unread(viewer, None).await).total, total);
    for (id, dialog) in recount.dialogs.iter().filter(|(_, dialog)| dialog.readable(viewer)) {
        let count = model.ask(async |queries| queries.history_count(viewer, *id).await);
        prop_assert_eq!(count, Ok(dialog.visible(viewer).len() as u64));
    }
    Ok(())
}

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(48))]

    #[test]
    fn answers_are_what_a_recount_says(
        steps in steps(60, false),
        receipts_max in prop_oneof![Just(2), Just(1_000)],
        page in (0.0..1.1, 1..40_usize),
    ) {
        check(Model::embedded(receipts_max), &steps, page)?;
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn answers_hold_across_the_borders_of_chunks(
        steps in steps(40, true),
        page in (0.0..1.1, 1..40_usize),
    ) {
        check(Model::embedded(1_000), &steps, page)?;
    }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn both_stores_answer_what_a_recount_says(
        steps in steps(60, false),
        receipts_max in prop_oneof![Just(2), Just(1_000)],
        page in (0.0..1.1, 1..40_usize),
    ) {
        check(Model::new(receipts_max), &steps, page)?;
    }
}

proptest! {
    #![proptest_config(cases(2))]

    #[test]
    fn both_stores_answer_so_across_the_borders_of_chunks(
        steps in steps(40, true),
        page in (0.0..1.1, 1..40_usize),
    ) {
        check(Model::new(1_000), &steps, page)?;
    }
}
