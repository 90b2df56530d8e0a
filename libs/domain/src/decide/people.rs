//! What somebody decides about himself in a dialog, and who is shut out of it.

use super::{is_protected, permitted, role_of, stand};
use crate::UserId;
use crate::command::{Decision, Request, Rules};
use crate::event::{Event, Kind};
use crate::facts::Facts;
use crate::refusal::Refusal;
use crate::role::{Action, Role, permit};

pub(super) fn subscribe(request: &Request, facts: &impl Facts, rules: &Rules) -> Result<Decision, Refusal> {
    let (header, role) = stand(request, facts)?;
    // Where groups are open, they are as open as public dialogs.
    let opened = header.kind == Kind::Group && rules.group_subscribe;
    permit(role, if opened { Kind::Public } else { header.kind }, Action::Subscribe)?;
    if role != Role::Outsider {
        return Ok(Decision::default());
    }
    if facts.standing(request.dialog, request.actor).is_some_and(|standing| standing.blocked) {
        return Err(Refusal::Blocked);
    }
    if header.occupants as usize >= rules.occupants_max {
        return Err(Refusal::TooManyOccupants(rules.occupants_max));
    }
    Ok(Decision::of(vec![Event::OccupantSubscribed]))
}

pub(super) fn set_notifications(
    request: &Request,
    enabled: bool,
    facts: &impl Facts,
) -> Result<Decision, Refusal> {
    permitted(request, facts, Action::SetNotifications)?;
    let standing = facts.standing(request.dialog, request.actor).copied().unwrap_or_default();
    let set = (standing.notifications != enabled).then_some(Event::NotificationsSet { enabled });
    Ok(Decision::of(set.into_iter().collect()))
}

/// Nobody shuts out the owner, be he in the dialog or not: he may always come back.
pub(super) fn block(request: &Request, user: UserId, facts: &impl Facts) -> Result<Decision, Refusal> {
    let (header, role) = permitted(request, facts, Action::Block)?;
    if user == header.owner || is_protected(role_of(header, request, facts, user), role) {
        return Err(Refusal::NotPermitted);
    }
    let standing = facts.standing(request.dialog, user).copied().unwrap_or_default();
    let blocked = (!standing.blocked).then_some(Event::UserBlocked { user });
    Ok(Decision::of(blocked.into_iter().collect()))
}

pub(super) fn unblock(request: &Request, user: UserId, facts: &impl Facts) -> Result<Decision, Refusal> {
    permitted(request, facts, Action::Block)?;
    let standing = facts.standing(request.dialog, user).copied().unwrap_or_default();
    let unblocked = standing.blocked.then_some(Event::UserUnblocked { user });
    Ok(Decision::of(unblocked.into_iter().collect()))
}
