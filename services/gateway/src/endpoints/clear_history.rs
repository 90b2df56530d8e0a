//! `DELETE /chat/Dialog/clearHistory/{id}`: clear a dialog's history for oneself, or with
//! `force` for everybody. The dialog stays in the list.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;
use domain::command::{Command, Request};

use crate::edge::{CallKey, Caller, Done};
use crate::{ApiError, Edge, Params, Path, answer, asked};

/// Clear a dialog's history
///
/// For the caller alone, or with `force` for everybody. The dialog stays in the list.
#[utoipa::path(
    delete, path = "/chat/Dialog/clearHistory/{id}", tag = "Dialogs", operation_id = "clear_history",
    params(asked::DialogPath, asked::Force, CallKey),
    responses((status = 200, description = "It is empty"), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let (command, kind) = if params.flag("force")?.unwrap_or(false) {
        (Command::ClearForAll, "clear history for all")
    } else {
        (Command::ClearForSelf, "clear history for self")
    };
    let id = key.command(&edge, caller, dialog, kind);
    let done = edge.ask(Request { id, dialog, actor: caller, command }).await?;
    Ok(done.seen().on(answer::empty()))
}
