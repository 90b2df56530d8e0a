//! `PUT /chat/Dialog/{id}/admins`: give users admin rights in a dialog, or take them.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Change, Command, Request};
use domain::{DialogId, UserId};
use http::StatusCode;

use crate::edge::{CallKey, Caller, Done};
use crate::shown::DialogShown;
use crate::{ApiError, Edge, Params, Path, asked, fields, written};

const ADMINS: &str = "admins_ids";

/// Change who has admin rights
#[utoipa::path(
    put, path = "/chat/Dialog/{id}/admins", tag = "Dialogs", operation_id = "change_admins",
    params(asked::DialogPath, CallKey), request_body = asked::AdminsChange,
    responses((status = 200, description = "The dialog", body = DialogShown), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let add = admins(&edge, &mut params, "push_all")?;
    let remove = admins(&edge, &mut params, "pull_all")?;
    if add.is_none() && remove.is_none() {
        return Err(ApiError::missing(ADMINS));
    }
    let (add_admins, remove_admins) = (add.unwrap_or_default(), remove.unwrap_or_default());
    fields::exist(&edge, &add_admins).await?;
    let id = key.command(&edge, caller, dialog, "change admins");
    let command = Command::Change(Change { add_admins, remove_admins, ..Change::default() });
    let done = edge.ask(Request { id, dialog, actor: caller, command }).await?;
    let view = written::dialog(&edge, caller, dialog, &done).await?;
    written::answer(&edge, StatusCode::OK, &view, &done).await
}

fn admins(edge: &Edge, params: &mut Params, name: &str) -> Result<Option<Vec<UserId>>, ApiError> {
    match params.object(name)? {
        Some(mut lists) => lists.user_ids(ADMINS, edge.limits.occupants_per_call_max),
        None => Ok(None),
    }
}
