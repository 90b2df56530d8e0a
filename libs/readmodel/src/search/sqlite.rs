//! The index in a file: FTS5 over trigrams, written row by row and never by triggers.
//!
//! The index of words keeps no texts and no places within them (`content=''`,
//! `detail=none`): it names rows that hold all trigrams of a text, and nothing else is asked
//! of it. A row's number begins with its date, so that the newest are found first. Beside
//! each there is a row that says which message it is.

mod connect;
mod reader;
mod save;
mod store;
mod verify;

pub(super) use reader::Reader;
pub(super) use store::Store;
pub(super) use verify::Snapshot;

/// Seconds of a date that a row's number has room for.
const DATE_MAX: u64 = (1 << 38) - 1;
/// Bits of a row's number below its date, which tell rows of one second apart.
const WITHIN_SECOND: u32 = 24;

/// The first row's number of a date; later dates than there is room for are the last one.
fn first_of(date_sent: u64) -> i64 {
    (date_sent.min(DATE_MAX) << WITHIN_SECOND).cast_signed()
}

/// The date of a row.
fn date_of(id: i64) -> u64 {
    id.cast_unsigned() >> WITHIN_SECOND
}
