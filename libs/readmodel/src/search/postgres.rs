//! The index in a schema of PostgreSQL: a GIN over the trigrams of each text (`pg_trgm`) and
//! over the stretches of time that its date is in.
//!
//! PostgreSQL gives back what such an index finds in no order: a word that every other
//! message holds would cost as much as there are messages. So each row also stands in eight
//! stretches of time, each eight times as long as the one before, the shortest of sixteen
//! seconds; a search asks for the newest stretch, and for longer ones as long as it finds
//! little.

mod reader;
mod save;
mod schema;
mod store;
mod verify;

pub(super) use reader::Reader;
pub(super) use schema::{discard, schema};
pub(super) use store::Store;
pub(super) use verify::Snapshot;

/// The stretches: the number of bits of a date in seconds that are within one.
const STRETCHES: [u32; 8] = [4, 7, 10, 13, 16, 19, 22, 25];
/// Bits of a stretch's name that say which of [`STRETCHES`] it is.
const STRETCH_BITS: u32 = 4;

/// The list of the stretches that `date_sent` is in, as the index has it.
fn stretches() -> String {
    let each = STRETCHES.iter().enumerate();
    let each: Vec<_> =
        each.map(|(at, bits)| format!("((date_sent >> {bits}) << {STRETCH_BITS}) | {at}")).collect();
    format!("(ARRAY[{}]::bigint[])", each.join(", "))
}

/// The name of the stretch of that length in which a date is.
fn stretch(date_sent: u64, length: usize) -> i64 {
    (((date_sent >> STRETCHES[length]) << STRETCH_BITS) | length as u64).cast_signed()
}

/// The first date of it.
fn stretch_begin(date_sent: u64, length: usize) -> u64 {
    (date_sent >> STRETCHES[length]) << STRETCHES[length]
}
