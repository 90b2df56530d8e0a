//! What holds after any history, however people come, go, write and delete.

use std::collections::{BTreeMap, HashSet};

use proptest::collection::vec;
use proptest::prelude::*;

use super::histories::{PEOPLE, Step, any_event, command, history};
use super::world::*;
use crate::command::{Command, Post, React, Rules, Update};
use crate::content::Text;
use crate::event::{Event, Mark, MessageRef};
use crate::facts::{Fact, Header, Key};
use crate::{Kind, MessageId, Sequence, UserId};

/// Asks, and lets happen what was decided, if anything was.
fn take(world: &mut World, index: usize, step: &Step) -> Command {
    world.now = step.now;
    let mut command = step.command.clone();
    match &mut command {
        Command::Post(post) if post.id_is_clients => {}
        Command::Post(post) => post.id = name(1_000 + u64::try_from(index).unwrap()),
        Command::Update(Update { messages, .. })
        | Command::HideMessages(messages)
        | Command::RemoveMessages(messages) => messages.iter_mut().for_each(|m| know(world, m)),
        Command::Change(change) => {
            change.pin.iter_mut().chain(&mut change.unpin).for_each(|m| know(world, m));
        }
        Command::React(React { message, .. }) => know(world, message),
        Command::Create(_)
        | Command::OpenPrivate { .. }
        | Command::DeleteForSelf
        | Command::DeleteForAll
        | Command::ClearForSelf
        | Command::ClearForAll
        | Command::Subscribe
        | Command::SetNotifications(_)
        | Command::Block(_)
        | Command::Unblock(_) => {}
    }
    if world.ask(step.actor, command.clone()).is_ok() {
        world.does(step.actor, command.clone());
    }
    command
}

/// Most of those who name a message know its name.
fn know(world: &World, named: &mut MessageRef) {
    if let Some(message) = world.message(named.sequence.0)
        && named.id != name(0)
    {
        named.id = message.id;
    }
}

/// Whether asking a second time must do nothing: everything but what says nothing of the
/// state that it leaves behind (a text, a mark, a hiding, a clearing for oneself, a new
/// message without a name).
fn is_done_once(command: &Command) -> bool {
    match command {
        Command::Post(post) => post.id_is_clients,
        Command::Change(change) => change.content.is_empty() && change.permissions.is_none(),
        Command::Update(_) | Command::HideMessages(_) | Command::ClearForSelf => false,
        Command::Create(_)
        | Command::OpenPrivate { .. }
        | Command::DeleteForSelf
        | Command::DeleteForAll
        | Command::ClearForAll
        | Command::Subscribe
        | Command::SetNotifications(_)
        | Command::Block(_)
        | Command::Unblock(_)
        | Command::RemoveMessages(_)
        | Command::React(_) => true,
    }
}

fn check_header(world: &World) {
    let Some(Fact::Header(header)) = world.facts.get(&Key::Header(world.dialog)) else { return };
    assert!(header.cleared_to <= header.head);
    if !header.alive {
        assert_eq!((header.occupants, header.cleared_to), (0, header.head));
        assert_eq!(header.pins, vec![]);
        return;
    }
    check_people(world, header);
    assert!(header.pins.len() <= world.rules.pins_max);
    for (index, pin) in header.pins.iter().enumerate() {
        let message = world.message(pin.sequence.0).expect("what is pinned was written");
        assert!(message.id == pin.id && !message.removed && pin.sequence > header.cleared_to);
        assert!(!header.pins[..index].contains(pin), "a message is pinned once");
    }
}

fn check_people(world: &World, header: &Header) {
    let members = world.members();
    let is_blocked = |user: &UserId| world.standing(*user).is_some_and(|standing| standing.blocked);
    assert_eq!(header.occupants as usize, members.len(), "the count is that of the standings");
    assert!(members.len() <= world.rules.occupants_max);
    assert!(header.admins.len() <= world.rules.admins_max);
    assert!(!header.admins.contains(&header.owner), "an owner is no admin");
    assert!(!is_blocked(&header.owner), "nobody shuts out the owner");
    assert!(!header.admins.iter().chain(&members).any(is_blocked), "who is blocked is out");
    match header.kind {
        Kind::Private => assert_eq!(members.len(), 2),
        Kind::Broadcast => assert_eq!(members.len(), 0),
        Kind::Group => assert!(!members.is_empty(), "the last one out deletes it"),
        Kind::Public => {}
    }
    if header.kind != Kind::Broadcast {
        assert!(header.admins.iter().all(|admin| members.contains(admin)));
        assert_eq!(header.owner_present, members.contains(&header.owner));
    }
}

/// The totals are those of the users, and each kind is there because somebody put it there.
fn check_reactions(world: &World) {
    let mut counted: BTreeMap<Sequence, BTreeMap<&str, u32>> = BTreeMap::new();
    for (key, fact) in &world.facts {
        if let (Key::Reactions(_, sequence, _), Fact::Reactions(kinds)) = (key, fact) {
            assert!(kinds.is_sorted_by(|one, other| one < other), "each once, in order");
            let totals = counted.entry(*sequence).or_default();
            kinds.iter().for_each(|kind| *totals.entry(kind).or_default() += 1);
        }
    }
    for (sequence, counts) in counted {
        assert_eq!(world.reacted(sequence.0), counts.into_iter().collect::<Vec<_>>());
        assert!(world.reacted(sequence.0).len() <= world.rules.reaction_kinds_max);
    }
}

/// What can be known from the events alone, as anybody may who has only the log.
#[derive(Default)]
struct Reader {
    kind: Option<Kind>,
    head: Sequence,
    date: u64,
    /// Message, author, whether it was removed; none that are gone with all others.
    living: Vec<(MessageRef, UserId, bool)>,
    members: HashSet<UserId>,
    admins: HashSet<UserId>,
    blocked: HashSet<UserId>,
    pins: HashSet<MessageRef>,
    reactions: HashSet<(MessageRef, UserId, String)>,
}

impl Reader {
    fn is_there(&self, message: &MessageRef) -> bool {
        self.living.iter().any(|(living, _, gone)| living == message && !gone)
    }

    fn leaves(&mut self, user: &UserId) {
        assert!(self.members.remove(user), "{user} was not in it");
        self.admins.remove(user);
    }

    fn reads_of_people(&mut self, actor: UserId, event: &Event) {
        match event {
            Event::DialogCreated { kind, occupants, admins, .. } => {
                self.kind = Some(*kind);
                self.members = occupants.iter().copied().collect();
                self.admins = admins.iter().copied().collect();
                assert_eq!(self.members.len(), occupants.len(), "each is named once");
            }
            Event::OccupantsAdded { users } => {
                users.iter().for_each(|user| assert!(self.members.insert(*user), "{user} was in it"));
            }
            Event::OccupantSubscribed => assert!(self.members.insert(actor)),
            Event::OccupantsRemoved { users } => users.iter().for_each(|user| self.leaves(user)),
            Event::OccupantLeft => self.leaves(&actor),
            Event::AdminsAdded { users } => {
                users.iter().for_each(|user| assert!(self.admins.insert(*user), "{user} was an admin"));
            }
            Event::AdminsRemoved { users } => {
                users.iter().for_each(|user| assert!(self.admins.remove(user), "{user} was no admin"));
            }
            Event::UserBlocked { user } => {
                assert!(self.blocked.insert(*user), "blocked once");
                self.members.remove(user);
                self.admins.remove(user);
            }
            Event::UserUnblocked { user } => assert!(self.blocked.remove(user), "blocked before"),
            Event::LogOpened { .. } | Event::WriterStarted | Event::NotificationsSet { .. } => {}
            Event::DialogChanged { .. } | Event::ExtensionsMerged { .. } => {}
            Event::DialogHidden | Event::DialogShown | Event::HistoryCleared => {}
            Event::DialogDeleted | Event::HistoryClearedForAll => {
                self.living.clear();
                self.pins.clear();
            }
            Event::MessagePosted { .. }
            | Event::MessageEdited { .. }
            | Event::MessagesRemoved { .. }
            | Event::MessagesHidden { .. }
            | Event::MessagesPinned { .. }
            | Event::MessagesUnpinned { .. }
            | Event::MessagesMarked { .. }
            | Event::ReactionsChanged { .. } => self.reads_of_messages(actor, event),
        }
    }

    fn reads_of_messages(&mut self, actor: UserId, event: &Event) {
        if let Event::MessagePosted { message, date_sent, .. } = event {
            assert_eq!(message.sequence, self.head.next(), "places follow each other");
            assert!(*date_sent >= self.date, "dates follow each other");
            (self.head, self.date) = (message.sequence, *date_sent);
            self.living.push((*message, actor, false));
        }
        if let Event::MessageEdited { message, .. } = event {
            assert!(self.living.contains(&(*message, actor, false)), "an edit of one's own living message");
        }
        if let Event::MessagesHidden { messages } = event {
            assert!(messages.iter().all(|message| self.is_there(message)));
        }
        if let Event::MessagesRemoved { messages } = event {
            for removed in messages {
                let entry = self.living.iter_mut().find(|(message, _, gone)| message == removed && !gone);
                entry.expect("removed once").2 = true;
                self.pins.remove(removed);
            }
        }
        if let Event::MessagesPinned { messages } = event {
            assert!(messages.iter().all(|message| self.is_there(message) && self.pins.insert(*message)));
        }
        if let Event::MessagesUnpinned { messages } = event {
            assert!(messages.iter().all(|message| self.pins.remove(message)), "unpinned once");
        }
        if let Event::MessagesMarked { mark, marked } = event {
            let ranges = marked.ranges(Sequence::NONE);
            assert!(ranges.iter().all(|range| range.first <= range.last && range.last <= self.head));
            assert_eq!(*mark == Mark::Viewed, !self.kind.unwrap().is_marked());
        }
        if let Event::ReactionsChanged { message, added, removed } = event {
            assert!(self.is_there(message));
            let entry = |kind: &Text| (*message, actor, kind.as_str().to_owned());
            assert!(removed.iter().all(|kind| self.reactions.remove(&entry(kind))), "it was there");
            assert!(added.iter().all(|kind| self.reactions.insert(entry(kind))), "it was not there");
        }
    }
}

fn check_log(world: &World) {
    let mut reader = Reader::default();
    for (actor, event) in &world.events {
        reader.reads_of_people(*actor, event);
        let names: HashSet<MessageId> = reader.living.iter().map(|(message, ..)| message.id).collect();
        assert_eq!(names.len(), reader.living.len(), "a name is one message's");
    }
}

proptest! {
    /// The count of occupants is that of the standings, ranks are those of occupants, who
    /// is blocked is out, pins are living messages, reactions are counted, places and dates
    /// follow each other, names are one message's, nothing is done twice, and no decision
    /// or event touches a fact that it does not name.
    #[test]
    fn any_history_makes_sense(steps in history(), single_reaction: bool, group_subscribe: bool) {
        let mut world = World::new();
        world.rules = Rules { single_reaction, group_subscribe, ..world.rules };
        for (index, step) in steps.iter().enumerate() {
            take(&mut world, index, step);
            check_header(&world);
        }
        check_reactions(&world);
        check_log(&world);
    }

    /// Asking twice does once what can be done once; a repeated post names the same message.
    #[test]
    fn asking_twice_is_doing_once(steps in history()) {
        let mut world = World::new();
        for (index, step) in steps.iter().enumerate() {
            let before = world.events.len();
            let command = take(&mut world, index, step);
            let Ok(again) = world.ask(step.actor, command.clone()) else { continue };
            if is_done_once(&command) {
                prop_assert_eq!(&again.events, &vec![], "{:?}", command);
            }
            if let (Command::Post(Post { id_is_clients: true, .. }), Some((_, Event::MessagePosted { message, .. }))) =
                (&command, world.events[before..].last())
            {
                prop_assert_eq!(again.message, Some(*message));
            }
        }
    }

    /// The facts are a function of the events: folded again, they are the same.
    #[test]
    fn the_facts_are_those_of_the_events(steps in history()) {
        let mut world = World::new();
        for (index, step) in steps.iter().enumerate() {
            take(&mut world, index, step);
        }
        let mut again = World::new();
        for (actor, event) in &world.events {
            again.happens(actor.get(), event.clone());
        }
        prop_assert_eq!(again.facts, world.facts);
    }

    /// No event breaks the facts, not even one that no decision ever made.
    #[test]
    fn no_event_breaks_anything(events in vec((PEOPLE, any_event()), 0..40), last in command(Kind::Group)) {
        let mut world = World::new();
        for (actor, event) in events {
            world.happens(actor, event);
        }
        drop(world.ask(OWNER, last));
    }
}
