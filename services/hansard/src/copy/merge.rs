//! The partitions of a log as one row of frames, in the order of their times.
//!
//! The order is a function of the log alone: read again it is the same, and a log that has grown at its
//! ends goes on with what is new. So a copy needs no notes about how far it came.

use std::collections::VecDeque;
use std::sync::Arc;

use eventlog::{Frame, Log, Offset, Partition, Position, READ_FRAMES_MAX, Reader};

/// What is left of each partition, up to where it ended at first.
pub(super) struct Merge {
    parts: Vec<Part>,
    total: u64,
}

struct Part {
    reader: Reader,
    until: Offset,
    waiting: VecDeque<Frame>,
}

impl Merge {
    /// All of `log`, as it is now.
    pub(super) async fn of(log: &Arc<dyn Log>) -> anyhow::Result<Self> {
        let (mut parts, mut total) = (vec![], 0);
        for partition in (0..log.partitions()).map(Partition) {
            let until = log.tail(partition).await?.next;
            let start = Position { epoch: log.epoch(), partition, offset: Offset(0) };
            let reader = Reader::open(Arc::clone(log), start, None).await?;
            parts.push(Part { reader, until, waiting: VecDeque::new() });
            total += until.0;
        }
        Ok(Self { parts, total })
    }

    /// How many events there are in all.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The earliest frame that is left; of several the one of the lowest partition.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Frame>> {
        for part in &mut self.parts {
            part.fill().await?;
        }
        let earliest = self
            .parts
            .iter_mut()
            .filter(|part| !part.waiting.is_empty())
            .min_by_key(|part| part.waiting.front().map(Frame::time_ms));
        Ok(earliest.and_then(|part| part.waiting.pop_front()))
    }
}

impl Part {
    async fn fill(&mut self) -> anyhow::Result<()> {
        while self.waiting.is_empty() && self.reader.position().offset < self.until {
            let read = self.reader.next_batch(READ_FRAMES_MAX).await?;
            self.waiting.extend(read.into_iter().filter(|frame| frame.first() < self.until));
        }
        Ok(())
    }
}
