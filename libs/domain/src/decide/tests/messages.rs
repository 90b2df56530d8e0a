//! Writing, editing and deleting messages.

use super::world::*;
use crate::command::{Command, Decision, Post};
use crate::content::Content;
use crate::event::{Event, MessageRef};
use crate::{Kind, Refusal, Sequence, Time};

fn hide(messages: &[MessageRef]) -> Command {
    Command::HideMessages(messages.to_vec())
}

fn remove_messages(messages: &[MessageRef]) -> Command {
    Command::RemoveMessages(messages.to_vec())
}

#[test]
fn messages_follow_each_other_without_a_gap() {
    let mut world = World::with(Kind::Group);
    let sequences: Vec<_> = (1..=3).map(|number| world.does(MEMBER, post(number)).message).collect();
    assert_eq!(sequences, vec![Some(at(1, 1)), Some(at(2, 2)), Some(at(3, 3))]);
    world.does(MEMBER, remove_messages(&[at(3, 3)]));
    assert_eq!(world.does(MEMBER, post(4)).message, Some(at(4, 4)), "a place is used once");
}

#[test]
fn a_message_says_who_gets_it_in_a_private_dialog() {
    let mut world = World::with(Kind::Private);
    assert_eq!(world.does(OWNER, post(1)).events, vec![posted(at(1, 1), Some(MEMBER), 1000)]);
    assert_eq!(world.does(MEMBER, post(2)).events, vec![posted(at(2, 2), Some(OWNER), 1000)]);
    let mut world = World::with(Kind::Group);
    assert_eq!(world.does(OWNER, post(1)).events, vec![posted(at(1, 1), None, 1000)]);
}

#[test]
fn date_sent_never_goes_back() {
    let mut world = World::with(Kind::Private);
    world.now = Time(50_999);
    assert_eq!(world.does(OWNER, post(1)).events, vec![posted(at(1, 1), Some(MEMBER), 50)]);
    world.now = Time(20_000);
    assert_eq!(world.does(OWNER, post(2)).events, vec![posted(at(2, 2), Some(MEMBER), 50)]);
    world.does(OWNER, Command::DeleteForAll);
    let Decision { events, .. } = world.does(OWNER, post_to(MEMBER, 3));
    assert_eq!(events[1..], [posted(at(3, 3), Some(MEMBER), 50)], "not in the dialog made again either");
    world.now = Time(60_000);
    assert_eq!(world.does(OWNER, post(4)).events, vec![posted(at(4, 4), Some(MEMBER), 60)]);
}

#[test]
fn a_message_to_somebody_opens_the_private_dialog() {
    let mut world = World::new();
    let events = world.does(OWNER, post_to(MEMBER, 1)).events;
    assert!(matches!(events[0], Event::DialogCreated { kind: Kind::Private, .. }));
    assert_eq!(events[1..], [posted(at(1, 1), Some(MEMBER), 1000)]);
    let events = world.does(MEMBER, post_to(OWNER, 2)).events;
    assert_eq!(events, vec![posted(at(2, 2), Some(OWNER), 1000)], "it is open");
    assert_eq!(world.ask(STRANGER, post_to(OWNER, 3)), Err(Refusal::NoSuchDialog));
}

#[test]
fn the_same_name_by_the_same_author_is_the_same_message() {
    let mut world = World::with(Kind::Group);
    world.does(MEMBER, post(1));
    world.does(OWNER, post(2));
    let same = Decision { message: Some(at(1, 1)), ..Decision::default() };
    assert_eq!(world.ask(MEMBER, post(1)), Ok(same.clone()));
    assert_eq!(world.ask(OWNER, post(1)), Err(Refusal::MessageIdTaken));
    world.does(OWNER, remove_messages(&[at(1, 1)]));
    assert_eq!(world.ask(MEMBER, post(1)), Ok(same), "deleted for all: known for ever");
}

#[test]
fn permission_comes_before_the_repeated_answer() {
    let mut world = World::with(Kind::Group);
    world.does(MEMBER, post(1));
    world.does(MEMBER, Command::DeleteForSelf);
    assert_eq!(world.ask(MEMBER, post(1)), Err(Refusal::NoSuchDialog));
    assert_eq!(world.ask(STRANGER, post(1)), Err(Refusal::NoSuchDialog), "and says nothing of the id");
}

#[test]
fn names_go_with_the_dialog_that_was_deleted_for_all() {
    let mut world = World::with(Kind::Private);
    world.does(OWNER, post(1));
    world.does(OWNER, Command::DeleteForAll);
    let again = world.does(MEMBER, post_to(OWNER, 1));
    assert_eq!(again.message, Some(at(2, 1)));
    assert_eq!(again.events.len(), 2, "opened and posted");
    let same = Decision { message: Some(at(2, 1)), ..Decision::default() };
    assert_eq!(world.ask(MEMBER, post(1)), Ok(same), "the name is the new message's now");
    assert_eq!(world.ask(OWNER, post(1)), Err(Refusal::MessageIdTaken));
}

#[test]
fn a_name_of_the_servers_own_is_not_looked_up() {
    let mut world = World::with(Kind::Group);
    let own = Command::Post(Post { id_is_clients: false, ..posting(1) });
    assert_eq!(world.does(MEMBER, own).message, Some(at(1, 1)));
}

#[test]
fn an_edit_replaces_the_text_of_ones_own_messages() {
    let mut world = World::with(Kind::Group);
    let [one, two, foreign] = [MEMBER, MEMBER, OWNER].map(|author| world.posts(author));
    let edited = |message| Event::MessageEdited { message, content: Content::Known(text("better")) };
    assert_eq!(world.events_of(MEMBER, edit(&[two, one, two])), Ok(vec![edited(one), edited(two)]));
    for actor in [OWNER, ADMIN] {
        assert_eq!(world.ask(actor, edit(&[one])), Err(Refusal::NotPermitted), "no rank helps");
    }
    assert_eq!(world.ask(MEMBER, edit(&[one, foreign])), Err(Refusal::NotPermitted), "all or nothing");
}

#[test]
fn an_edit_passes_over_messages_that_are_gone_unless_all_are() {
    let mut world = World::with(Kind::Group);
    let [one, two] = [MEMBER, MEMBER].map(|author| world.posts(author));
    world.does(MEMBER, remove_messages(&[one]));
    assert_eq!(world.events_of(MEMBER, edit(&[one, two])), world.events_of(MEMBER, edit(&[two])));
    let renamed = MessageRef { id: name(7), ..two };
    for gone in [vec![one], vec![at(9, 9)], vec![renamed], vec![one, at(9, 9)], vec![]] {
        assert_eq!(world.ask(MEMBER, edit(&gone)), Err(Refusal::NoSuchMessage), "{gone:?}");
    }
}

#[test]
fn hiding_messages_names_what_was_done_and_what_was_not() {
    let mut world = World::with(Kind::Group);
    let [own, foreign, removed] = [MEMBER, OWNER, MEMBER].map(|author| world.posts(author));
    world.does(MEMBER, remove_messages(&[removed]));
    let decision = world.ask(MEMBER, hide(&[foreign, removed, own, foreign, at(9, 9)])).unwrap();
    assert_eq!(decision.events, vec![Event::MessagesHidden { messages: vec![own, foreign] }]);
    assert_eq!(decision.missing, vec![removed.id, name(9)]);
    assert_eq!(decision.denied, vec![]);
}

#[test]
fn removing_messages_names_what_was_done_and_what_was_not() {
    let mut world = World::with(Kind::Group);
    let [own, foreign] = [MEMBER, OWNER].map(|author| world.posts(author));
    let command = remove_messages(&[own, foreign, at(9, 9)]);
    let decision = world.does(MEMBER, command.clone());
    assert_eq!(decision.events, vec![Event::MessagesRemoved { messages: vec![own] }]);
    assert_eq!((decision.denied, decision.missing), (vec![foreign.id], vec![name(9)]));
    assert!(world.message(1).unwrap().removed);
    assert!(!world.message(2).unwrap().removed);

    let again = world.ask(MEMBER, command).unwrap();
    assert_eq!(again.events, vec![], "nothing is removed twice");
    assert_eq!((again.denied, again.missing), (vec![foreign.id], vec![own.id, name(9)]));
}

#[test]
fn in_a_private_dialog_nobody_removes_the_others_message() {
    let mut world = World::with(Kind::Private);
    let theirs = world.posts(MEMBER);
    let decision = world.ask(OWNER, remove_messages(&[theirs])).unwrap();
    assert_eq!((decision.events, decision.denied), (vec![], vec![theirs.id]));
    assert_eq!(
        world.events_of(OWNER, hide(&[theirs])),
        Ok(vec![Event::MessagesHidden { messages: vec![theirs] }])
    );
}

#[test]
fn what_went_with_an_earlier_dialog_is_missing() {
    let mut world = World::with(Kind::Private);
    let old = world.posts(OWNER);
    world.does(OWNER, Command::DeleteForAll);
    world.does(OWNER, open_private(MEMBER));
    assert_eq!(old.sequence, Sequence(1));
    for command in [hide(&[old]), remove_messages(&[old])] {
        assert_eq!(world.ask(OWNER, command).unwrap().missing, vec![old.id]);
    }
}
