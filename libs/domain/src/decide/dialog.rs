//! Decisions about a dialog as a whole: that it comes to be, goes, and loses its history.

use super::{distinct, permitted};
use crate::UserId;
use crate::command::{Create, Decision, Request, Rules};
use crate::content::{Content, DialogContent};
use crate::event::{Event, Kind};
use crate::facts::{Facts, Header};
use crate::refusal::Refusal;
use crate::role::Action;

pub(super) fn create(
    request: &Request,
    create: &Create,
    facts: &impl Facts,
    rules: &Rules,
) -> Result<Decision, Refusal> {
    let owner = request.actor;
    if create.kind == Kind::Broadcast && !rules.broadcast_creation {
        return Err(Refusal::BroadcastDisabled);
    }
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
    let standing = facts.standing(request.dialog, request.actor).filter(|standing| standing.member);
    let standing = standing.ok_or(Refusal::NoSuchDialog)?;
    let shown = standing.hides(header.kind, header.head).then_some(Event::DialogShown);
    // What the dialog has is no fact: that it has these already cannot be known.
    let extensions = content.extensions.clone().filter(|extensions| !extensions.is_empty());
    let merged = extensions.map(|extensions| Event::ExtensionsMerged { content: Content::Known(extensions) });
    Ok(Decision::of(shown.into_iter().chain(merged).collect()))
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

pub(super) fn clear_for_self(request: &Request, facts: &impl Facts) -> Result<Decision, Refusal> {
    let (header, _) = permitted(request, facts, Action::ClearForSelf)?;
    Ok(Decision::of(if has_history(header) { vec![Event::HistoryCleared] } else { vec![] }))
}

pub(super) fn clear_for_all(request: &Request, facts: &impl Facts) -> Result<Decision, Refusal> {
    let (header, _) = permitted(request, facts, Action::ClearForAll)?;
    Ok(Decision::of(if has_history(header) { vec![Event::HistoryClearedForAll] } else { vec![] }))
}

fn has_history(header: &Header) -> bool {
    header.head > header.cleared_to
}
