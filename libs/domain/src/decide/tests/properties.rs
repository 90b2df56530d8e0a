//! What holds after any history, however people come, go, write and delete.

use std::collections::HashSet;

use proptest::collection::vec;
use proptest::prelude::*;

use super::world::*;
use crate::command::{Change, Command, Post, Update};
use crate::content::{Content, DialogChange, DialogContent};
use crate::event::{Event, Mark, Marked, MessageRef, Permissions, Range};
use crate::facts::{Fact, Key};
use crate::{Kind, MessageId, Sequence, Time, UserId};

/// Everybody who appears in a history.
const PEOPLE: std::ops::RangeInclusive<u64> = 1..=6;

fn person() -> impl Strategy<Value = UserId> {
    PEOPLE.prop_map(user)
}

fn people() -> impl Strategy<Value = Vec<UserId>> {
    vec(person(), 0..4)
}

/// Names are few, so that they are repeated.
fn message() -> impl Strategy<Value = MessageRef> {
    (0..12u64, 0..6u64).prop_map(|(sequence, number)| at(sequence, number))
}

fn named() -> impl Strategy<Value = Vec<MessageRef>> {
    vec(message(), 0..4)
}

fn marked() -> impl Strategy<Value = (Mark, Marked)> {
    let sequence = || prop_oneof![0..12u64, Just(u64::MAX)].prop_map(Sequence);
    let range = (sequence(), sequence()).prop_map(|(first, last)| Range { first, last });
    let marked = prop_oneof![
        named().prop_map(Marked::Named),
        vec(range, 0..4).prop_map(Marked::Listed),
        sequence().prop_map(Marked::All),
    ];
    (prop_oneof![Just(Mark::Delivered), Just(Mark::Read)], marked)
}

fn permissions() -> impl Strategy<Value = Option<Permissions>> {
    proptest::option::of(any::<bool>().prop_map(|allow_preview| Permissions { allow_preview }))
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

fn changed() -> impl Strategy<Value = Change> {
    (any::<bool>(), permissions(), people(), people()).prop_map(|(renames, permissions, add, remove)| {
        Change {
            content: if renames { rename() } else { DialogChange::default() },
            permissions: permissions.filter(|_| renames),
            add,
            remove,
        }
    })
}

fn updated() -> impl Strategy<Value = Update> {
    (named(), any::<bool>(), proptest::option::of(marked())).prop_map(|(messages, edits, mark)| Update {
        messages,
        text: edits.then(|| text("better")),
        mark,
    })
}

/// A request to make the dialog.
fn making(kind: Kind) -> BoxedStrategy<Command> {
    match kind {
        Kind::Private => person()
            .prop_map(|opponent| Command::OpenPrivate { opponent, content: DialogContent::default() })
            .boxed(),
        Kind::Broadcast | Kind::Group | Kind::Public => {
            let given = (people(), people(), any::<bool>());
            given
                .prop_map(move |(mut occupants, admins, fitting)| {
                    if fitting {
                        occupants.extend(&admins);
                    }
                    create(kind, occupants, admins)
                })
                .boxed()
        }
    }
}

fn command(kind: Kind) -> impl Strategy<Value = Command> {
    let opens = proptest::option::of(person()).prop_map(move |user| user.filter(|_| kind == Kind::Private));
    let written = (0..6u64, any::<bool>(), opens).prop_map(|(number, id_is_clients, opens)| {
        Command::Post(Post { id_is_clients, opens, ..posting(number) })
    });
    prop_oneof![
        2 => making(kind),
        9 => changed().prop_map(Command::Change),
        3 => Just(Command::DeleteForSelf),
        1 => Just(Command::DeleteForAll),
        12 => written,
        6 => updated().prop_map(Command::Update),
        3 => named().prop_map(Command::HideMessages),
        6 => named().prop_map(Command::RemoveMessages),
    ]
}

/// Who asks, when, and for what.
#[derive(Debug, Clone)]
struct Step {
    actor: u64,
    now: Time,
    command: Command,
}

/// What people ask of one dialog; some of the first requests make it. The id of a private
/// dialog is made of its two users, so nobody opens it with anybody else.
fn history() -> impl Strategy<Value = Vec<Step>> {
    let by_somebody = |command: BoxedStrategy<Command>| {
        (PEOPLE, 0..100_000u64, command).prop_map(|(actor, now, command)| Step {
            actor,
            now: Time(now),
            command,
        })
    };
    let steps = move |kind| {
        let first = vec(by_somebody(making(kind)), 5);
        let then = vec(by_somebody(command(kind).boxed()), 0..60);
        (Just(kind), first, then)
    };
    kind().prop_flat_map(steps).prop_map(|(kind, mut steps, then)| {
        steps.extend(then);
        if kind == Kind::Private {
            steps.iter_mut().for_each(between_two);
        }
        steps
    })
}

fn between_two(step: &mut Step) {
    step.actor = 1 + step.actor % 2;
    let other = user(3 - step.actor);
    match &mut step.command {
        Command::OpenPrivate { opponent, .. } => *opponent = other,
        Command::Post(post) => post.opens = post.opens.map(|_| other),
        Command::Create(_)
        | Command::Change(_)
        | Command::DeleteForSelf
        | Command::DeleteForAll
        | Command::Update(_)
        | Command::HideMessages(_)
        | Command::RemoveMessages(_) => {}
    }
}

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
        Command::Create(_)
        | Command::OpenPrivate { .. }
        | Command::Change(_)
        | Command::DeleteForSelf
        | Command::DeleteForAll => {}
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
/// state that it leaves behind (a text, a mark, a hiding, a new message without a name).
fn is_done_once(command: &Command) -> bool {
    match command {
        Command::Post(post) => post.id_is_clients,
        Command::Change(change) => change.content.is_empty() && change.permissions.is_none(),
        Command::Update(_) | Command::HideMessages(_) => false,
        Command::Create(_)
        | Command::OpenPrivate { .. }
        | Command::DeleteForSelf
        | Command::DeleteForAll
        | Command::RemoveMessages(_) => true,
    }
}

fn check_header(world: &World) {
    let Some(Fact::Header(header)) = world.facts.get(&Key::Header(world.dialog)) else { return };
    if !header.alive {
        assert_eq!((header.occupants, header.cleared_to), (0, header.head));
        return;
    }
    let members = world.members();
    assert_eq!(header.occupants as usize, members.len(), "the count is that of the standings");
    assert!(members.len() <= world.rules.occupants_max);
    assert!(header.admins.len() <= world.rules.admins_max);
    assert!(!header.admins.contains(&header.owner), "an owner is no admin");
    assert!(header.cleared_to <= header.head);
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

/// Reads the events alone, as anybody may who has only the log.
fn check_log(world: &World) {
    let (mut head, mut date, mut living) = (Sequence::NONE, 0, vec![]);
    let mut members: HashSet<UserId> = HashSet::new();
    for (actor, event) in &world.events {
        match event {
            Event::DialogCreated { occupants, .. } => {
                members = occupants.iter().copied().collect();
                assert_eq!(members.len(), occupants.len(), "each is named once");
            }
            Event::DialogDeleted => living.clear(),
            Event::OccupantsAdded { users } => {
                users.iter().for_each(|user| assert!(members.insert(*user), "{user} was in it"));
            }
            Event::OccupantsRemoved { users } => {
                users.iter().for_each(|user| assert!(members.remove(user), "{user} was not in it"));
            }
            Event::OccupantLeft => assert!(members.remove(actor)),
            Event::MessagePosted { message, date_sent, .. } => {
                assert_eq!(message.sequence, head.next(), "places follow each other");
                assert!(*date_sent >= date, "dates follow each other");
                (head, date) = (message.sequence, *date_sent);
                living.push((*message, *actor, false));
            }
            Event::MessageEdited { message, .. } => {
                assert!(living.contains(&(*message, *actor, false)), "an edit of one's own living message");
            }
            Event::MessagesRemoved { messages } => {
                for removed in messages {
                    let entry = living.iter_mut().find(|(message, _, gone)| message == removed && !gone);
                    entry.expect("removed once").2 = true;
                }
            }
            Event::MessagesHidden { messages } => {
                let there = |m: &MessageRef| living.iter().any(|(message, _, gone)| message == m && !gone);
                assert!(messages.iter().all(there));
            }
            Event::MessagesMarked { marked, .. } => {
                let ranges = marked.ranges(Sequence::NONE);
                assert!(ranges.iter().all(|range| range.first <= range.last && range.last <= head));
            }
            Event::LogOpened { .. }
            | Event::WriterStarted
            | Event::DialogChanged { .. }
            | Event::DialogHidden
            | Event::DialogShown => {}
        }
        let names: HashSet<MessageId> = living.iter().map(|(message, ..)| message.id).collect();
        assert_eq!(names.len(), living.len(), "a name is one message's");
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let sequence = prop_oneof![any::<u64>(), 0..5u64, Just(u64::MAX)].prop_map(Sequence);
    let wild = (sequence, 0..5u64).prop_map(|(sequence, number)| MessageRef { sequence, id: name(number) });
    let created = (kind(), person(), people(), people(), permissions());
    prop_oneof![
        created.prop_map(|(kind, owner, occupants, admins, permissions)| Event::DialogCreated {
            kind,
            owner,
            occupants,
            admins,
            permissions,
            content: Content::Erased,
        }),
        permissions().prop_map(|permissions| Event::DialogChanged { permissions, content: Content::Erased }),
        Just(Event::DialogDeleted),
        Just(Event::DialogHidden),
        Just(Event::DialogShown),
        Just(Event::OccupantLeft),
        Just(Event::WriterStarted),
        people().prop_map(|users| Event::OccupantsAdded { users }),
        people().prop_map(|users| Event::OccupantsRemoved { users }),
        (wild.clone(), any::<u64>()).prop_map(|(message, date)| posted(message, None, date)),
        wild.clone().prop_map(|message| Event::MessageEdited { message, content: Content::Erased }),
        vec(wild.clone(), 0..4).prop_map(|messages| Event::MessagesRemoved { messages }),
        vec(wild, 0..4).prop_map(|messages| Event::MessagesHidden { messages }),
        marked().prop_map(|(mark, marked)| Event::MessagesMarked { mark, marked }),
    ]
}

proptest! {
    /// The count of occupants is that of the standings, ranks are those of occupants,
    /// places and dates follow each other, names are one message's, nobody enters or
    /// leaves twice, and no decision or event touches a fact that it does not name.
    #[test]
    fn any_history_makes_sense(steps in history()) {
        let mut world = World::new();
        for (index, step) in steps.iter().enumerate() {
            take(&mut world, index, step);
            check_header(&world);
        }
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
