//! Decisions about reactions: a user has a set of them on each message, or one at most.

use super::message::living;
use super::permitted;
use crate::command::{Decision, React, Request, Rules};
use crate::content::Text;
use crate::event::Event;
use crate::facts::Facts;
use crate::refusal::Refusal;
use crate::role::Action;

pub(super) fn react(
    request: &Request,
    react: &React,
    facts: &impl Facts,
    rules: &Rules,
) -> Result<Decision, Refusal> {
    let (header, _) = permitted(request, facts, Action::Mark)?;
    living(request, facts, react.message, header.cleared_to).ok_or(Refusal::NoSuchMessage)?;
    let sequence = react.message.sequence;
    let own = facts.reactions(request.dialog, sequence, request.actor);
    let has = |kind: &Text| own.iter().any(|own| own == kind.as_str());

    let wanted = react.add.as_ref().filter(|kind| react.remove.as_ref() != Some(*kind));
    let mut removed: Vec<Text> = react.remove.iter().filter(|kind| has(kind)).cloned().collect();
    if let Some(kind) = wanted.filter(|_| rules.single_reaction) {
        removed = own.iter().filter(|own| *own != kind.as_str()).cloned().map(Text::stored).collect();
    }
    let added: Vec<Text> = wanted.filter(|kind| !has(kind)).cloned().into_iter().collect();

    // A kind whose last user takes it off is gone.
    let totals = facts.reacted(request.dialog, sequence);
    let goes = |kind: &str, count: u32| count <= 1 && removed.iter().any(|text| text.as_str() == kind);
    let staying = totals.iter().filter(|(kind, count)| !goes(kind, *count));
    let is_new = added.iter().any(|kind| !totals.iter().any(|(total, _)| total == kind.as_str()));
    if is_new && staying.count() >= rules.reaction_kinds_max {
        return Err(Refusal::TooManyReactions(rules.reaction_kinds_max));
    }
    if added.is_empty() && removed.is_empty() {
        return Ok(Decision::default());
    }
    Ok(Decision::of(vec![Event::ReactionsChanged { message: react.message, added, removed }]))
}
