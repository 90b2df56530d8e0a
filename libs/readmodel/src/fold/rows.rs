//! The rows that a batch works on, by dialog, and which of them it changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::event::{Mark, MessageRef};
use domain::{DialogId, Sequence, Time, UserId};

use super::Error;
use crate::marks::{Bits, Bounds, Chunk, Removals, Views, chunk_of};
use crate::rows::{Dialog, Message, Standing, Totals};

/// The loaded rows of some dialogs.
#[derive(Debug, Default)]
pub struct Rows {
    dialogs: HashMap<DialogId, DialogRows>,
}

/// The loaded rows of one dialog. What is not there is either not loaded, and then no
/// event of the batch touches it, or empty.
#[derive(Debug, Default)]
pub struct DialogRows {
    /// The header; `None` before the dialog's creation.
    pub row: Option<Dialog>,
    /// How many messages of each chunk are removed.
    pub removals: Removals,
    /// The removed messages of the chunks that the batch touches.
    pub removed_chunks: BTreeMap<u32, Bits>,
    /// Standings by user.
    pub standings: HashMap<UserId, StandingRows>,
    /// What the batch does to messages, by sequence.
    pub messages: BTreeMap<u64, MessageChange>,
    /// Living messages known by sequence, with their authors: always the newest one that
    /// outlives the batch.
    pub living: BTreeMap<u64, UserId>,
    /// The authors of other messages that somebody views in the batch.
    pub authors: BTreeMap<u64, UserId>,
    /// How many have seen the messages of a row, for the rows that the batch touches.
    pub views: BTreeMap<u32, Views>,
    /// The totals of stored messages that somebody reacts to in the batch, as they are stored.
    pub totals: BTreeMap<u64, Totals>,
    /// The reactions by message, kind and user that the batch changes: whether each is there
    /// then.
    pub reactions: BTreeMap<u64, BTreeMap<(String, UserId), bool>>,
    /// Whether the header is to be saved.
    pub row_dirty: bool,
    /// Whether the counts of removed messages are to be saved.
    pub removals_dirty: bool,
    /// The chunks of removed messages that are to be saved.
    pub removed_dirty: BTreeSet<u32>,
    /// The rows of views that are to be saved.
    pub views_dirty: BTreeSet<u32>,
    /// Whether rows of this dialog died, for the sweeper.
    pub swept: bool,
}

/// The loaded rows of one user in one dialog.
#[derive(Debug, Default)]
pub struct StandingRows {
    /// The standing; `None` if he has none.
    pub row: Option<Standing>,
    /// His marks in the chunks that the batch touches.
    pub chunks: BTreeMap<u32, Chunk>,
    /// Whether the standing is to be saved, or deleted if there is none.
    pub dirty: bool,
    /// The chunks that are to be saved.
    pub chunks_dirty: BTreeSet<u32>,
}

/// What a batch does to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageChange {
    /// It is new.
    New(Message),
    /// Something of it is other than it was.
    Changed(Changed),
    /// It is gone for everybody.
    Removed,
}

/// What is other in a message.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Changed {
    /// Its new text, if it was replaced.
    pub edited: Option<Edited>,
    /// Its new totals of reactions, if they changed.
    pub reactions: Option<Totals>,
}

/// A new text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edited {
    /// The text; `None` if it was erased since.
    pub text: Option<String>,
    /// When.
    pub at: Time,
}

impl Rows {
    /// The rows of a dialog, as far as they are loaded.
    pub fn get(&self, dialog: &DialogId) -> Option<&DialogRows> {
        self.dialogs.get(dialog)
    }

    /// The rows of a dialog, to load into or to fold.
    pub fn of(&mut self, dialog: DialogId) -> &mut DialogRows {
        self.dialogs.entry(dialog).or_default()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&DialogId, &DialogRows)> {
        self.dialogs.iter()
    }
}

impl DialogRows {
    /// Takes the header as it is stored, and from it the newest living message.
    pub fn load(&mut self, row: Dialog, removals: Removals) {
        self.living.extend(row.last.sender.map(|sender| (row.last.sequence.0, sender)));
        self.row = Some(row);
        self.removals = removals;
    }

    pub(super) fn is_alive(&self) -> bool {
        self.row.as_ref().is_some_and(|row| row.alive)
    }

    pub(super) fn header(&mut self, dialog: DialogId) -> Result<&mut Dialog, Error> {
        self.row.as_mut().ok_or(Error::NoDialog(dialog))
    }

    /// Somebody's standing, for reading; `None` if he has none.
    pub fn standing(&self, user: UserId) -> Option<&Standing> {
        self.standings.get(&user).and_then(|rows| rows.row.as_ref())
    }

    /// What `user` may see and mark now.
    pub(super) fn bounds(&self, standing: &Standing) -> Bounds {
        let (cleared_to, head) = self.row.as_ref().map_or((0, 0), |row| (row.cleared_to.0, row.head.0));
        Bounds { cleared_to, floor: standing.cleared_to.0.max(cleared_to), head }
    }

    /// Whether `user` has read and received the newest message; `None` where that is not
    /// counted.
    pub(super) fn has_last(&self, user: UserId) -> Option<[bool; 2]> {
        let row = self.row.as_ref().filter(|row| row.kind.is_marked())?;
        let last = row.last;
        let counted = last.counts_known && last.sequence > Sequence::NONE && last.sender != Some(user);
        let rows = self.standings.get(&user).filter(|_| counted)?;
        let marks = &rows.row.as_ref()?.marks;
        let chunk = rows.chunks.get(&chunk_of(last.sequence.0));
        Some([Mark::Read, Mark::Delivered].map(|mark| marks.has(mark, last.sequence.0, chunk)))
    }

    /// Corrects the counts of the newest message by what one user had and has.
    pub(super) fn recount_last(&mut self, before: Option<[bool; 2]>, after: Option<[bool; 2]>) {
        let Some(row) = self.row.as_mut().filter(|_| before != after) else { return };
        let [read_before, delivered_before] = before.unwrap_or_default().map(u32::from);
        let [read_after, delivered_after] = after.unwrap_or_default().map(u32::from);
        row.last.read_by = (row.last.read_by + read_after).saturating_sub(read_before);
        row.last.delivered_by = (row.last.delivered_by + delivered_after).saturating_sub(delivered_before);
        self.row_dirty = true;
    }

    /// Those of `messages` that are above `floor` and not beyond the head.
    pub(super) fn within(&self, messages: &[MessageRef], floor: u64) -> Vec<u64> {
        let head = self.row.as_ref().map_or(0, |row| row.head.0);
        let sequences = messages.iter().map(|message| message.sequence.0);
        sequences.filter(|sequence| (floor + 1..=head).contains(sequence)).collect()
    }
}
