//! Decisions about a dialog and who is in it.

use super::{permitted, role_of};
use crate::UserId;
use crate::command::{Change, Create, Decision, Request, Rules};
use crate::content::{Content, DialogContent};
use crate::event::{Event, Kind};
use crate::facts::{Facts, Header};
use crate::refusal::Refusal;
use crate::role::{Action, Role, permit};

pub(super) fn create(
    request: &Request,
    create: &Create,
    facts: &impl Facts,
    rules: &Rules,
) -> Result<Decision, Refusal> {
    let owner = request.actor;
    match facts.header(request.dialog) {
        // The id is a fresh one: the dialog can only be this very command's.
        Some(header) if header.alive && header.owner == owner => return Ok(Decision::default()),
        Some(_) => return Err(Refusal::NoSuchDialog),
        None => {}
    }
    let mut admins = distinct(&create.admins);
    admins.retain(|admin| *admin != owner);
    let occupants = match create.kind {
        Kind::Broadcast => vec![],
        Kind::Group => distinct([owner].iter().chain(&create.occupants)),
        Kind::Public => distinct([owner].iter().chain(&create.occupants).chain(&admins)),
        Kind::Private => return Err(Refusal::OccupantsFixed),
    };
    if occupants.len() > rules.occupants_max {
        return Err(Refusal::TooManyOccupants(rules.occupants_max));
    }
    if admins.len() > rules.admins_max {
        return Err(Refusal::TooManyAdmins(rules.admins_max));
    }
    if create.kind == Kind::Group && admins.iter().any(|admin| !occupants.contains(admin)) {
        return Err(Refusal::AdminNotOccupant);
    }
    Ok(Decision::of(vec![Event::DialogCreated {
        kind: create.kind,
        owner,
        occupants,
        admins,
        permissions: create.permissions,
        content: Content::Known(create.content.clone()),
    }]))
}

/// A private dialog between the actor and `opponent`, new or after it was deleted for all.
///
/// Name and photo of a private dialog are those of the opponent: its own are ignored.
pub(super) fn private_created(actor: UserId, opponent: UserId, content: &DialogContent) -> Event {
    Event::DialogCreated {
        kind: Kind::Private,
        owner: actor,
        occupants: vec![actor, opponent],
        admins: vec![],
        permissions: None,
        content: Content::Known(DialogContent { name: None, photo: None, ..content.clone() }),
    }
}

pub(super) fn open_private(
    request: &Request,
    opponent: UserId,
    content: &DialogContent,
    facts: &impl Facts,
) -> Result<Decision, Refusal> {
    if opponent == request.actor {
        return Err(Refusal::NoSuchDialog);
    }
    let Some(header) = facts.header(request.dialog).filter(|header| header.alive) else {
        return Ok(Decision::of(vec![private_created(request.actor, opponent, content)]));
    };
    let standing = facts.standing(request.dialog, request.actor);
    match standing {
        Some(standing) if standing.hides(header.kind, header.head) => {
            Ok(Decision::of(vec![Event::DialogShown]))
        }
        Some(standing) if standing.member => Ok(Decision::default()),
        Some(_) | None => Err(Refusal::NoSuchDialog),
    }
}

pub(super) fn change(
    request: &Request,
    change: &Change,
    facts: &impl Facts,
    rules: &Rules,
) -> Result<Decision, Refusal> {
    let (header, role) = permitted(request, facts, Action::See)?;
    let mut events = content_changed(change, header, role)?;
    let present = |user: &UserId| role_of(header, request, facts, *user) != Role::Outsider;

    if !change.add.is_empty() {
        permit(role, header.kind, Action::AddOccupants)?;
    }
    for user in distinct(&change.remove) {
        let target = role_of(header, request, facts, user);
        let action = if user == request.actor { Action::RemoveSelf } else { Action::RemoveOccupants };
        permit(role, header.kind, action)?;
        let protected = match target {
            Role::Owner => true,
            Role::Admin => role != Role::Owner,
            Role::Member | Role::Outsider => false,
        };
        if user != request.actor && protected {
            return Err(Refusal::NotPermitted);
        }
    }
    let removed: Vec<_> = distinct(&change.remove).into_iter().filter(present).collect();
    let mut added: Vec<_> = distinct(&change.add).into_iter().filter(|user| !present(user)).collect();
    added.retain(|user| !change.remove.contains(user));

    let occupants = header.occupants as usize + added.len();
    if occupants.saturating_sub(removed.len()) > rules.occupants_max && !added.is_empty() {
        return Err(Refusal::TooManyOccupants(rules.occupants_max));
    }
    let last_one_left = header.kind == Kind::Group && removed.len() == occupants;
    if !added.is_empty() {
        events.push(Event::OccupantsAdded { users: added });
    }
    if !removed.is_empty() {
        events.push(Event::OccupantsRemoved { users: removed });
    }
    if last_one_left {
        events.push(Event::DialogDeleted);
    }
    Ok(Decision::of(events))
}

fn content_changed(change: &Change, header: &Header, role: Role) -> Result<Vec<Event>, Refusal> {
    let mut content = change.content.clone();
    let renames = content.name.is_some() || content.photo.is_some() || content.description.is_some();
    if header.kind == Kind::Private {
        // Name and photo of a private dialog are the opponent's: what is sent is ignored.
        content.name = None;
        content.photo = None;
        content.description = None;
    } else if renames {
        permit(role, header.kind, Action::Rename)?;
    }
    if content.extensions.is_some() {
        permit(role, header.kind, Action::SetExtensions)?;
    }
    if change.permissions.is_some() {
        permit(role, header.kind, Action::SetPermissions)?;
    }
    if content.is_empty() && change.permissions.is_none() {
        return Ok(vec![]);
    }
    Ok(vec![Event::DialogChanged { permissions: change.permissions, content: Content::Known(content) }])
}

pub(super) fn delete_for_self(request: &Request, facts: &impl Facts) -> Result<Decision, Refusal> {
    let (header, _) = permitted(request, facts, Action::DeleteForSelf)?;
    let hidden = facts
        .standing(request.dialog, request.actor)
        .is_some_and(|standing| standing.hides(header.kind, header.head));
    Ok(Decision::of(match header.kind {
        Kind::Private | Kind::Broadcast if hidden => vec![],
        Kind::Private | Kind::Broadcast => vec![Event::DialogHidden],
        Kind::Group if header.occupants <= 1 => vec![Event::OccupantLeft, Event::DialogDeleted],
        Kind::Group | Kind::Public => vec![Event::OccupantLeft],
    }))
}

pub(super) fn delete_for_all(request: &Request, facts: &impl Facts) -> Result<Decision, Refusal> {
    permitted(request, facts, Action::DeleteForAll)?;
    Ok(Decision::of(vec![Event::DialogDeleted]))
}

/// `users` in order, each once.
fn distinct<'a>(users: impl IntoIterator<Item = &'a UserId>) -> Vec<UserId> {
    let mut seen = std::collections::HashSet::new();
    users.into_iter().copied().filter(|user| seen.insert(*user)).collect()
}
