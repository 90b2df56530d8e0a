//! What a decision knows: facts, each named by a key, and what an event makes of them.
//!
//! A decision never searches. Whoever asks for one first loads the facts that the
//! command names, so a decision costs the same for 2 and for 1,000,000 occupants and
//! for any history.

mod evolve;

use std::collections::HashMap;

pub use evolve::{evolve, keys_of};

use crate::event::{Kind, MessageRef, Permissions};
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
    /// How often which reaction stands on the message at that place. Of a message that is
    /// gone it may be given or not: nobody reacts to it any more.
    Reacted(DialogId, Sequence),
    /// The reactions of one user to the message at that place; as above.
    Reactions(DialogId, Sequence, UserId),
}

/// A fact that exists. An empty list says the same as no fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// Under [`Key::Header`].
    Header(Header),
    /// Under [`Key::Standing`].
    Standing(Standing),
    /// Under [`Key::Message`] and [`Key::Named`].
    Message(Message),
    /// Under [`Key::Reacted`]: each kind with how many users put it there, in the order of
    /// the kinds' bytes.
    Reacted(Vec<(String, u32)>),
    /// Under [`Key::Reactions`]: the kinds, in the order of their bytes.
    Reactions(Vec<String>),
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
    /// Its pinned messages, in the order of pinning; one that is gone is none of them.
    pub pins: Vec<MessageRef>,
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
        let standing = standing.copied().unwrap_or_default();
        let within = !standing.blocked && (self.kind == Kind::Broadcast || standing.member);
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
    /// Whether he was shut out.
    pub blocked: bool,
    /// Whether he is to be alerted.
    pub notifications: bool,
}

/// The standing of who never did anything in a dialog, and of who left it.
impl Default for Standing {
    fn default() -> Self {
        Self { member: false, hidden_at: None, blocked: false, notifications: true }
    }
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
            Some(Fact::Standing(_) | Fact::Message(_) | Fact::Reacted(_) | Fact::Reactions(_)) | None => None,
        }
    }

    /// A user's standing.
    fn standing(&self, dialog: DialogId, user: UserId) -> Option<&Standing> {
        match self.get(&Key::Standing(dialog, user)) {
            Some(Fact::Standing(standing)) => Some(standing),
            Some(Fact::Header(_) | Fact::Message(_) | Fact::Reacted(_) | Fact::Reactions(_)) | None => None,
        }
    }

    /// The message under a [`Key::Message`] or [`Key::Named`].
    fn message(&self, key: Key) -> Option<&Message> {
        match self.get(&key) {
            Some(Fact::Message(message)) => Some(message),
            Some(Fact::Header(_) | Fact::Standing(_) | Fact::Reacted(_) | Fact::Reactions(_)) | None => None,
        }
    }

    /// How often which reaction stands on a message.
    fn reacted(&self, dialog: DialogId, sequence: Sequence) -> &[(String, u32)] {
        match self.get(&Key::Reacted(dialog, sequence)) {
            Some(Fact::Reacted(totals)) => totals,
            Some(Fact::Header(_) | Fact::Standing(_) | Fact::Message(_) | Fact::Reactions(_)) | None => &[],
        }
    }

    /// The reactions of a user to a message.
    fn reactions(&self, dialog: DialogId, sequence: Sequence, user: UserId) -> &[String] {
        match self.get(&Key::Reactions(dialog, sequence, user)) {
            Some(Fact::Reactions(kinds)) => kinds,
            Some(Fact::Header(_) | Fact::Standing(_) | Fact::Message(_) | Fact::Reacted(_)) | None => &[],
        }
    }
}

impl Facts for HashMap<Key, Fact> {
    fn get(&self, key: &Key) -> Option<&Fact> {
        HashMap::get(self, key)
    }
}
