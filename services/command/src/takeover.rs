//! Taking a partition over: the fence, the facts above the rows, the commands remembered.

use std::sync::Arc;

use anyhow::Context as _;
use domain::event::{Event, Record, Stream};
use domain::facts::{evolve, keys_of};
use domain::{CommandId, Time};
use eventlog::{Log, Offset, Partition, ReadLimit, Writer};
use runtime::Ids;

use crate::office::{Office, Rows, Settings};
use crate::overlay::Overlay;
use crate::recent::{Receipt, Recent};
use crate::tail;
use crate::unfolded::Unfolded;

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
    // Side by side: both wait for the log more than they work.
    let ((overlay, unfolded), recent) =
        tokio::try_join!(overlay(log, &writer, rows, settings), recent(log, &writer, settings.recent_max))?;
    Ok(Office { writer, overlay, recent, unfolded })
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

/// The facts that the log has changed since the rows' checkpoint, and how many bytes it took.
async fn overlay(
    log: &Arc<dyn Log>,
    writer: &Writer,
    rows: &mut impl Rows,
    settings: &Settings,
) -> anyhow::Result<(Overlay, Unfolded)> {
    let checkpoint = rows.load(&[]).await.context(RowsUnread)?.checkpoint;
    let places = (Offset(checkpoint), writer.tail().next);
    let (changes, bytes) = tail::read(log, writer.partition(), places).await?;
    let mut overlay = Overlay::new(settings.facts_max);
    let keys = changes.iter().flat_map(|change| keys_of(change.dialog, change.actor, &change.event));
    let keys = overlay.missing(keys);
    // The rows may have moved on since: one load is one moment, and what they have by then
    // is not applied again.
    let loaded = rows.load(&keys).await.context(RowsUnread)?;
    overlay.load(keys, loaded.facts, loaded.checkpoint)?;
    for change in changes.iter().filter(|change| change.offset >= loaded.checkpoint) {
        let changed = evolve(&overlay, change.dialog, change.actor, &change.event);
        overlay.change(changed, change.offset + 1);
    }
    let mut unfolded = Unfolded::default();
    unfolded.append(writer.tail().next.0, bytes);
    Ok((overlay, unfolded))
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
            for (_, record) in tail::records(frame)?.into_iter().rev() {
                if !matches!(record.stream, Stream::Dialog(_)) {
                    continue;
                }
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
