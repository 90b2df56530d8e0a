//! `POST /chat/Message/system`: tell a user's connected clients something that is no
//! message. It is a signal: nobody keeps it, and who is not connected never hears of it.

use axum::extract::State;
use axum::response::Response;
use bus::SystemMessage;
use domain::content::JsonText;
use serde_json::json;

use crate::edge::Caller;
use crate::shown::SystemShown;
use crate::{ApiError, Edge, Params, answer, asked, fields};

const RECIPIENT: &str = "recipientId";

/// Send a signal
///
/// Tells a user's connected clients something that is kept nowhere.
#[utoipa::path(
    post, path = "/chat/Message/system", tag = "Messages", operation_id = "send_system_message",
    request_body = asked::SystemSignal,
    responses((status = 200, description = "It is sent", body = SystemShown), Caller, Params),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    mut params: Params,
) -> Result<Response, ApiError> {
    let recipient = fields::user(&mut params, RECIPIENT)?.ok_or_else(|| ApiError::missing(RECIPIENT))?;
    let given = params.rest();
    let parameters = JsonText::custom(&given, &edge.limits);
    let parameters = parameters.map_err(|reason| fields::unfit("extensionParams", reason))?;
    fields::exists(&edge, RECIPIENT, recipient).await?;
    let id = edge.ids.message_id(edge.clock.now());
    edge.signals.send(SystemMessage { id, sender: caller, recipient, parameters }).await;
    Ok(answer::ok(&json!({
        "messageId": id.to_string(),
        "recipientId": recipient.get(),
        "extensionParams": given,
    })))
}
