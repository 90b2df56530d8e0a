//! `GET /chat/Message`: a page of a dialog's history. What it shows as unread is marked,
//! unless `mark_as_read` says no; in public dialogs and broadcasts, what it shows for the
//! first time counts as viewed.
//!
//! Marks are many: a page that is read already marks nothing, and a mark that cannot be
//! written, or not soon, keeps nobody from reading. A preview marks nothing at all.

use axum::extract::State;
use axum::response::Response;
use domain::command::{Command, Request, Update};
use domain::event::{Mark, Marked, Range};
use domain::{CommandId, DialogId, Kind, Limits, Sequence, UserId};
use readmodel::queries::{self, MessageTest, MessageView, MessagesBy, Order, Wanted};

use crate::edge::{Caller, Done, LogPosition, Seen};
use crate::params::{Direction, Page};
use crate::shown::{MessagesAnswer, count, messages};
use crate::{ApiError, Edge, Params, asked, fields};

/// Messages of a preview: the API's number.
const PREVIEW_ITEMS: u32 = 20;

/// List a dialog's messages
///
/// What is shown as unread is marked as read, unless `mark_as_read` is 0.
#[utoipa::path(
    get, path = "/chat/Message", tag = "Messages", operation_id = "list_messages",
    params(asked::HistoryQuery, asked::Part, LogPosition),
    responses((status = 200, description = "The messages, or with `count` their number", body = MessagesAnswer), Caller, Params, asked::DialogPath),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    Caller(caller): Caller,
    mut params: Params,
) -> Result<Response, ApiError> {
    let named = fields::dialog(&mut params)?.ok_or_else(|| ApiError::missing("chat_dialog_id"))?;
    if params.flag("preview")? == Some(true) {
        let dialog = named.id.ok_or(ApiError::NoSuchResource)?;
        let history = edge.queries.preview(caller, dialog, PREVIEW_ITEMS as usize).await??;
        return Ok(messages(&history.messages, Page { limit: PREVIEW_ITEMS, skip: 0 }));
    }
    let (by, order) = order(&mut params)?;
    let page = params.page()?;
    let counts = params.flag("count")?.unwrap_or(false);
    let marks = params.lenient_flag("mark_as_read").unwrap_or(true);
    let tests = tests(&mut params, &edge.limits)?;
    let dialog = named.id.ok_or(ApiError::NoSuchResource)?;
    let part = queries::Page { skip: page.skip, limit: page.limit as usize, order };
    let looked_at_max = edge.limits.looked_at_max as u64;
    let wanted = Wanted { tests, by, page: part, looked_at_max };
    if counts {
        return Ok(count(edge.queries.find_count(caller, dialog, wanted).await??));
    }
    let history = edge.queries.find(caller, dialog, wanted).await??;
    let (mut seen, mut shown) = (Seen::nothing(), history.messages);
    if marks
        && !history.unread.is_empty()
        && let Some(done) = mark(&edge, caller, dialog, (history.kind, history.unread)).await
    {
        seen.add(&done);
        shown = again(&edge, caller, dialog, shown).await;
    }
    Ok(seen.on(messages(&shown, page)))
}

/// What messages are ordered by, and from which end; the oldest first if nobody says.
fn order(params: &mut Params) -> Result<(MessagesBy, Order), ApiError> {
    let Some(sort) = params.sort()? else { return Ok((MessagesBy::Sequence, Order::OldestFirst)) };
    let (name, order) = match sort.direction {
        Direction::Ascending => ("sort_asc", Order::OldestFirst),
        Direction::Descending => ("sort_desc", Order::NewestFirst),
    };
    let by = match sort.field.as_str() {
        "date_sent" | "created_at" => MessagesBy::Sequence,
        "_id" => MessagesBy::Name,
        "updated_at" => MessagesBy::Updated,
        _ => return Err(ApiError::invalid(name, "must be date_sent, created_at, updated_at or _id")),
    };
    Ok((by, order))
}

/// What the filters ask of a message; `attachments[type]` is another spelling. Other parameters, such as custom ones, ask nothing.
pub(super) fn tests(params: &mut Params, limits: &Limits) -> Result<Vec<MessageTest>, ApiError> {
    let mut filters = params.filters(limits.ids_per_call_max);
    let mut tests: Vec<_> = filters.ids("_id")?.into_iter().map(MessageTest::Id).collect();
    tests.extend(filters.texts("message")?.into_iter().map(MessageTest::Text));
    tests.extend(filters.numbers("sender_id")?.into_iter().map(MessageTest::Sender));
    tests.extend(filters.numbers("recipient_id")?.into_iter().map(MessageTest::Recipient));
    tests.extend(filters.texts("attachments.type")?.into_iter().map(MessageTest::AttachmentType));
    let attachments = filters.members("attachments")?.into_iter().filter(|(key, _)| key == "type");
    tests.extend(attachments.map(|(_, test)| MessageTest::AttachmentType(test)));
    tests.extend(filters.moments("date_sent")?.into_iter().map(MessageTest::DateSent));
    tests.extend(filters.moments("created_at")?.into_iter().map(MessageTest::CreatedAt));
    tests.extend(filters.moments("updated_at")?.into_iter().map(MessageTest::UpdatedAt));
    Ok(tests)
}

/// The same messages with their marks, whatever these have done to order and filters; as
/// they were, if they cannot be had now.
async fn again(edge: &Edge, caller: UserId, dialog: DialogId, before: Vec<MessageView>) -> Vec<MessageView> {
    let places: Vec<Sequence> = before.iter().map(|message| message.sequence).collect();
    match edge.queries.messages(caller, dialog, places).await {
        Ok(now) if now.is_empty() => before,
        Ok(now) => now,
        Err(error) => {
            tracing::debug!(%error, "a page was answered without its marks");
            before
        }
    }
}

async fn mark(
    edge: &Edge,
    caller: UserId,
    dialog: DialogId,
    (kind, unread): (Kind, Vec<Range>),
) -> Option<Done> {
    let mark = if kind.is_marked() { Mark::Read } else { Mark::Viewed };
    let mark = Some((mark, Marked::Listed(unread)));
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
