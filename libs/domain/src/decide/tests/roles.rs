//! Everybody asks for everything, in a dialog of every kind.

use std::fmt::Write;

use super::world::*;
use crate::command::{Change, Command, Decision, Update};
use crate::content::DialogChange;
use crate::event::{Event, Mark, Marked, MessageRef, Permissions, Range};
use crate::role::Role;
use crate::{Kind, Refusal, Sequence};

/// What there is to ask for. Each is asked of a fresh dialog.
#[derive(Debug, Clone, Copy)]
enum Wish {
    OpenPrivate,
    Post,
    PostAgain,
    EditOwn,
    EditForeign,
    Mark,
    Rename,
    SetExtensions,
    SetPermissions,
    AddOccupant,
    RemoveMember,
    RemoveAdmin,
    RemoveOwner,
    RemoveSelf,
    HideOwn,
    HideForeign,
    RemoveOwn,
    RemoveForeign,
    DeleteForSelf,
    DeleteForAll,
    ClearForSelf,
    ClearForAll,
    AddAdmin,
    RemoveSecondAdmin,
    Pin,
    Unpin,
    View,
    React,
    Subscribe,
    SetNotifications,
    BlockMember,
    BlockAdmin,
    BlockOwner,
    Unblock,
}

const WISHES: [Wish; 34] = [
    Wish::OpenPrivate,
    Wish::Post,
    Wish::PostAgain,
    Wish::EditOwn,
    Wish::EditForeign,
    Wish::Mark,
    Wish::Rename,
    Wish::SetExtensions,
    Wish::SetPermissions,
    Wish::AddOccupant,
    Wish::RemoveMember,
    Wish::RemoveAdmin,
    Wish::RemoveOwner,
    Wish::RemoveSelf,
    Wish::HideOwn,
    Wish::HideForeign,
    Wish::RemoveOwn,
    Wish::RemoveForeign,
    Wish::DeleteForSelf,
    Wish::DeleteForAll,
    Wish::ClearForSelf,
    Wish::ClearForAll,
    Wish::AddAdmin,
    Wish::RemoveSecondAdmin,
    Wish::Pin,
    Wish::Unpin,
    Wish::View,
    Wish::React,
    Wish::Subscribe,
    Wish::SetNotifications,
    Wish::BlockMember,
    Wish::BlockAdmin,
    Wish::BlockOwner,
    Wish::Unblock,
];

/// In every dialog but a private one, beside those that [`World::with`] puts there.
const OTHER: u64 = 5;
/// Blocked where somebody can be.
const SHUT_OUT: u64 = 7;
/// Where the actor's own message stands, and somebody else's.
const OWN: u64 = 1;
const FOREIGN: u64 = 2;

impl Wish {
    fn command(self, actor: u64) -> Command {
        let extensions = Some(Some(vec![(text("city"), text("x"))]));
        let of = |sequence| vec![at(sequence, sequence)];
        match self {
            Self::OpenPrivate => open_private(if actor == OWNER { MEMBER } else { OWNER }),
            Self::Post => post(9),
            Self::PostAgain => post(OWN),
            Self::EditOwn => edit(&of(OWN)),
            Self::EditForeign => edit(&of(FOREIGN)),
            Self::Mark => mark(Marked::All(Sequence(2))),
            Self::Rename => change(rename()),
            Self::SetExtensions => change(DialogChange { extensions, ..DialogChange::default() }),
            Self::SetPermissions => Command::Change(Change {
                permissions: Some(Permissions { allow_preview: true }),
                ..Change::default()
            }),
            Self::AddOccupant => add(&[8]),
            Self::RemoveMember => remove(&[OTHER]),
            Self::RemoveAdmin => remove(&[SECOND_ADMIN]),
            Self::RemoveOwner => remove(&[OWNER]),
            Self::RemoveSelf => remove(&[actor]),
            Self::HideOwn => Command::HideMessages(of(OWN)),
            Self::HideForeign => Command::HideMessages(of(FOREIGN)),
            Self::RemoveOwn => Command::RemoveMessages(of(OWN)),
            Self::RemoveForeign => Command::RemoveMessages(of(FOREIGN)),
            Self::DeleteForSelf => Command::DeleteForSelf,
            Self::DeleteForAll => Command::DeleteForAll,
            Self::ClearForSelf => Command::ClearForSelf,
            Self::ClearForAll => Command::ClearForAll,
            Self::AddAdmin => add_admins(&[OTHER]),
            Self::RemoveSecondAdmin => remove_admins(&[SECOND_ADMIN]),
            Self::Pin => pin(&of(OWN)),
            Self::Unpin => unpin(&of(FOREIGN)),
            Self::View => {
                let page = Range { first: Sequence(OWN), last: Sequence(FOREIGN) };
                let mark = Some((Mark::Viewed, Marked::Listed(vec![page])));
                Command::Update(Update { messages: vec![], text: None, mark })
            }
            Self::React => react(at(FOREIGN, FOREIGN), Some("+1"), None),
            Self::Subscribe => Command::Subscribe,
            Self::SetNotifications => Command::SetNotifications(false),
            Self::BlockMember => block(OTHER),
            Self::BlockAdmin => block(SECOND_ADMIN),
            Self::BlockOwner => block(OWNER),
            Self::Unblock => unblock(SHUT_OUT),
        }
    }
}

/// A dialog of everybody, with a message of `actor`'s, though he may not be able to write
/// one now, and one of somebody else's.
fn dialog(kind: Kind, actor: u64) -> World {
    let mut world = World::with(kind);
    world.rules.admins_max = 3;
    if matches!(kind, Kind::Group | Kind::Public) {
        world.does(OWNER, add(&[OTHER]));
    }
    let other = if actor == OWNER { MEMBER } else { OWNER };
    let written = |number| posted(MessageRef { sequence: Sequence(number), id: name(number) }, None, 1);
    world.happens(actor, written(OWN));
    world.happens(other, written(FOREIGN));
    world.happens(OWNER, Event::MessagesPinned { messages: vec![at(FOREIGN, FOREIGN)] });
    if matches!(kind, Kind::Public | Kind::Broadcast) {
        world.does(OWNER, block(SHUT_OUT));
    }
    world
}

/// What the answer comes to, for one letter of the table.
fn letter(answer: &Result<Decision, Refusal>, role: char) -> char {
    match answer {
        Ok(decision) if !decision.denied.is_empty() => '-',
        Ok(decision) if decision.events.is_empty() => '=',
        Ok(_) => role,
        Err(Refusal::NoSuchDialog) => '.',
        Err(Refusal::NotPermitted) => '-',
        Err(Refusal::OccupantsFixed) => '!',
        Err(Refusal::NotSubscribable) => '?',
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_people_are_what_the_table_takes_them_for() {
    for kind in [Kind::Group, Kind::Public, Kind::Broadcast] {
        let world = World::with(kind);
        for (number, role) in [(OWNER, Role::Owner), (ADMIN, Role::Admin), (MEMBER, Role::Member)] {
            assert_eq!(world.role(number), role);
        }
    }
}

/// O owner, A admin, M member, x outsider: a letter stands where something happens, `=`
/// where it is allowed and changes nothing, `-` for 403, `!` for the 403 that says that
/// occupants are fixed, `?` for the 422 that nobody subscribes to, `.` for 404. A private
/// dialog has no admin; a broadcast has no outsider, as everybody is in it.
#[test]
fn everybody_asks_for_everything() {
    let mut table = String::new();
    for wish in WISHES {
        let mut line = format!("{:<17}", format!("{wish:?}"));
        for kind in [Kind::Private, Kind::Group, Kind::Public, Kind::Broadcast] {
            line.push(' ');
            for (actor, role) in [(OWNER, 'O'), (ADMIN, 'A'), (MEMBER, 'M'), (STRANGER, 'x')] {
                let nobody = (kind == Kind::Private && actor == ADMIN)
                    || (kind == Kind::Broadcast && actor == STRANGER)
                    || (kind != Kind::Private && matches!(wish, Wish::OpenPrivate));
                if nobody {
                    continue;
                }
                let answer = dialog(kind, actor).ask(actor, wish.command(actor));
                line.push(letter(&answer, role));
            }
        }
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    assert_eq!(table, TABLE, "\n{table}");
}

const TABLE: &str = "\
OpenPrivate       ==.
Post              OM. OAM. OAM. OA-
PostAgain         ==. ===. ===. ==-
EditOwn           OM. OAM. OAM. OA-
EditForeign       --. ---. ---. ---
Mark              OM. OAM. ===. ===
Rename            ==. OAM. OA-. OA-
SetExtensions     OM. OA-. OA-. OA-
SetPermissions    --. OA-. OA-. OA-
AddOccupant       !!. OAM. OA-. ---
RemoveMember      !!. OA-. OA-. ---
RemoveAdmin       !!. O--. O--. ---
RemoveOwner       !!. O--. O--. ---
RemoveSelf        !!. OAM. OAM. ---
HideOwn           OM. OAM. OAM. OA-
HideForeign       OM. OAM. OAM. OA-
RemoveOwn         OM. OAM. OAM. OA-
RemoveForeign     --. OA-. OA-. OA-
DeleteForSelf     OM. OAM. OAM. OAM
DeleteForAll      O-. O--. O--. O--
ClearForSelf      OM. OAM. OAM. OAM
ClearForAll       O-. O--. O--. O--
AddAdmin          --. O--. O--. O--
RemoveSecondAdmin --. O--. O--. O--
Pin               --. OA-. OA-. OA-
Unpin             --. OA-. OA-. OA-
View              ==. ===. OAM. OAM
React             OM. OAM. OAM. OAM
Subscribe         ??. ???. ===x ???
SetNotifications  OM. OAM. OAM. OAM
BlockMember       --. ---. OA-. OA-
BlockAdmin        --. ---. O--. O--
BlockOwner        --. ---. ---. ---
Unblock           --. ---. OA-. OA-
";

/// Whether that is the one thing that an outsider may do there.
fn lets_in(kind: Kind, wish: Wish) -> bool {
    kind == Kind::Public && matches!(wish, Wish::Subscribe)
}

/// Whoever is not in a dialog changes nothing in it, whatever he names.
#[test]
fn a_strangers_wishes_are_no_events() {
    for kind in [Kind::Private, Kind::Group, Kind::Public] {
        let world = dialog(kind, STRANGER);
        for wish in WISHES.into_iter().filter(|wish| !lets_in(kind, *wish)) {
            let answer = world.ask(STRANGER, wish.command(STRANGER));
            assert_eq!(answer, Err(Refusal::NoSuchDialog), "{wish:?} in {kind:?}");
        }
    }
}

/// Who was shut out of a broadcast, where everybody else is in, is not.
#[test]
fn the_wishes_of_who_was_shut_out_are_no_events() {
    for kind in [Kind::Public, Kind::Broadcast] {
        let mut world = dialog(kind, MEMBER);
        world.does(OWNER, block(MEMBER));
        for wish in WISHES.into_iter().filter(|wish| !matches!(wish, Wish::Subscribe)) {
            let answer = world.ask(MEMBER, wish.command(MEMBER));
            assert_eq!(answer, Err(Refusal::NoSuchDialog), "{wish:?} in {kind:?}");
        }
    }
}

/// What somebody was does not outlive his leaving.
#[test]
fn who_left_is_a_stranger() {
    for kind in [Kind::Group, Kind::Public] {
        for actor in [OWNER, ADMIN, MEMBER] {
            let mut world = dialog(kind, actor);
            world.happens(actor, Event::OccupantLeft);
            for wish in WISHES.into_iter().filter(|wish| !lets_in(kind, *wish)) {
                let answer = world.ask(actor, wish.command(actor));
                assert_eq!(answer, Err(Refusal::NoSuchDialog), "{wish:?} in {kind:?}");
            }
        }
    }
}
