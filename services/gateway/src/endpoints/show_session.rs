//! `GET /session`: the session of the token, with its user if it has one.

use axum::extract::State;
use axum::response::Response;

use crate::edge::Session;
use crate::shown::{SessionAnswer, SessionShown};
use crate::{ApiError, Edge, answer};

/// Show the session
///
/// The one whose token the call carries, with its user if it has one.
#[utoipa::path(
    get, path = "/session", tag = "Sessions", operation_id = "show_session",
    responses((status = 200, description = "The session", body = SessionAnswer), Session),
)]
pub(super) async fn handle(State(edge): State<Edge>, session: Session) -> Result<Response, ApiError> {
    let shown = edge.identity.session(&session.token, edge.clock.now()).await?;
    let user = match shown.user {
        Some(user) => Some(edge.identity.user(user).await?),
        None => None,
    };
    Ok(answer::ok(&SessionAnswer { session: SessionShown::new(&shown, user.as_ref()) }))
}
