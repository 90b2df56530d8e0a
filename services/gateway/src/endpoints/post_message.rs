//! `POST /chat/Message`: write a message into a dialog, or to a user.
//!
//! Writing to a user makes the private dialog with him, should there be none. The
//! client's own `_id` makes the call safe to repeat: the same author's message of that
//! name in that dialog is the same message.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Post, Request};
use domain::content::{JsonText, MessageContent, Text, Unfit};
use domain::{CommandId, DialogId, Limits, MessageId, UserId};
use serde_json::{Map, Value};

use crate::edge::{CallKey, Caller, Done, RETRY_AFTER_LAG};
use crate::shown::{MESSAGE_KEYS, MessageShown, message};
use crate::{ApiError, Edge, Params, asked, fields, folded};

/// The longest `_id` of another form than an id's, in characters.
const CLIENT_ID_CHARACTERS_MAX: usize = 255;
/// Parameters that are about the call, beside those that every message has.
const CALL_KEYS: [&str; 6] =
    ["save_to_history", "send_to_chat", "markable", "silent", "dialog_id", "message_id"];

const RECIPIENT: &str = "recipient_id";

/// Where a message goes.
struct Target {
    dialog: DialogId,
    /// Whom it is for, if it may have to make the dialog.
    opens: Option<UserId>,
}

/// What a message is called by who sends it.
struct ClientId {
    id: MessageId,
    raw: String,
    /// What is kept beside the id, if it is only made of what the client wrote.
    kept: Option<Text>,
}

/// Write a message
///
/// Into a dialog, or to a user: the private dialog with him is made if there is none.
#[utoipa::path(
    post, path = "/chat/Message", tag = "Messages", operation_id = "post_message",
    params(CallKey), request_body = asked::NewMessage,
    responses((status = 201, description = "The message", body = MessageShown), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    mut params: Params,
) -> Result<Response, ApiError> {
    let Target { dialog, opens } = target(&edge, caller, &mut params)?;
    let client_id = client_id(caller, &mut params)?;
    let flags = ["send_to_chat", "markable", "silent"];
    let [send_to_chat, markable, silent] =
        [params.flag(flags[0])?, params.flag(flags[1])?, params.flag(flags[2])?]
            .map(|flag| flag.unwrap_or(false));
    let kept = client_id.as_ref().and_then(|named| named.kept.clone());
    let content = content(params, &edge.limits, kept)?;
    if let Some(opponent) = opens {
        fields::exists(&edge, RECIPIENT, opponent).await?;
    }
    if let Some(named) = &client_id
        && edge.queries.name_taken(caller, named.id, dialog).await?
    {
        return Err(ApiError::taken("_id"));
    }
    let id = command(&edge, caller, &key, dialog, client_id.as_ref());
    let post = Post {
        id: client_id.as_ref().map_or_else(|| edge.ids.message_id(edge.clock.now()), |named| named.id),
        id_is_clients: client_id.is_some(),
        opens,
        content,
        send_to_chat,
        markable,
        silent,
    };
    let done = edge.ask(Request { id, dialog, actor: caller, command: Command::Post(post) }).await?;
    answer(&edge, caller, dialog, &done).await
}

/// A new message from its own events, which are its row at that place in the log; a
/// repeated one as it is now.
async fn answer(edge: &Edge, caller: UserId, dialog: DialogId, done: &Done) -> Result<Response, ApiError> {
    if let Some(view) = folded::message(&done.decided.records) {
        return Ok(done.seen().on(message(&view)));
    }
    if !done.visible {
        return Err(ApiError::Unavailable(RETRY_AFTER_LAG));
    }
    let sequences = done.decided.message.iter().map(|message| message.sequence).collect();
    let found = edge.queries.messages(caller, dialog, sequences).await?;
    let view = found.first().ok_or(ApiError::NoSuchResource)?;
    Ok(done.seen().on(message(view)))
}

fn target(edge: &Edge, caller: UserId, params: &mut Params) -> Result<Target, ApiError> {
    let named = fields::dialog(params)?;
    if let Some(named) = named {
        let dialog = named.id.ok_or_else(fields::no_dialog_id)?;
        return Ok(Target { dialog, opens: None });
    }
    let recipient = fields::user(params, RECIPIENT)?.ok_or_else(|| ApiError::missing("chat_dialog_id"))?;
    if recipient == caller {
        return Err(ApiError::invalid(RECIPIENT, "must be another user"));
    }
    let dialog = DialogId::private(&edge.private_dialog_key, caller, recipient);
    Ok(Target { dialog, opens: Some(recipient) })
}

fn client_id(caller: UserId, params: &mut Params) -> Result<Option<ClientId>, ApiError> {
    let Some(raw) = params.text("_id")?.filter(|raw| !raw.is_empty()) else { return Ok(None) };
    if let Ok(id) = raw.parse() {
        return Ok(Some(ClientId { id, raw, kept: None }));
    }
    let kept = Text::new(raw.as_str(), CLIENT_ID_CHARACTERS_MAX).map_err(|e| fields::unfit("_id", e))?;
    Ok(Some(ClientId { id: MessageId::mapped(caller, &raw), raw, kept: Some(kept) }))
}

fn command(
    edge: &Edge,
    caller: UserId,
    key: &CallKey,
    dialog: DialogId,
    client_id: Option<&ClientId>,
) -> CommandId {
    match client_id {
        Some(named) => CommandId::named(caller, dialog, "post message of an id", &named.raw),
        None => key.command(edge, caller, dialog, "post message"),
    }
}

/// Text, attachments and custom parameters; at least one of them.
pub(super) fn content(
    mut params: Params,
    limits: &Limits,
    client_id: Option<Text>,
) -> Result<MessageContent, ApiError> {
    let text = fields::text(&mut params, "message", limits.message_characters_max)?;
    let attachments = params.list("attachments")?.filter(|attachments| !attachments.is_empty());
    let attachments = attachments.map(|list| self::attachments(list, limits)).transpose()?;
    let custom = custom(params.rest(), limits)?;
    if text.is_none() && attachments.is_none() && custom.is_none() {
        return Err(fields::unfit("message", Unfit::Blank));
    }
    Ok(MessageContent { text, attachments, custom, client_id })
}

fn attachments(list: Vec<Value>, limits: &Limits) -> Result<JsonText, ApiError> {
    const NAME: &str = "attachments";
    if !list.iter().all(Value::is_object) {
        return Err(ApiError::invalid(NAME, "must be a list of objects"));
    }
    JsonText::attachments(list, limits).map_err(|reason| fields::unfit(NAME, reason))
}

/// Whatever has no meaning of its own.
fn custom(mut rest: Map<String, Value>, limits: &Limits) -> Result<Option<JsonText>, ApiError> {
    rest.retain(|key, _| !MESSAGE_KEYS.contains(&key.as_str()) && !CALL_KEYS.contains(&key.as_str()));
    if rest.is_empty() {
        return Ok(None);
    }
    let custom = JsonText::custom(&rest, limits);
    custom.map(Some).map_err(|reason| fields::unfit("custom_parameters", reason))
}
