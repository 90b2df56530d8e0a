//! An event as JSON, for people and programs that read the log.
//!
//! Personal content is shown only if asked for.

use domain::UserId;
use domain::content::{Content, DialogChange, DialogContent, Extensions, MessageContent, Text};
use domain::event::{Event, Mark, Marked, MessageRef, Permissions, Stream};
use serde_json::{Value, json};
use wire::Envelope;

/// What is shown of an event at `offset` in `partition`; its payload too, if this version
/// knows the type.
pub(crate) fn line(
    partition: u32,
    offset: u64,
    envelope: &Envelope,
    event: Option<&Event>,
    content: bool,
) -> Value {
    let (kind, id) = match envelope.stream {
        Stream::Dialog(id) => ("dialog", id.to_string()),
        Stream::Application(id) => ("application", id.to_string()),
    };
    json!({
        "partition": partition,
        "offset": offset,
        "time_ms": envelope.at.0,
        "type": envelope.type_name,
        "schema": envelope.schema,
        "event_id": uuid::Uuid::from_bytes(envelope.event_id).to_string(),
        "command_id": uuid::Uuid::from_bytes(envelope.command.0).simple().to_string(),
        "application": envelope.application.get(),
        "stream": { "kind": kind, "id": id },
        "actor": envelope.actor.map(UserId::get),
        "event": event.map(|event| payload(event, content)),
    })
}

fn payload(event: &Event, show: bool) -> Value {
    match event {
        // The key would let whoever reads this guess the ids of private dialogs.
        Event::LogOpened { partitions, partition_hash, private_dialog_key: _ } => {
            json!({ "partitions": partitions, "partition_hash": partition_hash })
        }
        Event::WriterStarted | Event::DialogDeleted | Event::DialogHidden | Event::DialogShown => json!({}),
        Event::HistoryCleared | Event::HistoryClearedForAll => json!({}),
        Event::OccupantSubscribed | Event::OccupantLeft => json!({}),
        Event::DialogCreated { kind, owner, occupants, admins, permissions, content } => json!({
            "kind": kind.number(),
            "owner": owner.get(),
            "occupants": users(occupants),
            "admins": users(admins),
            "permissions": permissions.map(permission),
            "content": shown(content, show, dialog_content),
        }),
        Event::DialogChanged { permissions, content } => json!({
            "permissions": permissions.map(permission),
            "content": shown(content, show, dialog_change),
        }),
        Event::ExtensionsMerged { content } => json!({
            "content": shown(content, show, |merged| json!({ "extensions": extensions(merged) })),
        }),
        Event::OccupantsAdded { users: who }
        | Event::OccupantsRemoved { users: who }
        | Event::AdminsAdded { users: who }
        | Event::AdminsRemoved { users: who } => json!({ "users": users(who) }),
        Event::NotificationsSet { enabled } => json!({ "enabled": enabled }),
        Event::UserBlocked { user } | Event::UserUnblocked { user } => json!({ "user": user.get() }),
        Event::MessagePosted { message, recipient, date_sent, send_to_chat, markable, silent, content } => {
            json!({
                "message": reference(message),
                "recipient": recipient.map(UserId::get),
                "date_sent": date_sent,
                "send_to_chat": send_to_chat,
                "markable": markable,
                "silent": silent,
                "content": shown(content, show, message_content),
            })
        }
        Event::MessageEdited { message, content } => json!({
            "message": reference(message),
            "content": shown(content, show, |text| json!({ "text": text.as_str() })),
        }),
        Event::MessagesPinned { messages }
        | Event::MessagesUnpinned { messages }
        | Event::MessagesRemoved { messages }
        | Event::MessagesHidden { messages } => json!({ "messages": references(messages) }),
        Event::MessagesMarked { mark, marked } => {
            json!({ "mark": mark_name(*mark), "marked": how(marked) })
        }
        Event::ReactionsChanged { message, added, removed } => json!({
            "message": reference(message),
            "added": kinds(added),
            "removed": kinds(removed),
        }),
    }
}

fn mark_name(mark: Mark) -> &'static str {
    match mark {
        Mark::Delivered => "delivered",
        Mark::Read => "read",
        Mark::Viewed => "viewed",
    }
}

fn how(marked: &Marked) -> Value {
    match marked {
        Marked::Named(messages) => json!({ "named": references(messages) }),
        Marked::Listed(ranges) => {
            let ranges: Vec<_> = ranges.iter().map(|range| json!([range.first.0, range.last.0])).collect();
            json!({ "listed": ranges })
        }
        Marked::All(up_to) => json!({ "all_up_to": up_to.0 }),
    }
}

fn shown<T>(content: &Content<T>, show: bool, to_json: impl Fn(&T) -> Value) -> Value {
    match content {
        Content::Erased => json!("erased"),
        Content::Known(_) if !show => json!("hidden"),
        Content::Known(content) => to_json(content),
    }
}

fn dialog_content(content: &DialogContent) -> Value {
    json!({
        "name": text(content.name.as_ref()),
        "photo": text(content.photo.as_ref()),
        "description": text(content.description.as_ref()),
        "extensions": content.extensions.as_ref().map(extensions),
    })
}

/// Only what changes; null is taken away.
fn dialog_change(change: &DialogChange) -> Value {
    let mut changed = serde_json::Map::new();
    let texts = [("name", &change.name), ("photo", &change.photo), ("description", &change.description)];
    for (key, new) in texts {
        if let Some(new) = new {
            changed.insert(key.to_owned(), text(new.as_ref()));
        }
    }
    if let Some(new) = &change.extensions {
        changed.insert("extensions".to_owned(), json!(new.as_ref().map(extensions)));
    }
    Value::Object(changed)
}

fn message_content(content: &MessageContent) -> Value {
    let parsed = |json: &str| serde_json::from_str::<Value>(json).unwrap_or(Value::Null);
    json!({
        "text": text(content.text.as_ref()),
        "attachments": content.attachments.as_ref().map(|json| parsed(json.as_str())),
        "custom": content.custom.as_ref().map(|json| parsed(json.as_str())),
        "client_id": text(content.client_id.as_ref()),
    })
}

fn extensions(extensions: &Extensions) -> Value {
    extensions.iter().map(|(key, value)| (key.as_str().to_owned(), json!(value.as_str()))).collect()
}

/// Kinds of reaction say what somebody thinks of a message, but nothing of what it says.
fn kinds(kinds: &[Text]) -> Vec<&str> {
    kinds.iter().map(Text::as_str).collect()
}

fn text(text: Option<&Text>) -> Value {
    json!(text.map(Text::as_str))
}

fn permission(given: Permissions) -> Value {
    json!({ "allow_preview": given.allow_preview })
}

fn users(users: &[UserId]) -> Vec<u64> {
    users.iter().map(|user| user.get()).collect()
}

fn reference(message: &MessageRef) -> Value {
    json!({ "sequence": message.sequence.0, "id": message.id.to_string() })
}

fn references(messages: &[MessageRef]) -> Vec<Value> {
    messages.iter().map(reference).collect()
}
