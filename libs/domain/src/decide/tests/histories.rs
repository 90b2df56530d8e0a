//! Any history: who asks for what, one thing after another; and any event at all.

use proptest::collection::vec;
use proptest::prelude::*;

use super::world::*;
use crate::command::{Change, Command, Post, React, Update};
use crate::content::{Content, DialogChange, DialogContent, Text};
use crate::event::{Event, Mark, Marked, MessageRef, Permissions, Range};
use crate::{Kind, Sequence, Time, UserId};

/// Everybody who appears in a history.
pub(super) const PEOPLE: std::ops::RangeInclusive<u64> = 1..=6;

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
    (prop_oneof![Just(Mark::Delivered), Just(Mark::Read), Just(Mark::Viewed)], marked)
}

fn permissions() -> impl Strategy<Value = Option<Permissions>> {
    proptest::option::of(any::<bool>().prop_map(|allow_preview| Permissions { allow_preview }))
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

fn changed() -> impl Strategy<Value = Change> {
    let content = (any::<bool>(), permissions()).prop_map(|(renames, permissions)| Change {
        content: if renames { rename() } else { DialogChange::default() },
        permissions: permissions.filter(|_| renames),
        ..Change::default()
    });
    let moved = (people(), people());
    let admins = proptest::option::of((people(), people())).prop_map(Option::unwrap_or_default);
    let pins = proptest::option::of((named(), named())).prop_map(Option::unwrap_or_default);
    (content, moved, admins, pins).prop_map(
        |(content, (add, remove), (add_admins, remove_admins), (pin, unpin))| Change {
            add,
            remove,
            add_admins,
            remove_admins,
            pin,
            unpin,
            ..content
        },
    )
}

/// What people do to who has rights and to what is pinned, each by itself, so that less of
/// it is refused.
fn ruled() -> impl Strategy<Value = Command> {
    let admins = (people(), people()).prop_map(|(add_admins, remove_admins)| Change {
        add_admins,
        remove_admins,
        ..Change::default()
    });
    let pins =
        (named(), vec(message(), 0..2)).prop_map(|(pin, unpin)| Change { pin, unpin, ..Change::default() });
    prop_oneof![
        2 => admins.prop_map(Command::Change),
        4 => pins.prop_map(Command::Change),
        2 => person().prop_map(Command::Block),
        1 => person().prop_map(Command::Unblock),
    ]
}

/// Kinds of reaction are few, so that they meet.
fn reaction() -> impl Strategy<Value = Text> {
    prop::sample::select(vec![text("a"), text("b"), text("c"), text("d"), text("e")])
}

fn reacting() -> impl Strategy<Value = Command> {
    let kind = || proptest::option::of(reaction());
    (message(), kind(), kind())
        .prop_map(|(message, add, remove)| Command::React(React { message, add, remove }))
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

pub(super) fn command(kind: Kind) -> impl Strategy<Value = Command> {
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
        5 => ruled(),
        8 => reacting(),
        3 => Just(Command::Subscribe),
        2 => any::<bool>().prop_map(Command::SetNotifications),
        1 => Just(Command::ClearForSelf),
        1 => Just(Command::ClearForAll),
        3 => named().prop_map(Command::HideMessages),
        6 => named().prop_map(Command::RemoveMessages),
    ]
}

/// Who asks, when, and for what.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) actor: u64,
    pub(super) now: Time,
    pub(super) command: Command,
}

/// What people ask of one dialog; some of the first requests make it. The id of a private
/// dialog is made of its two users, so nobody opens it with anybody else.
pub(super) fn history() -> impl Strategy<Value = Vec<Step>> {
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
        | Command::ClearForSelf
        | Command::ClearForAll
        | Command::Subscribe
        | Command::SetNotifications(_)
        | Command::Block(_)
        | Command::Unblock(_)
        | Command::React(_)
        | Command::Update(_)
        | Command::HideMessages(_)
        | Command::RemoveMessages(_) => {}
    }
}

pub(super) fn any_event() -> impl Strategy<Value = Event> {
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
        Just(Event::ExtensionsMerged { content: Content::Erased }),
        Just(Event::DialogDeleted),
        Just(Event::DialogHidden),
        Just(Event::DialogShown),
        Just(Event::HistoryCleared),
        Just(Event::HistoryClearedForAll),
        Just(Event::OccupantSubscribed),
        Just(Event::OccupantLeft),
        Just(Event::WriterStarted),
        people().prop_map(|users| Event::OccupantsAdded { users }),
        people().prop_map(|users| Event::OccupantsRemoved { users }),
        people().prop_map(|users| Event::AdminsAdded { users }),
        people().prop_map(|users| Event::AdminsRemoved { users }),
        person().prop_map(|user| Event::UserBlocked { user }),
        person().prop_map(|user| Event::UserUnblocked { user }),
        any::<bool>().prop_map(|enabled| Event::NotificationsSet { enabled }),
        vec(wild.clone(), 0..4).prop_map(|messages| Event::MessagesPinned { messages }),
        vec(wild.clone(), 0..4).prop_map(|messages| Event::MessagesUnpinned { messages }),
        (wild.clone(), vec(reaction(), 0..3), vec(reaction(), 0..3))
            .prop_map(|(message, added, removed)| Event::ReactionsChanged { message, added, removed }),
        (wild.clone(), any::<u64>()).prop_map(|(message, date)| posted(message, None, date)),
        wild.clone().prop_map(|message| Event::MessageEdited { message, content: Content::Erased }),
        vec(wild.clone(), 0..4).prop_map(|messages| Event::MessagesRemoved { messages }),
        vec(wild, 0..4).prop_map(|messages| Event::MessagesHidden { messages }),
        marked().prop_map(|(mark, marked)| Event::MessagesMarked { mark, marked }),
    ]
}
