//! `DELETE /session`: the token is dead once this answers; other sessions go on.
//! `DELETE /session/{id}` ends one of the caller's sessions by its number, and
//! `DELETE /session/list` all of them but the one that asks.
//!
//! Sessions of the application's own belong to clients that know nothing of each other, so each
//! of them ends itself only.

use axum::extract::State;
use axum::response::Response;
use identity::SessionId;
use runtime::audit;

use crate::edge::Session;
use crate::{ApiError, Edge, Path, Visit, answer, asked};

/// End the session
///
/// Its token is dead once this answers; other sessions go on.
#[utoipa::path(
    delete, path = "/session", tag = "Sessions", operation_id = "end_session",
    responses((status = 200, description = "It has ended"), Session),
)]
pub(super) async fn own(
    State(edge): State<Edge>,
    visit: Visit,
    session: Session,
) -> Result<Response, ApiError> {
    let caller = session.caller;
    edge.identity.end_session(caller.session).await?;
    audit::session_ended(caller.user, caller.session.get(), visit.client_address());
    Ok(answer::empty())
}

/// End a session of one's own by its number
#[utoipa::path(
    delete, path = "/session/{id}", tag = "Sessions", operation_id = "end_one_session",
    params(asked::SessionPath),
    responses((status = 200, description = "It has ended"), Session, asked::SessionPath),
)]
pub(super) async fn named(
    State(edge): State<Edge>,
    visit: Visit,
    session: Session,
    Path(named): Path<String>,
) -> Result<Response, ApiError> {
    let named = named.parse().ok().and_then(SessionId::new).ok_or(ApiError::NoSuchResource)?;
    let caller = session.caller;
    let has_ended = match caller.user {
        None if named != caller.session => false,
        owner => edge.identity.end_session_of(owner, named).await?,
    };
    if !has_ended {
        return Err(ApiError::NoSuchResource);
    }
    audit::session_ended(caller.user, named.get(), visit.client_address());
    Ok(answer::empty())
}

/// End all other sessions of one's own
///
/// The one that asks goes on.
#[utoipa::path(
    delete, path = "/session/list", tag = "Sessions", operation_id = "end_other_sessions",
    responses((status = 200, description = "They have ended"), Session),
)]
pub(super) async fn others(State(edge): State<Edge>, session: Session) -> Result<Response, ApiError> {
    if let Some(user) = session.caller.user {
        edge.identity.end_other_sessions(user, Some(session.caller.session)).await?;
    }
    Ok(answer::empty())
}
