//! What a decision knows: facts, each named by a key, and what an event makes of them.
//!
//! A decision never searches. Whoever asks for one first loads the facts that the
//! command names, so a decision costs the same for 2 and for 1,000,000 occupants and
//! for any history.

use std::collections::HashMap;

use crate::event::{Event, Kind, Permissions};
use crate::role::Role;
use crate::{DialogId, MessageId, Sequence, UserId};

/// The name of a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A dialog's header.
    Header(DialogId),
    /// What one user is in a dialog.
    Standing(DialogId, UserId),
    /// The message at that place.
    Message(DialogId, Sequence),
    /// The message of that name: the first that is not gone with all others up to
    /// [`Header::cleared_to`], should there be several. One at or below that bound may be
    /// given or not: it counts as none.
    Named(DialogId, MessageId),
}

/// A fact that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Under [`Key::Header`].
    Header(Header),
    /// Under [`Key::Standing`].
    Standing(Standing),
    /// Under [`Key::Message`] and [`Key::Named`].
    Message(Message),
}

/// What a writer knows of a dialog as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// What sort of dialog.
    pub kind: Kind,
    /// Whether it is there; one deleted for all leaves its header behind.
    pub alive: bool,
    /// Its creator. Stays recorded when he leaves.
    pub owner: UserId,
    /// Whether the creator is still in it.
    pub owner_present: bool,
    /// The one who is not the owner, in a private dialog.
    pub opponent: Option<UserId>,
    /// Who has admin rights, in the order of appointment; never the owner.
    pub admins: Vec<UserId>,
    /// What non-members may do, if anything was said about it.
    pub permissions: Option<Permissions>,
    /// The sequence of its newest message, removed or not.
    pub head: Sequence,
    /// Messages up to here are gone for everybody, and their names with them.
    pub cleared_to: Sequence,
    /// How many occupants it has; 0 in a broadcast.
    pub occupants: u32,
    /// The date of its newest message, seconds; 0 before the first.
    pub last_sent: u64,
}

impl Header {
    /// The other one, for an occupant of a private dialog.
    pub fn opponent_of(&self, user: UserId) -> Option<UserId> {
        self.opponent.map(|opponent| if user == self.owner { opponent } else { self.owner })
    }

    /// What `user` is here. `standing` is his, if he ever had one.
    pub fn role(&self, user: UserId, standing: Option<&Standing>) -> Role {
        let within = self.kind == Kind::Broadcast || standing.is_some_and(|standing| standing.member);
        let creator = Some(&self.owner).filter(|_| self.owner_present);
        if !within {
            Role::Outsider
        } else if creator.or(self.admins.first()) == Some(&user) {
            Role::Owner
        } else if self.admins.contains(&user) {
            Role::Admin
        } else {
            Role::Member
        }
    }
}

/// What a writer knows of one user in one dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Whether he is an occupant. In a broadcast nobody is.
    pub member: bool,
    /// The head at the moment when he put the dialog out of his sight, if he did.
    pub hidden_at: Option<Sequence>,
}

impl Standing {
    /// Whether the dialog is out of his sight now: a private one comes back with its
    /// next message, a broadcast does not.
    pub fn hides(&self, kind: Kind, head: Sequence) -> bool {
        match kind {
            Kind::Private => self.hidden_at == Some(head),
            Kind::Broadcast => self.hidden_at.is_some(),
            Kind::Group | Kind::Public => false,
        }
    }
}

/// What a writer knows of one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// Its place.
    pub sequence: Sequence,
    /// Its name.
    pub id: MessageId,
    /// Its author.
    pub sender: UserId,
    /// Whether it is gone for everybody.
    pub removed: bool,
}

/// Facts by key, as far as they were loaded.
pub trait Facts {
    /// The fact of that key; `None` if there is none. Asking for a key that the
    /// command or event does not name is a mistake of the caller.
    fn get(&self, key: &Key) -> Option<&Fact>;

    /// A dialog's header.
    fn header(&self, dialog: DialogId) -> Option<&Header> {
        match self.get(&Key::Header(dialog)) {
            Some(Fact::Header(header)) => Some(header),
            Some(Fact::Standing(_) | Fact::Message(_)) | None => None,
        }
    }

    /// A user's standing.
    fn standing(&self, dialog: DialogId, user: UserId) -> Option<&Standing> {
        match self.get(&Key::Standing(dialog, user)) {
            Some(Fact::Standing(standing)) => Some(standing),
            Some(Fact::Header(_) | Fact::Message(_)) | None => None,
        }
    }

    /// The message under a [`Key::Message`] or [`Key::Named`].
    fn message(&self, key: Key) -> Option<&Message> {
        match self.get(&key) {
            Some(Fact::Message(message)) => Some(message),
            Some(Fact::Header(_) | Fact::Standing(_)) | None => None,
        }
    }
}

impl Facts for HashMap<Key, Fact> {
    fn get(&self, key: &Key) -> Option<&Fact> {
        HashMap::get(self, key)
    }
}

/// The facts that [`evolve`] reads or changes for an event of `dialog` by `actor`.
pub fn keys_of(dialog: DialogId, actor: Option<UserId>, event: &Event) -> Vec<Key> {
    let header = Key::Header(dialog);
    let own = actor.map(|user| Key::Standing(dialog, user));
    match event {
        Event::LogOpened { .. } | Event::WriterStarted | Event::MessageEdited { .. } => vec![],
        Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => vec![],
        Event::DialogCreated { occupants, .. } => {
            let standings = occupants.iter().map(|user| Key::Standing(dialog, *user));
            [header].into_iter().chain(standings).collect()
        }
        Event::OccupantsAdded { users } | Event::OccupantsRemoved { users } => {
            let standings = users.iter().map(|user| Key::Standing(dialog, *user));
            [header].into_iter().chain(standings).collect()
        }
        Event::DialogChanged { .. } | Event::DialogDeleted => vec![header],
        Event::DialogHidden | Event::DialogShown | Event::OccupantLeft => {
            [header].into_iter().chain(own).collect()
        }
        Event::MessagePosted { message, .. } => {
            vec![header, Key::Message(dialog, message.sequence), Key::Named(dialog, message.id)]
        }
        Event::MessagesRemoved { messages } => messages
            .iter()
            .flat_map(|m| [Key::Message(dialog, m.sequence), Key::Named(dialog, m.id)])
            .collect(),
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
    let of_header = |change: &dyn Fn(&mut Header)| -> Vec<(Key, Fact)> {
        let Some(mut header) = facts.header(dialog).cloned() else { return vec![] };
        change(&mut header);
        vec![(Key::Header(dialog), Fact::Header(header))]
    };
    match event {
        Event::LogOpened { .. } | Event::WriterStarted | Event::MessageEdited { .. } => vec![],
        Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => vec![],
        Event::DialogCreated { .. } => created(facts.header(dialog), dialog, event),
        Event::DialogChanged { permissions, .. } => of_header(&|header| {
            header.permissions = permissions.or(header.permissions);
        }),
        Event::DialogDeleted => of_header(&|header| {
            header.alive = false;
            header.cleared_to = header.head;
            header.occupants = 0;
        }),
        Event::DialogHidden => {
            let head = facts.header(dialog).map_or(Sequence::NONE, |header| header.head);
            stand(facts, dialog, actor.as_slice(), |standing| standing.hidden_at = Some(head))
        }
        Event::DialogShown => stand(facts, dialog, actor.as_slice(), |standing| standing.hidden_at = None),
        Event::OccupantsAdded { users } => join(facts, dialog, users),
        Event::OccupantsRemoved { users } => part(facts, dialog, users),
        Event::OccupantLeft => part(facts, dialog, actor.as_slice()),
        Event::MessagePosted { message, date_sent, .. } => {
            let mut changed = of_header(&|header| {
                header.head = message.sequence;
                header.last_sent = *date_sent;
            });
            if let Some(sender) = actor {
                let fact = Message { sequence: message.sequence, id: message.id, sender, removed: false };
                changed.push((Key::Message(dialog, message.sequence), Fact::Message(fact)));
                let name = Key::Named(dialog, message.id);
                let cleared_to = facts.header(dialog).map_or(Sequence::NONE, |header| header.cleared_to);
                if facts.message(name).is_none_or(|named| named.sequence <= cleared_to) {
                    changed.push((name, Fact::Message(fact)));
                }
            }
            changed
        }
        Event::MessagesRemoved { messages } => messages
            .iter()
            .flat_map(|m| [Key::Message(dialog, m.sequence), Key::Named(dialog, m.id)])
            .filter_map(|key| {
                let message = facts.message(key)?;
                let named = messages.iter().any(|m| m.sequence == message.sequence);
                named.then_some((key, Fact::Message(Message { removed: true, ..*message })))
            })
            .collect(),
    }
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
        head,
        cleared_to: head,
        occupants: u32::try_from(occupants.len()).unwrap_or(u32::MAX),
        last_sent: before.map_or(0, |header| header.last_sent),
    };
    let standing = Fact::Standing(Standing { member: true, hidden_at: None });
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
            let absent = Standing { member: false, hidden_at: None };
            let mut standing = facts.standing(dialog, *user).copied().unwrap_or(absent);
            change(&mut standing);
            (Key::Standing(dialog, *user), Fact::Standing(standing))
        })
        .collect()
}

fn join(facts: &impl Facts, dialog: DialogId, users: &[UserId]) -> Vec<(Key, Fact)> {
    let mut changed = stand(facts, dialog, users, |standing| {
        *standing = Standing { member: true, hidden_at: None };
    });
    if let Some(mut header) = facts.header(dialog).cloned() {
        header.occupants = header.occupants.saturating_add(u32::try_from(users.len()).unwrap_or(u32::MAX));
        header.owner_present |= users.contains(&header.owner);
        changed.push((Key::Header(dialog), Fact::Header(header)));
    }
    changed
}

fn part(facts: &impl Facts, dialog: DialogId, users: &[UserId]) -> Vec<(Key, Fact)> {
    let mut changed = stand(facts, dialog, users, |standing| {
        *standing = Standing { member: false, hidden_at: None };
    });
    if let Some(mut header) = facts.header(dialog).cloned() {
        header.occupants = header.occupants.saturating_sub(u32::try_from(users.len()).unwrap_or(u32::MAX));
        header.owner_present &= !users.contains(&header.owner);
        header.admins.retain(|admin| !users.contains(admin));
        changed.push((Key::Header(dialog), Fact::Header(header)));
    }
    changed
}
