//! `PUT /chat/Dialog/{id}/notifications`: turn one's own alerts in a dialog on or off.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;
use domain::command::{Command, Request};

use crate::edge::{CallKey, Caller, Done};
use crate::shown::Notifications;
use crate::{ApiError, Edge, Params, Path, answer, asked};

/// Turn the caller's alerts on or off
#[utoipa::path(
    put, path = "/chat/Dialog/{id}/notifications", tag = "Dialogs", operation_id = "set_notifications",
    params(asked::DialogPath, CallKey), request_body = asked::NotificationsChange,
    responses((status = 200, description = "How it is now", body = Notifications), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let enabled = params.flag("enabled")?.ok_or_else(|| ApiError::missing("enabled"))?;
    let id = key.command(&edge, caller, dialog, "set notifications");
    let command = Command::SetNotifications(enabled);
    let done = edge.ask(Request { id, dialog, actor: caller, command }).await?;
    Ok(done.seen().on(answer::ok(&Notifications::new(enabled))))
}
