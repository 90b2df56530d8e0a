//! Who has got, read and hidden which messages, and what is removed: pure arithmetic.
//!
//! A dialog's sequences are dense, so a set of them is a [`Run`] (everything from here to
//! there) plus [`Bits`] in chunks of [`CHUNK`] for what lies outside it. Beside the bits,
//! kept in rows of their own, stand small counts: [`Sparse`] for a user in a dialog,
//! [`Removals`] for a dialog. A question about a history of any length is answered from
//! the counts, and bits are loaded only for a chunk that is asked about in part, or
//! whose counts were written before a later removal.
//!
//! 4,096 sequences a chunk: 512 bytes of bits at most, so that a mark rewrites little, and
//! 245 counts for a million messages, so that a sum over them is short.
//!
//! Sequences are plain numbers here, from 1; 0 stands before the first message.

mod bits;
mod change;
mod counts;
mod number;
mod pages;
mod run;
mod unread;
mod views;

#[cfg(test)]
mod model;

pub use bits::Bits;
pub use change::{Bounds, Chunk, Marks, Rows};
pub use counts::{Entry, Removals, Sparse};
pub use pages::{Order, View};
pub use run::Run;
pub use unread::{Loaded, Want, unread};
pub use views::{VIEWS, Views, views_chunk_of};

pub(crate) use number::{put, take};

/// Sequences of one chunk.
pub const CHUNK: u64 = 4_096;

/// The chunk that `sequence` (from 1) lies in.
pub fn chunk_of(sequence: u64) -> u32 {
    u32::try_from(sequence.saturating_sub(1) / CHUNK).unwrap_or(u32::MAX)
}

/// The place of `sequence` (from 1) in its chunk.
pub fn bit_of(sequence: u64) -> u32 {
    (sequence.saturating_sub(1) % CHUNK) as u32
}

/// The first sequence of `chunk`.
pub fn first_of(chunk: u32) -> u64 {
    u64::from(chunk) * CHUNK + 1
}

/// The last sequence of `chunk`.
pub fn last_of(chunk: u32) -> u64 {
    (u64::from(chunk) + 1) * CHUNK
}

/// Stored marks that cannot be: the read model was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stored marks are damaged: {0}")]
pub struct Corrupt(pub &'static str);
