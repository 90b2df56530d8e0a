//! The end of the log above the rows, as far as facts depend on it: no contents, and
//! bounded in bytes, because a takeover holds all of it at once.

use std::sync::Arc;

use bus::Stopped;
use domain::content::Content;
use domain::event::{Event, Record, Stream};
use domain::facts::keys_of;
use domain::{DialogId, UserId};
use eventlog::{Frame, Log, Offset, Partition, Position, ReadError, Reader};

/// Bytes of frames that the rows may lag behind; a longer tail takes no writes. Memory for
/// a takeover, which holds less than that: facts need no contents.
pub(crate) const LAG_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A stored event that nobody here can read: the partition cannot be written before that
/// has been mended, as what it changed is unknown.
#[derive(Debug, thiserror::Error)]
#[error("partition {partition}, offset {offset}, event {}: {why}", name(*.event))]
pub(crate) struct Unreadable {
    partition: Partition,
    offset: Offset,
    event: Option<[u8; 16]>,
    why: wire::Error,
}

fn name(event: Option<[u8; 16]>) -> String {
    event.map_or("without a readable id".to_owned(), |id| format!("{:032x}", u128::from_be_bytes(id)))
}

/// What others are to know of an error that ended the writing of a partition.
pub(crate) fn stopped(error: &anyhow::Error) -> Stopped {
    match error.downcast_ref::<Unreadable>() {
        Some(Unreadable { offset, event, why, .. }) => {
            Stopped { offset: offset.0, event_id: *event, reason: why.to_string() }
        }
        None => Stopped { offset: 0, event_id: None, reason: format!("{error:#}") },
    }
}

/// The rows are too far behind to take the partition over, which may pass.
#[derive(Debug, thiserror::Error)]
#[error("the read models lag by more than {LAG_BYTES_MAX} bytes")]
pub(crate) struct TooFarBehind;

/// An event, as far as it changes facts.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) offset: u64,
    pub(crate) dialog: DialogId,
    pub(crate) actor: Option<UserId>,
    pub(crate) event: Event,
}

/// What changed facts from `from` on and before `until`, and how many bytes the frames have.
pub(crate) async fn read(
    log: &Arc<dyn Log>,
    partition: Partition,
    (from, until): (Offset, Offset),
) -> anyhow::Result<(Vec<Change>, u64)> {
    let from = Position { epoch: log.epoch(), partition, offset: from };
    let mut reader = Reader::open(Arc::clone(log), from, None).await.map_err(explained)?;
    let mut changes = vec![];
    let mut bytes = 0;
    while reader.position().offset < until {
        for frame in reader.next_batch(eventlog::READ_FRAMES_MAX).await? {
            bytes += frame.encoded().len() as u64;
            anyhow::ensure!(bytes <= LAG_BYTES_MAX + eventlog::READ_BYTES_MAX as u64, TooFarBehind);
            for (offset, record) in records(&frame)? {
                changes.extend(change(offset, record));
            }
        }
    }
    Ok((changes, bytes))
}

fn explained(error: ReadError) -> anyhow::Error {
    match error {
        error @ (ReadError::Unavailable(_) | ReadError::NoSuchPartition(_)) => error.into(),
        error => anyhow::Error::new(error)
            .context("the read model does not belong to this log, or the log has lost its end"),
    }
}

/// The records of a frame, with their offsets.
pub(crate) fn records(frame: &Frame) -> Result<Vec<(Offset, Record)>, Unreadable> {
    let mut records = Vec::with_capacity(frame.count());
    for (offset, bytes) in frame.numbered() {
        let record = wire::decode(bytes).map_err(|why| Unreadable {
            partition: frame.partition(),
            offset,
            event: wire::open(bytes).ok().map(|envelope| envelope.event_id),
            why,
        })?;
        records.push((offset, record));
    }
    Ok(records)
}

fn change(offset: Offset, record: Record) -> Option<Change> {
    let Stream::Dialog(dialog) = record.stream else { return None };
    if keys_of(dialog, record.actor, &record.event).is_empty() {
        return None;
    }
    let event = without_content(record.event);
    Some(Change { offset: offset.0, dialog, actor: record.actor, event })
}

/// What people wrote makes no difference to any fact, and is most of an event.
fn without_content(mut event: Event) -> Event {
    match &mut event {
        Event::DialogCreated { content, .. } => *content = Content::Erased,
        Event::DialogChanged { content, .. } => *content = Content::Erased,
        Event::ExtensionsMerged { content } => *content = Content::Erased,
        Event::MessagePosted { content, .. } => *content = Content::Erased,
        Event::MessageEdited { content, .. } => *content = Content::Erased,
        Event::LogOpened { .. } | Event::WriterStarted => {}
        Event::DialogDeleted | Event::DialogHidden | Event::DialogShown => {}
        Event::HistoryCleared | Event::HistoryClearedForAll => {}
        Event::OccupantsAdded { .. } | Event::OccupantsRemoved { .. } => {}
        Event::OccupantSubscribed | Event::OccupantLeft | Event::NotificationsSet { .. } => {}
        Event::AdminsAdded { .. } | Event::AdminsRemoved { .. } => {}
        Event::UserBlocked { .. } | Event::UserUnblocked { .. } => {}
        Event::MessagesPinned { .. } | Event::MessagesUnpinned { .. } => {}
        // Kinds of reaction are facts.
        Event::ReactionsChanged { .. } => {}
        Event::MessagesRemoved { .. } | Event::MessagesHidden { .. } | Event::MessagesMarked { .. } => {}
    }
    event
}
