//! `GET /chat/Message`: a page of a dialog's history. What it shows as unread is marked,
//! unless `mark_as_read` says no.
//!
//! Marks are many: a page that is read already marks nothing, and a mark that cannot be
//! written, or not soon, keeps nobody from reading.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request, Update};
use domain::event::{Mark, Marked, Range};
use domain::{CommandId, DialogId, UserId};
use readmodel::queries::{self, History, Order};

use crate::edge::{Caller, Done, Seen};
use crate::params::Direction;
use crate::shown::{count, messages};
use crate::{ApiError, Edge, Params, fields};

/// The fields of the API's filters, which are not understood yet.
const FILTERS: [&str; 9] = [
    "_id",
    "message",
    "date_sent",
    "sender_id",
    "recipient_id",
    "attachments.type",
    "attachments",
    "created_at",
    "updated_at",
];
/// The fields by which the order is that of the sequences.
const ORDER: [&str; 2] = ["date_sent", "created_at"];

pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    mut params: Params,
) -> Result<Response, ApiError> {
    let named = fields::dialog(&mut params)?.ok_or_else(|| ApiError::missing("chat_dialog_id"))?;
    fields::refuse(&params, &FILTERS)?;
    if params.flag("preview")? == Some(true) {
        return Err(fields::not_supported("preview"));
    }
    let order = order(&mut params)?;
    let page = params.page()?;
    let counts = params.flag("count")?.unwrap_or(false);
    let marks = params.lenient_flag("mark_as_read").unwrap_or(true);
    let dialog = named.id.ok_or(ApiError::NoSuchResource)?;
    if counts {
        return Ok(count(edge.queries.history_count(caller, dialog).await??));
    }
    let wanted = queries::Page { skip: page.skip, limit: page.limit as usize, order };
    let mut history = edge.queries.history(caller, dialog, wanted).await??;
    let mut seen = Seen::nothing();
    if marks
        && !history.unread.is_empty()
        && let Some(done) = mark(&edge, caller, dialog, std::mem::take(&mut history.unread)).await
    {
        seen.add(&done);
        history = again(&edge, caller, dialog, wanted).await.unwrap_or(history);
    }
    Ok(seen.on(messages(&history.messages, page)))
}

fn order(params: &mut Params) -> Result<Order, ApiError> {
    let Some(sort) = params.sort()? else { return Ok(Order::OldestFirst) };
    let (name, order) = match sort.direction {
        Direction::Ascending => ("sort_asc", Order::OldestFirst),
        Direction::Descending => ("sort_desc", Order::NewestFirst),
    };
    if ORDER.contains(&sort.field.as_str()) { Ok(order) } else { Err(fields::not_supported(name)) }
}

/// The page with its marks; none if it cannot be had now.
async fn again(edge: &Edge, caller: UserId, dialog: DialogId, wanted: queries::Page) -> Option<History> {
    match edge.queries.history(caller, dialog, wanted).await {
        Ok(Ok(history)) => Some(history),
        Ok(Err(_gone)) => None,
        Err(error) => {
            tracing::debug!(%error, "a page was answered without its marks");
            None
        }
    }
}

async fn mark(edge: &Edge, caller: UserId, dialog: DialogId, unread: Vec<Range>) -> Option<Done> {
    let mark = Some((Mark::Read, Marked::Listed(unread)));
    let command = Command::Update(Update { messages: vec![], text: None, mark });
    let id = CommandId(edge.ids.random());
    match edge.ask_briefly(Request { id, dialog, actor: caller, command }).await {
        Ok(done) => Some(done),
        Err(error) => {
            tracing::debug!(status = error.status().as_u16(), "a page could not be marked as read");
            None
        }
    }
}
