//! The names of places in a log: partition, offset, epoch, position, and the hash that chains frames.

use std::fmt;

/// The name of the partition hash, kept in a log's metadata: a log made with another one cannot be opened.
pub const PARTITION_HASH: &str = "blake3-64-mod";

/// The most partitions that a log may have.
pub const PARTITIONS_MAX: u32 = 1_024;

/// An independently ordered part of a log, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Partition(pub u32);

/// An event's place in its partition: dense, counted from 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset `count` events further on.
    #[must_use]
    pub fn plus(self, count: u64) -> Self {
        Self(self.0.saturating_add(count))
    }
}

/// Which log this is: 16 random bytes chosen when it was made. A log restored under the same epoch is the same log.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub [u8; 16]);

/// The BLAKE3 hash of a frame's header and events; each frame carries its predecessor's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameHash(pub [u8; 32]);

impl FrameHash {
    /// What the first frame of a partition carries as its predecessor's hash.
    pub const ZERO: Self = Self([0; 32]);
}

/// A place in a log that means something outside it: in a checkpoint, in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The log.
    pub epoch: Epoch,
    /// Its partition.
    pub partition: Partition,
    /// The offset of the next event to read.
    pub offset: Offset,
}

/// The partition of a stream, by the hash named [`PARTITION_HASH`]: the first 8 bytes of the key's BLAKE3 hash as a
/// little-endian number, modulo `partitions` (0 counts as 1).
#[must_use]
pub fn partition_of(stream_key: &[u8], partitions: u32) -> Partition {
    let hash = blake3::hash(stream_key);
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    let partition = u64::from_le_bytes(first) % u64::from(partitions.max(1));
    Partition(u32::try_from(partition).unwrap_or(0))
}

fn hex(bytes: &[u8], out: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
}

impl fmt::Display for Partition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, out)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, out)
    }
}

impl fmt::Display for FrameHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, out)
    }
}

impl fmt::Debug for FrameHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, out)
    }
}

#[cfg(test)]
mod tests {
    use super::{Partition, partition_of};

    // These numbers decide where every stream of every existing log lives: they may never change.
    #[test]
    fn the_partition_hash_never_changes() {
        let of = |key: &str, partitions| partition_of(key.as_bytes(), partitions).0;
        assert_eq!(
            [of("", 16), of("dialog:a", 16), of("dialog:b", 16), of("user:1", 1_000)],
            [15, 2, 2, 702]
        );
    }

    #[test]
    fn every_partition_is_used_and_none_outside() {
        let mut counts = [0; 7];
        for key in 0..7_000_u32 {
            let Partition(partition) = partition_of(&key.to_le_bytes(), 7);
            counts[partition as usize] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
        assert_eq!(partition_of(b"x", 1), Partition(0));
        assert_eq!(partition_of(b"x", 0), Partition(0));
    }
}
