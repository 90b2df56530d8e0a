//! `GET /chat/Message/{id}/reactions`: who has put which reaction on a message.

use axum::extract::State;
use axum::response::Response;
use domain::MessageId;

use crate::edge::{Caller, LogPosition};
use crate::shown::{Reacted, reacted};
use crate::{ApiError, Edge, Params, Path, asked, fields};

/// List a message's reactions
#[utoipa::path(
    get, path = "/chat/Message/{id}/reactions", tag = "Messages", operation_id = "list_reactions",
    params(asked::MessagePath, asked::Within, LogPosition),
    responses((status = 200, description = "Users by reaction", body = Reacted), Caller, Params, asked::MessagePath),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    Path(message): Path<MessageId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    // Of messages of one name, that in the dialog of `chat_dialog_id` counts, else the oldest.
    let within = fields::dialog(&mut params)?.and_then(|named| named.id);
    let found = edge.queries.reacted(caller, message, within).await?;
    Ok(reacted(&found.ok_or(ApiError::NoSuchResource)?))
}
