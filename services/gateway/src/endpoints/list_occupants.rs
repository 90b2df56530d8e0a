//! `GET /chat/Dialog/{id}/occupants`: who is in a dialog, for whoever is in it. A broadcast,
//! which has all users of the application in it, lists nobody: 403.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;

use crate::edge::{Caller, LogPosition};
use crate::shown::{UsersAnswer, users};
use crate::{ApiError, Edge, Params, Path, asked};

/// List the occupants
///
/// For whoever is in the dialog. A broadcast has everybody in it and lists nobody: 403.
#[utoipa::path(
    get, path = "/chat/Dialog/{id}/occupants", tag = "Dialogs", operation_id = "list_occupants",
    params(asked::DialogPath, asked::Part, LogPosition),
    responses((status = 200, description = "Users", body = UsersAnswer), Caller, Params, asked::DialogPath),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let page = params.page()?;
    let part = (page.skip, page.limit as usize);
    let occupants = edge.queries.occupants(caller, dialog, part).await??;
    users(&edge, &occupants).await
}
