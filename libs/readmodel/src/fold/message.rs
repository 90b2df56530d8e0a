//! Folds of the events about messages.

use domain::Sequence;
use domain::content::{Content, Text};
use domain::event::{Event, Mark, MessageRef, Range};

use super::rows::{Changed, DialogRows, Edited, MessageChange};
use super::{Cause, Error};
use crate::marks::{Rows as ChunkRows, bit_of, chunk_of};
use crate::rows::{LastMessage, Message, Totals};

impl DialogRows {
    pub(super) fn posted(&mut self, by: Cause, event: &Event) -> Result<(), Error> {
        let Event::MessagePosted { message, recipient, date_sent, content, .. } = event else {
            return Ok(());
        };
        let sender = by.actor()?;
        let row = self.header(by.dialog)?;
        if message.sequence != row.head.next() {
            return Err(Error::Gap { dialog: by.dialog, head: row.head, found: message.sequence });
        }
        row.head = message.sequence;
        row.last_sent = *date_sent;
        row.updated_at = by.at;
        let sender_named = Some(sender);
        row.last = LastMessage { sequence: message.sequence, sender: sender_named, ..LastMessage::NONE };
        let is_marked = row.kind.is_marked();
        self.row_dirty = true;
        self.living.insert(message.sequence.0, sender);
        let content = content.known().cloned().unwrap_or_default();
        let new = Message {
            id: message.id,
            sender,
            recipient: *recipient,
            date_sent: *date_sent,
            created_at: by.at,
            updated_at: by.at,
            edited_at: None,
            text: content.text.map(Text::into_string),
            attachments: content.attachments.map(|json| json.as_str().to_owned()),
            custom: content.custom.map(|json| json.as_str().to_owned()),
            client_id: content.client_id.map(Text::into_string),
            removed: false,
            reactions: Totals::default(),
        };
        self.messages.insert(message.sequence.0, MessageChange::New(new));
        if is_marked {
            let own = Range { first: message.sequence, last: message.sequence };
            self.mark(sender, Mark::Read, own);
        }
        Ok(())
    }

    pub(super) fn edited(
        &mut self,
        by: Cause,
        message: MessageRef,
        content: &Content<Text>,
    ) -> Result<(), Error> {
        self.header(by.dialog)?;
        let new_text = content.known().map(|text| text.as_str().to_owned());
        let change = self.messages.entry(message.sequence.0);
        match change.or_insert_with(|| MessageChange::Changed(Changed::default())) {
            MessageChange::New(new) if !new.removed => {
                new.text = new_text;
                new.edited_at = Some(by.at);
                new.updated_at = by.at;
            }
            MessageChange::Changed(changed) => {
                changed.edited = Some(Edited { text: new_text, at: by.at });
            }
            MessageChange::New(_) | MessageChange::Removed => {}
        }
        Ok(())
    }

    pub(super) fn removed(&mut self, by: Cause, messages: &[MessageRef]) -> Result<(), Error> {
        let cleared_to = self.header(by.dialog)?.cleared_to.0;
        for sequence in self.within(messages, cleared_to) {
            let chunk = chunk_of(sequence);
            let bits = self.removed_chunks.entry(chunk).or_default();
            if !bits.insert(bit_of(sequence)) {
                continue;
            }
            self.removals.set(chunk, self.removals.of(chunk) + 1);
            self.removals_dirty = true;
            self.removed_dirty.insert(chunk);
            self.living.remove(&sequence);
            self.reactions.remove(&sequence);
            match self.messages.get_mut(&sequence) {
                Some(MessageChange::New(new)) => blank(new),
                Some(MessageChange::Changed(_) | MessageChange::Removed) | None => {
                    self.messages.insert(sequence, MessageChange::Removed);
                }
            }
        }
        self.unpin_removed(by, messages)?;
        let newest = self.living.last_key_value().map(|(sequence, sender)| (Sequence(*sequence), *sender));
        let last = self.header(by.dialog)?.last.sequence;
        if last > Sequence::NONE && newest.is_none_or(|(sequence, _)| sequence < last) {
            self.header(by.dialog)?.last = match newest {
                Some((sequence, sender)) => {
                    LastMessage { sequence, sender: Some(sender), counts_known: false, ..LastMessage::NONE }
                }
                None => LastMessage::NONE,
            };
            self.row_dirty = true;
        }
        Ok(())
    }

    fn unpin_removed(&mut self, by: Cause, messages: &[MessageRef]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        let pins = row.pins.len();
        row.pins.retain(|pin| messages.iter().all(|message| message.sequence != pin.sequence));
        self.row_dirty |= row.pins.len() < pins;
        Ok(())
    }

    pub(super) fn hidden(&mut self, by: Cause, messages: &[MessageRef]) -> Result<(), Error> {
        self.header(by.dialog)?;
        let user = by.actor()?;
        let standing = self.stand(by)?.clone();
        let sequences = self.within(messages, self.bounds(&standing).floor);
        let Some(rows) = self.standings.get_mut(&user) else { return Ok(()) };
        let Some(row) = &mut rows.row else { return Ok(()) };
        for sequence in sequences {
            let mut chunks = ChunkRows { chunks: &mut rows.chunks, removed: &self.removed_chunks };
            rows.chunks_dirty.extend(row.marks.hide(sequence, &mut chunks));
        }
        Ok(())
    }
}

/// A message gone for everybody keeps its place and its name, and nothing of what became
/// of it later.
fn blank(message: &mut Message) {
    message.removed = true;
    message.edited_at = None;
    message.updated_at = message.created_at;
    message.reactions = Totals::default();
    (message.text, message.attachments, message.custom, message.client_id) = (None, None, None, None);
}
