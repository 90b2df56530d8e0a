//! What is folded in one transaction: at most one batch a partition.

use bus::Stopped;
use readmodel::Applied;
use readmodel::rows::Partition;

use crate::batch::{Batch, Ends};

/// The batches of one transaction.
#[derive(Default)]
pub(crate) struct Gathered {
    applied: Vec<Applied>,
    /// Of the batch at the same place in `applied`.
    ends: Vec<Ends>,
    bytes: usize,
    /// Where partitions cannot be folded further, behind what is here of them.
    stopped: Vec<(Partition, Stopped)>,
}

impl Gathered {
    /// Whether there is nothing to fold.
    pub(crate) fn is_empty(&self) -> bool {
        self.applied.is_empty()
    }

    /// How many events.
    pub(crate) fn events(&self) -> usize {
        self.applied.iter().map(|applied| applied.records.len()).sum()
    }

    /// How many bytes of frames were taken in.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// As the store takes it.
    pub(crate) fn applied(&self) -> &[Applied] {
        &self.applied
    }

    /// Take in a batch. It follows what is here of the same partition.
    pub(crate) fn add(&mut self, batch: Batch) {
        self.bytes += batch.bytes;
        match self.place_of(batch.applied.partition) {
            None => {
                self.applied.push(batch.applied);
                self.ends.push(batch.ends);
            }
            Some(place) => {
                let (applied, ends) = (&mut self.applied[place], &mut self.ends[place]);
                ends.append(applied.records.len(), batch.ends);
                applied.records.extend(batch.applied.records);
                applied.checkpoint = batch.applied.checkpoint;
            }
        }
    }

    /// A partition cannot be folded behind what is here of it.
    pub(crate) fn stop_at(&mut self, partition: Partition, stopped: Stopped) {
        self.stopped.push((partition, stopped));
    }

    /// Which partitions cannot be folded further, and why.
    pub(crate) fn into_stopped(self) -> Vec<(Partition, Stopped)> {
        self.stopped
    }

    /// Leave a partition out.
    pub(crate) fn remove(&mut self, partition: Partition) {
        if let Some(place) = self.place_of(partition) {
            self.applied.remove(place);
            self.ends.remove(place);
        }
    }

    /// Leave out a partition's record `index`, which the rows refuse, with the frame that it
    /// is in and all behind it.
    pub(crate) fn cut(&mut self, partition: Partition, index: usize, why: &readmodel::fold::Error) {
        let Some(place) = self.place_of(partition) else { return };
        let applied = &mut self.applied[place];
        let first = applied.checkpoint.next.0 - applied.records.len() as u64;
        let stopped = Stopped {
            offset: first + index as u64,
            event_id: applied.records.get(index).map(|record| record.id),
            reason: why.to_string(),
        };
        match self.ends[place].cut(index) {
            Some((end, checkpoint)) => {
                applied.records.truncate(end);
                applied.checkpoint = checkpoint;
            }
            None => self.remove(partition),
        }
        // It comes before what else may be wrong behind it.
        self.stopped.retain(|(other, _)| *other != partition);
        self.stop_at(partition, stopped);
    }

    fn place_of(&self, partition: Partition) -> Option<usize> {
        self.applied.iter().position(|applied| applied.partition == partition)
    }
}
