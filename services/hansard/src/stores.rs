//! The embedded stores of a data folder: opened, or made at the first start.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use command::{Loaded, Rows};
use domain::event::{Event, Record, Stream};
use domain::facts::Key;
use domain::{ApplicationId, CommandId};
use eventlog::{Epoch, Log, Offset, OpenError, PARTITION_HASH, Partition, ReadLimit, Spec, SqliteLog};
use readmodel::sqlite::{self, FactSource, Store};
use runtime::{Clock, Ids};

/// How often the check of a long log says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Open the log in `folder`, checking every frame, or make it.
pub(crate) fn open_log(
    folder: &Path,
    partitions: u32,
    application: ApplicationId,
    (clock, ids): (&Clock, &Ids),
) -> anyhow::Result<SqliteLog> {
    let mut said = Instant::now();
    let opened = SqliteLog::open(folder, partitions, &mut |progress| {
        if said.elapsed() >= SAY_EVERY {
            said = Instant::now();
            let (partition, next, end) = (progress.partition.0, progress.next.0, progress.end.0);
            tracing::info!(partition, next, end, "checking the log");
        }
    });
    match opened {
        Err(OpenError::Missing(_)) => {
            tracing::info!(partitions, folder = %folder.display(), "making a new log");
            Ok(SqliteLog::create(folder, &spec(partitions, application, clock, ids))?)
        }
        other => Ok(other?),
    }
}

fn spec(partitions: u32, application: ApplicationId, clock: &Clock, ids: &Ids) -> Spec {
    let now = clock.now();
    let record = Record {
        id: ids.event_id(now),
        command: CommandId(ids.random()),
        application,
        stream: Stream::Application(application),
        actor: None,
        at: now,
        event: Event::LogOpened {
            partitions,
            partition_hash: PARTITION_HASH.to_owned(),
            private_dialog_key: ids.random(),
        },
    };
    let opened = wire::encode(&record);
    Spec {
        epoch: Epoch(ids.random()),
        time_ms: now.0,
        opened: (0..partitions).map(|_| opened.clone().into()).collect(),
    }
}

/// The key of the ids of private dialogs, which stands in the log's first event.
pub(crate) async fn private_dialog_key(log: &dyn Log) -> anyhow::Result<[u8; 32]> {
    let frames = log.read(Partition(0), Offset(0), ReadLimit::frames(1)).await?;
    let first = frames.first().and_then(|frame| frame.events().first()).context("the log is empty")?;
    match wire::decode(first)?.event {
        Event::LogOpened { private_dialog_key, .. } => Ok(private_dialog_key),
        _ => anyhow::bail!("the log does not begin with its opening"),
    }
}

/// Open the read model in `folder`; one that is damaged is thrown away, as the log has
/// everything that was in it.
pub(crate) fn open_readmodel(folder: &Path) -> anyhow::Result<Store> {
    let path = folder.join(sqlite::file_name());
    match Store::open_or_create(&path) {
        Err(sqlite::OpenError::Store(error)) => {
            tracing::warn!(%error, path = %path.display(), "the read model cannot be read; folding it again");
            sqlite::discard(&path)?;
            Ok(Store::open_or_create(&path)?)
        }
        other => other.with_context(|| format!("cannot open {}", path.display())),
    }
}

/// The rows of one partition, for its writer.
pub(crate) struct EmbeddedRows {
    pub(crate) source: FactSource,
    pub(crate) partition: Partition,
}

impl Rows for EmbeddedRows {
    async fn load(&mut self, keys: &[Key]) -> anyhow::Result<Loaded> {
        let (facts, checkpoint) = self.source.facts(self.partition, keys)?;
        Ok(Loaded { facts, checkpoint: checkpoint.map_or(0, |checkpoint| checkpoint.next.0) })
    }
}
