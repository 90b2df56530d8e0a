//! What a write has made, from its own events: a new message always, and the rare answer
//! that the read models are late for.
//!
//! It says no more than the events do: counts and marks are those of something new. That
//! is what the rows say at the command's place in the log, for the price of no query.

use std::collections::BTreeMap;

use domain::content::{Content, DialogChange, Extensions, JsonText, Text};
use domain::event::{Event, Record, Stream};
use domain::role::Role;
use domain::{Kind, UserId};
use readmodel::queries::{DialogView, MessageView};

/// The message that was posted, if one was.
pub(crate) fn message(records: &[Record]) -> Option<MessageView> {
    records.iter().find_map(posted)
}

fn posted(record: &Record) -> Option<MessageView> {
    let Event::MessagePosted { message, recipient, date_sent, content, .. } = &record.event else {
        return None;
    };
    let (Stream::Dialog(dialog), Some(sender)) = (record.stream, record.actor) else { return None };
    let content = content.known().cloned().unwrap_or_default();
    Some(MessageView {
        id: message.id,
        dialog,
        sequence: message.sequence,
        sender,
        recipient: *recipient,
        date_sent: *date_sent,
        created_at: record.at,
        updated_at: record.at,
        edited_at: None,
        text: content.text.map(Text::into_string),
        attachments: content.attachments.as_ref().map(json),
        custom: content.custom.as_ref().map(json),
        client_id: content.client_id.map(Text::into_string),
        read_ids: vec![sender],
        delivered_ids: vec![sender],
        read: false,
        reactions: None,
        views: 0,
    })
}

fn json(stored: &JsonText) -> String {
    stored.as_str().to_owned()
}

/// The dialog that was made, if one was, as its creator sees it.
pub(crate) fn dialog(records: &[Record]) -> Option<DialogView> {
    records.iter().find_map(created)
}

fn created(record: &Record) -> Option<DialogView> {
    let Event::DialogCreated { kind, owner, occupants, admins, permissions, content } = &record.event else {
        return None;
    };
    let Stream::Dialog(id) = record.stream else { return None };
    let content = content.known().cloned().unwrap_or_default();
    let mut shown = occupants.clone();
    shown.sort_unstable();
    Some(DialogView {
        id,
        kind: *kind,
        owner: *owner,
        opponent: occupants.iter().copied().find(|user| *kind == Kind::Private && user != owner),
        admins: admins.clone(),
        permissions: *permissions,
        name: content.name.map(Text::into_string),
        photo: content.photo.map(Text::into_string),
        description: content.description.map(Text::into_string),
        extensions: content.extensions.as_ref().map(object),
        occupants: if kind.is_marked() { shown } else { vec![] },
        occupants_count: number(occupants),
        role: Role::Owner,
        hidden: false,
        last: None,
        unread: 0,
        pins: vec![],
        created_at: record.at,
        updated_at: record.at,
    })
}

fn object(extensions: &Extensions) -> String {
    let members = extensions.iter().map(|(key, value)| (key.as_str().to_owned(), value.as_str().into()));
    serde_json::Value::Object(members.collect()).to_string()
}

fn number(users: &[UserId]) -> u32 {
    u32::try_from(users.len()).unwrap_or(u32::MAX)
}

/// The dialog as it was before, changed as the events say.
pub(crate) fn changed(mut dialog: DialogView, records: &[Record]) -> DialogView {
    for record in records {
        dialog.updated_at = record.at;
        match &record.event {
            Event::DialogChanged { permissions, content } => {
                dialog.permissions = permissions.or(dialog.permissions);
                rewrite(&mut dialog, content);
            }
            Event::ExtensionsMerged { content } => merge(&mut dialog, content),
            Event::OccupantsAdded { users } => add(&mut dialog, users),
            Event::OccupantSubscribed => add(&mut dialog, record.actor.as_slice()),
            Event::OccupantsRemoved { users } => {
                dialog.occupants_count = dialog.occupants_count.saturating_sub(number(users));
                dialog.occupants.retain(|user| !users.contains(user));
                dialog.admins.retain(|user| !users.contains(user));
            }
            Event::AdminsAdded { users } => dialog.admins.extend(users),
            Event::AdminsRemoved { users } => dialog.admins.retain(|user| !users.contains(user)),
            Event::MessagesPinned { messages } => dialog.pins.extend(messages),
            Event::MessagesUnpinned { messages } => dialog.pins.retain(|pin| !messages.contains(pin)),
            // A change causes none of these, but for the end of a dialog whose last one left:
            // he still sees what he left.
            Event::LogOpened { .. } | Event::WriterStarted | Event::DialogCreated { .. } => {}
            Event::DialogDeleted | Event::DialogHidden | Event::DialogShown | Event::OccupantLeft => {}
            Event::HistoryCleared | Event::HistoryClearedForAll | Event::NotificationsSet { .. } => {}
            Event::UserBlocked { .. } | Event::UserUnblocked { .. } => {}
            Event::MessagePosted { .. } | Event::MessageEdited { .. } | Event::MessagesRemoved { .. } => {}
            Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => {}
            Event::ReactionsChanged { .. } => {}
        }
    }
    dialog
}

fn add(dialog: &mut DialogView, users: &[UserId]) {
    dialog.occupants_count = dialog.occupants_count.saturating_add(number(users));
    if dialog.kind.is_marked() {
        dialog.occupants.extend(users);
        dialog.occupants.sort_unstable();
        dialog.occupants.dedup();
    }
}

fn merge(dialog: &mut DialogView, content: &Content<Extensions>) {
    let Content::Known(newer) = content else { return };
    let there = dialog.extensions.as_deref().and_then(|stored| serde_json::from_str(stored).ok());
    let mut all: BTreeMap<String, String> = there.unwrap_or_default();
    all.extend(newer.iter().map(|(key, value)| (key.as_str().to_owned(), value.as_str().to_owned())));
    dialog.extensions = Some(serde_json::json!(all).to_string());
}

fn rewrite(dialog: &mut DialogView, content: &Content<DialogChange>) {
    let Content::Known(change) = content else { return };
    let put = |field: &mut Option<String>, change: &Option<Option<Text>>| {
        if let Some(text) = change {
            *field = text.as_ref().map(|text| text.as_str().to_owned());
        }
    };
    put(&mut dialog.name, &change.name);
    put(&mut dialog.photo, &change.photo);
    put(&mut dialog.description, &change.description);
    if let Some(extensions) = &change.extensions {
        dialog.extensions = extensions.as_ref().map(object);
    }
}
