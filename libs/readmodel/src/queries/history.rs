//! The messages of a dialog as somebody sees them.
//!
//! A page is found by rank from the counts, then read as one stretch of the table.

use domain::event::{Mark, Range};
use domain::role::Action;
use domain::{DialogId, Refusal, Sequence, Time, UserId};
use rusqlite::{Connection, Row, params};

use super::bitmaps::Bitmaps;
use super::columns::{bytes, int, message_id, number, number_opt, sequence, text_opt, time, user, user_opt};
use super::reactions;
use super::reader::{Reader, Rows};
use super::receipts::receipts;
use super::seat::Seat;
use super::{Error, History, MessageView, ReactionsView};
use crate::marks::{CHUNK, Order, Views, views_chunk_of};
use crate::rows::Totals;

const STRETCH: &str = "SELECT sequence, id, sender, recipient, date_sent, created_at, updated_at, edited_at,
    text, attachments, custom, client_id, reactions
    FROM messages WHERE dialog = ?1 AND sequence BETWEEN ?2 AND ?3 AND removed = 0 ORDER BY sequence";

const VIEWS: &str = "SELECT counts FROM view_counts WHERE dialog = ?1 AND chunk = ?2";

/// Rows that are read in vain, for each that is wanted, before each is looked up by itself.
const WASTE_MAX: u64 = 4;

/// Which part of a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Messages before it.
    pub skip: u64,
    /// Messages on it at most.
    pub limit: usize,
    /// From which end.
    pub order: Order,
}

/// A page of the history, or why `viewer` gets none.
pub(super) fn history(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
    page: Page,
) -> Result<Result<History, Refusal>, Error> {
    let seat = match readable(reader, viewer, dialog)? {
        Ok(seat) => seat,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Page { skip, limit, order } = page;
    let mut bitmaps = seat.bitmaps(reader);
    let places = seat.view().page(order, skip, limit, &mut |chunk, want| bitmaps.load(chunk, want))?;
    show(reader, &seat, &places).map(Ok)
}

/// The newest messages, the oldest first, also for somebody who is not in the dialog.
pub(super) fn preview(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
    page: Page,
) -> Result<Result<History, Refusal>, Error> {
    let Some(seat) = Seat::of(reader, viewer, dialog)? else { return Ok(Err(Refusal::NoSuchDialog)) };
    if let Err(refusal) = seat.permit(Action::ReadHistory)
        && !seat.is_open_to_view()
    {
        return Ok(Err(refusal));
    }
    let mut bitmaps = seat.bitmaps(reader);
    let mut load = |chunk, want| bitmaps.load(chunk, want);
    let mut places = seat.view().page(page.order, page.skip, page.limit, &mut load)?;
    places.reverse();
    let shown = show(reader, &seat, &places)?;
    Ok(Ok(History { unread: vec![], ..shown }))
}

/// The messages at `places`, which the viewer sees, in that order.
pub(super) fn show(reader: &Reader<'_>, seat: &Seat, places: &[u64]) -> Result<History, Error> {
    let mut ascending = places.to_vec();
    ascending.sort_unstable();
    let mut messages = read(reader, seat, &ascending)?;
    let unread = unread(seat, &messages, &mut seat.bitmaps(reader))?;
    if places.is_sorted_by(|one, other| one > other) {
        messages.reverse();
    } else if !places.is_sorted() {
        messages.sort_by_key(|message| places.iter().position(|place| *place == message.sequence.0));
    }
    Ok(History { kind: seat.header.kind, messages, unread })
}

/// How many messages `viewer` sees, or why he sees none.
pub(super) fn count(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
) -> Result<Result<u64, Refusal>, Error> {
    let seat = match readable(reader, viewer, dialog)? {
        Ok(seat) => seat,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let mut bitmaps = seat.bitmaps(reader);
    seat.view().count(&mut |chunk, want| bitmaps.load(chunk, want)).map(Ok)
}

/// Those of `sequences` that `viewer` sees, in that order.
pub(super) fn messages(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
    sequences: &[Sequence],
) -> Result<Vec<MessageView>, Error> {
    let Ok(seat) = readable(reader, viewer, dialog)? else { return Ok(vec![]) };
    let mut bitmaps = seat.bitmaps(reader);
    let mut seen = vec![];
    for sequence in sequences {
        if seat.view().sees(sequence.0, &mut |chunk, want| bitmaps.load(chunk, want))? {
            seen.push(sequence.0);
        }
    }
    seen.sort_unstable();
    seen.dedup();
    let mut messages = read(reader, &seat, &seen)?;
    let place = |message: &MessageView| sequences.iter().position(|sequence| *sequence == message.sequence);
    messages.sort_by_key(place);
    Ok(messages)
}

/// The viewer's seat in a dialog whose history he may read.
pub(super) fn readable(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
) -> Result<Result<Seat, Refusal>, Error> {
    let Some(seat) = Seat::of(reader, viewer, dialog)? else { return Ok(Err(Refusal::NoSuchDialog)) };
    Ok(seat.permit(Action::ReadHistory).map(|()| seat))
}

/// The messages at `sequences`, which ascend and which the viewer sees.
fn read(reader: &Reader<'_>, seat: &Seat, sequences: &[u64]) -> Result<Vec<MessageView>, Error> {
    if sequences.is_empty() {
        return Ok(vec![]);
    }
    let mut messages = match reader.rows {
        Rows::File(connection) => {
            let mut messages = stretches(connection, seat.dialog, sequences)?;
            reactions::add_own(connection, seat.viewer, &mut messages)?;
            if !seat.header.kind.is_marked() {
                add_views(connection, seat.dialog, &mut messages)?;
            }
            messages
        }
        Rows::Fetched(rows) => rows.messages(seat.dialog, sequences),
    };
    let named: Vec<_> = messages.iter().map(|message| (message.sequence, message.sender)).collect();
    let receipts = receipts(reader, seat, &named)?;
    for (message, receipt) in messages.iter_mut().zip(receipts) {
        message.read_ids = receipt.read_ids;
        message.delivered_ids = receipt.delivered_ids;
        message.read = receipt.read;
        if let Some(at) = seat.touched.at(message.sequence) {
            message.updated_at = message.updated_at.max(at);
        }
    }
    Ok(messages)
}

/// The rows at `sequences`, without receipts.
fn stretches(
    connection: &Connection,
    dialog: DialogId,
    sequences: &[u64],
) -> Result<Vec<MessageView>, Error> {
    let mut messages = Vec::with_capacity(sequences.len());
    let (Some(first), Some(last)) = (sequences.first(), sequences.last()) else { return Ok(messages) };
    if last - first < sequences.len() as u64 * WASTE_MAX {
        stretch(connection, dialog, (*first, *last), &mut messages)?;
        messages.retain(|message| sequences.binary_search(&message.sequence.0).is_ok());
    } else {
        for sequence in sequences {
            stretch(connection, dialog, (*sequence, *sequence), &mut messages)?;
        }
    }
    Ok(messages)
}

fn stretch(
    connection: &Connection,
    dialog: DialogId,
    (first, last): (u64, u64),
    messages: &mut Vec<MessageView>,
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(STRETCH)?;
    let mut rows = statement.query(params![dialog.as_bytes(), int(first), int(last)])?;
    while let Some(row) = rows.next()? {
        messages.push(message(row, dialog)?);
    }
    Ok(())
}

fn message(row: &Row<'_>, dialog: DialogId) -> Result<MessageView, Error> {
    Ok(MessageView {
        id: message_id(row, 1)?,
        dialog,
        sequence: sequence(row, 0)?,
        sender: user(row, 2)?,
        recipient: user_opt(row, 3)?,
        date_sent: number(row, 4)?,
        created_at: time(row, 5)?,
        updated_at: time(row, 6)?,
        edited_at: number_opt(row, 7)?.map(Time),
        text: row.get(8)?,
        attachments: row.get(9)?,
        custom: row.get(10)?,
        client_id: row.get(11)?,
        read_ids: vec![],
        delivered_ids: vec![],
        read: false,
        reactions: ReactionsView::of(Totals::decode(text_opt(row, 12)?)?, vec![]),
        views: 0,
    })
}

/// How many have seen each of `messages`, which ascend.
fn add_views(connection: &Connection, dialog: DialogId, messages: &mut [MessageView]) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(VIEWS)?;
    for messages in
        messages.chunk_by_mut(|one, next| views_chunk_of(one.sequence.0) == views_chunk_of(next.sequence.0))
    {
        let chunk = messages.first().map(|message| views_chunk_of(message.sequence.0));
        let mut rows = statement.query(params![dialog.as_bytes(), chunk])?;
        let Some(row) = rows.next()? else { continue };
        let counts = Views::decode(bytes(row, 0)?)?;
        for message in messages {
            message.views = u64::from(counts.of(message.sequence.0));
        }
    }
    Ok(())
}

/// What of the ascending `messages` the viewer has not read, as ranges.
///
/// Removed messages before and between them are taken in, and so are read ones between:
/// nobody can tell, and his run then grows without a gap.
fn unread(seat: &Seat, messages: &[MessageView], bitmaps: &mut Bitmaps<'_>) -> Result<Vec<Range>, Error> {
    let mut ranges: Vec<Range> = vec![];
    for message in messages {
        let sequence = message.sequence;
        if message.sender == seat.viewer || seat.has(Mark::Read, sequence.0, bitmaps)? {
            continue;
        }
        let mut first = sequence.0;
        let lowest = seat.floor.max(first.saturating_sub(CHUNK)) + 1;
        while first > lowest && seat.removed(first - 1, bitmaps)? {
            first -= 1;
        }
        match ranges.last_mut() {
            Some(range) if bridged(seat, range.last.0 + 1..first, bitmaps)? => range.last = sequence,
            Some(_) | None => ranges.push(Range { first: Sequence(first), last: sequence }),
        }
    }
    Ok(ranges)
}

/// Whether all of `gap`, if it is a short one, is removed or read.
fn bridged(seat: &Seat, gap: std::ops::Range<u64>, bitmaps: &mut Bitmaps<'_>) -> Result<bool, Error> {
    if gap.end.saturating_sub(gap.start) > CHUNK {
        return Ok(false);
    }
    for sequence in gap {
        if !seat.removed(sequence, bitmaps)? && !seat.has(Mark::Read, sequence, bitmaps)? {
            return Ok(false);
        }
    }
    Ok(true)
}
