//! `GET /chat/Dialog/{id}/block`: who is shut out of a public dialog or a broadcast, for
//! whoever may shut out.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;

use crate::edge::{Caller, LogPosition};
use crate::shown::{UsersAnswer, users};
use crate::{ApiError, Edge, Params, Path, asked};

/// List the blocked users
///
/// For whoever may block.
#[utoipa::path(
    get, path = "/chat/Dialog/{id}/block", tag = "Dialogs", operation_id = "list_blocked",
    params(asked::PublicDialogPath, asked::Part, LogPosition),
    responses((status = 200, description = "Users", body = UsersAnswer), Caller, Params, asked::PublicDialogPath),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let page = params.page()?;
    let blocked = edge.queries.blocked(caller, dialog, (page.skip, page.limit as usize)).await??;
    users(&edge, &blocked).await
}
