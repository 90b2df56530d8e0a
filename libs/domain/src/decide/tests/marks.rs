//! Marking messages as delivered and read.

use super::world::*;
use crate::command::{Command, Update};
use crate::event::{Event, Mark, Marked, Range};
use crate::{Kind, Refusal, Sequence};

fn range(first: u64, last: u64) -> Range {
    Range { first: Sequence(first), last: Sequence(last) }
}

/// Three messages that are gone with an earlier dialog, and three that are there.
fn four_to_six() -> World {
    let mut world = World::with(Kind::Private);
    (1..=3).for_each(|number| drop(world.does(OWNER, post(number))));
    world.does(OWNER, Command::DeleteForAll);
    world.does(OWNER, open_private(MEMBER));
    (4..=6).for_each(|number| drop(world.does(OWNER, post(number))));
    world
}

fn marked(world: &World, what: Marked) -> Option<Marked> {
    match world.events_of(MEMBER, mark(what)).unwrap().as_slice() {
        [] => None,
        [Event::MessagesMarked { mark: Mark::Read, marked }] => Some(marked.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mark_covers_what_is_there_and_no_more() {
    let world = four_to_six();
    let named = |sequences: &[u64]| Marked::Named(sequences.iter().map(|n| at(*n, *n)).collect());
    assert_eq!(marked(&world, named(&[0, 3, 4, 6, 7])), Some(named(&[4, 6])));
    assert_eq!(marked(&world, named(&[3, 7])), None, "nothing left to mark is no event");

    let listed = |ranges: &[Range]| Marked::Listed(ranges.to_vec());
    assert_eq!(
        marked(&world, listed(&[range(0, 2), range(2, 4), range(5, u64::MAX), range(6, 5)])),
        Some(listed(&[range(4, 4), range(5, 6)]))
    );
    assert_eq!(marked(&world, listed(&[range(7, 9)])), None);
}

#[test]
fn all_means_up_to_the_newest_message_at_the_decision() {
    let world = four_to_six();
    for named in [0, 5, u64::MAX] {
        assert_eq!(marked(&world, Marked::All(Sequence(named))), Some(Marked::All(Sequence(6))));
    }
    let mut nothing = World::with(Kind::Private);
    assert_eq!(marked(&nothing, Marked::All(Sequence(6))), None);
    nothing.does(OWNER, post(1));
    nothing.does(OWNER, Command::DeleteForAll);
    nothing.does(OWNER, open_private(MEMBER));
    assert_eq!(marked(&nothing, Marked::All(Sequence(6))), None, "all of it is gone");
}

#[test]
fn reading_is_not_tracked_in_public_dialogs_and_broadcasts() {
    for kind in Kind::ALL {
        let mut world = World::with(kind);
        world.posts(OWNER);
        let events = world.events_of(MEMBER, mark(Marked::All(Sequence(1)))).unwrap();
        assert_eq!(events.len(), usize::from(matches!(kind, Kind::Group | Kind::Private)), "{kind:?}");
    }
}

#[test]
fn what_a_page_showed_is_viewed_in_public_dialogs_and_broadcasts() {
    let viewed =
        |marked| Command::Update(Update { messages: vec![], text: None, mark: Some((Mark::Viewed, marked)) });
    for kind in Kind::ALL {
        let mut world = World::with(kind);
        world.posts(OWNER);
        let page = |first, last| viewed(Marked::Listed(vec![range(first, last)]));
        let events = world.events_of(MEMBER, page(0, 7)).unwrap();
        let expected =
            Event::MessagesMarked { mark: Mark::Viewed, marked: Marked::Listed(vec![range(1, 1)]) };
        let counted = matches!(kind, Kind::Public | Kind::Broadcast);
        assert_eq!(events, if counted { vec![expected] } else { vec![] }, "{kind:?}");
        assert_eq!(world.events_of(MEMBER, page(2, 7)), Ok(vec![]));
        for unlisted in [Marked::All(Sequence(1)), Marked::Named(vec![at(1, 1)])] {
            assert_eq!(world.events_of(MEMBER, viewed(unlisted)), Ok(vec![]), "{kind:?}");
        }
    }
    let request = crate::command::Request {
        id: crate::CommandId([0; 16]),
        dialog: World::new().dialog,
        actor: user(MEMBER),
        command: viewed(Marked::Listed(vec![range(1, 1)])),
    };
    assert!(request.is_mark(), "a view is shed like a mark");
}

#[test]
fn a_mark_is_decided_on_standing_alone() {
    let world = four_to_six();
    let command = mark(Marked::Named(vec![at(4, 4)]));
    assert_eq!(world.ask(STRANGER, command.clone()), Err(Refusal::NoSuchDialog));
    let request = crate::command::Request {
        id: crate::CommandId([0; 16]),
        dialog: world.dialog,
        actor: user(MEMBER),
        command,
    };
    assert!(request.is_mark());
    assert_eq!(request.keys().len(), 2, "header and standing");
}

#[test]
fn an_edit_with_a_mark_does_both_or_neither() {
    let world = four_to_six();
    let both = |actor, sequence| {
        let update = Update {
            messages: vec![at(sequence, sequence)],
            text: Some(text("better")),
            mark: Some((Mark::Delivered, Marked::All(Sequence::NONE))),
        };
        world.events_of(actor, Command::Update(update))
    };
    assert!(matches!(
        both(OWNER, 4).as_deref(),
        Ok([Event::MessageEdited { .. }, Event::MessagesMarked { mark: Mark::Delivered, .. }])
    ));
    assert_eq!(both(MEMBER, 4), Err(Refusal::NotPermitted));
    assert_eq!(both(OWNER, 9), Err(Refusal::NoSuchMessage));
}
