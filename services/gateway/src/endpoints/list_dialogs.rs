//! `GET /chat/Dialog`: the caller's dialogs, the liveliest first, or those of some ids.

use std::cmp::Reverse;

use axum::extract::State;
use axum::response::Response;
use domain::{DialogId, UserId};
use futures::future::join_all;
use readmodel::queries::{DialogPage, DialogView};

use crate::edge::Caller;
use crate::params::{Direction, Page};
use crate::path::Named;
use crate::shown::{DialogShown, DialogsShown, count, displays};
use crate::{ApiError, Edge, Params, answer, fields};

/// The fields of the API's filters that are not understood yet.
const FILTERS: [&str; 7] =
    ["type", "name", "last_message_date_sent", "created_at", "updated_at", "extensions", "occupants_ids"];
/// The one order there is, in both of its spellings.
const ORDER: [&str; 2] = ["last_message_date_sent", "date_sent"];

pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    mut params: Params,
) -> Result<Response, ApiError> {
    fields::refuse(&params, &FILTERS)?;
    match params.sort()? {
        Some(sort) if sort.direction == Direction::Ascending => {
            return Err(fields::not_supported("sort_asc"));
        }
        Some(sort) if !ORDER.contains(&sort.field.as_str()) => {
            return Err(fields::not_supported("sort_desc"));
        }
        Some(_) | None => {}
    }
    let page = params.page()?;
    let counts = params.flag("count")?.unwrap_or(false);
    let ids = ids(&mut params, edge.limits.ids_per_call_max)?;
    if counts {
        let total = match ids {
            Some(ids) => named(&edge, caller, ids).await?.len() as u64,
            None => edge.queries.dialogs_count(caller).await?,
        };
        return Ok(count(total));
    }
    let found = match ids {
        Some(ids) => part(named(&edge, caller, ids).await?, page),
        None => {
            let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
            edge.queries.dialogs(caller, skip, page.limit as usize).await?
        }
    };
    let displays = displays(&edge, &found.items).await?;
    let items = found.items.iter().map(|dialog| DialogShown::new(dialog, &edge.application, &displays));
    Ok(answer::ok(&DialogsShown {
        total_entries: found.total,
        skip: page.skip,
        limit: page.limit,
        items: items.collect(),
    }))
}

/// The filter `_id`, in any spelling of a list; with another operator it is not
/// understood yet.
fn ids(params: &mut Params, max: usize) -> Result<Option<Vec<Named<DialogId>>>, ApiError> {
    const NAME: &str = "_id";
    if !params.is_object(NAME) {
        return params.names(NAME, max);
    }
    let Some(mut operators) = params.object(NAME)? else { return Ok(None) };
    let ids = operators.names("in", max)?;
    if operators.rest().is_empty() { Ok(ids) } else { Err(fields::not_supported(NAME)) }
}

/// Those of the named dialogs that are in the caller's list, in its order.
async fn named(edge: &Edge, caller: UserId, ids: Vec<Named<DialogId>>) -> Result<Vec<DialogView>, ApiError> {
    let ids = ids.into_iter().filter_map(|named| named.id);
    let mut found = Vec::new();
    for view in join_all(ids.map(|id| edge.queries.dialog(caller, id))).await {
        found.extend(view?.filter(|view| !view.hidden));
    }
    found.sort_by_key(|dialog| {
        let date = dialog.last.as_ref().map_or(dialog.created_at.seconds(), |last| last.date_sent);
        Reverse((date, dialog.id))
    });
    Ok(found)
}

fn part(found: Vec<DialogView>, page: Page) -> DialogPage {
    let total = found.len() as u64;
    let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
    DialogPage { total, items: found.into_iter().skip(skip).take(page.limit as usize).collect() }
}
