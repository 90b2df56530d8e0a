//! `hansard log …`: look into a log, beside a server that writes it or without one.

use std::io::Write;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use domain::event::Stream;
use domain::{ApplicationId, DialogId};
use eventlog::{Done, Frame, JetStreamLog, Log, Offset, Partition, ReadError, ReadLimit, SqliteLog};
use runtime::{Clock, DataFolder, Ids};
use serde_json::json;

use crate::scan::Scan;
use crate::settings::Backend;
use crate::{Settings, engines, event_json, stores};

/// What to do with a log.
#[derive(Debug, Subcommand)]
pub enum LogCommand {
    /// Make the log of a cluster, its streams in NATS, or complete it. Can be repeated.
    Init,
    /// Say what the log is and where it ends, one line of JSON a partition.
    Info,
    /// Check every frame: hashes, the chain, no gap, every event readable.
    Verify,
    /// Write its events, one line of JSON each.
    Read(Read),
}

/// Which events.
#[derive(Debug, Args)]
pub struct Read {
    /// Start at this offset.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this partition; all of them, one after another, without it.
    #[arg(long)]
    partition: Option<u32>,
    /// Only events of this dialog.
    #[arg(long)]
    dialog: Option<String>,
    /// Only events of this type, such as message.posted.
    #[arg(long = "type")]
    type_name: Option<String>,
    /// At most so many events.
    #[arg(long)]
    limit: Option<u64>,
    /// Show texts, names and other personal content.
    #[arg(long)]
    content: bool,
}

impl LogCommand {
    /// Do it with the log of that deployment, opened read-only.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        let mut out = std::io::BufWriter::new(std::io::stdout());
        let done = match self {
            Self::Init => init(settings, &mut out).await,
            Self::Info => info(&*open(settings).await?, &mut out).await,
            Self::Verify => verify(&*open(settings).await?, &mut out).await,
            Self::Read(read) => read.run(&*open(settings).await?, &mut out).await,
        };
        match done.and_then(|()| Ok(out.flush()?)) {
            // Whoever reads has seen enough, as `| head` has.
            Err(error) if is_broken_pipe(&error) => Ok(()),
            other => other,
        }
    }
}

/// The log of a deployment, to look into.
pub(crate) async fn open(settings: &Settings) -> anyhow::Result<Arc<dyn Log>> {
    Ok(match settings.log.backend {
        Backend::Sqlite => {
            let folder = DataFolder::find(&settings.data.folder)?;
            Arc::new(SqliteLog::open_read_only(&folder)?)
        }
        Backend::Jetstream => Arc::new(engines::open_log(settings).await?),
    })
}

/// Make the streams of a cluster's log, and say what was done about each.
async fn init(settings: &Settings, out: &mut impl Write) -> anyhow::Result<()> {
    anyhow::ensure!(
        settings.log.backend == Backend::Jetstream,
        "a log in SQLite is made by `hansard serve`; set log.backend = \"jetstream\" for one in NATS"
    );
    let application = ApplicationId::new(settings.app.id).context("app.id is not set")?;
    let (clock, ids) = (Clock::system(), Ids::system());
    let spec = stores::spec(settings.log.partitions(), application, &clock, &ids);
    let made = JetStreamLog::init(&engines::log_settings(settings), &spec).await?;
    for (partition, done) in made.partitions.iter().enumerate() {
        let done = match done {
            Done::Created => "created",
            Done::Completed => "completed",
            Done::Changed => "changed",
            Done::Found => "found",
        };
        writeln!(out, "{}", json!({ "epoch": hex(&made.epoch.0), "partition": partition, "stream": done }))?;
    }
    // One that was there may be another application's.
    stores::private_dialog_key(&*open(settings).await?, application).await?;
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

fn partitions(log: &dyn Log) -> impl Iterator<Item = Partition> {
    (0..log.partitions()).map(Partition)
}

async fn info(log: &dyn Log, out: &mut impl Write) -> anyhow::Result<()> {
    for partition in partitions(log) {
        let tail = log.tail(partition).await?;
        let line = json!({
            "epoch": hex(&log.epoch().0),
            "partition": partition.0,
            "partitions": log.partitions(),
            "first_kept": first_kept(log, partition).await?.0,
            "next": tail.next.0,
            "term": tail.term,
            "time_ms": tail.time_ms,
            "hash": hex(&tail.hash.0),
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

async fn first_kept(log: &dyn Log, partition: Partition) -> anyhow::Result<Offset> {
    match log.read(partition, Offset(0), ReadLimit::frames(1)).await {
        Ok(_) => Ok(Offset(0)),
        Err(ReadError::Trimmed { first_kept }) => Ok(first_kept),
        Err(error) => Err(error.into()),
    }
}

async fn verify(log: &dyn Log, out: &mut impl Write) -> anyhow::Result<()> {
    for partition in partitions(log) {
        let end = log.tail(partition).await?.next.0;
        let mut scan = Scan::new(format!("partition {partition}"), end);
        let checked =
            eventlog::verify(log, partition, &mut |progress| scan.at(progress.next.0, progress.end.0))
                .await?;
        scan.finish();
        readable(log, partition, end).await?;
        let line = json!({
            "partition": partition.0,
            "ok": true,
            "frames": checked.frames,
            "events": checked.events,
            "bytes": checked.bytes,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Whether every event up to `end` can be folded by this version.
async fn readable(log: &dyn Log, partition: Partition, end: u64) -> anyhow::Result<()> {
    let mut next = first_kept(log, partition).await?;
    let mut scan = Scan::new(format!("events of partition {partition}"), end);
    while next.0 < end {
        let frames = log.read(partition, next, ReadLimit::default()).await?;
        let Some(last) = frames.last() else { break };
        next = last.next();
        projector::decode(&frames, None)?;
        scan.at(next.0, end);
    }
    scan.finish();
    Ok(())
}

impl Read {
    async fn run(&self, log: &dyn Log, out: &mut impl Write) -> anyhow::Result<()> {
        let dialog = self.dialog.as_deref().map(str::parse::<DialogId>).transpose();
        let dialog = dialog.context("--dialog takes a dialog's id: 24 hex digits")?;
        let mut left = self.limit.unwrap_or(u64::MAX);
        for partition in
            partitions(log).filter(|partition| self.partition.is_none_or(|only| only == partition.0))
        {
            let mut next = Offset(self.from).max(first_kept(log, partition).await?);
            let end = log.tail(partition).await?.next;
            let mut scan = Scan::new(format!("partition {partition}"), end.0);
            while next < end && left > 0 {
                let frames = log.read(partition, next, ReadLimit::default()).await?;
                let Some(last) = frames.last() else { break };
                next = last.next();
                for frame in &frames {
                    left -= self.write(frame, dialog, left, out)?;
                }
                scan.at(next.0, end.0.max(next.0));
            }
            scan.finish();
        }
        Ok(())
    }

    /// Write what is wanted of a frame; how many lines that were.
    fn write(
        &self,
        frame: &Frame,
        dialog: Option<DialogId>,
        left: u64,
        out: &mut impl Write,
    ) -> anyhow::Result<u64> {
        let mut written = 0;
        for (offset, bytes) in frame.numbered().filter(|(offset, _)| offset.0 >= self.from) {
            let envelope = wire::open(bytes).with_context(|| format!("at offset {offset}"))?;
            let wanted = dialog.is_none_or(|dialog| envelope.stream == Stream::Dialog(dialog))
                && self.type_name.as_ref().is_none_or(|wanted| *wanted == envelope.type_name);
            if !wanted || written == left {
                continue;
            }
            let event = wire::decode(bytes).ok().map(|record| record.event);
            let line =
                event_json::line(frame.partition().0, offset.0, &envelope, event.as_ref(), self.content);
            writeln!(out, "{line}")?;
            written += 1;
        }
        Ok(written)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use eventlog::{Epoch, Spec, Writer};

    use super::*;

    #[tokio::test]
    async fn an_event_that_nobody_can_fold_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let spec = Spec { epoch: Epoch([1; 16]), time_ms: 0, opened: vec!["no event".into()] };
        let log: Arc<dyn Log> = Arc::new(SqliteLog::create(folder.path(), &spec).unwrap());
        Writer::open(Arc::clone(&log), Partition(0), 0, "nor this".into()).await.unwrap();
        let found = verify(&*log, &mut vec![]).await.unwrap_err();
        assert!(found.to_string().contains("partition 0, offset 0"), "{found:#}");
    }
}
