//! The contract of a log: what every backend promises, and no more than NATS JetStream or a table could also keep.
//!
//! Small on purpose: terms, retries, clamping and chain checks are [`crate::Writer`]'s and [`crate::Reader`]'s work, so
//! that they exist once.

use std::pin::Pin;

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    error::{AppendError, OpenError, ReadError, Rejection},
    frame::{Frame, Header},
    ids::{Epoch, FrameHash, Offset, PARTITIONS_MAX, Partition},
};

/// A boxed future, so that a log can be an `Arc<dyn Log>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The most frames of one read.
pub const READ_FRAMES_MAX: usize = 1_024;
/// The most bytes of encoded frames of one read (but one frame always fits).
pub const READ_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How much one read may return. A backend clamps it to [`READ_FRAMES_MAX`] and [`READ_BYTES_MAX`], and
/// returns at least one frame where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// The most frames.
    pub frames: usize,
    /// The most bytes of encoded frames.
    pub bytes: usize,
}

impl Default for ReadLimit {
    fn default() -> Self {
        Self { frames: READ_FRAMES_MAX, bytes: READ_BYTES_MAX }
    }
}

impl ReadLimit {
    /// One read of at most so many frames.
    #[must_use]
    pub fn frames(frames: usize) -> Self {
        Self { frames, ..Self::default() }
    }

    /// Whether, after `frames` frames of `bytes` bytes together, one of `size` bytes may follow.
    pub(crate) fn admits(self, frames: usize, bytes: usize, size: usize) -> bool {
        frames == 0
            || (frames < self.frames.min(READ_FRAMES_MAX)
                && bytes.saturating_add(size) <= self.bytes.min(READ_BYTES_MAX))
    }
}

/// The end of a partition: what the next frame continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where the next frame begins.
    pub next: Offset,
    /// The hash of the last frame.
    pub hash: FrameHash,
    /// The term of the last frame.
    pub term: u64,
    /// The time of the last frame, in milliseconds since 1970.
    pub time_ms: u64,
}

impl Tail {
    /// The end of a partition whose last frame is `frame`.
    #[must_use]
    pub fn after(frame: &Frame) -> Self {
        Self { next: frame.next(), hash: frame.hash(), term: frame.term(), time_ms: frame.time_ms() }
    }
}

/// A log, as its backend sees it. Appending is for [`crate::Writer`] alone.
pub trait Log: Send + Sync {
    /// Which log this is.
    fn epoch(&self) -> Epoch;

    /// How many partitions it has: 1 to [`PARTITIONS_MAX`], for ever.
    fn partitions(&self) -> u32;

    /// Append `frame` if it continues the tail exactly (offset and hash), durably, or not at all: a compare-and-set.
    ///
    /// Dropping the future does not take the frame back: it may still be appended, as after [`AppendError::Unknown`].
    fn append<'a>(&'a self, frame: &'a Frame) -> BoxFuture<'a, Result<(), AppendError>>;

    /// The frames from the one that contains `from` on, contiguous and each with its hash checked, as many as there
    /// are and `limit` allows. Empty if and only if `from` is the tail. Damage behind a good frame ends the answer
    /// there; the next read meets it.
    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>>;

    /// The frames that end at or before `before` (a frame that straddles it is left out), newest first, as many as there
    /// are and `limit` allows. Empty if there are none: at offset 0 or at the first one kept.
    fn read_back(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>>;

    /// The end of the partition now: at least every append that was acknowledged before the call.
    fn tail(&self, partition: Partition) -> BoxFuture<'_, Result<Tail, ReadError>>;

    /// Changes when the tail grows. A signal, not a fact: it may be late, and growth by another process
    /// may not show at all, so who waits on it looks from time to time.
    ///
    /// # Errors
    /// [`ReadError::NoSuchPartition`].
    fn watch(&self, partition: Partition) -> Result<watch::Receiver<Offset>, ReadError>;
}

/// What a log is made from.
#[derive(Clone, Debug)]
pub struct Spec {
    /// 16 random bytes.
    pub epoch: Epoch,
    /// Now, in milliseconds since 1970.
    pub time_ms: u64,
    /// The first event of each partition; their number is the number of partitions.
    pub opened: Vec<Bytes>,
}

impl Spec {
    /// The first frame of each partition, of term 0.
    ///
    /// # Errors
    /// [`OpenError::PartitionsCount`], [`OpenError::Rejected`].
    pub(crate) fn first_frames(&self) -> Result<Vec<Frame>, OpenError> {
        let count =
            u32::try_from(self.opened.len()).ok().filter(|count| (1..=PARTITIONS_MAX).contains(count));
        let count = count.ok_or(OpenError::PartitionsCount(self.opened.len()))?;
        let mut frames = Vec::with_capacity(self.opened.len());
        for (partition, opened) in (0..count).map(Partition).zip(&self.opened) {
            let header = Header {
                epoch: self.epoch,
                partition,
                term: 0,
                first: Offset(0),
                time_ms: self.time_ms,
                previous: FrameHash::ZERO,
            };
            frames.push(Frame::seal(header, std::slice::from_ref(opened))?);
        }
        Ok(frames)
    }
}

/// The compare-and-set of an append, the same in every backend: does a frame with this header continue `tail`?
pub(crate) fn continues(header: &Header, tail: &Tail) -> Result<(), AppendError> {
    if header.first != tail.next || header.previous != tail.hash || header.term < tail.term {
        return Err(AppendError::Fenced);
    }
    if header.time_ms < tail.time_ms { Err(Rejection::Time.into()) } else { Ok(()) }
}

/// Whether `frame` belongs to the log of this epoch and number of partitions at all.
pub(crate) fn belongs(frame: &Frame, epoch: Epoch, partitions: u32) -> Result<(), Rejection> {
    if frame.epoch() != epoch {
        return Err(Rejection::ForeignEpoch);
    }
    if frame.partition().0 >= partitions {
        Err(Rejection::NoSuchPartition(frame.partition()))
    } else {
        Ok(())
    }
}
