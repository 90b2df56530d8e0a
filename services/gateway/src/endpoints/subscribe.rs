//! `POST /chat/Dialog/{id}/subscribe`: join a public dialog; `DELETE`: leave it. Doing
//! either twice is doing it once.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request};
use domain::role::Role;
use domain::{DialogId, Kind, Refusal};
use http::StatusCode;

use crate::edge::{CallKey, Caller, Done};
use crate::shown::DialogShown;
use crate::{ApiError, Edge, Params, Path, answer, asked, written};

/// Join a public dialog
#[utoipa::path(
    post, path = "/chat/Dialog/{id}/subscribe", tag = "Dialogs", operation_id = "subscribe",
    params(asked::PublicDialogPath, CallKey), request_body = asked::Subscription,
    responses((status = 200, description = "The dialog", body = DialogShown), Caller, Params, Done),
)]
pub(super) async fn subscribe(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    // The body says nothing, but is read: what is no request is refused here as elsewhere.
    _params: Params,
) -> Result<Response, ApiError> {
    let id = key.command(&edge, caller, dialog, "subscribe");
    let done = edge.ask(Request { id, dialog, actor: caller, command: Command::Subscribe }).await?;
    let view = written::dialog(&edge, caller, dialog, &done).await?;
    written::answer(&edge, StatusCode::OK, &view, &done).await
}

/// Leave a public dialog
#[utoipa::path(
    delete, path = "/chat/Dialog/{id}/subscribe", tag = "Dialogs", operation_id = "unsubscribe",
    params(asked::PublicDialogPath, CallKey),
    responses((status = 200, description = "The caller is not in it"), Caller, Params, Done),
)]
pub(super) async fn unsubscribe(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    _params: Params,
) -> Result<Response, ApiError> {
    let (kind, role) = edge.queries.role(caller, dialog).await?.ok_or(ApiError::NoSuchResource)?;
    match (kind, role) {
        // Whoever knows its id may know of a public dialog: he could come in.
        (Kind::Public, Role::Outsider) => return Ok(answer::empty()),
        // Whether or not groups are joined so now, whoever is in one may go.
        (Kind::Public | Kind::Group, Role::Owner | Role::Admin | Role::Member) => {}
        (Kind::Group | Kind::Private | Kind::Broadcast, Role::Outsider) => {
            return Err(ApiError::NoSuchResource);
        }
        (Kind::Private | Kind::Broadcast, Role::Owner | Role::Admin | Role::Member) => {
            return Err(Refusal::NotSubscribable.into());
        }
    }
    let id = key.command(&edge, caller, dialog, "unsubscribe");
    let done = edge.ask(Request { id, dialog, actor: caller, command: Command::DeleteForSelf }).await?;
    Ok(done.seen().on(answer::empty()))
}
