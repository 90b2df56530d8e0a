//! `GET /chat/Dialog/{id}/notifications`: whether the caller wants to be alerted of what is
//! written in a dialog that he is in.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;

use crate::edge::{Caller, LogPosition};
use crate::shown::Notifications;
use crate::{ApiError, Edge, Path, answer, asked};

/// Show whether the caller is alerted
#[utoipa::path(
    get, path = "/chat/Dialog/{id}/notifications", tag = "Dialogs", operation_id = "show_notifications",
    params(asked::DialogPath, LogPosition),
    responses((status = 200, description = "How it is", body = Notifications), Caller, asked::DialogPath),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    Path(dialog): Path<DialogId>,
) -> Result<Response, ApiError> {
    let enabled = edge.queries.notifications(caller, dialog).await??;
    Ok(answer::ok(&Notifications::new(enabled)))
}
