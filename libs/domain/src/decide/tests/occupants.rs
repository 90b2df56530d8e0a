//! Who comes in and goes out, who may send whom out, and who owns a dialog after its owner.

use super::world::*;
use crate::command::{Change, Command};
use crate::content::Content;
use crate::event::{Event, Permissions};
use crate::role::Role;
use crate::{Kind, Refusal};

#[test]
fn only_who_is_not_in_it_comes_in() {
    let mut world = World::with(Kind::Group);
    let events = world.does(MEMBER, add(&[STRANGER, MEMBER, STRANGER])).events;
    assert_eq!(events, vec![Event::OccupantsAdded { users: users(&[STRANGER]) }]);
    assert_eq!(world.header().occupants, 5);
    assert_eq!(world.events_of(MEMBER, add(&[STRANGER])), Ok(vec![]), "already in it");
}

#[test]
fn only_who_is_in_it_goes_out() {
    let mut world = World::with(Kind::Group);
    let events = world.does(OWNER, remove(&[STRANGER, MEMBER, MEMBER])).events;
    assert_eq!(events, vec![Event::OccupantsRemoved { users: users(&[MEMBER]) }]);
    assert_eq!(world.header().occupants, 3);
    assert_eq!(world.events_of(OWNER, remove(&[MEMBER])), Ok(vec![]), "already out");
    assert_eq!(world.ask(MEMBER, post(1)), Err(Refusal::NoSuchDialog));
}

#[test]
fn who_is_named_for_both_goes_out() {
    let world = World::with(Kind::Group);
    let both =
        |who: &[u64]| Command::Change(Change { add: users(who), remove: users(who), ..Change::default() });
    assert_eq!(world.events_of(OWNER, both(&[STRANGER])), Ok(vec![]));
    assert_eq!(
        world.events_of(OWNER, both(&[MEMBER])),
        Ok(vec![Event::OccupantsRemoved { users: users(&[MEMBER]) }])
    );
}

#[test]
fn nobody_lets_himself_in() {
    for kind in [Kind::Private, Kind::Group, Kind::Public] {
        let world = World::with(kind);
        assert_eq!(world.ask(STRANGER, add(&[STRANGER])), Err(Refusal::NoSuchDialog), "{kind:?}");
    }
}

#[test]
fn the_occupants_of_a_private_dialog_never_change() {
    let world = World::with(Kind::Private);
    for who in [OWNER, MEMBER, STRANGER] {
        assert_eq!(world.ask(OWNER, add(&[who])), Err(Refusal::OccupantsFixed));
        assert_eq!(world.ask(OWNER, remove(&[who])), Err(Refusal::OccupantsFixed));
    }
}

#[test]
fn a_dialog_fills_up() {
    let mut world = World::with(Kind::Group);
    assert_eq!(world.ask(OWNER, add(&[7, 8, 9])), Err(Refusal::TooManyOccupants(6)));
    world.does(OWNER, add(&[7, 8]));
    assert_eq!(world.ask(OWNER, add(&[9])), Err(Refusal::TooManyOccupants(6)));
    let swap = Change { add: users(&[9]), remove: users(&[7]), ..Change::default() };
    assert!(world.ask(OWNER, Command::Change(swap)).is_ok(), "one goes, one comes");
    world.rules.occupants_max = 2;
    assert!(world.ask(OWNER, remove(&[7])).is_ok(), "one may always go");
}

#[test]
fn everybody_goes_out_by_himself() {
    for kind in [Kind::Group, Kind::Public] {
        for leaver in [OWNER, ADMIN, MEMBER] {
            assert_eq!(
                World::with(kind).events_of(leaver, remove(&[leaver])),
                Ok(vec![Event::OccupantsRemoved { users: users(&[leaver]) }])
            );
        }
    }
}

#[test]
fn the_owner_is_sent_out_by_nobody_and_an_admin_by_the_owner() {
    for kind in [Kind::Group, Kind::Public] {
        let world = World::with(kind);
        let may = |actor, target| world.ask(actor, remove(&[target])).map(|_| ());
        assert_eq!(may(ADMIN, OWNER), Err(Refusal::NotPermitted));
        assert_eq!(may(MEMBER, OWNER), Err(Refusal::NotPermitted));
        assert_eq!(may(ADMIN, SECOND_ADMIN), Err(Refusal::NotPermitted));
        assert_eq!(may(MEMBER, ADMIN), Err(Refusal::NotPermitted));
        assert_eq!(may(OWNER, ADMIN), Ok(()));
        assert_eq!(may(ADMIN, MEMBER), Ok(()));
    }
}

#[test]
fn the_first_admin_takes_over_from_the_owner() {
    let mut world = World::with(Kind::Group);
    world.does(OWNER, remove(&[OWNER]));
    assert_eq!(world.role(OWNER), Role::Outsider);
    assert_eq!(world.role(ADMIN), Role::Owner);
    assert_eq!(world.role(SECOND_ADMIN), Role::Admin);
    assert_eq!(world.header().owner, user(OWNER), "who made it stays recorded");
    assert_eq!(world.ask(SECOND_ADMIN, remove(&[ADMIN])), Err(Refusal::NotPermitted));
    assert_eq!(world.events_of(SECOND_ADMIN, remove(&[OWNER])), Ok(vec![]), "he is out already");
    assert!(world.ask(ADMIN, remove(&[SECOND_ADMIN])).is_ok());
    assert!(world.ask(ADMIN, Command::DeleteForAll).is_ok());

    world.does(ADMIN, Command::DeleteForSelf);
    assert_eq!(world.role(SECOND_ADMIN), Role::Owner);
    world.does(SECOND_ADMIN, Command::DeleteForSelf);
    assert_eq!(world.role(MEMBER), Role::Member, "without an admin nobody owns it");
    assert_eq!(world.ask(MEMBER, Command::DeleteForAll), Err(Refusal::NotPermitted));
}

#[test]
fn the_owner_who_comes_back_owns_it_again() {
    let mut world = World::with(Kind::Group);
    world.does(OWNER, Command::DeleteForSelf);
    world.does(MEMBER, add(&[OWNER]));
    assert_eq!(world.role(OWNER), Role::Owner);
    assert_eq!(world.role(ADMIN), Role::Admin);
}

#[test]
fn an_admin_who_goes_out_comes_back_as_a_member() {
    let mut world = World::with(Kind::Group);
    world.does(OWNER, remove(&[ADMIN]));
    assert_eq!(world.header().admins, users(&[SECOND_ADMIN]));
    world.does(MEMBER, add(&[ADMIN]));
    assert_eq!(world.role(ADMIN), Role::Member);
}

#[test]
fn sending_everybody_out_deletes_a_group() {
    let mut world = World::with(Kind::Group);
    let all = users(&[OWNER, ADMIN, SECOND_ADMIN, MEMBER]);
    let events = world.does(OWNER, remove(&[OWNER, ADMIN, SECOND_ADMIN, MEMBER])).events;
    assert_eq!(events, vec![Event::OccupantsRemoved { users: all.clone() }, Event::DialogDeleted]);

    let world = World::with(Kind::Group);
    let handed_over = Change { add: users(&[STRANGER]), remove: all.clone(), ..Change::default() };
    assert_eq!(
        world.events_of(OWNER, Command::Change(handed_over)),
        Ok(vec![
            Event::OccupantsAdded { users: users(&[STRANGER]) },
            Event::OccupantsRemoved { users: all.clone() },
        ]),
        "somebody is left"
    );
    let world = World::with(Kind::Public);
    let events = world.events_of(OWNER, remove(&[OWNER, ADMIN, SECOND_ADMIN, MEMBER]));
    assert_eq!(events, Ok(vec![Event::OccupantsRemoved { users: all }]), "a public dialog stays");
}

#[test]
fn a_change_happens_as_a_whole_or_not_at_all() {
    let world = World::with(Kind::Group);
    let good = Change { content: rename(), add: users(&[STRANGER]), ..Change::default() };
    for (bad, refusal) in [
        (Change { remove: users(&[ADMIN]), ..good.clone() }, Refusal::NotPermitted),
        (Change { remove: users(&[MEMBER, OWNER]), ..good.clone() }, Refusal::NotPermitted),
        (Change { permissions: Some(Permissions::default()), ..good.clone() }, Refusal::NotPermitted),
        (Change { add: users(&[6, 7, 8, 9]), ..good.clone() }, Refusal::TooManyOccupants(6)),
    ] {
        assert_eq!(world.ask(MEMBER, Command::Change(bad)), Err(refusal));
    }
    assert_eq!(
        world.events_of(MEMBER, Command::Change(good)),
        Ok(vec![
            Event::DialogChanged { permissions: None, content: Content::Known(rename()) },
            Event::OccupantsAdded { users: users(&[STRANGER]) },
        ])
    );
}
