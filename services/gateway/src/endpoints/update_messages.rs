//! `PUT /chat/Message/{ids}`: edit messages, or mark them as read or delivered;
//! `PUT /chat/Message`: mark all messages of a dialog.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request, Update};
use domain::content::{Text, Unfit};
use domain::event::{Mark, Marked, MessageRef};
use domain::role::Role;
use domain::{DialogId, Limits, MessageId, Sequence, UserId};

use crate::edge::{CallKey, Caller, Done, Seen};
use crate::path::ids;
use crate::{ApiError, Edge, Params, Path, answer, asked, fields};

/// What the names of the commands of one call begin with.
const KIND: &str = "update messages";

/// What is to become of messages.
struct Wanted {
    text: Option<Text>,
    mark: Option<Mark>,
    within: Option<DialogId>,
}

/// Change or mark messages
///
/// Those that are not found are passed over, unless none is.
#[utoipa::path(
    put, path = "/chat/Message/{ids}", tag = "Messages", operation_id = "change_messages",
    params(asked::MessagesPath, CallKey), request_body = asked::MessageChange,
    responses((status = 200, description = "They are changed"), Caller, Params, Done),
)]
pub(super) async fn named(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(segment): Path<String>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let named = ids::<MessageId>(&segment, edge.limits.ids_per_call_max)?;
    let wanted = read(&mut params, &edge.limits)?;
    if let Some(dialog) = wanted.within {
        within(&edge, caller, dialog).await?;
    }
    let ids = named.into_iter().filter_map(|named| named.id).collect();
    let mut dialogs: BTreeMap<DialogId, Vec<MessageRef>> = BTreeMap::new();
    for found in edge.queries.resolve(caller, ids, wanted.within).await? {
        let elsewhere = wanted.within.is_some_and(|within| within != found.dialog);
        if elsewhere {
            continue;
        }
        // Each dialog has a writer of its own: what one of them refuses the others would do.
        if wanted.text.is_some() && found.sender != caller {
            return Err(ApiError::NotPermitted);
        }
        let message = MessageRef { sequence: found.sequence, id: found.id };
        dialogs.entry(found.dialog).or_default().push(message);
    }
    let requests = dialogs.into_iter().map(|(dialog, messages)| {
        let mark = wanted.mark.map(|mark| (mark, Marked::Named(messages.clone())));
        let messages = if wanted.text.is_some() { messages } else { vec![] };
        let command = Command::Update(Update { messages, text: wanted.text.clone(), mark });
        Request { id: key.command(&edge, caller, dialog, KIND), dialog, actor: caller, command }
    });
    answered(&edge, requests.collect()).await
}

/// Mark all messages of a dialog
#[utoipa::path(
    put, path = "/chat/Message", tag = "Messages", operation_id = "mark_messages",
    params(CallKey), request_body = asked::MessagesMark,
    responses((status = 200, description = "They are marked"), Caller, Params, Done),
)]
pub(super) async fn all(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    mut params: Params,
) -> Result<Response, ApiError> {
    let wanted = read(&mut params, &edge.limits)?;
    let dialog = wanted.within.ok_or_else(|| ApiError::missing("chat_dialog_id"))?;
    if wanted.text.is_some() {
        return Err(ApiError::invalid("message", "needs the ids of messages"));
    }
    let mark = wanted.mark.map(|mark| (mark, Marked::All(Sequence::NONE)));
    let command = Command::Update(Update { messages: vec![], text: None, mark });
    let request = Request { id: key.command(&edge, caller, dialog, KIND), dialog, actor: caller, command };
    answered(&edge, vec![request]).await
}

fn read(params: &mut Params, limits: &Limits) -> Result<Wanted, ApiError> {
    let within = match fields::dialog(params)? {
        Some(named) => Some(named.id.ok_or_else(fields::no_dialog_id)?),
        None => None,
    };
    let text = match params.text("message")? {
        // Passed over, it would be an edit that answers 200 and is lost.
        Some(raw) if raw.is_empty() => return Err(fields::unfit("message", Unfit::Blank)),
        Some(raw) => {
            let text = Text::new(raw, limits.message_characters_max);
            Some(text.map_err(|reason| fields::unfit("message", reason))?)
        }
        None => None,
    };
    let (read, delivered) = (params.flag("read")?, params.flag("delivered")?);
    let mark = match (read, delivered) {
        // Who has read it has got it.
        (Some(true), _) => Some(Mark::Read),
        (_, Some(true)) => Some(Mark::Delivered),
        (_, _) => None,
    };
    if text.is_none() && mark.is_none() {
        return Err(ApiError::Refused("At least one of message, read and delivered is required".into()));
    }
    Ok(Wanted { text, mark, within })
}

/// 404 unless the caller is in the dialog that he names.
async fn within(edge: &Edge, caller: UserId, dialog: DialogId) -> Result<(), ApiError> {
    match edge.queries.role(caller, dialog).await? {
        None | Some((_, Role::Outsider)) => Err(ApiError::NoSuchResource),
        Some((_, Role::Owner | Role::Admin | Role::Member)) => Ok(()),
    }
}

/// Nothing, if at least one was done and none of the others was refused.
async fn answered(edge: &Edge, requests: Vec<Request>) -> Result<Response, ApiError> {
    let mut seen = None;
    for outcome in edge.ask_each(requests).await {
        match outcome {
            Ok(done) => seen.get_or_insert_with(Seen::nothing).add(&done),
            Err(ApiError::NoSuchResource) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(seen.ok_or(ApiError::NoSuchResource)?.on(answer::empty()))
}
