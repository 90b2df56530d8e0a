//! `GET /chat/Message/unread`: how much the caller has not read, in all of his dialogs
//! or in those he names.

use axum::extract::State;
use axum::response::Response;
use domain::DialogId;
use serde_json::{Map, Value};

use crate::edge::{Caller, LogPosition};
use crate::path::Named;
use crate::shown::Unread;
use crate::{ApiError, Edge, Params, answer, asked};

/// The parameter, and the spelling that a guide of the API has for it.
const NAMES: [&str; 2] = ["chat_dialog_ids", "dialogs_ids"];

/// Count unread messages
///
/// In all of the caller's dialogs, or in those he names.
#[utoipa::path(
    get, path = "/chat/Message/unread", tag = "Messages", operation_id = "count_unread",
    params(asked::UnreadQuery, LogPosition),
    responses((status = 200, description = "Numbers by dialog, and `total`", body = Unread), Caller, Params),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    mut params: Params,
) -> Result<Response, ApiError> {
    let mut named: Option<Vec<Named<DialogId>>> = None;
    for name in NAMES {
        let names = params.names(name, edge.limits.ids_per_call_max)?.filter(|names| !names.is_empty());
        named = named.or(names);
    }
    let ids = named.as_ref().map(|named| named.iter().filter_map(|named| named.id).collect());
    let unread = edge.queries.unread(caller, ids).await?;
    let mut answer = Map::new();
    answer.insert("total".to_owned(), unread.total.into());
    if let Some(named) = named {
        for (dialog, count) in unread.dialogs {
            answer.insert(dialog.to_string(), count.into());
        }
        // What names no dialog has nothing unread; nor does it hide the total.
        for Named { raw, .. } in named {
            answer.entry(raw).or_insert(Value::from(0));
        }
    }
    Ok(answer::ok(&answer))
}
