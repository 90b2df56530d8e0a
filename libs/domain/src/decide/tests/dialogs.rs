//! Making dialogs, changing what they are called, and deleting them.

use super::world::*;
use crate::command::{Change, Command, Create};
use crate::content::{Content, DialogChange, DialogContent};
use crate::event::{Event, Permissions};
use crate::role::Role;
use crate::{Kind, Refusal, Sequence};

#[test]
fn who_makes_a_dialog_owns_it_and_is_in_it_once() {
    for kind in [Kind::Group, Kind::Public] {
        let world = World::new();
        let events =
            world.events_of(OWNER, create(kind, users(&[MEMBER, OWNER, MEMBER]), users(&[MEMBER, OWNER])));
        assert_eq!(
            events,
            Ok(vec![Event::DialogCreated {
                kind,
                owner: user(OWNER),
                occupants: users(&[OWNER, MEMBER]),
                admins: users(&[MEMBER]),
                permissions: None,
                content: Content::Known(DialogContent {
                    name: Some(text("lobby")),
                    ..DialogContent::default()
                }),
            }])
        );
    }
}

#[test]
fn a_broadcast_has_no_occupants_and_everybody_is_in_it() {
    let mut world = World::new();
    world.does(OWNER, create(Kind::Broadcast, users(&[MEMBER]), users(&[ADMIN])));
    assert_eq!(world.members(), vec![]);
    assert_eq!(world.header().occupants, 0);
    assert_eq!(world.header().role(user(STRANGER), None), Role::Member);
    assert_eq!(world.header().role(user(ADMIN), None), Role::Admin);
}

#[test]
fn a_dialog_is_made_once() {
    let mut world = World::with(Kind::Group);
    let again = create(Kind::Group, users(&[MEMBER]), vec![]);
    assert_eq!(world.events_of(OWNER, again.clone()), Ok(vec![]));
    assert_eq!(world.events_of(STRANGER, again.clone()), Err(Refusal::NoSuchDialog), "another's dialog");
    world.does(OWNER, Command::DeleteForAll);
    assert_eq!(world.events_of(OWNER, again), Err(Refusal::NoSuchDialog), "a dead one does not rise");
}

#[test]
fn admins_of_a_new_group_are_among_its_occupants() {
    let world = World::new();
    let ask = |kind| world.events_of(OWNER, create(kind, users(&[MEMBER]), users(&[ADMIN])));
    assert_eq!(ask(Kind::Group), Err(Refusal::AdminNotOccupant));
    let events = ask(Kind::Public).unwrap();
    assert!(
        matches!(&events[..], [Event::DialogCreated { occupants, .. }]
        if *occupants == users(&[OWNER, MEMBER, ADMIN])),
        "a public dialog takes its admins in"
    );
}

#[test]
fn a_new_dialog_has_limits() {
    let world = World::new();
    for kind in [Kind::Group, Kind::Public] {
        let full = create(kind, users(&[2, 3, 4, 5, 6]), vec![]);
        assert!(world.ask(OWNER, full).is_ok());
        let over = create(kind, users(&[2, 3, 4, 5, 6, 7]), vec![]);
        assert_eq!(world.ask(OWNER, over), Err(Refusal::TooManyOccupants(6)));
        let admins = create(kind, users(&[2, 3, 4]), users(&[2, 3, 4]));
        assert_eq!(world.ask(OWNER, admins), Err(Refusal::TooManyAdmins(2)));
        let owner_too = create(kind, users(&[2, 3]), users(&[OWNER, 2, 3, 2]));
        assert!(world.ask(OWNER, owner_too).is_ok(), "the owner and repeated ids do not count");
    }
    let over_by_admins = create(Kind::Public, users(&[2, 3, 4, 5, 6]), users(&[7]));
    assert_eq!(world.ask(OWNER, over_by_admins), Err(Refusal::TooManyOccupants(6)));
}

#[test]
fn a_private_dialog_is_made_by_opening_it() {
    let content = DialogContent::default();
    let private =
        Create { kind: Kind::Private, occupants: users(&[2, 3]), admins: vec![], permissions: None, content };
    assert_eq!(World::new().ask(OWNER, Command::Create(private)), Err(Refusal::OccupantsFixed));
}

#[test]
fn a_private_dialog_is_made_once_whoever_asks() {
    let mut world = World::new();
    let made = world.does(OWNER, open_private(MEMBER)).events;
    assert!(matches!(made.as_slice(), [Event::DialogCreated { kind: Kind::Private, occupants, admins, .. }]
        if *occupants == users(&[OWNER, MEMBER]) && admins.is_empty()));
    assert_eq!(world.events_of(OWNER, open_private(MEMBER)), Ok(vec![]));
    assert_eq!(world.events_of(MEMBER, open_private(OWNER)), Ok(vec![]));
    assert_eq!(world.events_of(STRANGER, open_private(OWNER)), Err(Refusal::NoSuchDialog));
}

#[test]
fn nobody_has_a_private_dialog_with_himself() {
    let world = World::new();
    assert_eq!(world.ask(OWNER, open_private(OWNER)), Err(Refusal::NoSuchDialog));
    assert_eq!(world.ask(OWNER, post_to(OWNER, 1)), Err(Refusal::NoSuchDialog));
}

#[test]
fn opening_a_hidden_private_dialog_shows_it_to_that_user_only() {
    let mut world = World::with(Kind::Private);
    world.does(OWNER, Command::DeleteForSelf);
    world.does(MEMBER, Command::DeleteForSelf);
    assert_eq!(world.does(OWNER, open_private(MEMBER)).events, vec![Event::DialogShown]);
    let hides = |number| world.standing(user(number)).unwrap().hides(Kind::Private, world.header().head);
    assert!(!hides(OWNER));
    assert!(hides(MEMBER), "the other one's list is his own");
    assert_eq!(world.events_of(OWNER, open_private(MEMBER)), Ok(vec![]));
}

#[test]
fn opening_a_private_dialog_again_merges_its_extensions() {
    let asked = |opponent, extensions| Command::OpenPrivate {
        opponent: user(opponent),
        content: DialogContent { extensions, ..DialogContent::default() },
    };
    let given = vec![(text("city"), text("x"))];
    let merged = Event::ExtensionsMerged { content: Content::Known(given.clone()) };
    let mut world = World::with(Kind::Private);
    assert_eq!(world.events_of(OWNER, asked(MEMBER, Some(given.clone()))), Ok(vec![merged.clone()]));
    assert_eq!(world.events_of(OWNER, asked(MEMBER, Some(vec![]))), Ok(vec![]), "nothing to merge");
    assert_eq!(world.ask(STRANGER, asked(OWNER, Some(given.clone()))), Err(Refusal::NoSuchDialog));
    world.does(OWNER, Command::DeleteForSelf);
    assert_eq!(
        world.events_of(OWNER, asked(MEMBER, Some(given.clone()))),
        Ok(vec![Event::DialogShown, merged])
    );
    world.does(OWNER, Command::DeleteForAll);
    let anew = world.events_of(OWNER, asked(MEMBER, Some(given))).unwrap();
    assert!(matches!(&anew[..], [Event::DialogCreated { .. }]), "a new dialog has them from the start");
}

#[test]
fn broadcasts_are_made_where_the_deployment_lets_them() {
    let mut world = World::new();
    let broadcast = || create(Kind::Broadcast, vec![], vec![]);
    world.rules.broadcast_creation = false;
    assert_eq!(world.ask(OWNER, broadcast()), Err(Refusal::BroadcastDisabled));
    assert!(world.ask(OWNER, create(Kind::Public, vec![], vec![])).is_ok(), "others are");
    world.rules.broadcast_creation = true;
    world.does(OWNER, broadcast());
    world.rules.broadcast_creation = false;
    assert!(world.ask(OWNER, post(1)).is_ok(), "one that is there goes on");
}

#[test]
fn a_private_dialog_comes_back_with_its_next_message() {
    for author in [OWNER, MEMBER] {
        let mut world = World::with(Kind::Private);
        world.posts(OWNER);
        assert_eq!(world.does(OWNER, Command::DeleteForSelf).events, vec![Event::DialogHidden]);
        assert_eq!(world.events_of(OWNER, Command::DeleteForSelf), Ok(vec![]), "already hidden");
        world.posts(author);
        let standing = *world.standing(user(OWNER)).unwrap();
        assert!(!standing.hides(Kind::Private, world.header().head));
        assert_eq!(world.events_of(OWNER, open_private(MEMBER)), Ok(vec![]), "it is back already");
        assert_eq!(world.events_of(OWNER, Command::DeleteForSelf), Ok(vec![Event::DialogHidden]));
    }
}

#[test]
fn a_private_dialog_made_again_is_the_same_stream() {
    let mut world = World::with(Kind::Private);
    let old = world.posts(OWNER);
    world.does(MEMBER, Command::DeleteForSelf);
    world.does(OWNER, Command::DeleteForAll);
    assert_eq!(world.ask(OWNER, post(7)), Err(Refusal::NoSuchDialog));

    world.does(MEMBER, open_private(OWNER));
    let header = world.header().clone();
    assert_eq!((header.owner, header.opponent), (user(MEMBER), Some(user(OWNER))));
    assert_eq!((header.head, header.cleared_to), (old.sequence, old.sequence));
    assert!(!world.standing(user(MEMBER)).unwrap().hides(Kind::Private, header.head));
    assert_eq!(world.ask(OWNER, Command::DeleteForAll), Err(Refusal::NotPermitted), "a new owner");
    assert_eq!(world.ask(OWNER, edit(&[old])), Err(Refusal::NoSuchMessage));
    assert_eq!(world.posts(OWNER).sequence, old.sequence.next());
}

#[test]
fn who_deletes_a_broadcast_hides_it_for_himself() {
    let mut world = World::with(Kind::Broadcast);
    assert_eq!(world.does(STRANGER, Command::DeleteForSelf).events, vec![Event::DialogHidden]);
    world.posts(OWNER);
    assert_eq!(world.events_of(STRANGER, Command::DeleteForSelf), Ok(vec![]), "no message brings it back");
    assert!(world.header().alive);
}

#[test]
fn who_deletes_a_group_or_public_dialog_leaves_it() {
    for kind in [Kind::Group, Kind::Public] {
        for leaver in [OWNER, ADMIN, MEMBER] {
            let mut world = World::with(kind);
            assert_eq!(world.does(leaver, Command::DeleteForSelf).events, vec![Event::OccupantLeft]);
            assert_eq!(world.header().occupants, 3);
            assert_eq!(world.header().owner, user(OWNER), "who made it stays recorded");
            assert_eq!(world.ask(leaver, post(1)), Err(Refusal::NoSuchDialog));
            assert_eq!(world.ask(leaver, Command::DeleteForSelf), Err(Refusal::NoSuchDialog));
        }
    }
}

#[test]
fn the_last_one_out_deletes_a_group_but_no_public_dialog() {
    let mut world = World::new();
    world.does(OWNER, create(Kind::Group, vec![], vec![]));
    let events = world.does(OWNER, Command::DeleteForSelf).events;
    assert_eq!(events, vec![Event::OccupantLeft, Event::DialogDeleted]);
    assert!(!world.header().alive);

    let mut world = World::new();
    world.does(OWNER, create(Kind::Public, vec![], vec![]));
    assert_eq!(world.does(OWNER, Command::DeleteForSelf).events, vec![Event::OccupantLeft]);
    assert!(world.header().alive);
    assert_eq!(world.header().occupants, 0);
}

#[test]
fn a_dialog_deleted_for_all_is_there_for_nobody() {
    for kind in Kind::ALL {
        let mut world = World::with(kind);
        let message = world.posts(OWNER);
        assert_eq!(world.does(OWNER, Command::DeleteForAll).events, vec![Event::DialogDeleted]);
        assert_eq!(world.header().cleared_to, Sequence(1));
        for command in [
            post(2),
            add(&[STRANGER]),
            remove(&[MEMBER]),
            change(rename()),
            edit(&[message]),
            Command::HideMessages(vec![message]),
            Command::RemoveMessages(vec![message]),
            Command::DeleteForSelf,
            Command::DeleteForAll,
            Command::ClearForSelf,
            Command::ClearForAll,
            Command::Subscribe,
            Command::SetNotifications(false),
            block(MEMBER),
            unblock(MEMBER),
            pin(&[message]),
            add_admins(&[MEMBER]),
            react(message, Some("+1"), None),
        ] {
            assert_eq!(world.ask(OWNER, command.clone()), Err(Refusal::NoSuchDialog), "{command:?}");
        }
    }
}

#[test]
fn nothing_happens_to_a_dialog_that_never_was() {
    for command in [post(1), change(rename()), Command::DeleteForSelf, Command::DeleteForAll] {
        assert_eq!(World::new().ask(OWNER, command), Err(Refusal::NoSuchDialog));
    }
}

#[test]
fn what_a_private_dialog_is_called_is_not_changed() {
    let world = World::with(Kind::Private);
    let everything = DialogChange {
        name: Some(None),
        photo: Some(Some(text("face"))),
        description: Some(Some(text("us"))),
        extensions: None,
    };
    assert_eq!(world.events_of(OWNER, change(everything.clone())), Ok(vec![]));
    let extensions = Some(Some(vec![(text("city"), text("x"))]));
    let kept = DialogChange { extensions: extensions.clone(), ..DialogChange::default() };
    assert_eq!(
        world.events_of(MEMBER, change(DialogChange { extensions, ..everything })),
        Ok(vec![Event::DialogChanged { permissions: None, content: Content::Known(kept) }])
    );
}

#[test]
fn a_change_says_what_changed() {
    let mut world = World::with(Kind::Group);
    let permissions = Some(Permissions { allow_preview: true });
    let both = Change { content: rename(), permissions, ..Change::default() };
    assert_eq!(
        world.does(ADMIN, Command::Change(both)).events,
        vec![Event::DialogChanged { permissions, content: Content::Known(rename()) }]
    );
    world.does(MEMBER, change(rename()));
    assert_eq!(world.header().permissions, permissions, "what is not named stays");
    assert_eq!(world.events_of(MEMBER, Command::Change(Change::default())), Ok(vec![]));
}

#[test]
fn a_new_private_dialog_has_no_name_and_no_photo_of_its_own() {
    let extensions = vec![(text("city"), text("x"))];
    let kept = DialogContent { extensions: Some(extensions.clone()), ..DialogContent::default() };
    let asked = DialogContent { name: Some(text("us")), photo: Some(text("face")), ..kept.clone() };
    let mut world = World::new();
    let open = Command::OpenPrivate { opponent: user(MEMBER), content: asked.clone() };
    let events = world.does(OWNER, open).events;
    assert!(
        matches!(&events[..], [Event::DialogCreated { content, .. }] if *content == Content::Known(kept))
    );
    assert_eq!(
        world.events_of(MEMBER, Command::OpenPrivate { opponent: user(OWNER), content: asked }),
        Ok(vec![Event::ExtensionsMerged { content: Content::Known(extensions) }]),
        "one that is there stays as it is, but for its extensions"
    );
}
