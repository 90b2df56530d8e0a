//! `GET /chat/search`: the messages and the dialogs in whose text or name something stands,
//! letter by letter, of all that the caller may read.
//!
//! The names of the parameters are the API's: `start_date` is the newest date of a hit and
//! `end_date` the oldest one.

use std::collections::HashSet;

use axum::extract::State;
use axum::response::Response;
use domain::{DialogId, UserId};
use readmodel::search::{Needle, Scope, TEXT_CHARACTERS_MIN, Wanted};

use crate::edge::{Caller, LogPosition};
use crate::path::Named;
use crate::shown::{Found, displays, results};
use crate::{ApiError, Edge, Params, asked};

/// Dialogs to which a search may be limited: the API's number.
const DIALOGS_MAX: usize = 10;
/// The longest time between the two dates, in seconds: three months, however long they are.
const DATES_APART_MAX: u64 = 92 * 86_400;
/// Private dialogs, the youngest, whose opponents' names are looked at.
const OPPONENTS_MAX: usize = 5_000;

/// Search messages and dialogs
///
/// Letter by letter, in all that the caller may read.
#[utoipa::path(
    get, path = "/chat/search", tag = "Messages", operation_id = "search",
    params(asked::SearchQuery, LogPosition),
    responses((status = 200, description = "What was found", body = Found), Caller, Params),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    mut params: Params,
) -> Result<Response, ApiError> {
    let wanted = wanted(&edge, caller, &mut params)?;
    let search = edge.search.as_ref().ok_or_else(|| ApiError::NotOffered("Search is switched off".into()))?;
    let scope = search.scope(&wanted).await?;
    let messages = search.messages(&wanted, &scope).await?;
    let opponents = opponents(&edge, &wanted.needle, &scope).await?;
    let dialogs = search.dialogs(&wanted, &scope, &opponents).await?;
    let displays = displays(&edge, &dialogs).await?;
    Ok(results(&dialogs, &messages, (&edge.application, &displays)))
}

fn wanted(edge: &Edge, viewer: UserId, params: &mut Params) -> Result<Wanted, ApiError> {
    let needle = needle(params, edge.limits.message_characters_max)?;
    let dialogs: Option<Vec<Named<DialogId>>> = params.names("chat_dialog_ids", DIALOGS_MAX)?;
    let dialogs = dialogs.filter(|named| !named.is_empty());
    let dialogs = dialogs.map(|named| named.into_iter().filter_map(|named| named.id).collect());
    let (oldest, newest) = dates(params)?;
    let limit = params.page()?.limit as usize;
    Ok(Wanted { viewer, needle, dialogs, oldest, newest, limit })
}

fn needle(params: &mut Params, characters_max: usize) -> Result<Needle, ApiError> {
    const NAME: &str = "search_text";
    let text = params.text(NAME)?.ok_or_else(|| ApiError::missing(NAME))?;
    // Nothing that is stored is longer.
    if text.chars().nth(characters_max).is_some() {
        return Err(ApiError::too_long(NAME, characters_max));
    }
    Needle::new(text).ok_or_else(|| ApiError::too_short(NAME, TEXT_CHARACTERS_MIN))
}

/// The oldest and the newest date of a hit.
fn dates(params: &mut Params) -> Result<(u64, u64), ApiError> {
    let since_1970 = |seconds: i64| u64::try_from(seconds).unwrap_or(0);
    let newest = params.moment("start_date")?.map(since_1970);
    let oldest = params.moment("end_date")?.map(since_1970);
    match (newest, oldest) {
        (Some(_), None) => Err(ApiError::missing("end_date")),
        (Some(newest), Some(oldest)) if newest.abs_diff(oldest) > DATES_APART_MAX => {
            Err(ApiError::invalid("end_date", "must not be more than 3 months from start_date"))
        }
        (newest, oldest) => Ok((oldest.unwrap_or(0), newest.unwrap_or(u64::MAX))),
    }
}

/// The others of his private dialogs whose name holds the text: it is the dialog's name for
/// him, and stands in no event.
async fn opponents(edge: &Edge, needle: &Needle, scope: &Scope) -> Result<HashSet<UserId>, ApiError> {
    let others: Vec<UserId> = scope.opponents().take(OPPONENTS_MAX).collect();
    let mut found = HashSet::new();
    for users in others.chunks(identity::IDS_MAX) {
        let displays = edge.identity.display(users).await?;
        found.extend(displays.iter().filter(|shown| needle.is_in(&shown.name)).map(|shown| shown.id));
    }
    Ok(found)
}
