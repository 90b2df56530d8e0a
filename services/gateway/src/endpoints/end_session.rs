//! `DELETE /session`: the token is dead once this answers; other sessions go on.

use axum::extract::State;
use axum::response::Response;

use crate::edge::Session;
use crate::{ApiError, Edge, answer};

/// End the session
///
/// Its token is dead once this answers; other sessions go on.
#[utoipa::path(
    delete, path = "/session", tag = "Sessions", operation_id = "end_session",
    responses((status = 200, description = "It has ended"), Session),
)]
pub(super) async fn handle(State(edge): State<Edge>, session: Session) -> Result<Response, ApiError> {
    edge.identity.end_session(session.caller.session).await?;
    Ok(answer::empty())
}
