//! `PUT /chat/Message/{id}/reactions`: react to a message, take a reaction back, or both.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, React, Request};
use domain::content::Text;
use domain::event::MessageRef;
use domain::{Limits, MessageId};

use crate::edge::{CallKey, Caller, Done};
use crate::{ApiError, Edge, Params, Path, answer, asked, fields};

/// React to a message
///
/// Puts a reaction on it, takes one back, or both.
#[utoipa::path(
    put, path = "/chat/Message/{id}/reactions", tag = "Messages", operation_id = "react",
    params(asked::MessagePath, CallKey), request_body = asked::ReactionChange,
    responses((status = 200, description = "It is so"), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(message): Path<MessageId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let add = reaction(&mut params, "add", &edge.limits)?;
    let remove = reaction(&mut params, "remove", &edge.limits)?;
    if add.is_none() && remove.is_none() {
        return Err(ApiError::Refused("At least one of add and remove is required".into()));
    }
    let found = edge.queries.resolve(caller, vec![message], None).await?;
    let found = found.first().ok_or(ApiError::NoSuchResource)?;
    let (dialog, message) = (found.dialog, MessageRef { sequence: found.sequence, id: found.id });
    let id = key.command(&edge, caller, dialog, "react");
    let command = Command::React(React { message, add, remove });
    let done = edge.ask(Request { id, dialog, actor: caller, command }).await?;
    Ok(done.seen().on(answer::empty()))
}

/// Any text within its limit; an empty one is none.
fn reaction(params: &mut Params, name: &'static str, limits: &Limits) -> Result<Option<Text>, ApiError> {
    let raw = params.text(name)?.filter(|raw| !raw.is_empty());
    let text = raw.map(|raw| Text::reaction(raw, limits.reaction_bytes_max)).transpose();
    text.map_err(|reason| fields::unfit(name, reason))
}
