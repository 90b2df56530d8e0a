//! What events make of the rows: pure, and the same for every store.
//!
//! A batch is folded in three steps: a [`Plan`] of the batch says which rows it wants, a
//! store loads them into [`Rows`] until the plan wants no more, then each record is folded
//! in order. The store saves what is dirty in the transaction that moves the checkpoint.

mod dialog;
mod mark;
mod message;
mod people;
mod plan;
mod reaction;
mod rows;
#[cfg(test)]
mod tests;

use domain::event::{Event, Record, Stream};
use domain::{DialogId, Sequence, UserId};

pub use plan::{Plan, Wanted};
pub use rows::{Changed, DialogRows, Edited, MessageChange, Rows, StandingRows};

/// Version of the folds: a fold that makes other rows of the same events is a new one,
/// folded into a file or schema of its own beside the old.
pub const FOLDS_VERSION: u32 = 2;

/// Why an event cannot be folded: the log and the rows contradict each other, so the
/// fold stops rather than guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A message whose sequence is not the one after the head.
    #[error("dialog {dialog}: message {found} follows {head}")]
    Gap {
        /// Where.
        dialog: DialogId,
        /// The newest sequence that the rows know.
        head: Sequence,
        /// The sequence in the event.
        found: Sequence,
    },
    /// An event of a dialog that no event has created.
    #[error("dialog {0}: an event before its creation")]
    NoDialog(DialogId),
    /// An event of a dialog in the application's stream.
    #[error("an event of a dialog without a dialog")]
    Streamless,
    /// An event that only somebody can cause, by nobody.
    #[error("dialog {0}: an event without an actor")]
    Actorless(DialogId),
}

impl Rows {
    /// Folds one event. The rows that a [`Plan`] of its batch wants are loaded.
    pub fn fold(&mut self, record: &Record) -> Result<(), Error> {
        let (dialog, by) = match (&record.event, record.stream) {
            (Event::LogOpened { .. } | Event::WriterStarted, _) => return Ok(()),
            (_, Stream::Dialog(dialog)) => (dialog, Cause { dialog, actor: record.actor, at: record.at }),
            (_, Stream::Application(_)) => return Err(Error::Streamless),
        };
        let rows = self.of(dialog);
        match &record.event {
            Event::LogOpened { .. } | Event::WriterStarted => Ok(()),
            Event::DialogCreated { .. } => {
                rows.created(by, &record.event);
                Ok(())
            }
            Event::DialogChanged { permissions, content } => rows.changed(by, *permissions, content),
            Event::ExtensionsMerged { content } => rows.merged(by, content),
            Event::DialogDeleted => rows.deleted(by),
            Event::DialogHidden => rows.put_away(by),
            Event::DialogShown => rows.shown(by),
            Event::HistoryCleared => rows.cleared(by),
            Event::HistoryClearedForAll => rows.cleared_for_all(by),
            Event::OccupantsAdded { users } => rows.added(by, users),
            Event::OccupantsRemoved { users } => rows.parted(by, users),
            Event::OccupantSubscribed => rows.added(by, &[by.actor()?]),
            Event::OccupantLeft => rows.parted(by, &[by.actor()?]),
            Event::AdminsAdded { users } => rows.admins_added(by, users),
            Event::AdminsRemoved { users } => rows.admins_removed(by, users),
            Event::MessagesPinned { messages } => rows.pinned(by, messages),
            Event::MessagesUnpinned { messages } => rows.unpinned(by, messages),
            Event::NotificationsSet { enabled } => rows.notified(by, *enabled),
            Event::UserBlocked { user } => rows.blocked(by, *user),
            Event::UserUnblocked { user } => rows.unblocked(by, *user),
            Event::MessagePosted { .. } => rows.posted(by, &record.event),
            Event::MessageEdited { message, content } => rows.edited(by, *message, content),
            Event::MessagesRemoved { messages } => rows.removed(by, messages),
            Event::MessagesHidden { messages } => rows.hidden(by, messages),
            Event::MessagesMarked { mark, marked } => rows.marked(by, *mark, marked),
            Event::ReactionsChanged { .. } => rows.reacted(by, &record.event),
        }
    }
}

/// Folds the events of a batch. The rows that its [`Plan`] wants are loaded.
pub(crate) fn fold_batch(rows: &mut Rows, batch: &[crate::Applied]) -> Result<(), crate::Error> {
    for applied in batch {
        for (index, record) in applied.records.iter().enumerate() {
            let partition = applied.partition;
            rows.fold(record).map_err(|source| crate::Error::Fold { partition, index, source })?;
        }
    }
    Ok(())
}

/// What surrounds an event, as far as folds care.
#[derive(Debug, Clone, Copy)]
struct Cause {
    dialog: DialogId,
    actor: Option<UserId>,
    at: domain::Time,
}

impl Cause {
    fn actor(&self) -> Result<UserId, Error> {
        self.actor.ok_or(Error::Actorless(self.dialog))
    }
}

/// The highest user id that the event names, 0 if it names none: identity never issues
/// one up to it again.
pub fn highest_user(record: &Record) -> u64 {
    let most = |users: &[UserId]| users.iter().map(|user| user.get()).max().unwrap_or(0);
    let named = match &record.event {
        Event::DialogCreated { owner, occupants, admins, .. } => {
            owner.get().max(most(occupants)).max(most(admins))
        }
        Event::OccupantsAdded { users } | Event::OccupantsRemoved { users } => most(users),
        Event::AdminsAdded { users } | Event::AdminsRemoved { users } => most(users),
        Event::UserBlocked { user } | Event::UserUnblocked { user } => user.get(),
        Event::MessagePosted { recipient, .. } => recipient.map_or(0, UserId::get),
        Event::LogOpened { .. } | Event::WriterStarted | Event::DialogChanged { .. } => 0,
        Event::DialogDeleted | Event::DialogHidden | Event::DialogShown | Event::OccupantLeft => 0,
        Event::MessageEdited { .. } | Event::MessagesRemoved { .. } => 0,
        Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => 0,
        Event::ExtensionsMerged { .. } | Event::HistoryCleared | Event::HistoryClearedForAll => 0,
        Event::OccupantSubscribed | Event::NotificationsSet { .. } | Event::ReactionsChanged { .. } => 0,
        Event::MessagesPinned { .. } | Event::MessagesUnpinned { .. } => 0,
    };
    named.max(record.actor.map_or(0, UserId::get))
}
