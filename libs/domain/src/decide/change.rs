//! Changing a dialog: what it is called, who is in it, who has rights, what is pinned. One
//! command may ask for all of that, and it happens as a whole or not at all.

use super::message::living;
use super::{distinct, is_protected, permitted, role_of};
use crate::UserId;
use crate::command::{Change, Decision, Request, Rules};
use crate::content::Content;
use crate::event::{Event, Kind, MessageRef};
use crate::facts::{Facts, Header};
use crate::refusal::Refusal;
use crate::role::{Action, Role, permit};

pub(super) fn change(
    request: &Request,
    change: &Change,
    facts: &impl Facts,
    rules: &Rules,
) -> Result<Decision, Refusal> {
    let (header, role) = permitted(request, facts, Action::See)?;
    let mut events = changed_content(change, header, role)?;
    let moved = Moved::of(request, change, facts, (header, role))?;
    events.extend(moved.events(header, rules)?);
    events.extend(changed_admins(request, change, facts, (header, role), (&moved, rules))?);
    events.extend(changed_pins(request, change, facts, (header, role), rules)?);
    if moved.last_one_left(header) {
        events.push(Event::DialogDeleted);
    }
    Ok(Decision::of(events))
}

fn changed_content(change: &Change, header: &Header, role: Role) -> Result<Vec<Event>, Refusal> {
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

/// Who comes in and who goes out.
struct Moved {
    added: Vec<UserId>,
    removed: Vec<UserId>,
}

impl Moved {
    /// Who may be moved by the actor, and was not there or was.
    fn of(
        request: &Request,
        change: &Change,
        facts: &impl Facts,
        (header, role): (&Header, Role),
    ) -> Result<Self, Refusal> {
        if !change.add.is_empty() {
            permit(role, header.kind, Action::AddOccupants)?;
        }
        let target = |user: UserId| role_of(header, request, facts, user);
        let mut removed = distinct(&change.remove);
        for user in &removed {
            let own = *user == request.actor;
            permit(role, header.kind, if own { Action::RemoveSelf } else { Action::RemoveOccupants })?;
            if !own && is_protected(target(*user), role) {
                return Err(Refusal::NotPermitted);
            }
        }
        let mut added = distinct(&change.add);
        added.retain(|user| target(*user) == Role::Outsider && !removed.contains(user));
        let blocked = |user| facts.standing(request.dialog, user).is_some_and(|standing| standing.blocked);
        if added.iter().any(|user| blocked(*user)) {
            return Err(Refusal::Blocked);
        }
        removed.retain(|user| target(*user) != Role::Outsider);
        Ok(Self { added, removed })
    }

    fn events(&self, header: &Header, rules: &Rules) -> Result<Vec<Event>, Refusal> {
        let occupants = header.occupants as usize + self.added.len();
        if occupants.saturating_sub(self.removed.len()) > rules.occupants_max && !self.added.is_empty() {
            return Err(Refusal::TooManyOccupants(rules.occupants_max));
        }
        let added = Event::OccupantsAdded { users: self.added.clone() };
        let removed = Event::OccupantsRemoved { users: self.removed.clone() };
        let added = (!self.added.is_empty()).then_some(added);
        Ok(added.into_iter().chain((!self.removed.is_empty()).then_some(removed)).collect())
    }

    fn last_one_left(&self, header: &Header) -> bool {
        let occupants = header.occupants as usize + self.added.len();
        header.kind == Kind::Group && self.removed.len() == occupants
    }
}

/// Who goes out is no admin any more without being named; who comes in may become one.
fn changed_admins(
    request: &Request,
    change: &Change,
    facts: &impl Facts,
    (header, role): (&Header, Role),
    (moved, rules): (&Moved, &Rules),
) -> Result<Vec<Event>, Refusal> {
    if change.add_admins.is_empty() && change.remove_admins.is_empty() {
        return Ok(vec![]);
    }
    permit(role, header.kind, Action::ManageAdmins)?;
    let leaves = |user: &UserId| change.remove_admins.contains(user);
    let stay = |user: &UserId| header.admins.contains(user) && !moved.removed.contains(user);

    let mut removed = distinct(&change.remove_admins);
    removed.retain(stay);
    let mut added = distinct(&change.add_admins);
    added.retain(|user| *user != header.owner && !stay(user) && !leaves(user));
    let within = |user: &UserId| {
        let role = role_of(header, request, facts, *user);
        (role != Role::Outsider || moved.added.contains(user)) && !moved.removed.contains(user)
    };
    if !added.iter().all(within) {
        return Err(Refusal::AdminNotOccupant);
    }
    let staying = header.admins.iter().filter(|user| stay(user)).count() - removed.len();
    if !added.is_empty() && staying + added.len() > rules.admins_max {
        return Err(Refusal::TooManyAdmins(rules.admins_max));
    }
    let added = (!added.is_empty()).then_some(Event::AdminsAdded { users: added });
    let removed = (!removed.is_empty()).then_some(Event::AdminsRemoved { users: removed });
    Ok(removed.into_iter().chain(added).collect())
}

/// What is pinned stays what it was, whoever may unpin it: a pinned message that is gone is
/// no pin any more.
fn changed_pins(
    request: &Request,
    change: &Change,
    facts: &impl Facts,
    (header, role): (&Header, Role),
    rules: &Rules,
) -> Result<Vec<Event>, Refusal> {
    if change.pin.is_empty() && change.unpin.is_empty() {
        return Ok(vec![]);
    }
    permit(role, header.kind, Action::Pin)?;
    let is_there = |pin: &MessageRef| living(request, facts, *pin, header.cleared_to).is_some();
    if !change.pin.iter().all(is_there) {
        return Err(Refusal::NoSuchPin);
    }
    let mut unpinned = distinct(&change.unpin);
    unpinned.retain(|pin| header.pins.contains(pin));
    let mut pinned = distinct(&change.pin);
    pinned.retain(|pin| !header.pins.contains(pin) && !change.unpin.contains(pin));
    if !pinned.is_empty() && header.pins.len() - unpinned.len() + pinned.len() > rules.pins_max {
        return Err(Refusal::TooManyPins(rules.pins_max));
    }
    let pinned = (!pinned.is_empty()).then_some(Event::MessagesPinned { messages: pinned });
    let unpinned = (!unpinned.is_empty()).then_some(Event::MessagesUnpinned { messages: unpinned });
    Ok(unpinned.into_iter().chain(pinned).collect())
}
