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
    let (name, payload) = payload(&record.event);
    proto::Envelope {
        event_id: record.id.to_vec(),
        r#type: name.to_owned(),
        schema: SCHEMA,
        command_id: record.command.0.to_vec(),
        application: record.application.get(),
        stream: Some(stream(record.stream)),
        actor: record.actor.map_or(0, UserId::get),
        time_ms: record.at.0,
        payload,
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

/// The type's name and the payload's bytes.
fn payload(event: &Event) -> (&'static str, Vec<u8>) {
    match event {
        Event::LogOpened { partitions, partition_hash, private_dialog_key } => {
            let opened = proto::LogOpened {
                partitions: *partitions,
                partition_hash: partition_hash.clone(),
                private_dialog_key: private_dialog_key.to_vec(),
            };
            ("log.opened", opened.encode_to_vec())
        }
        Event::WriterStarted => ("writer.started", vec![]),
        Event::DialogCreated { .. } => ("dialog.created", dialog_created(event).encode_to_vec()),
        Event::DialogChanged { permissions: changed, content } => {
            let changed = proto::DialogChanged {
                permissions: changed.map(permissions),
                content: Some(sealed(content, dialog_change)),
            };
            ("dialog.changed", changed.encode_to_vec())
        }
        Event::DialogDeleted => ("dialog.deleted", vec![]),
        Event::DialogHidden => ("dialog.hidden", vec![]),
        Event::DialogShown => ("dialog.shown", vec![]),
        Event::OccupantsAdded { users } => {
            ("occupants.added", proto::OccupantsAdded { users: numbers(users) }.encode_to_vec())
        }
        Event::OccupantsRemoved { users } => {
            ("occupants.removed", proto::OccupantsRemoved { users: numbers(users) }.encode_to_vec())
        }
        Event::OccupantLeft => ("occupant.left", vec![]),
        Event::MessagePosted { .. } => ("message.posted", message_posted(event).encode_to_vec()),
        Event::MessageEdited { message, content } => {
            let text = |text: &Text| proto::MessageText { text: text.as_str().to_owned() };
            let edited = proto::MessageEdited {
                message: Some(reference(*message)),
                content: Some(sealed(content, text)),
            };
            ("message.edited", edited.encode_to_vec())
        }
        Event::MessagesRemoved { messages } => {
            ("messages.removed", proto::MessagesRemoved { messages: references(messages) }.encode_to_vec())
        }
        Event::MessagesHidden { messages } => {
            ("messages.hidden", proto::MessagesHidden { messages: references(messages) }.encode_to_vec())
        }
        Event::MessagesMarked { mark, marked } => {
            ("messages.marked", messages_marked(*mark, marked).encode_to_vec())
        }
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
