//! `POST /login`: the session is the user's from now on, be it the application's own or another
//! user's before; `DELETE /login`: it is the application's own again. Its token stays the same.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use identity::remote::is_foreign;

use super::sign_in::{no_provider, sign_in};
use crate::edge::Session;
use crate::shown::{UserAnswer, UserShown};
use crate::{ApiError, Edge, Params, Visit, answer, asked};

/// Sign in
///
/// The session is the user's from now on, under the same token.
#[utoipa::path(
    post, path = "/login", tag = "Sessions", operation_id = "log_in",
    request_body = asked::Credentials,
    responses(
        (status = 202, description = "The user", body = UserAnswer), Session, Params, asked::Credentials
    ),
)]
pub(super) async fn log_in(
    State(edge): State<Edge>,
    visit: Visit,
    session: Session,
    mut params: Params,
) -> Result<Response, ApiError> {
    stays_his(&session)?;
    no_provider(&mut params)?;
    let (user, attempt) = sign_in(&edge, &visit, params).await?;
    edge.identity.switch_session(&session.token, Some(user.id), edge.clock.now()).await?;
    attempt.succeeded(user.id, session.caller.session.get());
    Ok(answer::json(StatusCode::ACCEPTED, &UserAnswer { user: UserShown::from(&user) }))
}

/// Sign out
///
/// The session is the application's own from now on, under the same token.
#[utoipa::path(
    delete, path = "/login", tag = "Sessions", operation_id = "log_out",
    responses((status = 200, description = "It is so"), Session, Params),
)]
pub(super) async fn log_out(State(edge): State<Edge>, session: Session) -> Result<Response, ApiError> {
    stays_his(&session)?;
    edge.identity.switch_session(&session.token, None, edge.clock.now()).await?;
    Ok(answer::empty())
}

/// 422 for the session of an issuer's token: whose it is, the token says.
fn stays_his(session: &Session) -> Result<(), ApiError> {
    if is_foreign(&session.token) {
        return Err(ApiError::Refused("The session of an issuer's token is its user's".into()));
    }
    Ok(())
}
