//! `DELETE /chat/Dialog/{ids}`: delete one dialog or several, for oneself or with `force`
//! for everybody.
//!
//! One answers nothing or why not; several answer three lists, and one that fails does
//! not keep the others from being deleted.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request};
use domain::{DialogId, UserId};

use crate::edge::{CallKey, Caller, Done, Seen};
use crate::path::ids;
use crate::shown::{Deletion, End};
use crate::{ApiError, Edge, Params, Path, answer, asked};

/// Delete dialogs
///
/// For the caller alone, or with `force` for everybody. One answers nothing; several answer three lists.
#[utoipa::path(
    delete, path = "/chat/Dialog/{ids}", tag = "Dialogs", operation_id = "delete_dialogs",
    params(asked::DialogsPath, asked::Force, CallKey),
    responses((status = 200, description = "Nothing for one, three lists for several", content((Deletion = "application/json"), (String = "text/plain"))), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(segment): Path<String>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let force = params.flag("force")?.unwrap_or(false);
    let named = ids::<DialogId>(&segment, edge.limits.ids_per_call_max)?;
    let request = |dialog| request(&edge, caller, &key, dialog, force);
    if !segment.contains(',') {
        let dialog = named.first().and_then(|named| named.id).ok_or(ApiError::NoSuchResource)?;
        let done = edge.ask(request(dialog)).await?;
        return Ok(done.seen().on(answer::empty()));
    }
    let requests = named.iter().filter_map(|named| named.id).map(request).collect();
    let mut outcomes = edge.ask_each(requests).await.into_iter();
    let (mut deletion, mut seen) = (Deletion::default(), Seen::nothing());
    for named in named {
        // Exactly those that have an id were asked for, in this order.
        let outcome = named.id.and_then(|_| outcomes.next()).unwrap_or(Err(ApiError::NoSuchResource));
        let end = End::of(outcome.map(|done| seen.add(&done)))?;
        deletion.add(end, named.raw);
    }
    Ok(seen.on(answer::ok(&deletion)))
}

fn request(edge: &Edge, caller: UserId, key: &CallKey, dialog: DialogId, force: bool) -> Request {
    let (command, kind) = if force {
        (Command::DeleteForAll, "delete dialog for all")
    } else {
        (Command::DeleteForSelf, "delete dialog for self")
    };
    Request { id: key.command(edge, caller, dialog, kind), dialog, actor: caller, command }
}
