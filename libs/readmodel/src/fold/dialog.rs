//! Folds of the events about a dialog and who is in it.

use std::collections::BTreeMap;

use domain::content::{Content, DialogChange, Extensions, Text};
use domain::event::{Event, Kind, Permissions};
use domain::{Sequence, UserId};

use super::rows::DialogRows;
use super::{Cause, Error};
use crate::marks::{Marks, Removals};
use crate::rows::{Dialog, LastMessage, Standing};

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

    pub(super) fn deleted(&mut self, by: Cause) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.alive = false;
        row.cleared_to = row.head;
        row.occupants = 0;
        row.updated_at = by.at;
        row.last = LastMessage::NONE;
        (row.name, row.photo, row.description, row.extensions) = (None, None, None, None);
        self.row_dirty = true;
        self.swept = true;
        self.forget_messages();
        Ok(())
    }

    /// All messages are gone: nothing of them counts any more, whatever the tables hold.
    fn forget_messages(&mut self) {
        self.living = BTreeMap::new();
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

    /// The actor's standing, to be changed. He may have none in a broadcast.
    pub(super) fn stand(&mut self, by: Cause) -> Result<&mut Standing, Error> {
        let rows = self.standings.entry(by.actor()?).or_default();
        rows.dirty = true;
        Ok(rows.row.get_or_insert_with(|| Standing {
            member: false,
            joined_at: by.at,
            from: Sequence::NONE,
            cleared_to: Sequence::NONE,
            hidden_at: None,
            marks: Marks::default(),
        }))
    }

    pub(super) fn added(&mut self, by: Cause, users: &[UserId]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        let head = row.head;
        row.occupants = row.occupants.saturating_add(u32::try_from(users.len()).unwrap_or(u32::MAX));
        row.owner_present |= users.contains(&row.owner);
        row.updated_at = by.at;
        self.row_dirty = true;
        for user in users {
            self.join(by, *user, head);
        }
        Ok(())
    }

    fn join(&mut self, by: Cause, user: UserId, head: Sequence) {
        let rows = self.standings.entry(user).or_default();
        rows.chunks = BTreeMap::new();
        rows.chunks_dirty.clear();
        rows.dirty = true;
        rows.row = Some(Standing {
            member: true,
            joined_at: by.at,
            from: head,
            cleared_to: Sequence::NONE,
            hidden_at: None,
            marks: Marks::joining_at(head.0),
        });
    }

    pub(super) fn parted(&mut self, by: Cause, users: &[UserId]) -> Result<(), Error> {
        let row = self.header(by.dialog)?;
        row.occupants = row.occupants.saturating_sub(u32::try_from(users.len()).unwrap_or(u32::MAX));
        row.owner_present &= !users.contains(&row.owner);
        row.admins.retain(|admin| !users.contains(admin));
        row.updated_at = by.at;
        self.row_dirty = true;
        for user in users {
            let before = self.has_last(*user);
            self.recount_last(before, None);
            let rows = self.standings.entry(*user).or_default();
            rows.row = None;
            rows.dirty = true;
            rows.chunks = BTreeMap::new();
            rows.chunks_dirty.clear();
        }
        Ok(())
    }
}

/// A JSON object of texts.
fn json(extensions: Extensions) -> String {
    let pairs = extensions.into_iter().map(|(key, value)| (key.into_string(), value.into_string().into()));
    serde_json::Value::Object(pairs.collect()).to_string()
}
