//! Clearing the history, for oneself and for everybody.

use super::world::*;
use crate::command::Command;
use crate::event::{Event, Marked};
use crate::{Kind, Refusal, Sequence};

#[test]
fn everybody_clears_for_himself_what_there_is() {
    for kind in Kind::ALL {
        let mut world = World::with(kind);
        assert_eq!(world.events_of(MEMBER, Command::ClearForSelf), Ok(vec![]), "nothing to clear");
        world.posts(OWNER);
        assert_eq!(world.does(MEMBER, Command::ClearForSelf).events, vec![Event::HistoryCleared]);
        assert_eq!(world.header().cleared_to, Sequence::NONE, "for himself only");
        world.does(OWNER, Command::ClearForAll);
        assert_eq!(world.events_of(MEMBER, Command::ClearForSelf), Ok(vec![]), "gone already");
    }
}

#[test]
fn the_owner_clears_for_everybody_and_the_dialog_stays() {
    for kind in Kind::ALL {
        let mut world = World::with(kind);
        assert_eq!(world.events_of(OWNER, Command::ClearForAll), Ok(vec![]), "nothing to clear");
        let [one, two] = [OWNER, OWNER].map(|author| world.posts(author));
        world.does(OWNER, react(one, Some("+1"), None));
        assert_eq!(world.ask(MEMBER, Command::ClearForAll), Err(Refusal::NotPermitted));
        assert_eq!(world.does(OWNER, Command::ClearForAll).events, vec![Event::HistoryClearedForAll]);
        assert_eq!(world.events_of(OWNER, Command::ClearForAll), Ok(vec![]), "once");

        let header = world.header().clone();
        assert!(header.alive);
        assert_eq!((header.head, header.cleared_to), (two.sequence, two.sequence));
        assert_eq!(world.ask(OWNER, edit(&[one])), Err(Refusal::NoSuchMessage));
        assert_eq!(world.ask(OWNER, react(one, Some("+1"), None)), Err(Refusal::NoSuchMessage));
        for command in [Command::HideMessages(vec![one]), Command::RemoveMessages(vec![one])] {
            assert_eq!(world.ask(OWNER, command).unwrap().missing, vec![one.id]);
        }
        assert_eq!(world.events_of(OWNER, mark(Marked::All(Sequence(9)))), Ok(vec![]));
        assert_eq!(world.posts(OWNER).sequence, two.sequence.next(), "sequences go on");
    }
}

#[test]
fn names_go_with_the_history() {
    let mut world = World::with(Kind::Group);
    world.does(MEMBER, post(1));
    world.does(OWNER, Command::ClearForAll);
    assert_eq!(world.does(OWNER, post(1)).message, Some(at(2, 1)), "free again");
    assert_eq!(world.ask(MEMBER, post(1)), Err(Refusal::MessageIdTaken), "the new message's now");
}

#[test]
fn a_hidden_private_dialog_is_cleared_and_stays_hidden() {
    let mut world = World::with(Kind::Private);
    world.posts(OWNER);
    world.does(MEMBER, Command::DeleteForSelf);
    world.does(MEMBER, Command::ClearForSelf);
    world.does(OWNER, Command::ClearForAll);
    assert!(world.standing(user(MEMBER)).unwrap().hides(Kind::Private, world.header().head));
}
