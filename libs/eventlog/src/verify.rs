//! A scan of a whole partition: is every frame what was written, and does each continue the one before?

use crate::{
    chain::Chain,
    error::ReadError,
    frame::Frame,
    ids::{Offset, Partition},
    log::{Log, ReadLimit, Tail},
};

/// How far a scan is; at its end, what the partition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The partition.
    pub partition: Partition,
    /// The first offset that the log has kept: 0 unless it was trimmed.
    pub first_kept: Offset,
    /// Everything before it has been checked.
    pub next: Offset,
    /// Where the scan ends: the tail when it began.
    pub end: Offset,
    /// Frames so far.
    pub frames: u64,
    /// Events so far.
    pub events: u64,
    /// Bytes of encoded frames so far.
    pub bytes: u64,
}

/// A scan's state, moved on frame by frame by whoever reads them.
pub(crate) struct Scan {
    chain: Chain,
    tail: Tail,
    progress: Progress,
}

impl Scan {
    /// Begin at `first_kept` and go on to `tail`.
    pub(crate) fn new(mut chain: Chain, first_kept: Offset, tail: Tail) -> Self {
        chain.next = first_kept;
        let partition = chain.partition;
        let progress = Progress {
            partition,
            first_kept,
            next: first_kept,
            end: tail.next,
            frames: 0,
            events: 0,
            bytes: 0,
        };
        Self { chain, tail, progress }
    }

    pub(crate) fn accept(&mut self, frame: &Frame) -> Result<(), ReadError> {
        if frame.first() < self.tail.next && frame.next() > self.tail.next {
            return Err(self.corrupt("the log's end lies inside a frame"));
        }
        self.chain.accept(frame)?;
        self.chain.ends_at(&self.tail)?;
        self.progress.next = self.chain.next;
        self.progress.frames += 1;
        self.progress.events += frame.count() as u64;
        self.progress.bytes += frame.encoded().len() as u64;
        Ok(())
    }

    pub(crate) fn is_done(&self) -> bool {
        self.progress.next >= self.tail.next
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    pub(crate) fn corrupt(&self, why: impl Into<String>) -> ReadError {
        self.chain.corrupt(why)
    }
}

/// Check every frame of `partition` from the first kept to the tail of this moment, in bounded memory; `report` is
/// called after each read (at most [`crate::READ_BYTES_MAX`] apart). Works on a log that is being written.
///
/// # Errors
/// [`ReadError::Corrupt`] names the first offset that cannot be trusted.
pub async fn verify(
    log: &dyn Log,
    partition: Partition,
    report: &mut (dyn FnMut(&Progress) + Send),
) -> Result<Progress, ReadError> {
    let tail = log.tail(partition).await?;
    let first_kept = match log.read(partition, Offset(0), ReadLimit::frames(1)).await {
        Err(ReadError::Trimmed { first_kept }) => first_kept,
        Ok(_) => Offset(0),
        Err(error) => return Err(error),
    };
    let mut scan = Scan::new(Chain::new(log.epoch(), partition, first_kept, None), first_kept, tail);
    while !scan.is_done() {
        let frames = log.read(partition, scan.progress.next, ReadLimit::default()).await?;
        if frames.is_empty() {
            return Err(scan.corrupt("the log has become shorter"));
        }
        for frame in &frames {
            scan.accept(frame)?;
        }
        report(&scan.progress);
    }
    Ok(scan.progress)
}
