//! A message, as a recount knows it.

use std::collections::{BTreeMap, BTreeSet};

use domain::content::Text;
use domain::event::MessageRef;
use domain::{MessageId, UserId};

pub(super) struct Message {
    pub(super) sequence: u64,
    pub(super) id: MessageId,
    pub(super) sender: UserId,
    pub(super) date_sent: u64,
    pub(super) created_at: u64,
    /// When it last changed or was read by somebody for the first time.
    pub(super) changed_at: u64,
    pub(super) removed: bool,
    pub(super) viewers: BTreeSet<UserId>,
    pub(super) reactions: BTreeMap<String, BTreeSet<UserId>>,
}

impl Message {
    pub(super) fn posted(message: MessageRef, sender: UserId, date_sent: u64, at: u64) -> Self {
        Self {
            sequence: message.sequence.0,
            id: message.id,
            sender,
            date_sent,
            created_at: at,
            changed_at: at,
            removed: false,
            viewers: BTreeSet::new(),
            reactions: BTreeMap::new(),
        }
    }

    pub(super) fn react(&mut self, user: UserId, added: &[Text], removed: &[Text]) {
        for kind in removed {
            self.reactions.entry(kind.as_str().to_owned()).or_default().remove(&user);
        }
        for kind in added {
            self.reactions.entry(kind.as_str().to_owned()).or_default().insert(user);
        }
        self.reactions.retain(|_, users| !users.is_empty());
    }
}
