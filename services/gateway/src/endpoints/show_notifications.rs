//! `GET /chat/Dialog/{id}/notifications`: whether the caller wants to be alerted of what is
//! written in a dialog that he is in.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;
use serde_json::json;

use crate::edge::Caller;
use crate::{ApiError, Edge, Path, answer};

pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    Path(dialog): Path<DialogId>,
) -> Result<Response, ApiError> {
    let enabled = edge.queries.notifications(caller, dialog).await??;
    Ok(answer::ok(&json!({ "notifications": { "enabled": u8::from(enabled) } })))
}
