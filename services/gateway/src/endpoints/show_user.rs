//! `GET /users/{id}`: one user, for anybody with a session.

use axum::extract::State;
use axum::response::Response;
use domain::UserId;

use crate::edge::Session;
use crate::shown::{UserAnswer, UserShown};
use crate::{ApiError, Edge, Path, answer, asked};

/// Show a user
///
/// For anybody with a session.
#[utoipa::path(
    get, path = "/users/{id}", tag = "Users", operation_id = "show_user",
    params(asked::UserPath),
    responses((status = 200, description = "The user", body = UserAnswer), Session, asked::UserPath),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    _: Session,
    Path(id): Path<UserId>,
) -> Result<Response, ApiError> {
    match edge.identity.user(id).await {
        Ok(user) => Ok(answer::ok(&UserAnswer { user: UserShown::from(&user) })),
        Err(identity::Error::UserNotFound) => Err(ApiError::NoSuchResource),
        Err(other) => Err(other.into()),
    }
}
