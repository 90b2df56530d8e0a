//! A frame: events appended together, and the bytes that they are stored as.
//!
//! Layout, format 1, numbers little-endian: format (1 byte), epoch (16), partition (4), term (8), first offset (8),
//! time in ms (8), previous hash (32), count (2), then each event's length (4 each), then the events, then the BLAKE3 hash of all
//! of that (32). The format is durable: a change of it is a new format byte, and format 1 stays readable for ever.

use bytes::Bytes;

use crate::{
    error::Rejection,
    ids::{Epoch, FrameHash, Offset, Partition},
};

/// The most bytes of an encoded frame.
pub const FRAME_BYTES_MAX: usize = 256 * 1024;
/// The most events in a frame.
pub const FRAME_EVENTS_MAX: usize = 512;
/// The most bytes of one event.
pub const EVENT_BYTES_MAX: usize = 64 * 1024;
/// The first byte of an encoded frame.
pub const FRAME_FORMAT: u8 = 1;
/// The largest term, offset and time: what every store can hold (a signed 64-bit integer).
pub const NUMBER_MAX: u64 = i64::MAX as u64;

const HEADER_BYTES: usize = 79;
const LENGTH_BYTES: usize = 4;
const HASH_BYTES: usize = 32;

/// What a frame says of itself, beside its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The log that it belongs to.
    pub epoch: Epoch,
    /// The partition that it belongs to.
    pub partition: Partition,
    /// The number of the writer that made it.
    pub term: u64,
    /// The offset of its first event.
    pub first: Offset,
    /// When it was made, in milliseconds since 1970; never less than its predecessor's.
    pub time_ms: u64,
    /// The hash of the frame before it; [`FrameHash::ZERO`] at offset 0.
    pub previous: FrameHash,
}

/// Events that were appended together: 1 to [`FRAME_EVENTS_MAX`], each up to [`EVENT_BYTES_MAX`] bytes.
///
/// The events are slices of the frame's one buffer: holding one event keeps the whole frame (at most
/// [`FRAME_BYTES_MAX`]) in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    header: Header,
    hash: FrameHash,
    events: Vec<Bytes>,
    encoded: Bytes,
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Shorter than any frame, or than its own lengths say, or longer.
    #[error("the frame's length is not what its header says")]
    Length,
    /// Made by a newer version, or not a frame at all.
    #[error("the frame's format is {0}, but only format {FRAME_FORMAT} is known")]
    Format(u8),
    /// A count, length or number is outside its limits.
    #[error("the frame's header is outside its limits")]
    Limits,
    /// The bytes are not those that were written.
    #[error("the frame's hash does not match its bytes")]
    Hash,
}

/// The bytes that a frame of `count` events with `bytes` bytes together takes.
pub(crate) fn encoded_len(count: usize, bytes: usize) -> usize {
    HEADER_BYTES + count * LENGTH_BYTES + bytes + HASH_BYTES
}

impl Frame {
    /// Encode and hash: the frame that says `header` and holds `events`.
    ///
    /// # Errors
    /// [`Rejection`] when a limit is exceeded, or there is no event.
    pub fn seal(header: Header, events: &[Bytes]) -> Result<Self, Rejection> {
        let size = check_events(events)?;
        let count = events.len() as u64;
        let numbers = [header.term, header.time_ms, header.first.plus(count).0];
        if numbers.iter().any(|number| *number > NUMBER_MAX) {
            return Err(Rejection::Number);
        }
        let mut out = Vec::with_capacity(size);
        out.push(FRAME_FORMAT);
        out.extend_from_slice(&header.epoch.0);
        out.extend_from_slice(&header.partition.0.to_le_bytes());
        for number in [header.term, header.first.0, header.time_ms] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&header.previous.0);
        // Both casts are of numbers that check_events has bounded.
        out.extend_from_slice(&(events.len() as u16).to_le_bytes());
        for event in events {
            out.extend_from_slice(&(event.len() as u32).to_le_bytes());
        }
        for event in events {
            out.extend_from_slice(event);
        }
        let hash = FrameHash(*blake3::hash(&out).as_bytes());
        out.extend_from_slice(&hash.0);
        let encoded = Bytes::from(out);
        let mut start = HEADER_BYTES + events.len() * LENGTH_BYTES;
        let mut slices = Vec::with_capacity(events.len());
        for event in events {
            slices.push(encoded.slice(start..start + event.len()));
            start += event.len();
        }
        Ok(Self { header, hash, events: slices, encoded })
    }

    /// Read a frame back. Any bytes may be given: nothing panics, and no more is allocated than they account for.
    ///
    /// # Errors
    /// [`FrameError`] when the bytes are not exactly those of a sealed frame.
    pub fn decode(encoded: Bytes) -> Result<Self, FrameError> {
        if encoded.len() < encoded_len(1, 0) || encoded.len() > FRAME_BYTES_MAX {
            return Err(FrameError::Length);
        }
        if encoded[0] != FRAME_FORMAT {
            return Err(FrameError::Format(encoded[0]));
        }
        let body = encoded.len() - HASH_BYTES;
        let hash = FrameHash(*blake3::hash(&encoded[..body]).as_bytes());
        if hash.0 != encoded[body..] {
            return Err(FrameError::Hash);
        }
        let mut fields = Fields { bytes: &encoded[1..body] };
        let header = Header {
            epoch: Epoch(fields.take()?),
            partition: Partition(u32::from_le_bytes(fields.take()?)),
            term: u64::from_le_bytes(fields.take()?),
            first: Offset(u64::from_le_bytes(fields.take()?)),
            time_ms: u64::from_le_bytes(fields.take()?),
            previous: FrameHash(fields.take()?),
        };
        let count = usize::from(u16::from_le_bytes(fields.take()?));
        let numbers = [header.term, header.time_ms, header.first.plus(count as u64).0];
        if count == 0 || count > FRAME_EVENTS_MAX || numbers.iter().any(|number| *number > NUMBER_MAX) {
            return Err(FrameError::Limits);
        }
        let mut start = HEADER_BYTES + count * LENGTH_BYTES;
        let mut events = Vec::with_capacity(count);
        for _ in 0..count {
            let length = u32::from_le_bytes(fields.take()?) as usize;
            if length > EVENT_BYTES_MAX {
                return Err(FrameError::Limits);
            }
            if start + length > body {
                return Err(FrameError::Length);
            }
            events.push(encoded.slice(start..start + length));
            start += length;
        }
        if start != body {
            return Err(FrameError::Length);
        }
        Ok(Self { header, hash, events, encoded })
    }

    /// What it says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The log that it belongs to.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.header.epoch
    }

    /// The partition that it belongs to.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.header.partition
    }

    /// The number of the writer that made it.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.header.term
    }

    /// The offset of its first event.
    #[must_use]
    pub fn first(&self) -> Offset {
        self.header.first
    }

    /// The offset after its last event: where the next frame begins.
    #[must_use]
    pub fn next(&self) -> Offset {
        self.header.first.plus(self.events.len() as u64)
    }

    /// How many events it has: never 0.
    #[must_use]
    pub fn count(&self) -> usize {
        self.events.len()
    }

    /// When it was made, in milliseconds since 1970.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.header.time_ms
    }

    /// The hash of the frame before it.
    #[must_use]
    pub fn previous(&self) -> FrameHash {
        self.header.previous
    }

    /// Its own hash.
    #[must_use]
    pub fn hash(&self) -> FrameHash {
        self.hash
    }

    /// Its events, in order: the first one has the offset [`Frame::first`].
    #[must_use]
    pub fn events(&self) -> &[Bytes] {
        &self.events
    }

    /// Its events with their offsets.
    pub fn numbered(&self) -> impl Iterator<Item = (Offset, &Bytes)> {
        (self.header.first.0..).map(Offset).zip(&self.events)
    }

    /// The bytes that it is stored as.
    #[must_use]
    pub fn encoded(&self) -> &Bytes {
        &self.encoded
    }
}

/// The encoded length of a frame of these events, or the limit that they exceed.
fn check_events(events: &[Bytes]) -> Result<usize, Rejection> {
    if events.is_empty() {
        return Err(Rejection::NoEvents);
    }
    if events.len() > FRAME_EVENTS_MAX {
        return Err(Rejection::Events(events.len()));
    }
    if let Some(event) = events.iter().find(|event| event.len() > EVENT_BYTES_MAX) {
        return Err(Rejection::EventBytes(event.len()));
    }
    let size = encoded_len(events.len(), events.iter().map(Bytes::len).sum());
    if size > FRAME_BYTES_MAX { Err(Rejection::FrameBytes(size)) } else { Ok(size) }
}

/// What is left to read of a header.
struct Fields<'a> {
    bytes: &'a [u8],
}

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], FrameError> {
        let (taken, rest) = self.bytes.split_first_chunk::<N>().ok_or(FrameError::Length)?;
        self.bytes = rest;
        Ok(*taken)
    }
}

#[cfg(test)]
mod tests;
