//! Pinning messages and unpinning them.

use super::world::*;
use crate::command::{Change, Command};
use crate::event::{Event, MessageRef};
use crate::{Kind, Refusal};

fn pinned(messages: &[MessageRef]) -> Event {
    Event::MessagesPinned { messages: messages.to_vec() }
}

fn unpinned(messages: &[MessageRef]) -> Event {
    Event::MessagesUnpinned { messages: messages.to_vec() }
}

#[test]
fn pins_keep_the_order_of_pinning_and_appear_once() {
    let mut world = World::with(Kind::Group);
    let [one, two, three] = [MEMBER, OWNER, MEMBER].map(|author| world.posts(author));
    assert_eq!(world.does(ADMIN, pin(&[three, one, three])).events, vec![pinned(&[three, one])]);
    assert_eq!(world.does(OWNER, pin(&[one, two])).events, vec![pinned(&[two])]);
    assert_eq!(world.header().pins, vec![three, one, two]);
    assert_eq!(world.events_of(OWNER, pin(&[two, three])), Ok(vec![]), "pinned already");
    assert_eq!(world.does(OWNER, unpin(&[one, one, at(9, 9)])).events, vec![unpinned(&[one])]);
    assert_eq!(world.header().pins, vec![three, two]);
    assert_eq!(world.events_of(OWNER, unpin(&[one])), Ok(vec![]), "not pinned any more");
}

#[test]
fn only_a_living_message_of_the_dialog_is_pinned() {
    let mut world = World::with(Kind::Group);
    let [one, two] = [MEMBER, OWNER].map(|author| world.posts(author));
    world.does(MEMBER, Command::RemoveMessages(vec![one]));
    let renamed = MessageRef { id: name(7), ..two };
    for gone in [one, renamed, at(9, 9)] {
        assert_eq!(world.ask(OWNER, pin(&[two, gone])), Err(Refusal::NoSuchPin), "all or nothing");
        assert_eq!(world.events_of(OWNER, unpin(&[gone])), Ok(vec![]));
    }
    world.does(OWNER, Command::ClearForAll);
    assert_eq!(world.ask(OWNER, pin(&[two])), Err(Refusal::NoSuchPin), "gone with all others");
}

#[test]
fn a_message_that_is_gone_is_no_pin() {
    let mut world = World::with(Kind::Public);
    let [one, two] = [MEMBER, OWNER].map(|author| world.posts(author));
    world.does(OWNER, pin(&[one, two]));
    world.does(MEMBER, Command::HideMessages(vec![one]));
    assert_eq!(world.header().pins, vec![one, two], "hidden for one only");
    world.does(MEMBER, Command::RemoveMessages(vec![one]));
    assert_eq!(world.header().pins, vec![two]);
    world.does(OWNER, Command::ClearForAll);
    assert_eq!(world.header().pins, vec![]);
}

#[test]
fn no_pin_outlives_the_dialog() {
    let mut world = World::with(Kind::Private);
    let one = world.posts(OWNER);
    world.happens(OWNER, pinned(&[one]));
    world.does(OWNER, Command::DeleteForAll);
    assert_eq!(world.header().pins, vec![]);
    world.does(OWNER, open_private(MEMBER));
    assert_eq!(world.header().pins, vec![]);
}

#[test]
fn there_are_only_so_many_pins() {
    let mut world = World::with(Kind::Broadcast);
    let four = [OWNER; 4].map(|author| world.posts(author));
    assert_eq!(world.ask(OWNER, pin(&four)), Err(Refusal::TooManyPins(3)));
    world.does(OWNER, pin(&four[..3]));
    assert_eq!(world.ask(OWNER, pin(&four[3..])), Err(Refusal::TooManyPins(3)));
    let swap = Change { pin: four[3..].to_vec(), unpin: four[..1].to_vec(), ..Change::default() };
    let events = vec![unpinned(&four[..1]), pinned(&four[3..])];
    assert_eq!(world.events_of(OWNER, Command::Change(swap)), Ok(events), "one goes, one comes");
    world.rules.pins_max = 0;
    assert_eq!(world.events_of(OWNER, pin(&four[..2])), Ok(vec![]), "what is pinned stays so");
    assert!(world.ask(OWNER, unpin(&four[..1])).is_ok(), "one may always go");
}

#[test]
fn what_is_named_for_both_is_not_pinned() {
    let mut world = World::with(Kind::Group);
    let one = world.posts(OWNER);
    let both = Change { pin: vec![one], unpin: vec![one], ..Change::default() };
    assert_eq!(world.events_of(OWNER, Command::Change(both.clone())), Ok(vec![]));
    world.does(OWNER, pin(&[one]));
    assert_eq!(world.events_of(OWNER, Command::Change(both)), Ok(vec![unpinned(&[one])]));
}

#[test]
fn a_change_of_everything_happens_as_a_whole_or_not_at_all() {
    let mut world = World::with(Kind::Group);
    let [one, two] = [MEMBER, OWNER].map(|author| world.posts(author));
    world.does(OWNER, pin(&[one]));
    let good = Change {
        content: rename(),
        permissions: None,
        add: users(&[STRANGER]),
        remove: users(&[ADMIN]),
        add_admins: users(&[STRANGER]),
        remove_admins: users(&[SECOND_ADMIN]),
        pin: vec![two],
        unpin: vec![one],
    };
    for (bad, refusal) in [
        (Change { add: users(&[6, 7, 8, STRANGER]), ..good.clone() }, Refusal::TooManyOccupants(6)),
        (Change { add_admins: users(&[6]), ..good.clone() }, Refusal::AdminNotOccupant),
        (Change { pin: vec![at(9, 9)], ..good.clone() }, Refusal::NoSuchPin),
    ] {
        assert_eq!(world.ask(OWNER, Command::Change(bad)), Err(refusal));
    }
    assert_eq!(world.ask(ADMIN, Command::Change(good.clone())), Err(Refusal::NotPermitted));
    let events = world.does(OWNER, Command::Change(good)).events;
    assert!(matches!(
        &events[..],
        [
            Event::DialogChanged { .. },
            Event::OccupantsAdded { .. },
            Event::OccupantsRemoved { .. },
            Event::AdminsRemoved { .. },
            Event::AdminsAdded { .. },
            Event::MessagesUnpinned { .. },
            Event::MessagesPinned { .. },
        ]
    ));
    assert_eq!(world.header().admins, users(&[STRANGER]));
    assert_eq!(world.header().pins, vec![two]);
}
