//! What a log says of each stream, and whether another one says the same.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use eventlog::{Log, Offset, Partition, Position, READ_FRAMES_MAX, Reader, partition_of};

/// The types of events that are a log's own and go over to no other.
const OWN: [&str; 2] = ["log.opened", "writer.started"];

/// Whether the event is its log's own.
pub(super) fn is_own(type_name: &str) -> bool {
    OWN.contains(&type_name)
}

/// Every stream, by its key.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Streams(HashMap<Vec<u8>, Seen>);

/// The events of one stream so far: how many, and the hash of all of them, the last included.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Seen {
    events: u64,
    hash: [u8; 32],
}

impl Streams {
    /// The stream's next event.
    pub(super) fn add(&mut self, stream: Vec<u8>, event: &Bytes) {
        let seen = self.0.entry(stream).or_default();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seen.hash).update(event);
        *seen = Seen { events: seen.events + 1, hash: *hasher.finalize().as_bytes() };
    }

    /// How many events there are.
    pub(super) fn events(&self) -> u64 {
        self.0.values().map(|seen| seen.events).sum()
    }

    /// How many streams there are.
    pub(super) fn streams(&self) -> usize {
        self.0.len()
    }
}

/// Makes sure that `log` has exactly the streams `wanted`, each with the same events in the same order in
/// its own partition. `report` hears how many events of how many are read.
pub(super) async fn check(
    wanted: &Streams,
    log: &Arc<dyn Log>,
    report: &mut (dyn FnMut(u64, u64) + Send),
) -> anyhow::Result<()> {
    let mut found = Streams::default();
    let mut done = 0;
    for partition in (0..log.partitions()).map(Partition) {
        let start = Position { epoch: log.epoch(), partition, offset: Offset(0) };
        let mut reader = Reader::open(Arc::clone(log), start, None).await?;
        loop {
            let frames = reader.next_batch(READ_FRAMES_MAX).await?;
            if frames.is_empty() {
                break;
            }
            for (offset, event) in frames.iter().flat_map(|frame| frame.numbered()) {
                done += 1;
                let envelope = wire::open(event)
                    .with_context(|| format!("the event at offset {offset} of partition {partition}"))?;
                if is_own(&envelope.type_name) {
                    continue;
                }
                let key = envelope.stream.key();
                anyhow::ensure!(
                    partition_of(&key, log.partitions()) == partition,
                    "the event at offset {offset} of partition {partition} belongs to another partition"
                );
                found.add(key, event);
            }
            report(done, wanted.events());
        }
    }
    anyhow::ensure!(
        found.events() == wanted.events(),
        "the copy has {} events and not {}",
        found.events(),
        wanted.events()
    );
    let differing = wanted.0.iter().filter(|(key, seen)| found.0.get(*key) != Some(seen)).count();
    anyhow::ensure!(
        differing == 0 && found.streams() == wanted.streams(),
        "{differing} of {} streams differ from the log that was copied",
        wanted.streams()
    );
    Ok(())
}
