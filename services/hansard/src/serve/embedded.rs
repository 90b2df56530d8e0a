//! All roles in one process, on the stores of its data folder.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bus::{Capacity, Commands, Inbox, Progress, Signals};
use domain::event::Stream;
use eventlog::{Log, Partition, SqliteLog, partition_of};
use identity::Identity;
use readmodel::Store;
use readmodel::queries::{self, Queries};
use readmodel::search::Place;
use readmodel::sqlite::FactSource;
use runtime::{Clock, DataFolder, Ids, Stop, Tasks};
use tokio::sync::oneshot;

use super::api::{self, Ways};
use super::{Process, Running, Shared, command_settings, health, search, spawn_blocking_role};
use crate::Settings;
use crate::administration::{self, Desk, Door};
use crate::stores::{LoadedRows, Stores, private_dialog_key};

/// How often the log's own figures are copied into the metrics.
const COPY_FIGURES_EVERY: Duration = Duration::from_secs(1);

/// Open the stores, or make them, and start every role.
pub(super) async fn start(settings: &Settings, process: Process) -> anyhow::Result<Running> {
    let stores = open_stores(settings.clone(), process.clock.clone(), process.ids.clone()).await?;
    let Stores { folder, application, log, readmodel, identity } = stores;
    let (log, path) = (Arc::new(log), readmodel.path().to_owned());
    let index = Place::in_folder(folder.path());
    let shared = Shared {
        clock: process.clock,
        ids: process.ids,
        application,
        log: Arc::clone(&log) as Arc<dyn Log>,
        progress: Progress::new(log.partitions()),
        health: process.health,
    };
    let (identity, folder) = (Arc::new(identity), Arc::new(folder));
    let running = Running {
        identity: Some(Arc::clone(&identity)),
        folder: Some(Arc::clone(&folder)),
        ..Running::new(process.http)
    };
    take_commands(&running.http, settings, &shared, (Arc::clone(&identity), folder));
    // Before the writers: they append.
    let mut readmodel = Store::from(readmodel);
    projector::check(&shared.log, &mut readmodel).await.with_context(|| {
        format!(
            "the log and {} do not belong together: restore the log that does, or remove that file \
             to have it folded from this one",
            path.display()
        )
    })?;
    let commands = start_roles(&running, settings, &shared, (readmodel, &path))?;
    let queries = queries(settings, &path)?;
    let search = search::over(settings, &queries, &index)?;
    if search.is_some() {
        search::start_thread(&running.projector, &shared, index);
    }
    let ways = Ways {
        identity,
        queries,
        search,
        commands,
        signals: Signals::here(),
        private_dialog_key: private_dialog_key(&*shared.log, shared.application.id).await?,
        highest_user: Box::new(move || Box::pin(async move { Ok(FactSource::open(&path)?.highest_user()?) })),
    };
    let gauge = shared.health.register("read models");
    let rows = health::of_the_rows(shared.clone(), gauge, settings.writer.lag_max, running.http.stop());
    running.http.spawn("health", rows);
    running.http.spawn("figures", copy_figures(log, running.http.stop()));
    api::start(
        &running.http,
        settings,
        &shared,
        Some(ways),
        (process.front, process.address, process.metrics),
    )?;
    Ok(running)
}

/// Open the stores on a thread of their own: that may take long, and can be given up, as the
/// end of the process undoes nothing that matters.
async fn open_stores(settings: Settings, clock: Clock, ids: Ids) -> anyhow::Result<Stores> {
    let (opened, opening) = oneshot::channel();
    let tasks = Tasks::new();
    tasks.spawn_thread("opening", move || {
        // Whoever gave up does not want them any more.
        let _ = opened.send(Stores::open(&settings, (&clock, &ids)));
        Ok(())
    });
    opening.await.context("the stores could not be opened")?
}

/// Do what the operator's commands ask for while this process holds the data folder.
fn take_commands(
    tasks: &Tasks,
    settings: &Settings,
    shared: &Shared,
    (identity, folder): (Arc<Identity>, Arc<DataFolder>),
) {
    let door = match Door::open(folder.path()) {
        Ok(door) => door,
        Err(error) => {
            return tracing::warn!(%error, "operator's commands cannot reach this process: no socket in the data folder");
        }
    };
    let desk = Desk {
        identity,
        folder: Some(folder),
        keeps_credentials: settings.app.id == 0,
        keys: Some(shared.application.keys.clone()),
        rotating: Arc::default(),
        clock: shared.clock.clone(),
        ids: shared.ids.clone(),
    };
    tasks.spawn("operator's commands", administration::serve(door, desk, tasks.stop()));
}

/// The projector and the writers, each on a thread of its own.
fn start_roles(
    running: &Running,
    settings: &Settings,
    shared: &Shared,
    (store, path): (Store, &Path),
) -> anyhow::Result<Commands> {
    let log = Arc::clone(&shared.log);
    let parts = projector::Parts {
        log: Arc::clone(&log),
        store,
        progress: shared.progress.clone(),
        clock: shared.clock.clone(),
    };
    spawn_blocking_role(&running.projector, "projector", async |stop| {
        let folded = projector::run(parts, stop).await;
        folded.context("if it is the read models' file, `hansard readmodel rebuild` folds a new one")
    });
    let mut inboxes = vec![];
    for partition in (0..log.partitions()).map(Partition) {
        let inbox = Inbox::new(Capacity { jobs: settings.writer.queue_max });
        inboxes.push(inbox.clone());
        let parts = command::Parts {
            log: Arc::clone(&log),
            partition,
            inbox,
            rows: LoadedRows { source: FactSource::open(path)?.into(), partition },
            progress: shared.progress.clone(),
            clock: shared.clock.clone(),
            ids: shared.ids.clone(),
            settings: command_settings(settings, &shared.application),
        };
        let name = format!("writer {partition}");
        spawn_blocking_role(&running.writers, &name, |stop| command::run(parts, stop));
    }
    let partitions = log.partitions();
    let router = move |dialog| partition_of(&Stream::Dialog(dialog).key(), partitions).0;
    Ok(Commands::new(inboxes, Arc::new(router)))
}

fn queries(settings: &Settings, readmodel: &Path) -> anyhow::Result<Queries> {
    let pool = queries::Settings {
        threads: settings.readmodel.readers,
        queue_max: settings.readmodel.read_queue_max,
    };
    Ok(Queries::open(readmodel, pool, settings.limits.receipts_max)?)
}

async fn copy_figures(log: Arc<SqliteLog>, stop: Stop) -> anyhow::Result<()> {
    let stats = log.stats();
    while !stop.is_stopping() {
        metrics::counter!("log_frames_total").absolute(stats.frames());
        metrics::counter!("log_events_total").absolute(stats.events());
        metrics::counter!("log_bytes_total").absolute(stats.bytes());
        metrics::counter!("log_commits_total").absolute(stats.commits());
        metrics::gauge!("log_commit_seconds_sum").set(stats.commit_time().as_secs_f64());
        metrics::gauge!("log_last_commit_seconds").set(stats.last_commit_time().as_secs_f64());
        tokio::select! {
            () = tokio::time::sleep(COPY_FIGURES_EVERY) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}
