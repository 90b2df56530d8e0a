//! Folds of the events about a dialog as a whole.

use std::collections::BTreeMap;

use domain::Sequence;
use domain::content::{Content, DialogChange, Extensions, Text};
use domain::event::{Event, Kind, MessageRef, Permissions};

use super::rows::DialogRows;
use super::{Cause, Error};
use crate::marks::Removals;
use crate::rows::{Dialog, LastMessage, Touched};

impl DialogRows {
    pub(super) fn created(&mut self, by: Cause, event: &Event) {
        let Event::DialogCreated { kind, owner, occupants, admins, permissions, content } = event else {
            return;
        };
        let (head, last_sent) =
            self.row.as_ref().map_or((Sequence::NONE, 0), |row| (row.head, row.last_sent));
        let content = content.known().cloned().unwrap_or_default();
        self.row = Some(Dialog {
            kind: *kind,
            alive: true,
            owner: *owner,
            owner_present: true,
            opponent: match kind {
                Kind::Private => occupants.iter().copied().find(|user| user != owner),
                Kind::Broadcast | Kind::Group | Kind::Public => None,
            },
            admins: admins.clone(),
            permissions: *permissions,
            name: content.name.map(Text::into_string),
            photo: content.photo.map(Text::into_string),
            description: content.description.map(Text::into_string),
            extensions: content.extensions.map(json),
            head,
            cleared_to: head,
            occupants: u32::try_from(occupants.len()).unwrap_or(u32::MAX),
            last_sent,
            created_at: by.at,
            updated_at: by.at,
            last: LastMessage::NONE,
            pins: vec![],
            touched: Touched::default(),
        });
        self.row_dirty = true;
        self.forget_messages();
        for user in occupants {
            self.join(by, *user, head);
        }
    }

    pub(super) fn changed(
        &mut self,
        by: Cause,
        permissions: Option<Permissions>,
        content: &Content<DialogChange>,
    ) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.permissions = permissions.or(row.permissions);
        row.updated_at = by.at;
        match content {
            Content::Known(change) => {
                let put = |field: &mut Option<String>, change: &Option<Option<Text>>| {
                    if let Some(text) = change {
                        *field = text.as_ref().map(|text| text.as_str().to_owned());
                    }
                };
                put(&mut row.name, &change.name);
                put(&mut row.photo, &change.photo);
                put(&mut row.description, &change.description);
                if let Some(extensions) = &change.extensions {
                    row.extensions = extensions.clone().map(json);
                }
            }
            // What it replaced is out of date, and what it said is gone.
            Content::Erased => {
                (row.name, row.photo, row.description, row.extensions) = (None, None, None, None);
            }
        }
        self.row_dirty = true;
        Ok(())
    }

    pub(super) fn merged(&mut self, by: Cause, content: &Content<Extensions>) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.updated_at = by.at;
        row.extensions = match content {
            Content::Known(extensions) => Some(merge(row.extensions.as_deref(), extensions.clone())),
            // What it replaced is out of date, and what it said is gone.
            Content::Erased => None,
        };
        self.row_dirty = true;
        Ok(())
    }

    pub(super) fn pinned(&mut self, by: Cause, messages: &[MessageRef]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.pins.extend(messages);
        row.updated_at = by.at;
        self.row_dirty = true;
        Ok(())
    }

    pub(super) fn unpinned(&mut self, by: Cause, messages: &[MessageRef]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.pins.retain(|pin| !messages.contains(pin));
        row.updated_at = by.at;
        self.row_dirty = true;
        Ok(())
    }

    pub(super) fn deleted(&mut self, by: Cause) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.alive = false;
        row.occupants = 0;
        (row.name, row.photo, row.description, row.extensions) = (None, None, None, None);
        self.cleared_for_all(by)
    }

    pub(super) fn cleared_for_all(&mut self, by: Cause) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.cleared_to = row.head;
        row.last = LastMessage::NONE;
        row.pins = vec![];
        row.touched = Touched::default();
        row.updated_at = by.at;
        self.row_dirty = true;
        self.swept = true;
        self.forget_messages();
        Ok(())
    }

    /// All messages are gone: nothing of them counts any more, whatever the tables hold.
    fn forget_messages(&mut self) {
        self.living = BTreeMap::new();
        self.authors = BTreeMap::new();
        self.removed_chunks = BTreeMap::new();
        self.removed_dirty.clear();
        if !self.removals.is_empty() {
            self.removals = Removals::default();
            self.removals_dirty = true;
        }
    }

    pub(super) fn put_away(&mut self, by: Cause) -> Result<(), Error> {
        let head = self.header(by.dialog)?.head;
        let standing = self.stand(by)?;
        standing.hidden_at = Some(head);
        standing.cleared_to = head;
        standing.from = head;
        Ok(())
    }

    pub(super) fn shown(&mut self, by: Cause) -> Result<(), Error> {
        self.stand(by)?.hidden_at = None;
        Ok(())
    }

    pub(super) fn cleared(&mut self, by: Cause) -> Result<(), Error> {
        let head = self.header(by.dialog)?.head;
        let standing = self.stand(by)?;
        standing.cleared_to = head;
        standing.from = head;
        Ok(())
    }
}

/// A JSON object of texts.
fn json(extensions: Extensions) -> String {
    merge(None, extensions)
}

/// A stored object of texts with these in it.
fn merge(stored: Option<&str>, extensions: Extensions) -> String {
    let stored = stored.and_then(|stored| serde_json::from_str(stored).ok());
    let mut object: serde_json::Map<String, serde_json::Value> = stored.unwrap_or_default();
    object.extend(extensions.into_iter().map(|(key, value)| (key.into_string(), value.into_string().into())));
    serde_json::Value::Object(object).to_string()
}
