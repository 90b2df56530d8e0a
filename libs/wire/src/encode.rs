//! Domain values to protobuf bytes.

use domain::content::{Content, DialogChange, DialogContent, Extensions, MessageContent, Text};
use domain::event::{Event, Mark, Marked, MessageRef, Permissions, Range, Record, Stream};
use domain::{Kind, UserId};
use prost::Message as _;

use crate::proto;

/// The version of the meaning of every payload written today.
pub(crate) const SCHEMA: u32 = 1;

/// The bytes of an event with its envelope, as the log keeps them.
pub fn encode(record: &Record) -> Vec<u8> {
    proto::Envelope {
        event_id: record.id.to_vec(),
        r#type: name(&record.event).to_owned(),
        schema: SCHEMA,
        command_id: record.command.0.to_vec(),
        application: record.application.get(),
        stream: Some(stream(record.stream)),
        actor: record.actor.map_or(0, UserId::get),
        time_ms: record.at.0,
        payload: payload(&record.event),
    }
    .encode_to_vec()
}

fn stream(stream: Stream) -> proto::Stream {
    use proto::stream::Kind;
    match stream {
        Stream::Dialog(id) => proto::Stream { kind: Kind::Dialog.into(), id: id.as_bytes().to_vec() },
        Stream::Application(id) => {
            proto::Stream { kind: Kind::Application.into(), id: id.get().to_be_bytes().to_vec() }
        }
    }
}

/// The event's type, as the envelope names it.
fn name(event: &Event) -> &'static str {
    match event {
        Event::LogOpened { .. } => "log.opened",
        Event::WriterStarted => "writer.started",
        Event::DialogCreated { .. } => "dialog.created",
        Event::DialogChanged { .. } => "dialog.changed",
        Event::ExtensionsMerged { .. } => "dialog.extensions_merged",
        Event::DialogDeleted => "dialog.deleted",
        Event::DialogHidden => "dialog.hidden",
        Event::DialogShown => "dialog.shown",
        Event::HistoryCleared => "dialog.history_cleared",
        Event::HistoryClearedForAll => "dialog.history_cleared_for_all",
        Event::OccupantsAdded { .. } => "occupants.added",
        Event::OccupantsRemoved { .. } => "occupants.removed",
        Event::OccupantSubscribed => "occupant.subscribed",
        Event::OccupantLeft => "occupant.left",
        Event::AdminsAdded { .. } => "admins.added",
        Event::AdminsRemoved { .. } => "admins.removed",
        Event::MessagesPinned { .. } => "messages.pinned",
        Event::MessagesUnpinned { .. } => "messages.unpinned",
        Event::NotificationsSet { .. } => "notifications.set",
        Event::UserBlocked { .. } => "user.blocked",
        Event::UserUnblocked { .. } => "user.unblocked",
        Event::MessagePosted { .. } => "message.posted",
        Event::MessageEdited { .. } => "message.edited",
        Event::MessagesRemoved { .. } => "messages.removed",
        Event::MessagesHidden { .. } => "messages.hidden",
        Event::MessagesMarked { .. } => "messages.marked",
        Event::ReactionsChanged { .. } => "reactions.changed",
    }
}

/// The bytes of the message named after the event's type.
fn payload(event: &Event) -> Vec<u8> {
    match event {
        Event::WriterStarted | Event::DialogDeleted | Event::DialogHidden | Event::DialogShown => vec![],
        Event::HistoryCleared | Event::HistoryClearedForAll => vec![],
        Event::OccupantSubscribed | Event::OccupantLeft => vec![],
        Event::LogOpened { .. } => log_opened(event).encode_to_vec(),
        Event::DialogCreated { .. } => dialog_created(event).encode_to_vec(),
        Event::DialogChanged { permissions: changed, content } => {
            let (permissions, content) = (changed.map(permissions), Some(sealed(content, dialog_change)));
            proto::DialogChanged { permissions, content }.encode_to_vec()
        }
        Event::ExtensionsMerged { content } => {
            proto::ExtensionsMerged { content: Some(sealed(content, extensions)) }.encode_to_vec()
        }
        Event::OccupantsAdded { users } => proto::OccupantsAdded { users: numbers(users) }.encode_to_vec(),
        Event::OccupantsRemoved { users } => {
            proto::OccupantsRemoved { users: numbers(users) }.encode_to_vec()
        }
        Event::AdminsAdded { users } => proto::AdminsAdded { users: numbers(users) }.encode_to_vec(),
        Event::AdminsRemoved { users } => proto::AdminsRemoved { users: numbers(users) }.encode_to_vec(),
        Event::MessagesPinned { messages } => {
            proto::MessagesPinned { messages: references(messages) }.encode_to_vec()
        }
        Event::MessagesUnpinned { messages } => {
            proto::MessagesUnpinned { messages: references(messages) }.encode_to_vec()
        }
        Event::NotificationsSet { enabled } => proto::NotificationsSet { enabled: *enabled }.encode_to_vec(),
        Event::UserBlocked { user } => proto::UserBlocked { user: user.get() }.encode_to_vec(),
        Event::UserUnblocked { user } => proto::UserUnblocked { user: user.get() }.encode_to_vec(),
        Event::MessagePosted { .. } => message_posted(event).encode_to_vec(),
        Event::MessageEdited { message, content } => {
            let text = |text: &Text| proto::MessageText { text: string(text) };
            let (message, content) = (Some(reference(*message)), Some(sealed(content, text)));
            proto::MessageEdited { message, content }.encode_to_vec()
        }
        Event::MessagesRemoved { messages } => {
            proto::MessagesRemoved { messages: references(messages) }.encode_to_vec()
        }
        Event::MessagesHidden { messages } => {
            proto::MessagesHidden { messages: references(messages) }.encode_to_vec()
        }
        Event::MessagesMarked { mark, marked } => messages_marked(*mark, marked).encode_to_vec(),
        Event::ReactionsChanged { message, added, removed } => {
            let [added, removed] = [added, removed].map(|kinds| kinds.iter().map(string).collect());
            proto::ReactionsChanged { message: Some(reference(*message)), added, removed }.encode_to_vec()
        }
    }
}

fn log_opened(event: &Event) -> proto::LogOpened {
    let Event::LogOpened { partitions, partition_hash, private_dialog_key } = event else {
        return proto::LogOpened::default();
    };
    proto::LogOpened {
        partitions: *partitions,
        partition_hash: partition_hash.clone(),
        private_dialog_key: private_dialog_key.to_vec(),
    }
}

fn dialog_created(event: &Event) -> proto::DialogCreated {
    let Event::DialogCreated { kind, owner, occupants, admins, permissions: given, content } = event else {
        return proto::DialogCreated::default();
    };
    proto::DialogCreated {
        kind: u32::from(Kind::number(*kind)),
        owner: owner.get(),
        occupants: numbers(occupants),
        admins: numbers(admins),
        permissions: given.map(permissions),
        content: Some(sealed(content, dialog_content)),
    }
}

fn message_posted(event: &Event) -> proto::MessagePosted {
    let Event::MessagePosted { message, recipient, date_sent, send_to_chat, markable, silent, content } =
        event
    else {
        return proto::MessagePosted::default();
    };
    proto::MessagePosted {
        message: Some(reference(*message)),
        recipient: recipient.map_or(0, UserId::get),
        date_sent: *date_sent,
        send_to_chat: *send_to_chat,
        markable: *markable,
        silent: *silent,
        content: Some(sealed(content, message_content)),
    }
}

pub(crate) fn messages_marked(mark: Mark, marked: &Marked) -> proto::MessagesMarked {
    use proto::messages_marked::{Mark as M, Marked as By};
    let mark = match mark {
        Mark::Delivered => M::Delivered,
        Mark::Read => M::Read,
        Mark::Viewed => M::Viewed,
    };
    let marked = match marked {
        Marked::Named(messages) => By::Named(proto::NamedMessages { messages: references(messages) }),
        Marked::Listed(ranges) => {
            let range = |range: &Range| proto::Range { first: range.first.0, last: range.last.0 };
            By::Listed(proto::ListedMessages { ranges: ranges.iter().map(range).collect() })
        }
        Marked::All(up_to) => By::All(up_to.0),
    };
    proto::MessagesMarked { mark: mark.into(), marked: Some(marked) }
}

/// The key id of content that was erased: no key of that id ever exists.
pub(crate) const ERASED_KEY: &str = "erased";

fn sealed<T, M: prost::Message>(content: &Content<T>, plain: impl Fn(&T) -> M) -> proto::Content {
    match content {
        Content::Known(content) => {
            proto::Content { bytes: plain(content).encode_to_vec(), ..proto::Content::default() }
        }
        Content::Erased => proto::Content { key_id: ERASED_KEY.to_owned(), ..proto::Content::default() },
    }
}

pub(crate) fn dialog_content(content: &DialogContent) -> proto::DialogContent {
    proto::DialogContent {
        name: content.name.as_ref().map(string),
        photo: content.photo.as_ref().map(string),
        description: content.description.as_ref().map(string),
        extensions: content.extensions.as_ref().map(extensions),
    }
}

pub(crate) fn dialog_change(change: &DialogChange) -> proto::DialogChange {
    let text = |text: &Option<Text>| proto::ChangedText { text: text.as_ref().map(string) };
    let fields =
        |given: &Option<Extensions>| proto::ChangedExtensions { extensions: given.as_ref().map(extensions) };
    proto::DialogChange {
        name: change.name.as_ref().map(text),
        photo: change.photo.as_ref().map(text),
        description: change.description.as_ref().map(text),
        extensions: change.extensions.as_ref().map(fields),
    }
}

pub(crate) fn message_content(content: &MessageContent) -> proto::MessageContent {
    proto::MessageContent {
        text: content.text.as_ref().map(string),
        attachments: content.attachments.as_ref().map(|json| json.as_str().to_owned()),
        custom: content.custom.as_ref().map(|json| json.as_str().to_owned()),
        client_id: content.client_id.as_ref().map(string),
    }
}

fn extensions(extensions: &Extensions) -> proto::Extensions {
    let entry = |(key, value): &(Text, Text)| proto::Extension { key: string(key), value: string(value) };
    proto::Extensions { entries: extensions.iter().map(entry).collect() }
}

pub(crate) fn string(text: &Text) -> String {
    text.as_str().to_owned()
}

pub(crate) fn permissions(given: Permissions) -> proto::Permissions {
    proto::Permissions { allow_preview: given.allow_preview }
}

pub(crate) fn numbers(users: &[UserId]) -> Vec<u64> {
    users.iter().map(|user| user.get()).collect()
}

pub(crate) fn reference(message: MessageRef) -> proto::MessageRef {
    proto::MessageRef { sequence: message.sequence.0, id: message.id.as_bytes().to_vec() }
}

pub(crate) fn references(messages: &[MessageRef]) -> Vec<proto::MessageRef> {
    messages.iter().map(|message| reference(*message)).collect()
}
