//! `GET /session`: the session of the token, with its user if it has one.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use crate::edge::Session;
use crate::shown::SessionShown;
use crate::{ApiError, Edge, answer};

pub(super) async fn handle(State(edge): State<Edge>, session: Session) -> Result<Response, ApiError> {
    let shown = edge.identity.session(&session.token, edge.clock.now()).await?;
    let user = match shown.user {
        Some(user) => Some(edge.identity.user(user).await?),
        None => None,
    };
    Ok(answer::ok(&json!({ "session": SessionShown::new(&shown, user.as_ref()) })))
}
