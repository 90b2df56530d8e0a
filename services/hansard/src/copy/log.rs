//! The events of a log, moved into another one: the same bytes, the same order in each stream.
//!
//! Frames are cut anew, but the events of a command stay together. What is in the target already is
//! compared, not written again: the target itself says how far an earlier attempt came, and one that
//! is no copy of this log is found out.

use std::collections::VecDeque;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use domain::event::{Event, Record, Stream};
use domain::{ApplicationId, CommandId, Time};
use eventlog::{
    Batch, Frame, Log, Offset, Partition, Position, READ_FRAMES_MAX, ReadLimit, Reader, Writer, partition_of,
};
use runtime::Ids;

use super::merge::Merge;
use super::streams::{Streams, is_own};

/// What a log's first event says, as far as a copy must say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) application: ApplicationId,
    pub(super) private_dialog_key: [u8; 32],
    /// When the log was made.
    pub(super) at: Time,
}

/// The opening of that partition.
pub(super) async fn opening(log: &dyn Log, partition: Partition) -> anyhow::Result<Opening> {
    let frames = log.read(partition, Offset(0), ReadLimit::frames(1)).await?;
    let first = frames.first().and_then(|frame| frame.events().first());
    let record = wire::decode(first.context("the log is empty")?)?;
    match record.event {
        Event::LogOpened { private_dialog_key, .. } => {
            Ok(Opening { application: record.application, private_dialog_key, at: record.at })
        }
        _ => anyhow::bail!("the log does not begin with its opening"),
    }
}

/// Move every event of `source` that is not in `target` yet. `report` hears how many events of how
/// many have been looked at. The answer is what the source says of each stream.
pub(super) async fn copy(
    source: &Arc<dyn Log>,
    target: &Arc<dyn Log>,
    ids: &Ids,
    report: &mut (dyn FnMut(u64, u64) + Send),
) -> anyhow::Result<Streams> {
    let origin = opening(&**source, Partition(0)).await?;
    let mut lanes = vec![];
    for partition in (0..target.partitions()).map(Partition) {
        let found = opening(&**target, partition).await?;
        anyhow::ensure!(
            (found.application, found.private_dialog_key) == (origin.application, origin.private_dialog_key),
            "the log to copy to is another one and no copy of this: copy into an empty place"
        );
        lanes.push(Lane::begin(target, partition, (origin, ids)).await?);
    }
    let mut streams = Streams::default();
    let mut merge = Merge::of(source).await?;
    let (mut done, total) = (0, merge.total());
    while let Some(frame) = merge.next().await? {
        for group in groups(&frame, target.partitions())? {
            for (key, event) in &group.events {
                streams.add(key.clone(), event);
            }
            let lane = lanes.get_mut(group.partition.0 as usize).context("a partition of the target")?;
            lane.take(group.events.into_iter().map(|(_, event)| event).collect(), frame.time_ms()).await?;
        }
        done += frame.count() as u64;
        report(done, total);
    }
    for lane in lanes {
        lane.finish().await?;
    }
    anyhow::ensure!(
        Merge::of(source).await?.total() == total,
        "the log has grown while it was copied: stop whatever writes it, and copy again"
    );
    Ok(streams)
}

/// Events of one command, with their streams' keys, that go into one partition.
struct Group {
    command: CommandId,
    partition: Partition,
    events: Vec<(Vec<u8>, Bytes)>,
}

/// The frame's events by command and target partition, in order; without the log's own.
fn groups(frame: &Frame, partitions: u32) -> anyhow::Result<Vec<Group>> {
    let mut groups = Vec::<Group>::new();
    for (offset, event) in frame.numbered() {
        let envelope = wire::open(event)
            .with_context(|| format!("the event at offset {offset} of partition {}", frame.partition()))?;
        if is_own(&envelope.type_name) {
            continue;
        }
        let key = envelope.stream.key();
        let (command, partition) = (envelope.command, partition_of(&key, partitions));
        match groups.last_mut() {
            Some(group) if (group.command, group.partition) == (command, partition) => {
                group.events.push((key, event.clone()));
            }
            _ => groups.push(Group { command, partition, events: vec![(key, event.clone())] }),
        }
    }
    Ok(groups)
}

/// One partition of the target.
struct Lane {
    writer: Writer,
    there: There,
    batch: Batch,
    /// Of the last event in the batch.
    time_ms: u64,
}

impl Lane {
    async fn begin(
        target: &Arc<dyn Log>,
        partition: Partition,
        (origin, ids): (Opening, &Ids),
    ) -> anyhow::Result<Self> {
        let tail = target.tail(partition).await?;
        let there = There::new(target, partition, tail.next).await?;
        // As early as may be: no frame's time may be before its predecessor's.
        let at = origin.at.max(Time(tail.time_ms));
        let started = wire::encode(&started(origin.application, ids, at)).into();
        let writer = Writer::open(Arc::clone(target), partition, at.0, started).await;
        let writer = writer.with_context(|| {
            format!(
                "partition {partition} of the log to copy to cannot be written: does anybody else write it?"
            )
        })?;
        Ok(Self { writer, there, batch: Batch::new(), time_ms: 0 })
    }

    /// The next events of this partition, which belong into one frame.
    async fn take(&mut self, events: Vec<Bytes>, time_ms: u64) -> anyhow::Result<()> {
        if self.there.has(&events).await? {
            return Ok(());
        }
        if !self.batch.fits_all(&events) {
            self.flush().await?;
        }
        for event in events {
            self.batch.push(event)?;
        }
        self.time_ms = time_ms;
        Ok(())
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let partition = self.writer.partition();
        let appended = self.writer.append(self.time_ms, self.batch.take()).await;
        appended.with_context(|| format!("partition {partition} of the log to copy to"))?;
        Ok(())
    }

    async fn finish(mut self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.there.next().await?.is_none(),
            "partition {} of the log to copy to has events that the log copied from has not: it is in use \
             already, or the other was put back",
            self.writer.partition()
        );
        self.flush().await
    }
}

fn started(application: ApplicationId, ids: &Ids, at: Time) -> Record {
    Record {
        id: ids.event_id(at),
        command: CommandId(ids.random()),
        application,
        stream: Stream::Application(application),
        actor: None,
        at,
        event: Event::WriterStarted,
    }
}

/// What an earlier attempt has left in a partition.
struct There {
    reader: Reader,
    until: Offset,
    waiting: VecDeque<Bytes>,
}

impl There {
    async fn new(log: &Arc<dyn Log>, partition: Partition, until: Offset) -> anyhow::Result<Self> {
        let start = Position { epoch: log.epoch(), partition, offset: Offset(0) };
        let reader = Reader::open(Arc::clone(log), start, None).await?;
        Ok(Self { reader, until, waiting: VecDeque::new() })
    }

    /// Whether these events come next. None of them may be there, or all.
    async fn has(&mut self, events: &[Bytes]) -> anyhow::Result<bool> {
        for (index, event) in events.iter().enumerate() {
            match self.next().await? {
                None if index == 0 => return Ok(false),
                Some(found) if found == *event => {}
                _ => anyhow::bail!(
                    "partition {} of the log to copy to holds other events: it is no copy of this log, or this log \
                     has changed since the copy was begun; begin anew in an empty place",
                    self.reader.partition()
                ),
            }
        }
        Ok(true)
    }

    /// The next event that is not the log's own.
    async fn next(&mut self) -> anyhow::Result<Option<Bytes>> {
        while self.waiting.is_empty() && self.reader.position().offset < self.until {
            let frames = self.reader.next_batch(READ_FRAMES_MAX).await?;
            for event in frames.iter().filter(|frame| frame.first() < self.until).flat_map(Frame::events) {
                if !is_own(&wire::open(event)?.type_name) {
                    self.waiting.push_back(event.clone());
                }
            }
        }
        Ok(self.waiting.pop_front())
    }
}
