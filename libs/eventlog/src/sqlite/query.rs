//! What is read from the file: plain functions over a connection, for reader threads and for the check at opening.

use bytes::Bytes;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use crate::{
    chain::Chain,
    error::ReadError,
    frame::Frame,
    ids::{Epoch, FrameHash, Offset, Partition},
    log::{ReadLimit, Tail},
};

/// Where a partition begins and ends.
pub(super) struct Ends {
    pub(super) first_kept: Offset,
    pub(super) tail: Tail,
}

const ENDS: &str = "SELECT first_kept, next, hash, term, time_ms FROM tails WHERE partition = ?1";

const FORWARD: &str = "SELECT first_offset, count, term, time_ms, hash, frame FROM frames
    WHERE partition = ?1 AND first_offset >= coalesce(
        (SELECT first_offset FROM frames WHERE partition = ?1 AND first_offset <= ?2
         ORDER BY first_offset DESC LIMIT 1), ?2)
    ORDER BY first_offset";

const BACKWARD: &str = "SELECT first_offset, count, term, time_ms, hash, frame FROM frames
    WHERE partition = ?1 AND first_offset + count <= ?2 AND first_offset < ?2
    ORDER BY first_offset DESC";

/// SQLite's own failure, met while looking at `offset`.
pub(super) fn read_error(error: &rusqlite::Error, partition: Partition, offset: Offset) -> ReadError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            ReadError::Corrupt { partition, offset, why: format!("the file's structure is broken ({error})") }
        }
        Some(_) => ReadError::Unavailable(error.to_string()),
        None => {
            ReadError::Corrupt { partition, offset, why: format!("a row is not as it was written ({error})") }
        }
    }
}

/// Offsets, terms and times are limited to what SQLite holds, by [`crate::NUMBER_MAX`].
pub(super) fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A column that holds an offset, a term, a time or a count.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// Where `partition` begins and ends now.
pub(super) fn ends(db: &Connection, partition: Partition) -> Result<Ends, ReadError> {
    let found = ends_row(db, partition).map_err(|error| read_error(&error, partition, Offset(0)))?;
    found.ok_or_else(|| ReadError::Corrupt {
        partition,
        offset: Offset(0),
        why: "the partition's tail is missing".to_owned(),
    })
}

/// The same, with SQLite's own error, for whoever writes.
pub(super) fn ends_row(db: &Connection, partition: Partition) -> rusqlite::Result<Option<Ends>> {
    let mut statement = db.prepare_cached(ENDS)?;
    let to_ends = |row: &Row<'_>| {
        Ok(Ends {
            first_kept: Offset(number(row, 0)?),
            tail: Tail {
                next: Offset(number(row, 1)?),
                hash: FrameHash(row.get(2)?),
                term: number(row, 3)?,
                time_ms: number(row, 4)?,
            },
        })
    };
    statement.query_row(params![partition.0], to_ends).optional()
}

/// The frame in a row, if it is the one that the row's other columns speak of.
fn decode(row: &Row<'_>, partition: Partition) -> Result<Frame, String> {
    let text = |error: rusqlite::Error| error.to_string();
    let blob = row.get_ref(5).map_err(text)?.as_blob().map_err(|error| error.to_string())?;
    let frame = Frame::decode(Bytes::copy_from_slice(blob)).map_err(|error| error.to_string())?;
    let expected = [frame.first().0, frame.count() as u64, frame.term(), frame.time_ms()];
    let mut agree = true;
    for (column, expected) in expected.into_iter().enumerate() {
        agree &= number(row, column).map_err(text)? == expected;
    }
    let hash: [u8; 32] = row.get(4).map_err(text)?;
    if !agree || hash != frame.hash().0 || frame.partition() != partition {
        return Err("the row's columns and its frame differ".to_owned());
    }
    Ok(frame)
}

/// The bytes of the row's frame, before it is read.
fn size(row: &Row<'_>) -> usize {
    row.get_ref(5).ok().and_then(|value| value.as_blob().ok()).map_or(0, <[u8]>::len)
}

/// [`crate::Log::read`].
pub(super) fn read(
    db: &Connection,
    epoch: Epoch,
    (partition, from): (Partition, Offset),
    limit: ReadLimit,
) -> Result<Vec<Frame>, ReadError> {
    let snapshot = db.unchecked_transaction().map_err(|error| read_error(&error, partition, from))?;
    let Ends { first_kept, tail } = ends(&snapshot, partition)?;
    if from < first_kept {
        return Err(ReadError::Trimmed { first_kept });
    }
    if from >= tail.next {
        return if from == tail.next {
            Ok(Vec::new())
        } else {
            Err(ReadError::EndsBefore { tail: tail.next })
        };
    }
    let mut chain = Chain::new(epoch, partition, from, None);
    let (mut frames, mut bytes) = (Vec::new(), 0);
    let outcome = walk(&snapshot, FORWARD, (partition, from), &mut |row| {
        let size = size(row);
        if !limit.admits(frames.len(), bytes, size) {
            return Ok(Step::Stop);
        }
        let frame = decode(row, partition).map_err(|why| chain.corrupt(why))?;
        chain.accept(&frame)?;
        bytes += size;
        frames.push(frame);
        Ok(Step::On)
    });
    match outcome {
        Err(error) if frames.is_empty() => Err(error.at(partition, from)),
        Ok(()) if frames.is_empty() => Err(chain.corrupt("the frame is missing")),
        Ok(()) | Err(_) => Ok(frames),
    }
}

/// [`crate::Log::read_back`].
pub(super) fn read_back(
    db: &Connection,
    partition: Partition,
    before: Offset,
    limit: ReadLimit,
) -> Result<Vec<Frame>, ReadError> {
    let snapshot = db.unchecked_transaction().map_err(|error| read_error(&error, partition, before))?;
    let Ends { first_kept, tail } = ends(&snapshot, partition)?;
    if before > tail.next {
        return Err(ReadError::EndsBefore { tail: tail.next });
    }
    let (mut frames, mut bytes) = (Vec::<Frame>::new(), 0);
    let outcome = walk(&snapshot, BACKWARD, (partition, before), &mut |row| {
        let size = size(row);
        if !limit.admits(frames.len(), bytes, size) {
            return Ok(Step::Stop);
        }
        let at = Offset(number(row, 0).unwrap_or(before.0));
        let corrupt = |why: String| ReadError::Corrupt { partition, offset: at, why };
        let frame = decode(row, partition).map_err(corrupt)?;
        if frames
            .last()
            .is_some_and(|later| later.previous() != frame.hash() || later.first() != frame.next())
        {
            return Err(corrupt("the frame after it does not continue it".to_owned()));
        }
        bytes += size;
        frames.push(frame);
        Ok(Step::On)
    });
    match outcome {
        Err(error) if frames.is_empty() => Err(error.at(partition, before)),
        Ok(()) if frames.is_empty() && before > first_kept && before == tail.next => {
            Err(ReadError::Corrupt {
                partition,
                offset: first_kept,
                why: "the last frame is missing".to_owned(),
            })
        }
        Ok(()) | Err(_) => Ok(frames),
    }
}

/// Every frame of a partition, in order, however many: `visit` gets each one, or why it is none.
pub(super) fn each_frame(
    db: &Connection,
    (partition, from): (Partition, Offset),
    visit: &mut dyn FnMut(Result<Frame, String>) -> Result<(), ReadError>,
) -> Result<(), WalkError> {
    walk(db, FORWARD, (partition, from), &mut |row| visit(decode(row, partition)).map(|()| Step::On))
}

enum Step {
    On,
    Stop,
}

/// What ended a walk before its end.
pub(super) enum WalkError {
    Visitor(ReadError),
    Sqlite(rusqlite::Error),
}

impl WalkError {
    /// As seen by a reader that is at `offset`.
    pub(super) fn at(self, partition: Partition, offset: Offset) -> ReadError {
        match self {
            Self::Visitor(error) => error,
            Self::Sqlite(error) => read_error(&error, partition, offset),
        }
    }
}

fn walk(
    db: &Connection,
    sql: &str,
    (partition, offset): (Partition, Offset),
    visit: &mut dyn FnMut(&Row<'_>) -> Result<Step, ReadError>,
) -> Result<(), WalkError> {
    let mut statement = db.prepare_cached(sql).map_err(WalkError::Sqlite)?;
    let mut rows = statement.query(params![partition.0, to_sql(offset.0)]).map_err(WalkError::Sqlite)?;
    while let Some(row) = rows.next().map_err(WalkError::Sqlite)? {
        match visit(row).map_err(WalkError::Visitor)? {
            Step::On => {}
            Step::Stop => break,
        }
    }
    Ok(())
}
