//! What a batch of events makes of the index: pure, and the same for both stores.

use std::collections::{BTreeMap, BTreeSet};

use domain::DialogId;
use domain::content::{Content, MessageContent, Text};
use domain::event::{Event, MessageRef, Record, Stream};

use super::needle::TEXT_CHARACTERS_MIN;
use crate::Applied;

/// The newest change of each message that a batch names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Dialogs of which everything is gone that the index had of them before the batch.
    pub(super) cleared: BTreeSet<DialogId>,
    pub(super) messages: BTreeMap<(DialogId, u64), Change>,
}

/// What became of a message. A text that no search can find is none.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is new.
    Posted {
        date_sent: u64,
        text: Option<String>,
    },
    /// It is an old one, with a new text.
    Edited {
        text: Option<String>,
    },
    Removed,
}

impl Changes {
    pub(super) fn of(batch: &[Applied]) -> Self {
        let mut changes = Self::default();
        for record in batch.iter().flat_map(|applied| &applied.records) {
            changes.fold(record);
        }
        changes
    }

    fn fold(&mut self, record: &Record) {
        let Stream::Dialog(dialog) = record.stream else { return };
        match &record.event {
            Event::MessagePosted { message, date_sent, content, .. } => {
                let text =
                    content.known().and_then(|content: &MessageContent| searchable(content.text.as_ref()));
                let posted = Change::Posted { date_sent: *date_sent, text };
                self.messages.insert((dialog, message.sequence.0), posted);
            }
            Event::MessageEdited { message, content } => self.edited(dialog, *message, content),
            Event::MessagesRemoved { messages } => {
                let removed = messages.iter().map(|message| ((dialog, message.sequence.0), Change::Removed));
                self.messages.extend(removed);
            }
            Event::DialogDeleted | Event::HistoryClearedForAll => self.cleared(dialog),
            Event::LogOpened { .. } | Event::WriterStarted => {}
            Event::DialogCreated { .. } | Event::DialogChanged { .. } => {}
            Event::ExtensionsMerged { .. } => {}
            Event::DialogHidden | Event::DialogShown | Event::HistoryCleared => {}
            Event::OccupantsAdded { .. } | Event::OccupantsRemoved { .. } => {}
            Event::OccupantSubscribed | Event::OccupantLeft => {}
            Event::AdminsAdded { .. } | Event::AdminsRemoved { .. } => {}
            Event::MessagesPinned { .. } | Event::MessagesUnpinned { .. } => {}
            Event::NotificationsSet { .. } => {}
            Event::UserBlocked { .. } | Event::UserUnblocked { .. } => {}
            Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => {}
            Event::ReactionsChanged { .. } => {}
        }
    }

    fn edited(&mut self, dialog: DialogId, message: MessageRef, content: &Content<Text>) {
        let new = searchable(content.known());
        let change = self.messages.entry((dialog, message.sequence.0));
        match change.or_insert(Change::Edited { text: None }) {
            Change::Posted { text, .. } | Change::Edited { text } => *text = new,
            Change::Removed => {}
        }
    }

    fn cleared(&mut self, dialog: DialogId) {
        self.messages.retain(|(of, _), _| *of != dialog);
        self.cleared.insert(dialog);
    }
}

/// The text, unless it is too short to hold what may be searched for.
fn searchable(text: Option<&Text>) -> Option<String> {
    let long = |text: &&str| text.chars().nth(TEXT_CHARACTERS_MIN - 1).is_some();
    text.map(Text::as_str).filter(long).map(str::to_owned)
}
