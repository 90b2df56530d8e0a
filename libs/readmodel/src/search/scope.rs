//! What is searched for, and where its searcher may read.

use std::collections::{HashMap, HashSet};

use domain::{DialogId, Sequence, UserId};

use super::needle::Needle;
use crate::queries::Folded;
use crate::queries::hits::Reachable;

/// What somebody searches for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Who.
    pub viewer: UserId,
    /// The text.
    pub needle: Needle,
    /// In which dialogs only, if that is said.
    pub dialogs: Option<Vec<DialogId>>,
    /// The oldest date of a hit, in seconds since 1970.
    pub oldest: u64,
    /// The newest date of a hit.
    pub newest: u64,
    /// How many messages, and how many dialogs, at most.
    pub limit: usize,
}

impl Wanted {
    pub(super) fn is_within(&self, seconds: u64) -> bool {
        (self.oldest..=self.newest).contains(&seconds)
    }
}

/// Where somebody may read, as the rows said when he asked.
#[derive(Debug)]
pub struct Scope {
    /// How far the rows were then.
    pub(super) folded: Vec<Folded>,
    pub(super) dialogs: Vec<Reachable>,
}

impl Scope {
    /// The others of his private dialogs, those of the youngest first: their names are not in
    /// the log.
    pub fn opponents(&self) -> impl Iterator<Item = UserId> {
        let mut dialogs: Vec<_> =
            self.dialogs.iter().filter_map(|found| Some((found.created_at, found.opponent?))).collect();
        dialogs.sort_unstable_by(|one, other| other.cmp(one));
        dialogs.into_iter().map(|(_, opponent)| opponent)
    }

    /// How many messages he can see at most.
    pub(super) fn messages(&self) -> u64 {
        self.dialogs.iter().map(|found| found.head.0.saturating_sub(found.floor.0)).sum()
    }

    pub(super) fn reach(&self) -> Reach {
        Reach(self.dialogs.iter().map(|found| (found.dialog, found.floor)).collect())
    }

    /// The dialogs whose name holds the text or is that of one of `opponents`, the youngest
    /// first.
    pub(super) fn named(&self, wanted: &Wanted, opponents: &HashSet<UserId>) -> Vec<DialogId> {
        let is_hit = |found: &&Reachable| {
            let of_opponent = found.opponent.is_some_and(|opponent| opponents.contains(&opponent));
            (found.named || of_opponent) && wanted.is_within(found.created_at.seconds())
        };
        let mut dialogs: Vec<_> =
            self.dialogs.iter().filter(is_hit).map(|found| (found.created_at, found.dialog)).collect();
        dialogs.sort_unstable_by(|one, other| other.cmp(one));
        dialogs.into_iter().map(|(_, dialog)| dialog).collect()
    }
}

/// The dialogs that somebody may read, each from where on.
#[derive(Debug)]
pub(super) struct Reach(HashMap<DialogId, Sequence>);

impl Reach {
    pub(super) fn reaches(&self, dialog: DialogId, sequence: Sequence) -> bool {
        self.0.get(&dialog).is_some_and(|floor| sequence > *floor)
    }
}
