//! `PUT /chat/Dialog/{id}/notifications`: turn one's own alerts in a dialog on or off.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;
use domain::command::{Command, Request};

use crate::edge::{CallKey, Caller};
use crate::{ApiError, Edge, Params, Path, answer};

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
    let shown = serde_json::json!({ "notifications": { "enabled": u8::from(enabled) } });
    Ok(done.seen().on(answer::ok(&shown)))
}
