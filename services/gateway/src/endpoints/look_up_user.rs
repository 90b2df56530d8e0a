//! `GET /users/by_login` and its like: the one user who has just that name, for anybody with a session.
//!
//! Only logins and emails are one user's own; of several with the same phone, say, the oldest is shown.

use axum::extract::State;
use axum::response::Response;
use identity::find::{By, Condition, Order, Query, Test, Text};
use identity::{NAME_MAX, User};

use crate::edge::Session;
use crate::shown::{UserAnswer, UserShown};
use crate::{ApiError, Edge, Params, Path, answer, asked};

/// Show the user of a login, whatever its case
#[utoipa::path(
    get, path = "/users/by_login", tag = "Users", operation_id = "show_user_by_login",
    params(("login" = String, Query, example = "cheshire-cat")),
    responses((status = 200, description = "The user", body = UserAnswer), Session, Params, asked::Somebody),
)]
pub(super) async fn by_login(edge: State<Edge>, _: Session, params: Params) -> Result<Response, ApiError> {
    named(&edge, params, ("login", Text::Login)).await
}

/// Show the user of an email, whatever its case
#[utoipa::path(
    get, path = "/users/by_email", tag = "Users", operation_id = "show_user_by_email",
    params(("email" = String, Query, example = "cat@example.com")),
    responses((status = 200, description = "The user", body = UserAnswer), Session, Params, asked::Somebody),
)]
pub(super) async fn by_email(edge: State<Edge>, _: Session, params: Params) -> Result<Response, ApiError> {
    named(&edge, params, ("email", Text::Email)).await
}

/// Show the user of a phone number
#[utoipa::path(
    get, path = "/users/phone", tag = "Users", operation_id = "show_user_by_phone",
    params(("phone" = String, Query, example = "442079460000")),
    responses((status = 200, description = "The user", body = UserAnswer), Session, Params, asked::Somebody),
)]
pub(super) async fn by_phone(edge: State<Edge>, _: Session, params: Params) -> Result<Response, ApiError> {
    named(&edge, params, ("phone", Text::Phone)).await
}

/// Show the user of an id at Facebook
#[utoipa::path(
    get, path = "/users/by_facebook_id", tag = "Users", operation_id = "show_user_by_facebook_id",
    params(("facebook_id" = String, Query, example = "91234409")),
    responses((status = 200, description = "The user", body = UserAnswer), Session, Params, asked::Somebody),
)]
pub(super) async fn by_facebook_id(
    edge: State<Edge>,
    _: Session,
    params: Params,
) -> Result<Response, ApiError> {
    named(&edge, params, ("facebook_id", Text::FacebookId)).await
}

/// Show the user of an id at Twitter
#[utoipa::path(
    get, path = "/users/by_twitter_id", tag = "Users", operation_id = "show_user_by_twitter_id",
    params(("twitter_id" = String, Query, example = "83510562734")),
    responses((status = 200, description = "The user", body = UserAnswer), Session, Params, asked::Somebody),
)]
pub(super) async fn by_twitter_id(
    edge: State<Edge>,
    _: Session,
    params: Params,
) -> Result<Response, ApiError> {
    named(&edge, params, ("twitter_id", Text::TwitterId)).await
}

/// Show the user of an id elsewhere
///
/// By `external_id`, else by `external_user_id`.
#[utoipa::path(
    get, path = "/users/external/{external_id}", tag = "Users", operation_id = "show_user_by_external_id",
    params(asked::ExternalPath),
    responses((status = 200, description = "The user", body = UserAnswer), Session, asked::ExternalPath),
)]
pub(super) async fn by_external_id(
    State(edge): State<Edge>,
    _: Session,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    match first(&edge, Text::ExternalId, &id).await? {
        Some(user) => Ok(shown(&user)),
        None => found(first(&edge, Text::ExternalUserId, &id).await?),
    }
}

async fn named(
    edge: &Edge,
    mut params: Params,
    (name, text): (&'static str, Text),
) -> Result<Response, ApiError> {
    let value = params.text(name)?.filter(|value| !value.trim().is_empty());
    let value = value.ok_or_else(|| ApiError::missing(name))?;
    found(first(edge, text, &value).await?)
}

async fn first(edge: &Edge, text: Text, value: &str) -> Result<Option<User>, ApiError> {
    // Nobody's is longer.
    if value.trim().chars().nth(NAME_MAX).is_some() {
        return Ok(None);
    }
    let conditions = vec![Condition::Text(text, Test::In(vec![value.to_owned()]))];
    let query = Query { conditions, by: By::Id, order: Order::Ascending, skip: 0, limit: 1 };
    Ok(edge.identity.find(query).await?.users.pop())
}

fn found(user: Option<User>) -> Result<Response, ApiError> {
    user.map(|user| shown(&user)).ok_or(ApiError::NoSuchResource)
}

fn shown(user: &User) -> Response {
    answer::ok(&UserAnswer { user: UserShown::from(user) })
}
