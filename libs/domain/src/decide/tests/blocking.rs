//! Shutting people out, and letting them come back.

use super::world::*;
use crate::command::{Change, Command};
use crate::event::Event;
use crate::facts::Standing;
use crate::role::Role;
use crate::{Kind, Refusal};

fn blocked(who: u64) -> Event {
    Event::UserBlocked { user: user(who) }
}

#[test]
fn who_is_blocked_is_out_and_stays_out() {
    let mut world = World::with(Kind::Public);
    assert_eq!(world.does(ADMIN, block(MEMBER)).events, vec![blocked(MEMBER)]);
    assert_eq!((world.header().occupants, world.role(MEMBER)), (3, Role::Outsider));
    assert_eq!(world.events_of(OWNER, block(MEMBER)), Ok(vec![]), "blocked already");
    assert_eq!(world.ask(MEMBER, Command::Subscribe), Err(Refusal::Blocked));
    assert_eq!(world.ask(OWNER, add(&[STRANGER, MEMBER])), Err(Refusal::Blocked), "nobody brings him in");
    assert_eq!(world.events_of(OWNER, remove(&[MEMBER])), Ok(vec![]), "he is out already");
    let both = Change { add: users(&[MEMBER]), remove: users(&[MEMBER]), ..Change::default() };
    assert_eq!(world.events_of(OWNER, Command::Change(both)), Ok(vec![]));
}

#[test]
fn who_is_let_back_may_subscribe() {
    let mut world = World::with(Kind::Public);
    world.does(MEMBER, Command::SetNotifications(false));
    world.does(OWNER, block(MEMBER));
    assert_eq!(world.does(ADMIN, unblock(MEMBER)).events, vec![Event::UserUnblocked { user: user(MEMBER) }]);
    assert_eq!(world.events_of(ADMIN, unblock(MEMBER)), Ok(vec![]), "once");
    assert_eq!(world.role(MEMBER), Role::Outsider, "he is asked himself");
    assert_eq!(world.standing(user(MEMBER)), Some(&Standing::default()), "as one who never was in it");
    world.does(MEMBER, Command::Subscribe);
    assert_eq!(world.header().occupants, 4);
}

#[test]
fn whoever_never_was_in_it_can_be_shut_out() {
    let mut world = World::with(Kind::Public);
    assert_eq!(world.does(OWNER, block(STRANGER)).events, vec![blocked(STRANGER)]);
    assert_eq!(world.header().occupants, 4);
    assert_eq!(world.ask(STRANGER, Command::Subscribe), Err(Refusal::Blocked));
    assert_eq!(world.events_of(OWNER, unblock(MEMBER)), Ok(vec![]), "he never was");
}

#[test]
fn a_broadcast_is_closed_to_whom_it_blocks() {
    let mut world = World::with(Kind::Broadcast);
    let message = world.posts(OWNER);
    world.does(ADMIN, block(STRANGER));
    assert_eq!((world.header().occupants, world.role(STRANGER)), (0, Role::Outsider));
    assert_eq!(world.ask(STRANGER, react(message, Some("+1"), None)), Err(Refusal::NoSuchDialog));
    assert_eq!(world.ask(STRANGER, Command::DeleteForSelf), Err(Refusal::NoSuchDialog));
    world.does(ADMIN, unblock(STRANGER));
    assert_eq!(world.role(STRANGER), Role::Member, "everybody is in it");
}

#[test]
fn nobody_blocks_the_owner_and_only_he_an_admin() {
    for kind in [Kind::Public, Kind::Broadcast] {
        let mut world = World::with(kind);
        for actor in [OWNER, ADMIN, MEMBER] {
            assert_eq!(world.ask(actor, block(OWNER)), Err(Refusal::NotPermitted), "{kind:?}");
        }
        for actor in [ADMIN, SECOND_ADMIN, MEMBER] {
            assert_eq!(world.ask(actor, block(ADMIN)), Err(Refusal::NotPermitted), "himself included");
        }
        world.does(OWNER, block(ADMIN));
        assert_eq!(world.header().admins, users(&[SECOND_ADMIN]), "his rights are gone");
        world.does(SECOND_ADMIN, unblock(ADMIN));
        let back = if kind == Kind::Public { Role::Outsider } else { Role::Member };
        assert_eq!(world.role(ADMIN), back, "and do not come back with him");
    }
}

#[test]
fn who_took_over_shuts_nobody_out_who_owns_it() {
    let mut world = World::with(Kind::Public);
    world.does(OWNER, Command::DeleteForSelf);
    assert_eq!(world.role(ADMIN), Role::Owner);
    assert_eq!(world.ask(ADMIN, block(OWNER)), Err(Refusal::NotPermitted), "it is his to come back to");
    assert_eq!(world.ask(SECOND_ADMIN, block(ADMIN)), Err(Refusal::NotPermitted));
    assert_eq!(world.events_of(ADMIN, block(SECOND_ADMIN)), Ok(vec![blocked(SECOND_ADMIN)]));
}

#[test]
fn nobody_is_shut_out_of_a_group_or_a_private_dialog() {
    for kind in [Kind::Group, Kind::Private] {
        let world = World::with(kind);
        assert_eq!(world.ask(OWNER, block(MEMBER)), Err(Refusal::NotPermitted));
        assert_eq!(world.ask(OWNER, unblock(MEMBER)), Err(Refusal::NotPermitted));
        assert_eq!(world.ask(STRANGER, block(MEMBER)), Err(Refusal::NoSuchDialog));
    }
}
