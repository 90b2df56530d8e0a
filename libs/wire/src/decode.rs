//! Protobuf bytes to domain values. Never panics, whatever the bytes.

use domain::content::{Content, DialogChange, DialogContent, Extensions, JsonText, MessageContent, Text};
use domain::event::{Event, Mark, Marked, MessageRef, Permissions, Range, Record};
use domain::{Kind, MessageId, Sequence, UserId};
use prost::Message;

use crate::encode::{ERASED_KEY, SCHEMA};
use crate::envelope::{Envelope, open};
use crate::proto;

/// Why bytes are no event that this version can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The bytes, or the named part of them, are not of the form they should have.
    #[error("malformed event: {0}")]
    Malformed(&'static str),
    /// An event type, or a version of one, that this version does not know. A reader must
    /// stop here: it cannot know what it would miss.
    #[error(
        "unknown event type {type_name} with schema {schema}: a newer version wrote it; upgrade this one"
    )]
    UnknownType {
        /// The type's name.
        type_name: String,
        /// The payload's schema.
        schema: u32,
    },
}

/// The event that `bytes` hold.
pub fn decode(bytes: &[u8]) -> Result<Record, Error> {
    let envelope = open(bytes)?;
    let event = event(&envelope)?;
    Ok(Record {
        id: envelope.event_id,
        command: envelope.command,
        application: envelope.application,
        stream: envelope.stream,
        actor: envelope.actor,
        at: envelope.at,
        event,
    })
}

fn event(envelope: &Envelope) -> Result<Event, Error> {
    let unknown = || Error::UnknownType { type_name: envelope.type_name.clone(), schema: envelope.schema };
    if envelope.schema != SCHEMA {
        return Err(unknown());
    }
    let bytes = envelope.payload.as_slice();
    let (kind, _) = envelope.type_name.split_once('.').ok_or_else(unknown)?;
    let known = match kind {
        "dialog" => of_dialog(&envelope.type_name, bytes)?,
        "message" | "messages" | "reactions" => of_messages(&envelope.type_name, bytes)?,
        _ => of_people(&envelope.type_name, bytes)?,
    };
    known.ok_or_else(unknown)
}

/// Events of the log's own and of people in dialogs; `None` if there is no such type.
fn of_people(type_name: &str, bytes: &[u8]) -> Result<Option<Event>, Error> {
    Ok(Some(match type_name {
        "log.opened" => log_opened(parse(bytes)?)?,
        "writer.started" => Event::WriterStarted,
        "occupants.added" => {
            Event::OccupantsAdded { users: users(parse::<proto::OccupantsAdded>(bytes)?.users)? }
        }
        "occupants.removed" => {
            Event::OccupantsRemoved { users: users(parse::<proto::OccupantsRemoved>(bytes)?.users)? }
        }
        "occupant.subscribed" => Event::OccupantSubscribed,
        "occupant.left" => Event::OccupantLeft,
        "admins.added" => Event::AdminsAdded { users: users(parse::<proto::AdminsAdded>(bytes)?.users)? },
        "admins.removed" => {
            Event::AdminsRemoved { users: users(parse::<proto::AdminsRemoved>(bytes)?.users)? }
        }
        "notifications.set" => {
            Event::NotificationsSet { enabled: parse::<proto::NotificationsSet>(bytes)?.enabled }
        }
        "user.blocked" => Event::UserBlocked { user: user(parse::<proto::UserBlocked>(bytes)?.user)? },
        "user.unblocked" => Event::UserUnblocked { user: user(parse::<proto::UserUnblocked>(bytes)?.user)? },
        _ => return Ok(None),
    }))
}

fn of_dialog(type_name: &str, bytes: &[u8]) -> Result<Option<Event>, Error> {
    Ok(Some(match type_name {
        "dialog.created" => dialog_created(parse(bytes)?)?,
        "dialog.changed" => {
            let changed: proto::DialogChanged = parse(bytes)?;
            Event::DialogChanged {
                permissions: changed.permissions.map(permissions),
                content: opened(changed.content, |change| Ok(dialog_change(change)))?,
            }
        }
        "dialog.extensions_merged" => {
            let merged: proto::ExtensionsMerged = parse(bytes)?;
            Event::ExtensionsMerged { content: opened(merged.content, |given| Ok(extensions(given)))? }
        }
        "dialog.deleted" => Event::DialogDeleted,
        "dialog.hidden" => Event::DialogHidden,
        "dialog.shown" => Event::DialogShown,
        "dialog.history_cleared" => Event::HistoryCleared,
        "dialog.history_cleared_for_all" => Event::HistoryClearedForAll,
        _ => return Ok(None),
    }))
}

fn of_messages(type_name: &str, bytes: &[u8]) -> Result<Option<Event>, Error> {
    Ok(Some(match type_name {
        "message.posted" => message_posted(parse(bytes)?)?,
        "message.edited" => {
            let edited: proto::MessageEdited = parse(bytes)?;
            let text = |content: proto::MessageText| Ok(Text::stored(content.text));
            Event::MessageEdited {
                message: reference(edited.message.unwrap_or_default())?,
                content: opened(edited.content, text)?,
            }
        }
        "messages.pinned" => {
            Event::MessagesPinned { messages: references(parse::<proto::MessagesPinned>(bytes)?.messages)? }
        }
        "messages.unpinned" => {
            let messages = references(parse::<proto::MessagesUnpinned>(bytes)?.messages)?;
            Event::MessagesUnpinned { messages }
        }
        "messages.removed" => {
            Event::MessagesRemoved { messages: references(parse::<proto::MessagesRemoved>(bytes)?.messages)? }
        }
        "messages.hidden" => {
            Event::MessagesHidden { messages: references(parse::<proto::MessagesHidden>(bytes)?.messages)? }
        }
        "messages.marked" => {
            let (mark, marked) = messages_marked(parse(bytes)?)?;
            Event::MessagesMarked { mark, marked }
        }
        "reactions.changed" => {
            let changed: proto::ReactionsChanged = parse(bytes)?;
            let kinds = |kinds: Vec<String>| kinds.into_iter().map(Text::stored).collect();
            Event::ReactionsChanged {
                message: reference(changed.message.unwrap_or_default())?,
                added: kinds(changed.added),
                removed: kinds(changed.removed),
            }
        }
        _ => return Ok(None),
    }))
}

fn parse<M: Message + Default>(bytes: &[u8]) -> Result<M, Error> {
    M::decode(bytes).map_err(|_| Error::Malformed("payload"))
}

fn log_opened(opened: proto::LogOpened) -> Result<Event, Error> {
    Ok(Event::LogOpened {
        partitions: opened.partitions,
        partition_hash: opened.partition_hash,
        private_dialog_key: opened
            .private_dialog_key
            .try_into()
            .map_err(|_| Error::Malformed("private dialog key"))?,
    })
}

fn dialog_created(created: proto::DialogCreated) -> Result<Event, Error> {
    Ok(Event::DialogCreated {
        kind: Kind::from_number(created.kind.into()).ok_or(Error::Malformed("dialog kind"))?,
        owner: user(created.owner)?,
        occupants: users(created.occupants)?,
        admins: users(created.admins)?,
        permissions: created.permissions.map(permissions),
        content: opened(created.content, |content| Ok(dialog_content(content)))?,
    })
}

pub(crate) fn dialog_content(content: proto::DialogContent) -> DialogContent {
    DialogContent {
        name: content.name.map(Text::stored),
        photo: content.photo.map(Text::stored),
        description: content.description.map(Text::stored),
        extensions: content.extensions.map(extensions),
    }
}

pub(crate) fn dialog_change(change: proto::DialogChange) -> DialogChange {
    let text = |changed: proto::ChangedText| changed.text.map(Text::stored);
    DialogChange {
        name: change.name.map(text),
        photo: change.photo.map(text),
        description: change.description.map(text),
        extensions: change.extensions.map(|changed| changed.extensions.map(extensions)),
    }
}

fn message_posted(posted: proto::MessagePosted) -> Result<Event, Error> {
    Ok(Event::MessagePosted {
        message: reference(posted.message.unwrap_or_default())?,
        recipient: if posted.recipient == 0 { None } else { Some(user(posted.recipient)?) },
        date_sent: posted.date_sent,
        send_to_chat: posted.send_to_chat,
        markable: posted.markable,
        silent: posted.silent,
        content: opened(posted.content, |content| Ok(message_content(content)))?,
    })
}

pub(crate) fn message_content(content: proto::MessageContent) -> MessageContent {
    MessageContent {
        text: content.text.map(Text::stored),
        attachments: content.attachments.map(JsonText::stored),
        custom: content.custom.map(JsonText::stored),
        client_id: content.client_id.map(Text::stored),
    }
}

pub(crate) fn messages_marked(marked: proto::MessagesMarked) -> Result<(Mark, Marked), Error> {
    use proto::messages_marked::{Mark as M, Marked as By};
    let mark = match marked.mark() {
        M::Delivered => Mark::Delivered,
        M::Read => Mark::Read,
        M::Viewed => Mark::Viewed,
        M::Unspecified => return Err(Error::Malformed("mark")),
    };
    let marked = match marked.marked.ok_or(Error::Malformed("what is marked"))? {
        By::Named(named) => Marked::Named(references(named.messages)?),
        By::Listed(listed) => Marked::Listed(listed.ranges.into_iter().map(range).collect::<Result<_, _>>()?),
        By::All(up_to) => Marked::All(Sequence(up_to)),
    };
    Ok((mark, marked))
}

/// Content under the key that never exists is erased. Under any other key it was written
/// by a newer version: taking it for erased would lose it without a word.
fn opened<M: Message + Default, T>(
    content: Option<proto::Content>,
    plain: impl Fn(M) -> Result<T, Error>,
) -> Result<Content<T>, Error> {
    let content = content.ok_or(Error::Malformed("content"))?;
    match content.key_id.as_str() {
        "" => plain(parse(&content.bytes)?).map(Content::Known),
        ERASED_KEY => Ok(Content::Erased),
        _ => Err(Error::Malformed("content under a key that this version cannot have")),
    }
}

fn extensions(given: proto::Extensions) -> Extensions {
    given.entries.into_iter().map(|entry| (Text::stored(entry.key), Text::stored(entry.value))).collect()
}

pub(crate) fn permissions(given: proto::Permissions) -> Permissions {
    Permissions { allow_preview: given.allow_preview }
}

pub(crate) fn user(number: u64) -> Result<UserId, Error> {
    UserId::new(number).ok_or(Error::Malformed("user id"))
}

pub(crate) fn users(numbers: Vec<u64>) -> Result<Vec<UserId>, Error> {
    numbers.into_iter().map(user).collect()
}

pub(crate) fn reference(message: proto::MessageRef) -> Result<MessageRef, Error> {
    let id = message.id.try_into().map_err(|_| Error::Malformed("message id"))?;
    match message.sequence {
        0 => Err(Error::Malformed("message sequence")),
        sequence => Ok(MessageRef { sequence: Sequence(sequence), id: MessageId::from_bytes(id) }),
    }
}

fn range(given: proto::Range) -> Result<Range, Error> {
    if given.first == 0 || given.first > given.last {
        return Err(Error::Malformed("range of sequences"));
    }
    Ok(Range { first: Sequence(given.first), last: Sequence(given.last) })
}

pub(crate) fn references(messages: Vec<proto::MessageRef>) -> Result<Vec<MessageRef>, Error> {
    messages.into_iter().map(reference).collect()
}
