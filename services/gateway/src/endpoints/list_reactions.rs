//! `GET /chat/Message/{id}/reactions`: who has put which reaction on a message.

use axum::extract::State;
use axum::response::Response;
use domain::MessageId;

use crate::edge::Caller;
use crate::shown::reacted;
use crate::{ApiError, Edge, Params, Path, fields};

/// Of messages of one name, that in the dialog of `chat_dialog_id` counts, else the oldest.
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    Path(message): Path<MessageId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let within = fields::dialog(&mut params)?.and_then(|named| named.id);
    let found = edge.queries.reacted(caller, message, within).await?;
    Ok(reacted(&found.ok_or(ApiError::NoSuchResource)?))
}
