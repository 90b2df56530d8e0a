//! Large logs, laid out directly: what months of use would have left behind.
//!
//! Events are made here as the server would have made them, and appended while no server runs. The server that starts
//! on the folder then folds them like any others. Users of dialogs may be strangers to identity; those that
//! call the API must be signed up before.

mod grown;
mod mixed;
mod spoken;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use domain::content::{Content, DialogContent, MessageContent, Text};
use domain::event::{Event, Kind, Mark, Marked, MessageRef, Record, Stream};
use domain::{ApplicationId, CommandId, DialogId, MessageId, Sequence, Time, UserId};
use eventlog::{
    Batch, JetStreamLog, JetStreamSettings, Log, Offset, Partition, Position, Reader, SqliteLog, Writer,
    partition_of,
};
use tokio::runtime::Runtime;

use crate::load::TEXT_CHARACTERS;
use crate::server::APPLICATION;

pub(crate) use grown::{Grown, SMALL_MESSAGES, grow, unread_of, widen};
pub(crate) use mixed::mix;
pub(crate) use spoken::{COMMON, RARE, speak};

/// The only partition of an embedded log.
const PARTITION: Partition = Partition(0);
/// Messages that one event names when many are removed or hidden: as many as a call may name.
const NAMED: usize = 100;

/// Appends events to the log of a server that is not running.
pub(crate) struct Builder {
    runtime: Runtime,
    lanes: Vec<Lane>,
    at: Time,
    application: ApplicationId,
    text: String,
    made: u64,
}

/// What goes to one partition.
struct Lane {
    writer: Writer,
    batch: Batch,
}

impl Lane {
    async fn open(
        log: &Arc<dyn Log>,
        partition: Partition,
        (at, application): (Time, ApplicationId),
    ) -> anyhow::Result<Self> {
        let mut started = record(0, at, application, Event::WriterStarted, (None, None));
        started.id[..4].copy_from_slice(&partition.0.to_be_bytes());
        let started = Bytes::from(wire::encode(&started));
        let writer = Writer::open(Arc::clone(log), partition, at.0, started).await?;
        Ok(Self { writer, batch: Batch::new() })
    }
}

impl Builder {
    /// Open the log in the folder `data`.
    ///
    /// # Errors
    ///
    /// There is none, or a server holds it.
    pub(crate) fn open(data: &Path) -> anyhow::Result<Self> {
        Self::on(runtime()?, Arc::new(SqliteLog::open(data, 1, &mut |_| {})?))
    }

    /// Open the log of a cluster.
    ///
    /// # Errors
    ///
    /// There is none.
    pub(crate) fn open_cluster(settings: &JetStreamSettings) -> anyhow::Result<Self> {
        let runtime = runtime()?;
        let log = runtime.block_on(JetStreamLog::open(settings, None))?;
        Self::on(runtime, Arc::new(log))
    }

    fn on(runtime: Runtime, log: Arc<dyn Log>) -> anyhow::Result<Self> {
        let application = ApplicationId::new(APPLICATION).context("not an application")?;
        let (lanes, at) = runtime.block_on(async {
            let at = Time(log.tail(PARTITION).await?.time_ms);
            let mut lanes = vec![];
            for partition in (0..log.partitions()).map(Partition) {
                lanes.push(Lane::open(&log, partition, (at, application)).await?);
            }
            anyhow::Ok((lanes, at))
        })?;
        let text = "the honourable member has the floor ".repeat(TEXT_CHARACTERS / 36 + 1);
        let text = text.chars().take(TEXT_CHARACTERS).collect();
        Ok(Self { runtime, lanes, at, application, text, made: 0 })
    }

    /// Append what `actor` did in `dialog`.
    fn add(&mut self, dialog: DialogId, actor: UserId, event: Event) -> anyhow::Result<()> {
        self.made += 1;
        let record = record(self.made, self.at, self.application, event, (Some(dialog), Some(actor)));
        let bytes = Bytes::from(wire::encode(&record));
        let partitions = u32::try_from(self.lanes.len())?;
        let lane = usize::try_from(partition_of(&record.stream.key(), partitions).0)?;
        if !self.lanes[lane].batch.fits(1, bytes.len()) {
            self.flush(lane)?;
        }
        self.lanes[lane].batch.push(bytes)?;
        Ok(())
    }

    fn flush(&mut self, lane: usize) -> anyhow::Result<()> {
        let Lane { writer, batch } = &mut self.lanes[lane];
        if !batch.is_empty() {
            self.runtime.block_on(writer.append(self.at.0, batch.take()))?;
        }
        Ok(())
    }

    /// Append what still waits, and close the log. Gives how many events were made.
    ///
    /// # Errors
    ///
    /// The log refuses them.
    pub(crate) fn finish(mut self) -> anyhow::Result<u64> {
        for lane in 0..self.lanes.len() {
            self.flush(lane)?;
        }
        Ok(self.made)
    }

    /// A new group of `occupants`, the owner first; `number` makes its id.
    fn group(&mut self, number: u32, occupants: Vec<UserId>) -> anyhow::Result<Group> {
        let owner = *occupants.first().context("a group needs somebody")?;
        let id = dialog_id(number);
        let name = Text::stored(format!("group {number}"));
        let content = DialogContent { name: Some(name), ..DialogContent::default() };
        let event = Event::DialogCreated {
            kind: Kind::Group,
            owner,
            occupants: occupants.clone(),
            admins: vec![],
            permissions: None,
            content: Content::Known(content),
        };
        self.add(id, owner, event)?;
        Ok(Group { number, id, occupants, head: 0 })
    }

    /// The next message of `group`, by `author`.
    fn post(&mut self, group: &mut Group, author: UserId) -> anyhow::Result<()> {
        self.say(group, author, (self.at.seconds(), self.text.clone()))
    }

    /// The same, of that date and text.
    fn say(
        &mut self,
        group: &mut Group,
        author: UserId,
        (date_sent, text): (u64, String),
    ) -> anyhow::Result<()> {
        group.head += 1;
        let content = MessageContent { text: Some(Text::stored(text)), ..MessageContent::default() };
        let event = Event::MessagePosted {
            message: group.message(group.head),
            recipient: None,
            date_sent,
            send_to_chat: false,
            markable: false,
            silent: false,
            content: Content::Known(content),
        };
        self.add(group.id, author, event)
    }

    /// `reader` reads these.
    fn read(&mut self, group: &Group, reader: UserId, marked: Marked) -> anyhow::Result<()> {
        self.add(group.id, reader, Event::MessagesMarked { mark: Mark::Read, marked })
    }
}

/// A group that is being laid out.
#[derive(Debug)]
struct Group {
    number: u32,
    id: DialogId,
    occupants: Vec<UserId>,
    head: u64,
}

impl Group {
    /// Its message at `sequence`.
    fn message(&self, sequence: u64) -> MessageRef {
        let mut rest = [0; 8];
        rest[..4].copy_from_slice(&self.number.to_be_bytes());
        rest[4..].copy_from_slice(&u32::try_from(sequence).unwrap_or(u32::MAX).to_be_bytes());
        MessageRef { sequence: Sequence(sequence), id: MessageId::from_parts(ID_SECONDS, rest) }
    }
}

/// The seconds in made ids: before any that a server makes.
const ID_SECONDS: u32 = 0x6000_0000;

/// The id of the group of that number.
fn dialog_id(number: u32) -> DialogId {
    let mut rest = [0xd1; 8];
    rest[4..].copy_from_slice(&number.to_be_bytes());
    DialogId::from_parts(ID_SECONDS, rest)
}

fn record(
    number: u64,
    at: Time,
    application: ApplicationId,
    event: Event,
    (dialog, actor): (Option<DialogId>, Option<UserId>),
) -> Record {
    let mut id = [0xbe; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let stream = dialog.map_or(Stream::Application(application), Stream::Dialog);
    Record { id, command: CommandId(id), application, stream, actor, at, event }
}

/// Users that identity does not know, and that only stand in lists.
fn stranger(number: u64) -> anyhow::Result<UserId> {
    UserId::new(1_000_000 + number).context("not a user id")
}

fn user(id: u64) -> anyhow::Result<UserId> {
    UserId::new(id).context("not a user id")
}

fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// How many events the log in `data` has.
///
/// # Errors
///
/// There is no log that can be read.
pub(crate) fn tail(data: &Path) -> anyhow::Result<u64> {
    let log = SqliteLog::open_read_only(data)?;
    Ok(runtime()?.block_on(log.tail(PARTITION))?.next.0)
}

/// How many events the log of a cluster has.
///
/// # Errors
///
/// There is no log that can be read.
pub(crate) fn cluster_tail(settings: &JetStreamSettings) -> anyhow::Result<u64> {
    runtime()?.block_on(async {
        let log = JetStreamLog::open(settings, None).await?;
        let mut events = 0;
        for partition in (0..log.partitions()).map(Partition) {
            events += log.tail(partition).await?.next.0;
        }
        Ok(events)
    })
}

/// The bytes of the frames that hold the events from offset `from` on.
///
/// # Errors
///
/// There is no log that can be read.
pub(crate) fn bytes_from(data: &Path, from: u64) -> anyhow::Result<u64> {
    let mut bytes = 0;
    each_frame(data, from, |frame| {
        bytes += frame.encoded().len() as u64;
        Ok(())
    })?;
    Ok(bytes)
}

/// Events a second when the log in `data` is read, checked and decoded, and nothing is done with them: the
/// ceiling of folding it.
///
/// # Errors
///
/// There is no log that can be read, or it holds what is no event.
pub(crate) fn reading_rate(data: &Path) -> anyhow::Result<f64> {
    let start = Instant::now();
    let mut events = 0;
    each_frame(data, 0, |frame| {
        for bytes in frame.events() {
            wire::decode(bytes)?;
            events += 1;
        }
        Ok(())
    })?;
    ensure!(events > 0, "the log is empty");
    Ok(f64::from(events) / start.elapsed().max(Duration::from_micros(1)).as_secs_f64())
}

fn each_frame(
    data: &Path,
    from: u64,
    mut see: impl FnMut(&eventlog::Frame) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let log: Arc<dyn Log> = Arc::new(SqliteLog::open_read_only(data)?);
    runtime()?.block_on(async {
        let from = Position { epoch: log.epoch(), partition: PARTITION, offset: Offset(from) };
        let mut reader = Reader::open(log, from, None).await?;
        while let Some(frame) = reader.try_next().await? {
            see(&frame)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
