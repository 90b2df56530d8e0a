//! The embedded stores of a data folder: opened, or made at the first start.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use command::{Loaded, Rows};
use domain::event::{Event, Record, Stream};
use domain::facts::Key;
use domain::{ApplicationId, CommandId, Time};
use eventlog::{Epoch, Log, Offset, OpenError, PARTITION_HASH, Partition, ReadLimit, Spec, SqliteLog};
use identity::Identity;
use readmodel::FactSource;
use readmodel::sqlite::{self, Store};
use runtime::{Clock, DataFolder, Ids};

use crate::Settings;
use crate::application::Application;

/// How often the check of a long log says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// The file of users and sessions.
pub(crate) const IDENTITY_FILE: &str = "identity.db";

/// The stores of a data folder, and what holds it.
pub(crate) struct Stores {
    pub(crate) folder: DataFolder,
    pub(crate) application: Application,
    pub(crate) log: SqliteLog,
    pub(crate) readmodel: Store,
    pub(crate) identity: Identity,
}

impl Stores {
    /// Open them, checking every frame of the log, or make them. Blocks, for long on a long
    /// log.
    pub(crate) fn open(settings: &Settings, (clock, ids): (&Clock, &Ids)) -> anyhow::Result<Self> {
        let folder = DataFolder::open(&settings.data.folder)?;
        let application = Application::of(&settings.app, &folder, ids)?;
        let log = open_log(folder.path(), settings.log.partitions(), application.id, (clock, ids))?;
        let readmodel = open_readmodel(folder.path())?;
        let identity = Identity::open_embedded(&folder.path().join(IDENTITY_FILE), &settings.identity())?;
        Ok(Self { folder, application, log, readmodel, identity })
    }
}

/// Open the log in `folder`, checking every frame, or make it.
fn open_log(
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
        Err(OpenError::Missing(path)) => {
            refuse_leftovers(folder, &path)?;
            tracing::info!(partitions, folder = %folder.display(), "making a new log");
            Ok(SqliteLog::create(folder, &spec(partitions, application, clock, ids))?)
        }
        other => Ok(other?),
    }
}

/// The log is made before all other stores: without it, what they hold is of a log that got
/// lost, and going on as if it were new would hide that.
fn refuse_leftovers(folder: &Path, log: &Path) -> anyhow::Result<()> {
    for file in [sqlite::file_name(), IDENTITY_FILE.to_owned()] {
        anyhow::ensure!(
            !folder.join(&file).exists(),
            "{} is missing, but {file} beside it is not: restore the log, or begin anew in an empty folder",
            log.display()
        );
    }
    Ok(())
}

/// What a new log is made from.
pub(crate) fn spec(partitions: u32, application: ApplicationId, clock: &Clock, ids: &Ids) -> Spec {
    spec_with(partitions, application, (ids.random(), clock.now()), ids)
}

/// A log of an epoch of its own, with that key of the ids of private dialogs, made at that time.
pub(crate) fn spec_with(
    partitions: u32,
    application: ApplicationId,
    (private_dialog_key, now): ([u8; 32], Time),
    ids: &Ids,
) -> Spec {
    let record = Record {
        id: ids.event_id(now),
        command: CommandId(ids.random()),
        application,
        stream: Stream::Application(application),
        actor: None,
        at: now,
        event: Event::LogOpened { partitions, partition_hash: PARTITION_HASH.to_owned(), private_dialog_key },
    };
    let opened = wire::encode(&record);
    Spec {
        epoch: Epoch(ids.random()),
        time_ms: now.0,
        opened: (0..partitions).map(|_| opened.clone().into()).collect(),
    }
}

/// The key of the ids of private dialogs, which stands in the log's first event.
///
/// # Errors
/// The log is another application's.
pub(crate) async fn private_dialog_key(
    log: &dyn Log,
    application: ApplicationId,
) -> anyhow::Result<[u8; 32]> {
    let frames = log.read(Partition(0), Offset(0), ReadLimit::frames(1)).await?;
    let first = frames.first().and_then(|frame| frame.events().first()).context("the log is empty")?;
    let opened = wire::decode(first)?;
    anyhow::ensure!(
        opened.application == application,
        "the log belongs to application {}, not {application}: set app.id to it, or name another log",
        opened.application
    );
    match opened.event {
        Event::LogOpened { private_dialog_key, .. } => Ok(private_dialog_key),
        _ => anyhow::bail!("the log does not begin with its opening"),
    }
}

/// Open the read model in `folder`; one that is damaged is thrown away, as the log has
/// everything that was in it. One that cannot be read for another reason, be it a full disk,
/// is left alone.
fn open_readmodel(folder: &Path) -> anyhow::Result<Store> {
    let path = folder.join(sqlite::file_name());
    match Store::open_or_create(&path) {
        Err(sqlite::OpenError::Store(error @ sqlite::Error::Damaged(_))) => {
            tracing::warn!(%error, path = %path.display(), "the read model cannot be read; folding it again");
            sqlite::discard(&path)?;
            Ok(Store::open_or_create(&path)?)
        }
        other => other.with_context(|| format!("cannot open {}", path.display())),
    }
}

/// The rows of one partition, for its writer.
pub(crate) struct LoadedRows {
    pub(crate) source: FactSource,
    pub(crate) partition: Partition,
}

impl Rows for LoadedRows {
    async fn load(&mut self, keys: &[Key]) -> anyhow::Result<Loaded> {
        let (facts, checkpoint) = self.source.facts(self.partition, keys).await?;
        Ok(Loaded { facts, checkpoint: checkpoint.map_or(0, |checkpoint| checkpoint.next.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::config::Secret;

    fn settings(folder: &Path) -> Settings {
        let mut settings = Settings::load(None, vec![]).unwrap();
        settings.data.folder = folder.to_owned();
        settings.app.id = 7;
        settings.app.auth_key = Secret::from("a key".to_owned());
        settings
    }

    fn open(folder: &Path) -> anyhow::Result<Stores> {
        Stores::open(&settings(folder), (&Clock::system(), &Ids::system()))
    }

    #[test]
    fn a_log_that_got_lost_is_not_replaced_by_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path()).unwrap());
        std::fs::remove_file(folder.path().join("log.db")).unwrap();
        for file in [sqlite::file_name(), IDENTITY_FILE.to_owned()] {
            let refused = open(folder.path()).err().unwrap().to_string();
            assert!(refused.contains(&format!("is missing, but {file} beside it")), "{refused}");
            std::fs::remove_file(folder.path().join(file)).unwrap();
        }
        drop(open(folder.path()).unwrap());
    }

    /// Such as a link to a disk that is not there.
    #[test]
    fn a_read_model_that_is_not_damaged_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(sqlite::file_name());
        std::os::unix::fs::symlink(folder.path().join("absent/elsewhere"), &path).unwrap();
        assert!(open_readmodel(folder.path()).unwrap_err().to_string().contains("cannot open"));
        assert!(path.is_symlink());
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "no database at all".repeat(100)).unwrap();
        open_readmodel(folder.path()).unwrap();
    }
}
