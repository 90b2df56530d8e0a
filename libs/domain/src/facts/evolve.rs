//! What an event makes of the facts: as many as it names, whatever the size of the dialog.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fact, Facts, Header, Key, Message, Standing};
use crate::content::Text;
use crate::event::{Event, Kind, MessageRef};
use crate::{DialogId, Sequence, UserId};

/// The facts that [`evolve`] reads or changes for an event of `dialog` by `actor`.
pub fn keys_of(dialog: DialogId, actor: Option<UserId>, event: &Event) -> Vec<Key> {
    let header = Key::Header(dialog);
    let standing = |user: &UserId| Key::Standing(dialog, *user);
    let of_header = |users: &[UserId]| [header].into_iter().chain(users.iter().map(standing)).collect();
    match event {
        Event::LogOpened { .. } | Event::WriterStarted | Event::MessageEdited { .. } => vec![],
        Event::ExtensionsMerged { .. } | Event::HistoryCleared => vec![],
        Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => vec![],
        Event::DialogCreated { occupants: users, .. }
        | Event::OccupantsAdded { users }
        | Event::OccupantsRemoved { users } => of_header(users),
        Event::DialogChanged { .. } | Event::DialogDeleted | Event::HistoryClearedForAll => vec![header],
        Event::AdminsAdded { .. } | Event::AdminsRemoved { .. } => vec![header],
        Event::MessagesPinned { .. } | Event::MessagesUnpinned { .. } => vec![header],
        Event::DialogHidden | Event::DialogShown | Event::OccupantSubscribed | Event::OccupantLeft => {
            of_header(actor.as_slice())
        }
        Event::NotificationsSet { .. } => actor.iter().map(standing).collect(),
        Event::UserBlocked { user } => vec![header, standing(user)],
        Event::UserUnblocked { user } => vec![standing(user)],
        Event::MessagePosted { message, .. } => {
            vec![header, Key::Message(dialog, message.sequence), Key::Named(dialog, message.id)]
        }
        Event::MessagesRemoved { messages } => {
            let named = |m: &MessageRef| [Key::Message(dialog, m.sequence), Key::Named(dialog, m.id)];
            [header].into_iter().chain(messages.iter().flat_map(named)).collect()
        }
        Event::ReactionsChanged { message: MessageRef { sequence, .. }, .. } => {
            let own = actor.map(|user| Key::Reactions(dialog, *sequence, user));
            [Key::Reacted(dialog, *sequence)].into_iter().chain(own).collect()
        }
    }
}

/// What `event` of `dialog` by `actor` makes of the `facts` that [`keys_of`] names: each
/// fact that changed, as it is now. Never fails, never decides.
pub fn evolve(
    facts: &impl Facts,
    dialog: DialogId,
    actor: Option<UserId>,
    event: &Event,
) -> Vec<(Key, Fact)> {
    let of_header = |change: &dyn Fn(&mut Header)| of_header(facts, dialog, change);
    let of_standing = |users: &[UserId], change: &dyn Fn(&mut Standing)| stand(facts, dialog, users, change);
    match event {
        Event::LogOpened { .. } | Event::WriterStarted | Event::MessageEdited { .. } => vec![],
        Event::ExtensionsMerged { .. } | Event::HistoryCleared => vec![],
        Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => vec![],
        Event::DialogCreated { .. } => created(facts.header(dialog), dialog, event),
        Event::DialogChanged { permissions, .. } => of_header(&|header| {
            header.permissions = permissions.or(header.permissions);
        }),
        Event::DialogDeleted => of_header(&|header| {
            header.alive = false;
            header.occupants = 0;
            clear(header);
        }),
        Event::HistoryClearedForAll => of_header(&clear),
        Event::DialogHidden => {
            let head = facts.header(dialog).map_or(Sequence::NONE, |header| header.head);
            of_standing(actor.as_slice(), &|standing| standing.hidden_at = Some(head))
        }
        Event::DialogShown => of_standing(actor.as_slice(), &|standing| standing.hidden_at = None),
        Event::OccupantsAdded { users } => join(facts, dialog, users),
        Event::OccupantSubscribed => join(facts, dialog, actor.as_slice()),
        Event::OccupantsRemoved { users } => part(facts, dialog, users),
        Event::OccupantLeft => part(facts, dialog, actor.as_slice()),
        Event::AdminsAdded { users } => of_header(&|header| header.admins.extend(users)),
        Event::AdminsRemoved { users } => {
            of_header(&|header| header.admins.retain(|admin| !users.contains(admin)))
        }
        Event::MessagesPinned { messages } => of_header(&|header| header.pins.extend(messages)),
        Event::MessagesUnpinned { messages } => {
            of_header(&|header| header.pins.retain(|pin| !messages.contains(pin)))
        }
        Event::NotificationsSet { enabled } => {
            of_standing(actor.as_slice(), &|standing| standing.notifications = *enabled)
        }
        Event::UserBlocked { user } => blocked(facts, dialog, *user),
        Event::UserUnblocked { user } => of_standing(&[*user], &|standing| standing.blocked = false),
        Event::MessagePosted { message, date_sent, .. } => {
            posted(facts, dialog, actor, (*message, *date_sent))
        }
        Event::MessagesRemoved { messages } => removed(facts, dialog, messages),
        Event::ReactionsChanged { message, added, removed } => match actor {
            Some(user) => reacted(facts, dialog, (message.sequence, user), [added, removed]),
            None => vec![],
        },
    }
}

fn of_header(facts: &impl Facts, dialog: DialogId, change: impl Fn(&mut Header)) -> Vec<(Key, Fact)> {
    let Some(mut header) = facts.header(dialog).cloned() else { return vec![] };
    change(&mut header);
    vec![(Key::Header(dialog), Fact::Header(header))]
}

fn clear(header: &mut Header) {
    header.cleared_to = header.head;
    header.pins.clear();
}

fn created(before: Option<&Header>, dialog: DialogId, event: &Event) -> Vec<(Key, Fact)> {
    let Event::DialogCreated { kind, owner, occupants, admins, permissions, .. } = event else {
        return vec![];
    };
    let head = before.map_or(Sequence::NONE, |header| header.head);
    let header = Header {
        kind: *kind,
        alive: true,
        owner: *owner,
        owner_present: true,
        opponent: if *kind == Kind::Private {
            occupants.iter().copied().find(|user| user != owner)
        } else {
            None
        },
        admins: admins.clone(),
        permissions: *permissions,
        pins: vec![],
        head,
        cleared_to: head,
        occupants: u32::try_from(occupants.len()).unwrap_or(u32::MAX),
        last_sent: before.map_or(0, |header| header.last_sent),
    };
    let standing = Fact::Standing(Standing { member: true, ..Standing::default() });
    let standings = occupants.iter().map(|user| (Key::Standing(dialog, *user), standing.clone()));
    [(Key::Header(dialog), Fact::Header(header))].into_iter().chain(standings).collect()
}

fn stand(
    facts: &impl Facts,
    dialog: DialogId,
    users: &[UserId],
    change: impl Fn(&mut Standing),
) -> Vec<(Key, Fact)> {
    users
        .iter()
        .map(|user| {
            let mut standing = facts.standing(dialog, *user).copied().unwrap_or_default();
            change(&mut standing);
            (Key::Standing(dialog, *user), Fact::Standing(standing))
        })
        .collect()
}

fn join(facts: &impl Facts, dialog: DialogId, users: &[UserId]) -> Vec<(Key, Fact)> {
    let mut changed = stand(facts, dialog, users, |standing| {
        *standing = Standing { member: true, blocked: standing.blocked, ..Standing::default() };
    });
    changed.extend(of_header(facts, dialog, |header| {
        header.occupants = header.occupants.saturating_add(u32::try_from(users.len()).unwrap_or(u32::MAX));
        header.owner_present |= users.contains(&header.owner);
    }));
    changed
}

fn part(facts: &impl Facts, dialog: DialogId, users: &[UserId]) -> Vec<(Key, Fact)> {
    let mut changed = stand(facts, dialog, users, |standing| {
        *standing = Standing { blocked: standing.blocked, ..Standing::default() };
    });
    changed.extend(of_header(facts, dialog, |header| {
        header.occupants = header.occupants.saturating_sub(u32::try_from(users.len()).unwrap_or(u32::MAX));
        header.owner_present &= !users.contains(&header.owner);
        header.admins.retain(|admin| !users.contains(admin));
    }));
    changed
}

/// Out of it, if he was in it, and shut out.
fn blocked(facts: &impl Facts, dialog: DialogId, user: UserId) -> Vec<(Key, Fact)> {
    let member = facts.standing(dialog, user).is_some_and(|standing| standing.member);
    let mut changed = stand(facts, dialog, &[user], |standing| {
        *standing = Standing { blocked: true, ..Standing::default() };
    });
    changed.extend(of_header(facts, dialog, |header| {
        header.occupants = header.occupants.saturating_sub(u32::from(member));
        header.owner_present &= !(member && user == header.owner);
        header.admins.retain(|admin| *admin != user);
    }));
    changed
}

fn posted(
    facts: &impl Facts,
    dialog: DialogId,
    actor: Option<UserId>,
    (message, date_sent): (MessageRef, u64),
) -> Vec<(Key, Fact)> {
    let mut changed = of_header(facts, dialog, |header| {
        header.head = message.sequence;
        header.last_sent = date_sent;
    });
    let Some(sender) = actor else { return changed };
    let fact = Message { sequence: message.sequence, id: message.id, sender, removed: false };
    changed.push((Key::Message(dialog, message.sequence), Fact::Message(fact)));
    let name = Key::Named(dialog, message.id);
    let cleared_to = facts.header(dialog).map_or(Sequence::NONE, |header| header.cleared_to);
    if facts.message(name).is_none_or(|named| named.sequence <= cleared_to) {
        changed.push((name, Fact::Message(fact)));
    }
    changed
}

fn removed(facts: &impl Facts, dialog: DialogId, messages: &[MessageRef]) -> Vec<(Key, Fact)> {
    let is_named = |sequence: Sequence| messages.iter().any(|m| m.sequence == sequence);
    let mut changed: Vec<_> = messages
        .iter()
        .flat_map(|m| [Key::Message(dialog, m.sequence), Key::Named(dialog, m.id)])
        .filter_map(|key| {
            let message = facts.message(key).filter(|message| is_named(message.sequence))?;
            Some((key, Fact::Message(Message { removed: true, ..*message })))
        })
        .collect();
    changed.extend(of_header(facts, dialog, |header| header.pins.retain(|pin| !is_named(pin.sequence))));
    changed
}

/// A kind counts once for each user who has it.
fn reacted(
    facts: &impl Facts,
    dialog: DialogId,
    (sequence, user): (Sequence, UserId),
    [added, removed]: [&[Text]; 2],
) -> Vec<(Key, Fact)> {
    let mut own: BTreeSet<String> = facts.reactions(dialog, sequence, user).iter().cloned().collect();
    let mut totals: BTreeMap<String, u32> = facts.reacted(dialog, sequence).iter().cloned().collect();
    for kind in removed.iter().map(Text::as_str) {
        if own.remove(kind)
            && let Some(total) = totals.get_mut(kind)
        {
            *total = total.saturating_sub(1);
        }
    }
    totals.retain(|_, total| *total > 0);
    for kind in added.iter().map(Text::as_str) {
        if own.insert(kind.to_owned()) {
            let total = totals.entry(kind.to_owned()).or_default();
            *total = total.saturating_add(1);
        }
    }
    vec![
        (Key::Reacted(dialog, sequence), Fact::Reacted(totals.into_iter().collect())),
        (Key::Reactions(dialog, sequence, user), Fact::Reactions(own.into_iter().collect())),
    ]
}
