//! A log from its beginning to a given end, in batches for a store.

use std::sync::Arc;

use eventlog::{Frame, Log, Offset, Partition, Position, Reader};
use projector::CATCH_UP_EVENTS;
use readmodel::Applied;
use readmodel::rows::Checkpoint;
use tokio::runtime::Handle;

use crate::scan::Scan;

/// Up to where each partition is read.
pub(super) type Ends = Vec<(Partition, Offset)>;

/// The batches that are left, and how far they are.
pub(super) struct Batches {
    parts: Vec<Part>,
    current: usize,
    scan: Scan,
    done: u64,
    total: u64,
}

struct Part {
    reader: Reader,
    until: Offset,
    checkpoint: Option<Checkpoint>,
}

impl Batches {
    /// Everything before `ends`.
    pub(super) async fn until(log: Arc<dyn Log>, ends: &Ends) -> anyhow::Result<Self> {
        let mut parts = vec![];
        let mut total = 0;
        for (partition, until) in ends {
            let start = Position { epoch: log.epoch(), partition: *partition, offset: Offset(0) };
            let reader = Reader::open(Arc::clone(&log), start, None).await?;
            parts.push(Part { reader, until: *until, checkpoint: None });
            total += until.0;
        }
        Ok(Self { parts, current: 0, scan: Scan::new("folding", total), done: 0, total })
    }

    /// Go on up to there: the log has grown meanwhile.
    pub(super) fn go_on(&mut self, ends: &Ends) {
        for (partition, until) in ends {
            for part in self.parts.iter_mut().filter(|part| part.reader.partition() == *partition) {
                self.total += until.0.saturating_sub(part.until.0);
                part.until = *until;
            }
        }
        self.current = 0;
    }

    /// How many events there were, and how many a second.
    pub(super) fn finish(self) -> (u64, f64) {
        let rate = self.scan.rate();
        self.scan.finish();
        (self.done, rate)
    }

    /// The next one; none at the end.
    pub(super) async fn next_batch(&mut self) -> anyhow::Result<Option<Vec<Applied>>> {
        while let Some(part) = self.parts.get_mut(self.current) {
            let frames = part.frames().await?;
            let Some(batch) = projector::decode(&frames, part.checkpoint)? else {
                self.current += 1;
                continue;
            };
            part.checkpoint = Some(batch.checkpoint);
            self.done += batch.records.len() as u64;
            self.scan.at(self.done, self.total);
            return Ok(Some(vec![batch]));
        }
        Ok(None)
    }
}

impl Part {
    async fn frames(&mut self) -> anyhow::Result<Vec<Frame>> {
        let (mut frames, mut events) = (vec![], 0);
        // One by one: what follows the end stays for later.
        while events < CATCH_UP_EVENTS && self.reader.position().offset < self.until {
            let Some(frame) = self.reader.try_next().await? else { break };
            events += frame.count();
            frames.push(frame);
        }
        Ok(frames)
    }
}

/// For a store that blocks, on a thread that may.
impl Iterator for Batches {
    type Item = anyhow::Result<Vec<Applied>>;

    fn next(&mut self) -> Option<Self::Item> {
        Handle::current().block_on(self.next_batch()).transpose()
    }
}
