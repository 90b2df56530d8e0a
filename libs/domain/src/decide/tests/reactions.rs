//! Reacting to messages.

use super::world::*;
use crate::command::Command;
use crate::event::{Event, MessageRef};
use crate::{Kind, Refusal};

fn changed(message: MessageRef, added: &[&str], removed: &[&str]) -> Event {
    let kinds = |kinds: &[&str]| kinds.iter().map(|kind| text(kind)).collect();
    Event::ReactionsChanged { message, added: kinds(added), removed: kinds(removed) }
}

/// A group with a message.
fn group() -> (World, MessageRef) {
    let mut world = World::with(Kind::Group);
    let message = world.posts(OWNER);
    (world, message)
}

#[test]
fn a_reaction_counts_once_for_each_user() {
    let (mut world, message) = group();
    let like = || react(message, Some("+1"), None);
    assert_eq!(world.does(MEMBER, like()).events, vec![changed(message, &["+1"], &[])]);
    assert_eq!(world.events_of(MEMBER, like()), Ok(vec![]), "he has it");
    world.does(OWNER, like());
    assert_eq!(world.reacted(1), vec![("+1", 2)]);
    assert_eq!(
        world.does(MEMBER, react(message, None, Some("+1"))).events,
        vec![changed(message, &[], &["+1"])]
    );
    assert_eq!(world.events_of(MEMBER, react(message, None, Some("+1"))), Ok(vec![]), "he has it no more");
    assert_eq!((world.reacted(1), world.reactions(1, OWNER)), (vec![("+1", 1)], &["+1".to_owned()][..]));
    world.does(OWNER, react(message, None, Some("+1")));
    assert_eq!(world.reacted(1), vec![], "a kind that nobody has is gone");
}

#[test]
fn a_user_has_several_reactions_to_a_message() {
    let (mut world, message) = group();
    world.does(MEMBER, react(message, Some("b"), None));
    world.does(MEMBER, react(message, Some("a"), None));
    assert_eq!(world.reactions(1, MEMBER), ["a", "b"]);
    let swap = react(message, Some("c"), Some("a"));
    assert_eq!(world.does(MEMBER, swap).events, vec![changed(message, &["c"], &["a"])], "both are applied");
    assert_eq!(world.reacted(1), vec![("b", 1), ("c", 1)]);
}

#[test]
fn what_is_named_for_both_is_not_there() {
    let (mut world, message) = group();
    let both = || react(message, Some("a"), Some("a"));
    assert_eq!(world.events_of(MEMBER, both()), Ok(vec![]));
    world.does(MEMBER, react(message, Some("a"), None));
    assert_eq!(world.events_of(MEMBER, both()), Ok(vec![changed(message, &[], &["a"])]));
    assert_eq!(world.events_of(MEMBER, react(message, None, None)), Ok(vec![]));
}

#[test]
fn in_single_mode_a_new_reaction_replaces_the_old_one() {
    let (mut world, message) = group();
    for kind in ["a", "b"] {
        world.does(MEMBER, react(message, Some(kind), None));
    }
    world.does(OWNER, react(message, Some("a"), None));
    world.rules.single_reaction = true;
    assert_eq!(
        world.events_of(MEMBER, react(message, Some("a"), None)),
        Ok(vec![changed(message, &[], &["b"])]),
        "of several from before, the one stays"
    );
    let new = world.does(MEMBER, react(message, Some("c"), None)).events;
    assert_eq!(new, vec![changed(message, &["c"], &["a", "b"])]);
    assert_eq!(world.reacted(1), vec![("a", 1), ("c", 1)], "another's stays");
    assert_eq!(world.events_of(MEMBER, react(message, Some("c"), None)), Ok(vec![]));
    let off = world.does(MEMBER, react(message, Some("c"), Some("c"))).events;
    assert_eq!(off, vec![changed(message, &[], &["c"])]);
}

#[test]
fn a_message_carries_only_so_many_kinds() {
    let (mut world, message) = group();
    for (kind, actor) in [("a", MEMBER), ("b", MEMBER), ("c", OWNER)] {
        world.does(actor, react(message, Some(kind), None));
    }
    let asks = |world: &World, actor, add, remove| world.ask(actor, react(message, Some(add), remove));
    assert_eq!(asks(&world, MEMBER, "d", None), Err(Refusal::TooManyReactions(3)));
    assert!(asks(&world, MEMBER, "c", None).is_ok(), "one that is there already");
    assert!(asks(&world, MEMBER, "d", Some("a")).is_ok(), "one goes, one comes");
    world.does(OWNER, react(message, Some("a"), None));
    assert_eq!(
        asks(&world, MEMBER, "d", Some("a")),
        Err(Refusal::TooManyReactions(3)),
        "another has it still"
    );
    world.rules.single_reaction = true;
    assert!(asks(&world, MEMBER, "d", None).is_ok(), "his last of a kind goes");
}

#[test]
fn only_to_a_living_message_of_the_dialog() {
    let (mut world, message) = group();
    let other = world.posts(MEMBER);
    world.does(OWNER, react(message, Some("a"), None));
    world.does(OWNER, Command::RemoveMessages(vec![message]));
    let renamed = MessageRef { id: name(7), ..other };
    for gone in [message, renamed, at(9, 9)] {
        for (add, remove) in [(Some("a"), None), (None, Some("a")), (None, None)] {
            assert_eq!(world.ask(OWNER, react(gone, add, remove)), Err(Refusal::NoSuchMessage), "{gone:?}");
        }
    }
}

#[test]
fn everybody_in_a_dialog_reacts_and_nobody_else() {
    for kind in Kind::ALL {
        let mut world = World::with(kind);
        let message = world.posts(OWNER);
        world.does(MEMBER, react(message, Some("a"), None));
        let strange = world.events_of(STRANGER, react(message, Some("a"), None));
        let event = changed(message, &["a"], &[]);
        let expected = if kind == Kind::Broadcast { Ok(vec![event]) } else { Err(Refusal::NoSuchDialog) };
        assert_eq!(strange, expected, "{kind:?}");
    }
}

#[test]
fn reactions_stay_when_their_user_leaves() {
    let (mut world, message) = group();
    world.does(MEMBER, react(message, Some("a"), None));
    world.does(MEMBER, Command::DeleteForSelf);
    assert_eq!(world.reacted(1), vec![("a", 1)]);
}
