//! Decisions about messages.

use super::dialog::private_created;
use super::permitted;
use crate::command::{Decision, Post, Request, Update};
use crate::content::{Content, DialogContent};
use crate::event::{Event, Kind, Mark, Marked, MessageRef, Range};
use crate::facts::{Facts, Header, Key, Message};
use crate::refusal::Refusal;
use crate::role::{Action, Role, permit};
use crate::{Sequence, Time};

pub(super) fn post(
    request: &Request,
    post: &Post,
    facts: &impl Facts,
    now: Time,
) -> Result<Decision, Refusal> {
    let known = facts.header(request.dialog);
    let alive = known.is_some_and(|header| header.alive);
    let opens = post.opens.filter(|opponent| !alive && *opponent != request.actor);
    let recipient = match opens {
        Some(opponent) => Some(opponent),
        None => permitted(request, facts, Action::Post)?.0.opponent_of(request.actor),
    };
    let (head, cleared_to, last_sent) = known.map_or((Sequence::NONE, Sequence::NONE, 0), |header| {
        (header.head, header.cleared_to, header.last_sent)
    });
    if post.id_is_clients
        && let Some(message) = facts.message(Key::Named(request.dialog, post.id))
        && message.sequence > cleared_to
    {
        return repeated(request, message);
    }
    let message = MessageRef { sequence: head.next(), id: post.id };
    let posted = Event::MessagePosted {
        message,
        recipient,
        date_sent: now.seconds().max(last_sent),
        send_to_chat: post.send_to_chat,
        markable: post.markable,
        silent: post.silent,
        content: Content::Known(post.content.clone()),
    };
    let created = opens.map(|opponent| private_created(request.actor, opponent, &DialogContent::default()));
    Ok(Decision {
        events: created.into_iter().chain([posted]).collect(),
        message: Some(message),
        ..Decision::default()
    })
}

/// A message of that name is there: the same author's is the same message.
fn repeated(request: &Request, message: &Message) -> Result<Decision, Refusal> {
    if message.sender != request.actor {
        return Err(Refusal::MessageIdTaken);
    }
    let message = MessageRef { sequence: message.sequence, id: message.id };
    Ok(Decision { message: Some(message), ..Decision::default() })
}

pub(super) fn update(request: &Request, update: &Update, facts: &impl Facts) -> Result<Decision, Refusal> {
    let (header, role) = permitted(request, facts, Action::See)?;
    let mut events = vec![];
    if let Some(text) = &update.text {
        permit(role, header.kind, Action::Post)?;
        for named in in_order(&update.messages) {
            let Some(message) = living(request, facts, named, header.cleared_to) else { continue };
            if message.sender != request.actor {
                return Err(Refusal::NotPermitted);
            }
            events.push(Event::MessageEdited { message: named, content: Content::Known(text.clone()) });
        }
        if events.is_empty() {
            return Err(Refusal::NoSuchMessage);
        }
    }
    if let Some((mark, marked)) = &update.mark {
        permit(role, header.kind, Action::Mark)?;
        events.extend(marked_event(header, *mark, marked));
    }
    Ok(Decision::of(events))
}

/// Only what lies between what is gone for all and the head can be marked. Read and
/// delivered are where reading is tracked; viewed is elsewhere, and only what was listed:
/// a view counts for each message, and a page has few.
fn marked_event(header: &Header, mark: Mark, marked: &Marked) -> Option<Event> {
    let fits = match mark {
        Mark::Delivered | Mark::Read => header.kind.is_marked(),
        Mark::Viewed => !header.kind.is_marked() && matches!(marked, Marked::Listed(_)),
    };
    if !fits {
        return None;
    }
    let (first, head) = (header.cleared_to.next(), header.head);
    let mut marked = marked.clone();
    let empty = match &mut marked {
        Marked::Named(messages) => {
            messages.retain(|m| m.sequence >= first && m.sequence <= head);
            messages.is_empty()
        }
        Marked::Listed(ranges) => {
            for range in ranges.iter_mut() {
                *range = Range { first: range.first.max(first), last: range.last.min(head) };
            }
            ranges.retain(|range| range.first <= range.last);
            ranges.is_empty()
        }
        Marked::All(up_to) => {
            *up_to = head;
            head < first
        }
    };
    (!empty).then_some(Event::MessagesMarked { mark, marked })
}

pub(super) fn hide(
    request: &Request,
    messages: &[MessageRef],
    facts: &impl Facts,
) -> Result<Decision, Refusal> {
    let actions = [Action::HideOwnMessage, Action::HideForeignMessage];
    let (decision, hidden) = each(request, messages, facts, actions)?;
    let event = (!hidden.is_empty()).then_some(Event::MessagesHidden { messages: hidden });
    Ok(Decision { events: event.into_iter().collect(), ..decision })
}

pub(super) fn remove(
    request: &Request,
    messages: &[MessageRef],
    facts: &impl Facts,
) -> Result<Decision, Refusal> {
    let actions = [Action::RemoveOwnMessage, Action::RemoveForeignMessage];
    let (decision, removed) = each(request, messages, facts, actions)?;
    let event = (!removed.is_empty()).then_some(Event::MessagesRemoved { messages: removed });
    Ok(Decision { events: event.into_iter().collect(), ..decision })
}

/// Each message by itself: those that the actor may treat so, and those he may not.
fn each(
    request: &Request,
    messages: &[MessageRef],
    facts: &impl Facts,
    [own, foreign]: [Action; 2],
) -> Result<(Decision, Vec<MessageRef>), Refusal> {
    let (header, role) = permitted(request, facts, Action::See)?;
    let mut decision = Decision::default();
    let mut done = vec![];
    for named in in_order(messages) {
        match living(request, facts, named, header.cleared_to) {
            None => decision.missing.push(named.id),
            Some(message) if may(message, request, role, header.kind, [own, foreign]) => done.push(named),
            Some(_) => decision.denied.push(named.id),
        }
    }
    Ok((decision, done))
}

fn may(message: &Message, request: &Request, role: Role, kind: Kind, [own, foreign]: [Action; 2]) -> bool {
    let action = if message.sender == request.actor { own } else { foreign };
    permit(role, kind, action).is_ok()
}

pub(super) fn living<'a>(
    request: &Request,
    facts: &'a impl Facts,
    named: MessageRef,
    cleared_to: Sequence,
) -> Option<&'a Message> {
    facts
        .message(Key::Message(request.dialog, named.sequence))
        .filter(|message| message.id == named.id && !message.removed && message.sequence > cleared_to)
}

/// `messages` in the order of their sequences, each once.
fn in_order(messages: &[MessageRef]) -> Vec<MessageRef> {
    let mut messages = messages.to_vec();
    messages.sort_unstable();
    messages.dedup();
    messages
}
