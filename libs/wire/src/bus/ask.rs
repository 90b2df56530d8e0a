//! A command on its way to the writer of its partition.
//!
//! The edge has checked it against the deployment's limits; here it is held against what
//! no deployment may exceed.

use domain::command::{Change, Command, Create, Post, React, Request, Update};
use domain::content::{DialogChange, DialogContent, Extensions, MessageContent, Text};
use domain::event::MessageRef;
use domain::{CommandId, DialogId, Kind, MessageId, REACTION_BYTES_MAX, UserId};
use prost::Message as _;

use super::{Malformed, fixed, parse};
use crate::proto::{self, command_request::Command as Wire};
use crate::{decode, encode};

/// Bytes of a request. Its events have to fit one frame of 256 KiB.
pub const REQUEST_BYTES_MAX: usize = 256 * 1024;
/// Bytes of a trace context; the standard's form has 55.
const TRACE_BYTES_MAX: usize = 256;

/// A command, and the trace that it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The command.
    pub request: Request,
    /// A W3C `traceparent`, if whoever asks is traced.
    pub trace: Option<String>,
}

/// The bytes of a request.
pub fn encode_ask(request: &Request, trace: Option<&str>) -> Vec<u8> {
    proto::CommandRequest {
        command_id: request.id.0.to_vec(),
        dialog: request.dialog.as_bytes().to_vec(),
        actor: request.actor.get(),
        traceparent: trace.unwrap_or_default().to_owned(),
        command: Some(command(&request.command)),
    }
    .encode_to_vec()
}

fn command(command: &Command) -> Wire {
    let named = |messages: &[MessageRef]| proto::NamedMessages { messages: encode::references(messages) };
    match command {
        Command::Create(create) => Wire::Create(proto::CreateDialog {
            kind: u32::from(create.kind.number()),
            occupants: encode::numbers(&create.occupants),
            admins: encode::numbers(&create.admins),
            permissions: create.permissions.map(encode::permissions),
            content: Some(encode::dialog_content(&create.content)),
        }),
        Command::OpenPrivate { opponent, content } => Wire::OpenPrivate(proto::OpenPrivateDialog {
            opponent: opponent.get(),
            content: Some(encode::dialog_content(content)),
        }),
        Command::Change(change) => encode_change(change),
        Command::DeleteForSelf => Wire::DeleteForSelf(proto::DeleteDialogForSelf {}),
        Command::DeleteForAll => Wire::DeleteForAll(proto::DeleteDialogForAll {}),
        Command::ClearForSelf => Wire::ClearForSelf(proto::ClearHistoryForSelf {}),
        Command::ClearForAll => Wire::ClearForAll(proto::ClearHistoryForAll {}),
        Command::Subscribe => Wire::Subscribe(proto::Subscribe {}),
        Command::SetNotifications(enabled) => {
            Wire::SetNotifications(proto::SetNotifications { enabled: *enabled })
        }
        Command::Block(user) => Wire::Block(user.get()),
        Command::Unblock(user) => Wire::Unblock(user.get()),
        Command::Post(post) => Wire::Post(proto::PostMessage {
            id: post.id.as_bytes().to_vec(),
            id_is_clients: post.id_is_clients,
            opens: post.opens.map_or(0, UserId::get),
            content: Some(encode::message_content(&post.content)),
            send_to_chat: post.send_to_chat,
            markable: post.markable,
            silent: post.silent,
        }),
        Command::Update(update) => Wire::Update(proto::UpdateMessages {
            messages: encode::references(&update.messages),
            text: update.text.as_ref().map(encode::string),
            mark: update.mark.as_ref().map(|(mark, marked)| encode::messages_marked(*mark, marked)),
        }),
        Command::HideMessages(messages) => Wire::HideMessages(named(messages)),
        Command::RemoveMessages(messages) => Wire::RemoveMessages(named(messages)),
        Command::React(react) => Wire::React(proto::React {
            message: Some(encode::reference(react.message)),
            add: react.add.as_ref().map(encode::string),
            remove: react.remove.as_ref().map(encode::string),
        }),
    }
}

fn encode_change(change: &Change) -> Wire {
    let people = [&change.add_admins, &change.remove_admins].into_iter().any(|users| !users.is_empty());
    let pins = [&change.pin, &change.unpin].into_iter().any(|messages| !messages.is_empty());
    let kind = if people || pins { Wire::ChangeWithRights } else { Wire::Change };
    kind(proto::ChangeDialog {
        content: Some(encode::dialog_change(&change.content)),
        permissions: change.permissions.map(encode::permissions),
        add: encode::numbers(&change.add),
        remove: encode::numbers(&change.remove),
        add_admins: encode::numbers(&change.add_admins),
        remove_admins: encode::numbers(&change.remove_admins),
        pin: encode::references(&change.pin),
        unpin: encode::references(&change.unpin),
    })
}

/// The request that `bytes` hold.
pub fn decode_ask(bytes: &[u8]) -> Result<Ask, Malformed> {
    if bytes.len() > REQUEST_BYTES_MAX {
        return Err("a request this large".into());
    }
    let ask: proto::CommandRequest = parse(bytes, "request")?;
    if ask.traceparent.len() > TRACE_BYTES_MAX {
        return Err("traceparent".into());
    }
    let dialog = DialogId::from_bytes(fixed(ask.dialog, "dialog id")?).ok_or("dialog id")?;
    let command = parse_command(ask.command.ok_or("a kind of command that this version does not know")?)?;
    Ok(Ask {
        request: Request {
            id: CommandId(fixed(ask.command_id, "command id")?),
            dialog,
            actor: decode::user(ask.actor)?,
            command,
        },
        trace: Some(ask.traceparent).filter(|trace| !trace.is_empty()),
    })
}

fn parse_command(command: Wire) -> Result<Command, Malformed> {
    let named = |named: proto::NamedMessages| decode::references(named.messages);
    Ok(match command {
        Wire::Create(create) => Command::Create(Create {
            kind: Kind::from_number(create.kind.into()).ok_or("dialog kind")?,
            occupants: decode::users(create.occupants)?,
            admins: decode::users(create.admins)?,
            permissions: create.permissions.map(decode::permissions),
            content: dialog_content(create.content)?,
        }),
        Wire::OpenPrivate(open) => Command::OpenPrivate {
            opponent: decode::user(open.opponent)?,
            content: dialog_content(open.content)?,
        },
        Wire::Change(change) | Wire::ChangeWithRights(change) => Command::Change(Change {
            content: dialog_change(change.content)?,
            permissions: change.permissions.map(decode::permissions),
            add: decode::users(change.add)?,
            remove: decode::users(change.remove)?,
            add_admins: decode::users(change.add_admins)?,
            remove_admins: decode::users(change.remove_admins)?,
            pin: decode::references(change.pin)?,
            unpin: decode::references(change.unpin)?,
        }),
        Wire::DeleteForSelf(proto::DeleteDialogForSelf {}) => Command::DeleteForSelf,
        Wire::DeleteForAll(proto::DeleteDialogForAll {}) => Command::DeleteForAll,
        Wire::ClearForSelf(proto::ClearHistoryForSelf {}) => Command::ClearForSelf,
        Wire::ClearForAll(proto::ClearHistoryForAll {}) => Command::ClearForAll,
        Wire::Subscribe(proto::Subscribe {}) => Command::Subscribe,
        Wire::SetNotifications(proto::SetNotifications { enabled }) => Command::SetNotifications(enabled),
        Wire::Block(user) => Command::Block(decode::user(user)?),
        Wire::Unblock(user) => Command::Unblock(decode::user(user)?),
        Wire::Post(post) => Command::Post(Post {
            id: MessageId::from_bytes(fixed(post.id, "message id")?),
            id_is_clients: post.id_is_clients,
            opens: if post.opens == 0 { None } else { Some(decode::user(post.opens)?) },
            content: message_content(post.content)?,
            send_to_chat: post.send_to_chat,
            markable: post.markable,
            silent: post.silent,
        }),
        Wire::Update(update) => Command::Update(Update {
            messages: decode::references(update.messages)?,
            text: update.text.map(text).transpose()?,
            mark: update.mark.map(decode::messages_marked).transpose()?,
        }),
        Wire::HideMessages(messages) => Command::HideMessages(named(messages)?),
        Wire::RemoveMessages(messages) => Command::RemoveMessages(named(messages)?),
        Wire::React(react) => Command::React(React {
            message: decode::reference(react.message.unwrap_or_default())?,
            add: react.add.map(reaction).transpose()?,
            remove: react.remove.map(reaction).transpose()?,
        }),
    })
}

/// One of the stores cannot hold U+0000: whatever comes in, it gets no further.
fn storable<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<(), Malformed> {
    if texts.into_iter().any(|text| text.contains('\0')) { Err("U+0000 in a text".into()) } else { Ok(()) }
}

fn reaction(raw: String) -> Result<Text, Malformed> {
    Text::reaction(raw, REACTION_BYTES_MAX).map_err(|_| "reaction".into())
}

fn text(raw: String) -> Result<Text, Malformed> {
    storable([raw.as_str()])?;
    Ok(Text::stored(raw))
}

fn dialog_content(content: Option<proto::DialogContent>) -> Result<DialogContent, Malformed> {
    let content = decode::dialog_content(content.unwrap_or_default());
    let DialogContent { name, photo, description, extensions } = &content;
    storable([name, photo, description].into_iter().flatten().map(Text::as_str))?;
    storable(pairs(extensions.as_ref()))?;
    Ok(content)
}

fn dialog_change(change: Option<proto::DialogChange>) -> Result<DialogChange, Malformed> {
    let change = decode::dialog_change(change.unwrap_or_default());
    let DialogChange { name, photo, description, extensions } = &change;
    storable([name, photo, description].into_iter().flatten().flatten().map(Text::as_str))?;
    storable(pairs(extensions.as_ref().and_then(Option::as_ref)))?;
    Ok(change)
}

fn pairs(extensions: Option<&Extensions>) -> impl Iterator<Item = &str> {
    extensions.into_iter().flatten().flat_map(|(key, value)| [key.as_str(), value.as_str()])
}

fn message_content(content: Option<proto::MessageContent>) -> Result<MessageContent, Malformed> {
    let content = decode::message_content(content.unwrap_or_default());
    let MessageContent { text, attachments, custom, client_id } = &content;
    storable([text, client_id].into_iter().flatten().map(Text::as_str))?;
    storable([attachments, custom].into_iter().flatten().map(domain::content::JsonText::as_str))?;
    Ok(content)
}
