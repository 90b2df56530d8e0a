//! `POST /chat/Dialog/{id}/block`: take a user out of a public dialog or a broadcast for as
//! long as he is not unblocked; `DELETE`: unblock him.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request};
use domain::{DialogId, UserId};

use crate::edge::{CallKey, Caller, Done};
use crate::{ApiError, Edge, Params, Path, answer, asked, fields};

const USER: &str = "user_id";

/// Block a user
///
/// Takes him out of a public dialog or a broadcast for as long as he is not unblocked.
#[utoipa::path(
    post, path = "/chat/Dialog/{id}/block", tag = "Dialogs", operation_id = "block_user",
    params(asked::PublicDialogPath, CallKey), request_body = asked::UserNamed,
    responses((status = 200, description = "He is shut out"), Caller, Params, Done),
)]
pub(super) async fn block(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let user = user(&mut params)?;
    fields::exists(&edge, USER, user).await?;
    let id = key.command(&edge, caller, dialog, "block user");
    answered(&edge, Request { id, dialog, actor: caller, command: Command::Block(user) }).await
}

/// Unblock a user
#[utoipa::path(
    delete, path = "/chat/Dialog/{id}/block", tag = "Dialogs", operation_id = "unblock_user",
    params(asked::PublicDialogPath, asked::UserQuery, CallKey),
    responses((status = 200, description = "He is not shut out"), Caller, Params, Done),
)]
pub(super) async fn unblock(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let user = user(&mut params)?;
    let id = key.command(&edge, caller, dialog, "unblock user");
    answered(&edge, Request { id, dialog, actor: caller, command: Command::Unblock(user) }).await
}

fn user(params: &mut Params) -> Result<UserId, ApiError> {
    fields::user(params, USER)?.ok_or_else(|| ApiError::missing(USER))
}

async fn answered(edge: &Edge, request: Request) -> Result<Response, ApiError> {
    let done = edge.ask(request).await?;
    Ok(done.seen().on(answer::empty()))
}
