//! `PUT /chat/Dialog/{id}`: change a dialog, who is in it and what is pinned, all or nothing.
//!
//! Who takes himself out gets the dialog once more, as it was, without him.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use domain::command::{Change, Command, Request};
use domain::content::{DialogChange, Text, Unfit};
use domain::event::MessageRef;
use domain::role::{Action, permit};
use domain::{DialogId, Limits, MessageId, Refusal, UserId};
use http::StatusCode;

use crate::edge::{CallKey, Caller, Done};
use crate::path::Named;
use crate::shown::DialogShown;
use crate::{ApiError, Edge, Params, Path, asked, fields, folded, written};

const PINS: &str = "pinned_messages_ids";

/// Change a dialog
///
/// Its name and so on, who is in it, and what is pinned: all or nothing. Who takes himself out gets it once more, without him.
#[utoipa::path(
    put, path = "/chat/Dialog/{ids}", tag = "Dialogs", operation_id = "change_dialog",
    params(asked::DialogsPath, CallKey), request_body = asked::DialogChange,
    responses((status = 200, description = "The dialog", body = DialogShown), Caller, Params, Done),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    key: CallKey,
    Path(dialog): Path<DialogId>,
    mut params: Params,
) -> Result<Response, ApiError> {
    let content = content(&edge, &mut params)?;
    let permissions = fields::permissions(&mut params)?;
    let push = Lists::read(&mut params, "push_all", &edge.limits)?;
    let pull = Lists::read(&mut params, "pull_all", &edge.limits)?;
    let mut users = push.occupants.clone();
    users.extend(&push.admins);
    fields::exist(&edge, &users).await?;
    let [pin, unpin] = pins(&edge, caller, dialog, [push.pins, pull.pins]).await?;
    let change = Change {
        content,
        permissions,
        add: push.occupants,
        remove: pull.occupants,
        add_admins: push.admins,
        remove_admins: pull.admins,
        pin,
        unpin,
    };
    let id = key.command(&edge, caller, dialog, "change dialog");
    let leaves = change.remove.contains(&caller);
    let before = if leaves { edge.queries.dialog(caller, dialog).await? } else { None };
    let done = edge.ask(Request { id, dialog, actor: caller, command: Command::Change(change) }).await?;
    let view = match before {
        Some(before) => folded::changed(before, &done.decided.records),
        None => written::dialog(&edge, caller, dialog, &done).await?,
    };
    written::answer(&edge, StatusCode::OK, &view, &done).await
}

fn content(edge: &Edge, params: &mut Params) -> Result<DialogChange, ApiError> {
    let limits = &edge.limits;
    let name = if params.given("name") {
        let name = fields::name(params, limits)?;
        Some(Some(name.ok_or_else(|| fields::unfit("name", Unfit::Blank))?))
    } else {
        None
    };
    Ok(DialogChange {
        name,
        photo: replaced(params, "photo", limits.photo_characters_max)?,
        description: replaced(params, "description", limits.description_characters_max)?,
        extensions: fields::extensions(params, &edge.application, limits)?,
    })
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

/// What `push_all` adds to a dialog's lists, or `pull_all` takes out of them.
#[derive(Default)]
struct Lists {
    occupants: Vec<UserId>,
    admins: Vec<UserId>,
    pins: Vec<Named<MessageId>>,
}

impl Lists {
    fn read(params: &mut Params, name: &str, limits: &Limits) -> Result<Self, ApiError> {
        let Some(mut lists) = params.object(name)? else { return Ok(Self::default()) };
        let users_max = limits.occupants_per_call_max;
        Ok(Self {
            occupants: lists.user_ids("occupants_ids", users_max)?.unwrap_or_default(),
            admins: lists.user_ids("admins_ids", users_max)?.unwrap_or_default(),
            pins: lists.names(PINS, limits.ids_per_call_max)?.unwrap_or_default(),
        })
    }
}

/// What the names in each list stand for in the dialog.
///
/// # Errors
///
/// 422 if one of them names no message of the dialog, for whoever may pin there; others get
/// the refusal that they would get for a message.
async fn pins(
    edge: &Edge,
    caller: UserId,
    dialog: DialogId,
    lists: [Vec<Named<MessageId>>; 2],
) -> Result<[Vec<MessageRef>; 2], ApiError> {
    let ids: Vec<_> = lists.iter().flatten().filter_map(|named| named.id).collect();
    if lists.iter().all(Vec::is_empty) {
        return Ok([vec![], vec![]]);
    }
    // What is pinned can be unpinned, even by somebody who has put it out of his own sight.
    let pinned = edge.queries.dialog(caller, dialog).await?.map(|view| view.pins).unwrap_or_default();
    let mut messages: HashMap<_, _> = pinned.into_iter().map(|message| (message.id, message)).collect();
    for found in edge.queries.resolve(caller, ids, Some(dialog)).await? {
        if found.dialog == dialog {
            let message = MessageRef { sequence: found.sequence, id: found.id };
            messages.entry(found.id).or_insert(message);
        }
    }
    let found = lists.each_ref().map(|names| {
        let message = |named: &Named<MessageId>| named.id.and_then(|id| messages.get(&id)).copied();
        names.iter().map(message).collect::<Option<Vec<_>>>()
    });
    match found {
        [Some(pin), Some(unpin)] => Ok([pin, unpin]),
        [_, _] => {
            let (kind, role) = edge.queries.role(caller, dialog).await?.ok_or(ApiError::NoSuchResource)?;
            permit(role, kind, Action::Pin)?;
            Err(Refusal::NoSuchPin.into())
        }
    }
}
