//! Records as a projector would hand them over: by partition, with checkpoints that move.

use std::collections::BTreeMap;

use domain::Time;
use domain::event::Record;
use eventlog::{Epoch, FrameHash, Offset, Partition, partition_of};

use crate::rows::Checkpoint;
use crate::sqlite::Applied;

/// Makes batches for [`Store::apply`](crate::sqlite::Store::apply).
///
/// However the same records are split into batches, the last checkpoints are the same.
#[derive(Debug, Clone)]
pub struct Feeder {
    partitions: u32,
    reached: BTreeMap<u32, Checkpoint>,
}

impl Feeder {
    /// A feeder of a log with that many partitions, from its beginning.
    pub fn new(partitions: u32) -> Self {
        Self { partitions, reached: BTreeMap::new() }
    }

    /// The batch of these `records`, which follow those before.
    pub fn batch(&mut self, records: impl IntoIterator<Item = Record>) -> Vec<Applied> {
        let mut by_partition: BTreeMap<u32, Vec<Record>> = BTreeMap::new();
        for record in records {
            let partition = partition_of(&record.stream.key(), self.partitions);
            by_partition.entry(partition.0).or_default().push(record);
        }
        by_partition.into_iter().map(|(partition, records)| self.applied(partition, records)).collect()
    }

    fn applied(&mut self, partition: u32, records: Vec<Record>) -> Applied {
        let expected = self.reached.get(&partition).copied();
        let before = expected.map_or(Offset(0), |checkpoint| checkpoint.next);
        let next = before.plus(records.len() as u64);
        let mut frame_hash = [0; 32];
        frame_hash[..8].copy_from_slice(&next.0.to_be_bytes());
        let time = records.last().map_or(Time(0), |record| record.at);
        let checkpoint = Checkpoint { epoch: Epoch([1; 16]), next, frame_hash: FrameHash(frame_hash), time };
        self.reached.insert(partition, checkpoint);
        Applied { partition: Partition(partition), expected, records, checkpoint }
    }
}
