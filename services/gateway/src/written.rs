//! The dialog that a write leaves behind, for the writes that answer with it: as the rows
//! have it now, or folded from the command's own events where they are late.

use axum::response::Response;
use domain::event::Record;
use domain::{DialogId, UserId};
use http::StatusCode;
use readmodel::queries::DialogView;

use crate::edge::{Done, RETRY_AFTER_LAG};
use crate::shown::{DialogShown, displays};
use crate::{ApiError, Edge, answer, folded};

/// The dialog as `caller` sees it once `done` is.
///
/// # Errors
///
/// 404 if he does not see it any more, 503 if the rows are late and the events alone do not
/// say what it looks like.
pub(crate) async fn dialog(
    edge: &Edge,
    caller: UserId,
    dialog: DialogId,
    done: &Done,
) -> Result<DialogView, ApiError> {
    let records: &[Record] = &done.decided.records;
    match edge.queries.dialog(caller, dialog).await? {
        Some(view) if done.visible => Ok(view),
        Some(view) => Ok(folded::changed(view, records)),
        None if done.visible => Err(ApiError::NoSuchResource),
        None => folded::dialog(records).ok_or(ApiError::Unavailable(RETRY_AFTER_LAG)),
    }
}

/// The answer that shows `view`, and how far in the log `done` is.
pub(crate) async fn answer(
    edge: &Edge,
    status: StatusCode,
    view: &DialogView,
    done: &Done,
) -> Result<Response, ApiError> {
    let displays = displays(edge, std::slice::from_ref(view)).await?;
    let shown = DialogShown::new(view, &edge.application, &displays);
    Ok(done.seen().on(answer::json(status, &shown)))
}
