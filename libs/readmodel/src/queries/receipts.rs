//! Whom a message has reached and who has read it.
//!
//! Exact in dialogs of at most `receipts_max` occupants: everybody's runs are looked at,
//! and the bits of those who have any in the chunks of the page.

use std::collections::HashMap;

use domain::event::Mark;
use domain::{Sequence, UserId};
use rusqlite::params;

use super::Error;
use super::columns::{bits, user};
use super::reader::{Reader, Rows};
use super::seat::{Seat, marks};
use crate::marks::{Bits, Chunk, Marks, chunk_of};

const MEMBERS: &str = "SELECT user, read_base, read_to, delivered_base, delivered_to, sparse
    FROM standings WHERE dialog = ?1 AND member = 1 ORDER BY user";
const CHUNK: &str = "SELECT user, read, delivered FROM mark_chunks WHERE dialog = ?1 AND chunk = ?2";

/// Who has one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Receipt {
    /// The author, then the others who have read it.
    pub(super) read_ids: Vec<UserId>,
    /// The author, then the others whom it has reached.
    pub(super) delivered_ids: Vec<UserId>,
    /// Whether all others, and at least one, have read it.
    pub(super) read: bool,
    /// Whether it has reached all others, and at least one.
    pub(super) delivered: bool,
}

/// The receipts of `messages`, each by its place and author, in the same order.
pub(super) fn receipts(
    reader: &Reader<'_>,
    seat: &Seat,
    messages: &[(Sequence, UserId)],
) -> Result<Vec<Receipt>, Error> {
    if let [(sequence, sender)] = messages
        && nobody_else_has(seat, *sequence)
    {
        return Ok(vec![Receipt::of(*sender)]);
    }
    if seat.names_readers(reader.receipts_max) {
        return of_everybody(reader, seat, messages);
    }
    let mut bitmaps = seat.bitmaps(reader);
    let mut has = |mark, sequence: Sequence, sender| {
        let tracked = seat.header.kind.is_marked() && sender != seat.viewer;
        Ok::<_, Error>(tracked && seat.has(mark, sequence.0, &mut bitmaps)?)
    };
    let mut receipts = vec![];
    for (sequence, sender) in messages {
        let mut receipt = Receipt::of(*sender);
        if has(Mark::Read, *sequence, *sender)? {
            receipt.read_ids.push(seat.viewer);
        }
        if has(Mark::Delivered, *sequence, *sender)? {
            receipt.delivered_ids.push(seat.viewer);
        }
        receipts.push(receipt);
    }
    Ok(receipts)
}

/// Whether the counts say that the message, the newest, has reached nobody but its author:
/// so it is right after it was posted, when the answer should cost the same for 2 and for
/// 1,000 occupants.
fn nobody_else_has(seat: &Seat, sequence: Sequence) -> bool {
    let last = &seat.last;
    last.sequence == sequence && last.counts_known && last.read_by == 0 && last.delivered_by == 0
}

impl Receipt {
    fn of(sender: UserId) -> Self {
        Self::among(sender, 0)
    }

    /// With room for that many others, as a page makes a hundred of these.
    fn among(sender: UserId, others: usize) -> Self {
        let ids = || {
            let mut ids = Vec::with_capacity(1 + others);
            ids.push(sender);
            ids
        };
        Self { read_ids: ids(), delivered_ids: ids(), read: false, delivered: false }
    }
}

/// The bits in each chunk of those members who have some there.
pub(super) type Outside = HashMap<(u32, UserId), Chunk>;

fn of_everybody(
    reader: &Reader<'_>,
    seat: &Seat,
    messages: &[(Sequence, UserId)],
) -> Result<Vec<Receipt>, Error> {
    let members = members(reader, seat)?;
    let outside = outside(reader, seat, &members, messages)?;
    let mut receipts = vec![];
    for (sequence, sender) in messages {
        let mut receipt = Receipt::among(*sender, members.len());
        let mut others = 1;
        for (member, marks) in members.iter().filter(|(member, _)| member != sender) {
            let chunk = outside.get(&(chunk_of(sequence.0), *member));
            others += 1;
            if marks.has(Mark::Read, sequence.0, chunk) {
                receipt.read_ids.push(*member);
            }
            if marks.has(Mark::Delivered, sequence.0, chunk) {
                receipt.delivered_ids.push(*member);
            }
        }
        receipt.read = others > 1 && receipt.read_ids.len() == others;
        receipt.delivered = others > 1 && receipt.delivered_ids.len() == others;
        receipts.push(receipt);
    }
    Ok(receipts)
}

fn members(reader: &Reader<'_>, seat: &Seat) -> Result<Vec<(UserId, Marks)>, Error> {
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(rows.members(seat.dialog)),
    };
    let mut statement = connection.prepare_cached(MEMBERS)?;
    let mut rows = statement.query([seat.dialog.as_bytes()])?;
    let mut members = vec![];
    while let Some(row) = rows.next()? {
        members.push((user(row, 0)?, marks(row, 1)?));
    }
    Ok(members)
}

/// Reads the chunks of `messages` in which some member's entry says that he has a row.
fn outside(
    reader: &Reader<'_>,
    seat: &Seat,
    members: &[(UserId, Marks)],
    messages: &[(Sequence, UserId)],
) -> Result<Outside, Error> {
    let mut chunks: Vec<u32> = messages.iter().map(|(sequence, _)| chunk_of(sequence.0)).collect();
    chunks.sort_unstable();
    chunks.dedup();
    chunks.retain(|chunk| members.iter().any(|(_, marks)| marks.sparse.get(*chunk).is_some()));
    let mut outside = Outside::new();
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => {
            chunks.iter().for_each(|chunk| rows.outside(seat.dialog, *chunk, &mut outside));
            return Ok(outside);
        }
    };
    for chunk in chunks {
        let mut statement = connection.prepare_cached(CHUNK)?;
        let mut rows = statement.query(params![seat.dialog.as_bytes(), chunk])?;
        while let Some(row) = rows.next()? {
            let bits = Chunk { read: bits(row, 1)?, delivered: bits(row, 2)?, hidden: Bits::EMPTY };
            outside.insert((chunk, user(row, 0)?), bits);
        }
    }
    Ok(outside)
}
