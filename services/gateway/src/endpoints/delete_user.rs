//! `DELETE /users/{id}`: somebody deletes himself; `DELETE /users` is the same without saying
//! who, and `DELETE /users/external/{external_id}` says it in the application's own words.
//!
//! His sessions are dead once this answers; his dialogs are left soon after.

use axum::extract::State;
use axum::response::Response;
use domain::UserId;
use runtime::audit;

use crate::edge::Caller;
use crate::{ApiError, Edge, Path, Visit, answer, asked, fields};

/// Delete oneself
///
/// All one's sessions are dead once this answers.
#[utoipa::path(
    delete, path = "/users/{id}", tag = "Users", operation_id = "delete_user",
    params(asked::OwnPath),
    responses((status = 200, description = "The user is deleted"), Caller, asked::OwnPath),
)]
pub(super) async fn named(
    State(edge): State<Edge>,
    visit: Visit,
    Caller(caller): Caller,
    Path(user): Path<UserId>,
) -> Result<Response, ApiError> {
    fields::own(&edge, caller, user).await?;
    delete(&edge, &visit, caller).await
}

/// Delete oneself, by the session
#[utoipa::path(
    delete, path = "/users", tag = "Users", operation_id = "delete_own_user",
    responses((status = 200, description = "The user is deleted"), Caller),
)]
pub(super) async fn own(
    State(edge): State<Edge>,
    visit: Visit,
    Caller(caller): Caller,
) -> Result<Response, ApiError> {
    delete(&edge, &visit, caller).await
}

/// Delete oneself, by one's `external_id`
#[utoipa::path(
    delete, path = "/users/external/{external_id}", tag = "Users", operation_id = "delete_user_known_elsewhere",
    params(asked::ExternalPath),
    responses((status = 200, description = "The user is deleted"), Caller, asked::ExternalPath),
)]
pub(super) async fn known_elsewhere(
    State(edge): State<Edge>,
    visit: Visit,
    Caller(caller): Caller,
    Path(external_id): Path<String>,
) -> Result<Response, ApiError> {
    let user = edge.identity.user(caller).await?;
    if user.external_id.as_deref() != Some(&*external_id) {
        return Err(ApiError::NoSuchResource);
    }
    delete(&edge, &visit, caller).await
}

async fn delete(edge: &Edge, visit: &Visit, caller: UserId) -> Result<Response, ApiError> {
    edge.identity.delete_user(caller, edge.clock.now()).await?;
    audit::user_deleted(caller, visit.client_address());
    Ok(answer::empty())
}
