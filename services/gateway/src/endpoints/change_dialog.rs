//! `PUT /chat/Dialog/{id}`: change a dialog and who is in it, all or nothing.
//!
//! Who takes himself out gets the dialog once more, as it was, without him.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Change, Command, Request};
use domain::content::{DialogChange, Text, Unfit};
use domain::{DialogId, UserId};

use crate::edge::{CallKey, Caller, RETRY_AFTER_LAG};
use crate::shown::{DialogShown, displays};
use crate::{ApiError, Edge, Params, Path, answer, fields, folded};

/// Lists inside `push_all` and `pull_all` that are not understood yet.
const LISTS: [&str; 2] = ["admins_ids", "pinned_messages_ids"];
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let change = read(&edge, &mut params)?;
    fields::exist(&edge, &change.add).await?;
    let leaves = change.remove.contains(&caller);
    let before = if leaves { edge.queries.dialog(caller, dialog).await? } else { None };
    let id = key.command(&edge, caller, dialog, "change dialog");
    let request = Request { id, dialog, actor: caller, command: Command::Change(change) };
    let done = edge.ask(request).await?;
    let view = match before {
        Some(before) => folded::changed(before, &done.decided.records),
        None => {
            let view = edge.queries.dialog(caller, dialog).await?;
            match view {
                Some(view) if done.visible => view,
                Some(view) => folded::changed(view, &done.decided.records),
                None if done.visible => return Err(ApiError::NoSuchResource),
                None => return Err(ApiError::Unavailable(RETRY_AFTER_LAG)),
            }
        }
    };
    let displays = displays(&edge, std::slice::from_ref(&view)).await?;
    Ok(done.seen().on(answer::ok(&DialogShown::new(&view, &edge.application, &displays))))
}

fn read(edge: &Edge, params: &mut Params) -> Result<Change, ApiError> {
    let limits = &edge.limits;
    let name = if params.given("name") {
        let name = fields::name(params, limits)?;
        Some(Some(name.ok_or_else(|| fields::unfit("name", Unfit::Blank))?))
    } else {
        None
    };
    let content = DialogChange {
        name,
        photo: replaced(params, "photo", limits.photo_characters_max)?,
        description: replaced(params, "description", limits.description_characters_max)?,
        extensions: fields::extensions(params, &edge.application, limits)?,
    };
    let permissions = fields::permissions(params)?;
    let add = users(params, "push_all", limits.occupants_per_call_max)?;
    let remove = users(params, "pull_all", limits.occupants_per_call_max)?;
    Ok(Change { content, permissions, add, remove, ..Change::default() })
}

/// A text that is left as it is unless it is given, and taken away if it is empty.
fn replaced(
    params: &mut Params,
    name: &'static str,
    characters_max: usize,
) -> Result<Option<Option<Text>>, ApiError> {
    let given = params.given(name);
    let text = fields::text(params, name, characters_max)?;
    Ok(given.then_some(text))
}

fn users(params: &mut Params, name: &str, max: usize) -> Result<Vec<UserId>, ApiError> {
    let Some(mut lists) = params.object(name)? else { return Ok(vec![]) };
    fields::refuse(&lists, &LISTS)?;
    Ok(lists.user_ids("occupants_ids", max)?.unwrap_or_default())
}
