//! `POST /chat/Dialog/{id}/block`: take a user out of a public dialog or a broadcast for as
//! long as he is not unblocked; `DELETE`: unblock him.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request};
use domain::{DialogId, UserId};

use crate::edge::{CallKey, Caller};
use crate::{ApiError, Edge, Params, Path, answer, fields};

const USER: &str = "user_id";

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
