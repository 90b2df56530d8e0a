//! `GET /users/{id}`: one user, for anybody with a session.

use axum::extract::State;
use axum::response::Response;
use domain::UserId;
use serde_json::json;

use crate::edge::Session;
use crate::shown::UserShown;
use crate::{ApiError, Edge, Path, answer};

pub(super) async fn handle(
    State(edge): State<Edge>,
    _: Session,
    Path(id): Path<UserId>,
) -> Result<Response, ApiError> {
    match edge.identity.user(id).await {
        Ok(user) => Ok(answer::ok(&json!({ "user": UserShown::from(&user) }))),
        Err(identity::Error::UserNotFound) => Err(ApiError::NoSuchResource),
        Err(other) => Err(other.into()),
    }
}
