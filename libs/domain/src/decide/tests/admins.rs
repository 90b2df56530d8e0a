//! Who gets admin rights and who loses them.

use super::world::*;
use crate::command::{Change, Command};
use crate::event::Event;
use crate::role::Role;
use crate::{Kind, Refusal};

const WITH_ADMINS: [Kind; 3] = [Kind::Group, Kind::Public, Kind::Broadcast];

fn added(who: &[u64]) -> Event {
    Event::AdminsAdded { users: users(who) }
}

fn removed(who: &[u64]) -> Event {
    Event::AdminsRemoved { users: users(who) }
}

#[test]
fn the_owner_gives_rights_and_takes_them() {
    for kind in WITH_ADMINS {
        let mut world = World::with(kind);
        assert_eq!(world.does(OWNER, remove_admins(&[ADMIN, ADMIN])).events, vec![removed(&[ADMIN])]);
        assert_eq!(world.role(ADMIN), Role::Member, "at once");
        assert_eq!(world.does(OWNER, add_admins(&[MEMBER, MEMBER])).events, vec![added(&[MEMBER])]);
        assert_eq!(world.role(MEMBER), Role::Admin, "at once");
        assert_eq!(world.header().admins, users(&[SECOND_ADMIN, MEMBER]), "in the order of appointment");
        let moot = Change {
            add_admins: users(&[MEMBER, OWNER]),
            remove_admins: users(&[ADMIN, STRANGER]),
            ..Change::default()
        };
        assert_eq!(world.events_of(OWNER, Command::Change(moot)), Ok(vec![]), "the owner is never an admin");
        for actor in [SECOND_ADMIN, ADMIN] {
            assert_eq!(world.ask(actor, remove_admins(&[MEMBER])), Err(Refusal::NotPermitted));
            assert_eq!(world.ask(actor, add_admins(&[ADMIN])), Err(Refusal::NotPermitted));
        }
    }
}

#[test]
fn a_private_dialog_has_no_admins() {
    let world = World::with(Kind::Private);
    for actor in [OWNER, MEMBER] {
        assert_eq!(world.ask(actor, add_admins(&[MEMBER])), Err(Refusal::NotPermitted));
        assert_eq!(world.ask(actor, remove_admins(&[MEMBER])), Err(Refusal::NotPermitted));
    }
}

#[test]
fn who_is_named_for_both_has_no_rights() {
    let world = World::with(Kind::Group);
    let both =
        |who: u64| Change { add_admins: users(&[who]), remove_admins: users(&[who]), ..Change::default() };
    assert_eq!(world.events_of(OWNER, Command::Change(both(MEMBER))), Ok(vec![]));
    assert_eq!(world.events_of(OWNER, Command::Change(both(ADMIN))), Ok(vec![removed(&[ADMIN])]));
}

#[test]
fn admins_are_occupants_after_the_change() {
    for kind in [Kind::Group, Kind::Public] {
        let mut world = World::with(kind);
        world.rules.admins_max = 3;
        assert_eq!(world.ask(OWNER, add_admins(&[STRANGER])), Err(Refusal::AdminNotOccupant));
        let leaving = Change { add_admins: users(&[MEMBER]), remove: users(&[MEMBER]), ..Change::default() };
        assert_eq!(world.ask(OWNER, Command::Change(leaving)), Err(Refusal::AdminNotOccupant));
        let coming = Change { add_admins: users(&[STRANGER]), add: users(&[STRANGER]), ..Change::default() };
        assert_eq!(
            world.does(OWNER, Command::Change(coming)).events,
            vec![Event::OccupantsAdded { users: users(&[STRANGER]) }, added(&[STRANGER])]
        );
        assert_eq!(world.role(STRANGER), Role::Admin);
    }
    let mut world = World::with(Kind::Broadcast);
    world.rules.admins_max = 3;
    assert_eq!(
        world.events_of(OWNER, add_admins(&[STRANGER])),
        Ok(vec![added(&[STRANGER])]),
        "all are in it"
    );
    world.does(OWNER, block(STRANGER));
    assert_eq!(world.ask(OWNER, add_admins(&[STRANGER])), Err(Refusal::AdminNotOccupant), "but who is not");
}

#[test]
fn there_are_only_so_many_admins() {
    for kind in WITH_ADMINS {
        let mut world = World::with(kind);
        assert_eq!(world.ask(OWNER, add_admins(&[MEMBER])), Err(Refusal::TooManyAdmins(2)));
        assert!(world.ask(OWNER, add_admins(&[ADMIN, ADMIN, SECOND_ADMIN])).is_ok(), "they are distinct");
        let swap = Change {
            add_admins: users(&[MEMBER]),
            remove_admins: users(&[SECOND_ADMIN]),
            ..Change::default()
        };
        assert_eq!(
            world.events_of(OWNER, Command::Change(swap)),
            Ok(vec![removed(&[SECOND_ADMIN]), added(&[MEMBER])]),
            "one goes, one comes"
        );
        world.rules.admins_max = 0;
        assert!(world.ask(OWNER, remove_admins(&[ADMIN])).is_ok(), "one may always go");
    }
}

#[test]
fn an_admin_who_goes_out_makes_room() {
    let mut world = World::with(Kind::Group);
    let swap = Change {
        remove: users(&[ADMIN]),
        add_admins: users(&[MEMBER]),
        remove_admins: users(&[ADMIN]),
        ..Change::default()
    };
    assert_eq!(
        world.does(OWNER, Command::Change(swap)).events,
        vec![Event::OccupantsRemoved { users: users(&[ADMIN]) }, added(&[MEMBER])],
        "his going takes his rights"
    );
    assert_eq!(world.header().admins, users(&[SECOND_ADMIN, MEMBER]));
}

#[test]
fn who_took_over_gives_rights_and_may_give_up_his_own() {
    let mut world = World::with(Kind::Group);
    world.does(OWNER, Command::DeleteForSelf);
    assert_eq!(world.role(ADMIN), Role::Owner);
    assert_eq!(world.ask(SECOND_ADMIN, add_admins(&[MEMBER])), Err(Refusal::NotPermitted));
    world.does(ADMIN, remove_admins(&[ADMIN]));
    assert_eq!((world.role(ADMIN), world.role(SECOND_ADMIN)), (Role::Member, Role::Owner));
    assert_eq!(world.does(SECOND_ADMIN, add_admins(&[MEMBER])).events, vec![added(&[MEMBER])]);
}

/// Who was an admin is a member like any other, also where the table lets members do less.
#[test]
fn who_lost_his_rights_uses_none() {
    let mut world = World::with(Kind::Group);
    let message = world.posts(OWNER);
    world.does(OWNER, remove_admins(&[ADMIN]));
    assert_eq!(world.ask(ADMIN, pin(&[message])), Err(Refusal::NotPermitted));
    assert_eq!(world.ask(ADMIN, remove(&[MEMBER])), Err(Refusal::NotPermitted));
    let decision = world.ask(ADMIN, Command::RemoveMessages(vec![message])).unwrap();
    assert_eq!((decision.events, decision.denied), (vec![], vec![message.id]));
}
