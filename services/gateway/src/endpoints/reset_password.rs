//! `POST` and `GET /users/password/reset`: a mail is to help whoever has forgotten his password,
//! if there is somebody of that `email`; which the answer does not tell, neither in words nor by
//! its time. `PUT /users/password`: the `reset_token` of that mail sets a new `password`, once.

use axum::extract::State;
use axum::response::Response;
use identity::{Password, Salt};

use crate::edge::Session;
use crate::{ApiError, Edge, Params, answer, asked};

const NOTED: &str = "If somebody has that email, a mail is on its way.";

/// Ask for a mail that helps to set a new password
///
/// The answer is the same whether somebody has that email or not.
#[utoipa::path(
    post, path = "/users/password/reset", tag = "Users", operation_id = "ask_for_reset",
    request_body = asked::Forgetful,
    responses(
        (status = 200, description = "It is noted", body = String, content_type = "text/plain"), Session, Params
    ),
)]
pub(super) async fn ask(State(edge): State<Edge>, _: Session, params: Params) -> Result<Response, ApiError> {
    note(&edge, params)
}

/// Ask for a mail that helps to set a new password, with `GET`
///
/// The answer is the same whether somebody has that email or not.
#[utoipa::path(
    get, path = "/users/password/reset", tag = "Users", operation_id = "ask_for_reset_by_query",
    params(asked::ForgetfulQuery),
    responses(
        (status = 200, description = "It is noted", body = String, content_type = "text/plain"), Session, Params
    ),
)]
pub(super) async fn ask_by_query(
    State(edge): State<Edge>,
    _: Session,
    params: Params,
) -> Result<Response, ApiError> {
    note(&edge, params)
}

fn note(edge: &Edge, mut params: Params) -> Result<Response, ApiError> {
    let email = params.text("email")?.filter(|email| !email.trim().is_empty());
    edge.note_reset(email.ok_or_else(|| ApiError::missing("email"))?)?;
    Ok(answer::plain(NOTED))
}

/// Set a new password with the token of a mail
///
/// The token is the proof, and good once: no session is needed, so that the page behind the mail's link needs
/// to know nothing else. All sessions of the user end.
#[utoipa::path(
    put, path = "/users/password", tag = "Users", operation_id = "finish_reset",
    request_body = asked::NewPassword, security(()),
    responses((status = 200, description = "The password is set"), Params, asked::NewPassword),
)]
pub(super) async fn finish(State(edge): State<Edge>, mut params: Params) -> Result<Response, ApiError> {
    let mut required = |name: &'static str| {
        let text = params.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| ApiError::missing(name))
    };
    let (token, password) = (required("reset_token")?, Password::new(required("password")?));
    let salt = Salt(edge.ids.random());
    edge.identity.finish_reset(token.trim(), password, salt, edge.clock.now()).await?;
    Ok(answer::empty())
}
