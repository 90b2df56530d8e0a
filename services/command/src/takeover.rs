//! Taking a partition over: the fence, the facts above the rows, the commands remembered.

use std::sync::Arc;

use anyhow::Context as _;
use domain::event::{Event, Record, Stream};
use domain::facts::{evolve, keys_of};
use domain::{CommandId, DialogId, Time};
use eventlog::{Frame, Log, Offset, Partition, Position, ReadLimit, Reader, Writer};
use runtime::Ids;

use crate::office::{Office, Rows, Settings};
use crate::overlay::Overlay;
use crate::recent::{Receipt, Recent};

/// The rows could not be read, which may pass.
#[derive(Debug, thiserror::Error)]
#[error("the read model's rows cannot be read")]
pub(crate) struct RowsUnread;

/// Take over `partition` of `log`. The rows are near its tail.
pub(crate) async fn take_over(
    log: &Arc<dyn Log>,
    partition: Partition,
    rows: &mut impl Rows,
    settings: &Settings,
    (ids, now): (&Ids, Time),
) -> anyhow::Result<Office> {
    let started = started(settings, ids, now);
    let writer = Writer::open(Arc::clone(log), partition, now.0, wire::encode(&started).into()).await?;
    let overlay = overlay(log, &writer, rows, settings).await?;
    let recent = recent(log, &writer, settings.recent_max).await?;
    Ok(Office { writer, overlay, recent })
}

fn started(settings: &Settings, ids: &Ids, now: Time) -> Record {
    Record {
        id: ids.event_id(now),
        command: CommandId(ids.random()),
        application: settings.application,
        stream: Stream::Application(settings.application),
        actor: None,
        at: now,
        event: Event::WriterStarted,
    }
}

/// The facts that the log has changed since the rows' checkpoint.
async fn overlay(
    log: &Arc<dyn Log>,
    writer: &Writer,
    rows: &mut impl Rows,
    settings: &Settings,
) -> anyhow::Result<Overlay> {
    let checkpoint = rows.load(&[]).await.context(RowsUnread)?.checkpoint;
    let from = Position { epoch: log.epoch(), partition: writer.partition(), offset: Offset(checkpoint) };
    let mut reader = Reader::open(Arc::clone(log), from, None)
        .await
        .context("the read model does not belong to this log, or the log has lost its end")?;
    let mut tail: Vec<(u64, DialogId, Record)> = vec![];
    while reader.position().offset < writer.tail().next {
        for frame in reader.next_batch(eventlog::READ_FRAMES_MAX).await? {
            tail.extend(dialog_records(&frame)?);
        }
    }
    let mut overlay = Overlay::new(settings.facts_max);
    let keys = tail.iter().flat_map(|(_, dialog, record)| keys_of(*dialog, record.actor, &record.event));
    let keys = overlay.missing(keys);
    // The rows may have moved on since: one load is one moment, and what they have by then
    // is not applied again.
    let loaded = rows.load(&keys).await.context(RowsUnread)?;
    overlay.load(keys, loaded.facts, loaded.checkpoint)?;
    for (offset, dialog, record) in tail.iter().filter(|(offset, ..)| *offset >= loaded.checkpoint) {
        let changed = evolve(&overlay, *dialog, record.actor, &record.event);
        overlay.change(changed, offset + 1);
    }
    Ok(overlay)
}

/// The records of a frame that happened to dialogs, with their offsets.
fn dialog_records(frame: &Frame) -> anyhow::Result<Vec<(u64, DialogId, Record)>> {
    let mut records = vec![];
    for (offset, event) in (frame.first().0..).zip(frame.events()) {
        let record = wire::decode(event).with_context(|| format!("at offset {offset}"))?;
        if let Stream::Dialog(dialog) = record.stream {
            records.push((offset, dialog, record));
        }
    }
    Ok(records)
}

/// The last commands, read from the log's end backwards.
async fn recent(log: &Arc<dyn Log>, writer: &Writer, commands_max: usize) -> anyhow::Result<Recent> {
    // Receipts and not events: what people wrote would be many times their size.
    let mut newest_first: Vec<(CommandId, Receipt)> = vec![];
    let mut before = writer.tail().next;
    while newest_first.len() < commands_max {
        let frames = log.read_back(writer.partition(), before, ReadLimit::default()).await?;
        let Some(oldest) = frames.last() else { break };
        before = oldest.first();
        for frame in &frames {
            for (_, _, record) in dialog_records(frame)?.into_iter().rev() {
                match newest_first.last_mut() {
                    Some((command, receipt)) if *command == record.command => receipt.add(&record.event),
                    _ => newest_first.push((record.command, Receipt::of([&record.event]))),
                }
            }
        }
    }
    let mut recent = Recent::new(commands_max);
    newest_first.truncate(commands_max);
    for (command, receipt) in newest_first.into_iter().rev() {
        recent.insert(command, receipt);
    }
    Ok(recent)
}
