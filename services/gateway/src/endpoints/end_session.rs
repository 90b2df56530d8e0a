//! `DELETE /session`: the token is dead once this answers; other sessions go on.

use axum::extract::State;
use axum::response::Response;

use crate::edge::Session;
use crate::{ApiError, Edge, answer};

pub(super) async fn handle(State(edge): State<Edge>, session: Session) -> Result<Response, ApiError> {
    edge.identity.end_session(session.caller.session).await?;
    Ok(answer::empty())
}
