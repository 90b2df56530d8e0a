//! Joining by oneself, leaving again, and one's own alerts.

use super::world::*;
use crate::command::Command;
use crate::event::Event;
use crate::facts::Standing;
use crate::role::Role;
use crate::{Kind, Refusal};

#[test]
fn whoever_subscribes_to_a_public_dialog_is_in_it_once() {
    let mut world = World::with(Kind::Public);
    assert_eq!(world.does(STRANGER, Command::Subscribe).events, vec![Event::OccupantSubscribed]);
    assert_eq!((world.header().occupants, world.role(STRANGER)), (5, Role::Member));
    assert_eq!(world.events_of(STRANGER, Command::Subscribe), Ok(vec![]), "in it already");
    assert!(world.ask(STRANGER, post(1)).is_ok());
}

#[test]
fn a_subscriber_leaves_and_comes_back() {
    let mut world = World::with(Kind::Public);
    world.does(MEMBER, Command::DeleteForSelf);
    assert_eq!(world.header().occupants, 3);
    assert_eq!(world.ask(MEMBER, Command::DeleteForSelf), Err(Refusal::NoSuchDialog), "he is out");
    world.does(MEMBER, Command::Subscribe);
    assert_eq!(world.header().occupants, 4);
}

#[test]
fn nobody_subscribes_to_a_private_dialog_or_a_broadcast() {
    for group_subscribe in [false, true] {
        let mut world = World::with(Kind::Private);
        world.rules.group_subscribe = group_subscribe;
        assert_eq!(world.ask(MEMBER, Command::Subscribe), Err(Refusal::NotSubscribable));
        assert_eq!(world.ask(STRANGER, Command::Subscribe), Err(Refusal::NoSuchDialog), "and learns nothing");
        let mut world = World::with(Kind::Broadcast);
        world.rules.group_subscribe = group_subscribe;
        for actor in [OWNER, STRANGER] {
            assert_eq!(world.ask(actor, Command::Subscribe), Err(Refusal::NotSubscribable));
        }
    }
}

#[test]
fn a_group_is_subscribed_to_where_the_deployment_lets_it() {
    let mut world = World::with(Kind::Group);
    assert_eq!(world.ask(MEMBER, Command::Subscribe), Err(Refusal::NotSubscribable));
    assert_eq!(world.ask(STRANGER, Command::Subscribe), Err(Refusal::NoSuchDialog));
    world.rules.group_subscribe = true;
    assert_eq!(world.events_of(MEMBER, Command::Subscribe), Ok(vec![]));
    assert_eq!(world.does(STRANGER, Command::Subscribe).events, vec![Event::OccupantSubscribed]);
    assert_eq!(world.header().occupants, 5);
}

#[test]
fn a_public_dialog_fills_up() {
    let mut world = World::with(Kind::Public);
    world.rules.occupants_max = 4;
    assert_eq!(world.ask(STRANGER, Command::Subscribe), Err(Refusal::TooManyOccupants(4)));
    assert_eq!(world.events_of(MEMBER, Command::Subscribe), Ok(vec![]), "who is in it stays");
}

#[test]
fn the_owner_who_subscribes_again_owns_it_again() {
    let mut world = World::with(Kind::Public);
    world.does(OWNER, Command::DeleteForSelf);
    assert_eq!((world.role(OWNER), world.role(ADMIN)), (Role::Outsider, Role::Owner));
    world.does(OWNER, Command::Subscribe);
    assert_eq!((world.role(OWNER), world.role(ADMIN)), (Role::Owner, Role::Admin));
}

#[test]
fn alerts_are_on_until_somebody_turns_his_own_off() {
    for kind in Kind::ALL {
        let mut world = World::with(kind);
        let off = Command::SetNotifications(false);
        assert_eq!(world.events_of(MEMBER, Command::SetNotifications(true)), Ok(vec![]), "on already");
        assert_eq!(world.does(MEMBER, off.clone()).events, vec![Event::NotificationsSet { enabled: false }]);
        assert_eq!(world.events_of(MEMBER, off), Ok(vec![]), "off already");
        assert!(!world.standing(user(MEMBER)).unwrap().notifications);
        assert!(world.standing(user(OWNER)).is_none_or(|standing| standing.notifications), "his own only");
        let on = world.does(MEMBER, Command::SetNotifications(true)).events;
        assert_eq!(on, vec![Event::NotificationsSet { enabled: true }]);
    }
}

#[test]
fn alerts_are_an_occupants() {
    for kind in [Kind::Private, Kind::Group, Kind::Public] {
        let world = World::with(kind);
        assert_eq!(world.ask(STRANGER, Command::SetNotifications(false)), Err(Refusal::NoSuchDialog));
    }
    let mut world = World::with(Kind::Public);
    world.does(MEMBER, Command::SetNotifications(false));
    world.does(MEMBER, Command::DeleteForSelf);
    world.does(MEMBER, Command::Subscribe);
    let anew = Standing { member: true, ..Standing::default() };
    assert_eq!(world.standing(user(MEMBER)), Some(&anew), "coming back is coming anew");
}

#[test]
fn in_a_broadcast_alerts_make_nobody_an_occupant() {
    let mut world = World::with(Kind::Broadcast);
    world.does(STRANGER, Command::SetNotifications(false));
    world.does(STRANGER, Command::DeleteForSelf);
    let standing = *world.standing(user(STRANGER)).unwrap();
    assert!(!standing.member && !standing.notifications && standing.hidden_at.is_some());
    assert_eq!(world.header().occupants, 0);
}
