//! What happens if somebody asks for something now.
//!
//! Pure: facts, ids and the time arrive as arguments, so replaying a history always
//! yields the same dialog. No events means that it has already happened: asking twice is
//! no error.

mod change;
mod dialog;
mod message;
mod people;
mod reaction;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::hash::Hash;

use crate::command::{Command, Decision, Request, Rules};
use crate::facts::{Facts, Header};
use crate::refusal::Refusal;
use crate::role::{Action, Role, permit};
use crate::{Time, UserId};

/// What `request` leads to at the time `now`, given the facts that it names.
pub fn decide(request: &Request, facts: &impl Facts, rules: &Rules, now: Time) -> Result<Decision, Refusal> {
    match &request.command {
        Command::Create(create) => dialog::create(request, create, facts, rules),
        Command::OpenPrivate { opponent, content } => {
            dialog::open_private(request, *opponent, content, facts)
        }
        Command::Change(change) => change::change(request, change, facts, rules),
        Command::DeleteForSelf => dialog::delete_for_self(request, facts),
        Command::DeleteForAll => dialog::delete_for_all(request, facts),
        Command::ClearForSelf => dialog::clear_for_self(request, facts),
        Command::ClearForAll => dialog::clear_for_all(request, facts),
        Command::Subscribe => people::subscribe(request, facts, rules),
        Command::SetNotifications(enabled) => people::set_notifications(request, *enabled, facts),
        Command::Block(user) => people::block(request, *user, facts),
        Command::Unblock(user) => people::unblock(request, *user, facts),
        Command::Post(post) => message::post(request, post, facts, now),
        Command::Update(update) => message::update(request, update, facts),
        Command::HideMessages(messages) => message::hide(request, messages, facts),
        Command::RemoveMessages(messages) => message::remove(request, messages, facts),
        Command::React(react) => reaction::react(request, react, facts, rules),
    }
}

/// Where the actor stands: the living dialog and his role in it.
fn stand<'a>(request: &Request, facts: &'a impl Facts) -> Result<(&'a Header, Role), Refusal> {
    let header = facts.header(request.dialog).filter(|header| header.alive).ok_or(Refusal::NoSuchDialog)?;
    Ok((header, role_of(header, request, facts, request.actor)))
}

fn role_of(header: &Header, request: &Request, facts: &impl Facts, user: UserId) -> Role {
    header.role(user, facts.standing(request.dialog, user))
}

/// The living dialog, if the actor may do `action` in it.
fn permitted<'a>(
    request: &Request,
    facts: &'a impl Facts,
    action: Action,
) -> Result<(&'a Header, Role), Refusal> {
    let (header, role) = stand(request, facts)?;
    permit(role, header.kind, action)?;
    Ok((header, role))
}

/// Whether `target` may be sent out or shut out by no `role` as this one: the owner by
/// nobody, an admin by the owner only.
fn is_protected(target: Role, role: Role) -> bool {
    match target {
        Role::Owner => true,
        Role::Admin => role != Role::Owner,
        Role::Member | Role::Outsider => false,
    }
}

/// `things` in order, each once.
fn distinct<'a, T: Copy + Eq + Hash + 'a>(things: impl IntoIterator<Item = &'a T>) -> Vec<T> {
    let mut seen = HashSet::new();
    things.into_iter().copied().filter(|thing| seen.insert(*thing)).collect()
}
