//! Rows of one state that were fetched from PostgreSQL, for the same logic that reads the
//! embedded file row by row.
//!
//! Whatever the logic asks for and is not there is noted, and it goes on with nothing, so
//! that one run notes as much as it can. Its answer is of no use then: what is missing is
//! fetched, all at once, and it runs again.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use domain::{DialogId, MessageId, Sequence, Time, UserId};

use super::dialog::{About, Last};
use super::list::Listed;
use super::reactions::Reacted;
use super::receipts::Outside;
use super::scan::Scan;
use super::seat::Ground;
use super::stretch::Bound;
use super::unread::Sum;
use super::{Listing, MessageView, Resolved};
use crate::marks::{Chunk, Loaded, Marks};

/// A name, and the dialog to look for it in; without one, anywhere.
pub(super) type Name = (MessageId, Option<DialogId>);

/// What is known of one user's surroundings.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// `None`: there is no such dialog.
    pub(super) grounds: HashMap<DialogId, Option<Ground>>,
    pub(super) listed: Option<Listed>,
    pub(super) opponents: Option<Vec<UserId>>,
    pub(super) unread: Option<Sum>,
    /// The part that was asked for.
    pub(super) people: Vec<UserId>,
    pub(super) about: HashMap<DialogId, About>,
    pub(super) occupants: HashMap<DialogId, Vec<UserId>>,
    pub(super) lasts: HashMap<(DialogId, Sequence), Last>,
    pub(super) bits: HashMap<(DialogId, u32), Loaded>,
    pub(super) members: HashMap<DialogId, Vec<(UserId, Marks)>>,
    pub(super) outside: HashMap<(DialogId, u32), Vec<(UserId, Chunk)>>,
    /// `None`: there is no such row, or it is removed.
    pub(super) messages: HashMap<(DialogId, Sequence), Option<MessageView>>,
    pub(super) candidates: HashMap<Name, Vec<(Time, Resolved)>>,
    pub(super) bounds: HashMap<Bound, u64>,
    /// Few: a question has one.
    pub(super) scans: Vec<(Scan, Vec<u64>)>,
    pub(super) reacted: HashMap<(DialogId, Sequence), Reacted>,
    missing: RefCell<Missing>,
}

/// What the logic has asked for in vain.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) grounds: BTreeSet<DialogId>,
    pub(super) listing: Option<Listing>,
    pub(super) opponents: bool,
    pub(super) unread: bool,
    /// What a list shows of a dialog, and of that message; 0 for none.
    pub(super) views: BTreeSet<(DialogId, Sequence)>,
    pub(super) bits: BTreeSet<(DialogId, u32)>,
    pub(super) members: BTreeSet<DialogId>,
    pub(super) outside: BTreeSet<(DialogId, u32)>,
    pub(super) messages: BTreeSet<(DialogId, Sequence)>,
    pub(super) names: BTreeSet<Name>,
    pub(super) bounds: BTreeSet<Bound>,
    pub(super) scans: Vec<Scan>,
    pub(super) reacted: BTreeSet<(DialogId, Sequence)>,
}

impl Missing {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Fetched {
    /// What has been asked for in vain since the last call.
    pub(super) fn take_missing(&mut self) -> Missing {
        std::mem::take(self.missing.get_mut())
    }

    fn note(&self, note: impl FnOnce(&mut Missing)) {
        note(&mut self.missing.borrow_mut());
    }

    pub(super) fn ground(&self, dialog: DialogId) -> Option<Ground> {
        let Some(ground) = self.grounds.get(&dialog) else {
            self.note(|missing| _ = missing.grounds.insert(dialog));
            return None;
        };
        ground.clone()
    }

    /// `None` if it is not there yet.
    pub(super) fn listed(&self, listing: &Listing) -> Option<&Listed> {
        if self.listed.is_none() {
            self.note(|missing| missing.listing = Some(listing.clone()));
        }
        self.listed.as_ref()
    }

    pub(super) fn opponents(&self) -> Vec<UserId> {
        self.opponents.clone().unwrap_or_else(|| {
            self.note(|missing| missing.opponents = true);
            vec![]
        })
    }

    /// `None` if it is not there yet.
    pub(super) fn unread(&self) -> Option<&Sum> {
        if self.unread.is_none() {
            self.note(|missing| missing.unread = true);
        }
        self.unread.as_ref()
    }

    pub(super) fn about(&self, dialog: DialogId) -> About {
        let about = self.about.get(&dialog).cloned();
        about.unwrap_or_else(|| {
            self.note(|missing| _ = missing.views.insert((dialog, Sequence::NONE)));
            About::default()
        })
    }

    pub(super) fn occupants(&self, dialog: DialogId) -> Vec<UserId> {
        let occupants = self.occupants.get(&dialog).cloned();
        occupants.unwrap_or_else(|| {
            self.note(|missing| _ = missing.views.insert((dialog, Sequence::NONE)));
            vec![]
        })
    }

    /// `None` if that message is not there yet.
    pub(super) fn last(&self, dialog: DialogId, sequence: Sequence) -> Option<Last> {
        let last = self.lasts.get(&(dialog, sequence)).cloned();
        if last.is_none() {
            self.note(|missing| _ = missing.views.insert((dialog, sequence)));
        }
        last
    }

    /// `None` if they are not there yet. An absent row has no bits.
    pub(super) fn bits(&self, dialog: DialogId, chunk: u32) -> Option<Loaded> {
        let bits = self.bits.get(&(dialog, chunk)).cloned();
        if bits.is_none() {
            self.note(|missing| _ = missing.bits.insert((dialog, chunk)));
        }
        bits
    }

    pub(super) fn members(&self, dialog: DialogId) -> Vec<(UserId, Marks)> {
        let members = self.members.get(&dialog).cloned();
        members.unwrap_or_else(|| {
            self.note(|missing| _ = missing.members.insert(dialog));
            vec![]
        })
    }

    /// Puts the bits of everybody who has some in that chunk into `outside`.
    pub(super) fn outside(&self, dialog: DialogId, chunk: u32, outside: &mut Outside) {
        let Some(rows) = self.outside.get(&(dialog, chunk)) else {
            self.note(|missing| _ = missing.outside.insert((dialog, chunk)));
            return;
        };
        outside.extend(rows.iter().map(|(user, bits)| ((chunk, *user), bits.clone())));
    }

    /// The living messages among `sequences`, without receipts.
    pub(super) fn messages(&self, dialog: DialogId, sequences: &[u64]) -> Vec<MessageView> {
        let mut messages = Vec::with_capacity(sequences.len());
        for sequence in sequences.iter().copied().map(Sequence) {
            match self.messages.get(&(dialog, sequence)) {
                Some(message) => messages.extend(message.clone()),
                None => self.note(|missing| _ = missing.messages.insert((dialog, sequence))),
            }
        }
        messages
    }

    pub(super) fn candidates(&self, id: MessageId, within: Option<DialogId>) -> Vec<(Time, Resolved)> {
        let candidates = self.candidates.get(&(id, within)).cloned();
        candidates.unwrap_or_else(|| {
            self.note(|missing| _ = missing.names.insert((id, within)));
            vec![]
        })
    }

    pub(super) fn bound(&self, bound: Bound) -> Option<u64> {
        let place = self.bounds.get(&bound).copied();
        if place.is_none() {
            self.note(|missing| _ = missing.bounds.insert(bound));
        }
        place
    }

    pub(super) fn scanned(&self, scan: &Scan) -> Option<Vec<u64>> {
        let places = self.scans.iter().find(|(scanned, _)| scanned == scan).map(|(_, places)| places.clone());
        if places.is_none() {
            self.note(|missing| missing.scans.push(scan.clone()));
        }
        places
    }

    pub(super) fn reacted(&self, dialog: DialogId, sequence: Sequence) -> Reacted {
        let reacted = self.reacted.get(&(dialog, sequence)).cloned();
        reacted.unwrap_or_else(|| {
            self.note(|missing| _ = missing.reacted.insert((dialog, sequence)));
            Reacted::new()
        })
    }
}
