//! The roles of one process among many: log and bus on NATS, rows and users in PostgreSQL.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bus::leases::{self, Ground, Keeper, Kind, Leases, Member};
use bus::nats::{self, Bus};
use bus::{Capacity, Commands, Progress, Signals};
use domain::event::Stream;
use eventlog::{JetStreamLog, Log, Offset, Partition, partition_of};
use identity::Identity;
use readmodel::Store;
use readmodel::postgres::{self, Pool};
use readmodel::queries::{self, Queries};
use readmodel::search::Place;
use runtime::{Ids, Stop, Tasks};
use tokio::sync::Mutex;

use super::api::{self, Ways};
use super::{Process, Running, Shared, command_settings, figures, health, search};
use crate::Settings;
use crate::application::Application;
use crate::engines::{open_bus, open_identity, open_log, open_rows, rows_settings};
use crate::settings::Role;
use crate::stores::{LoadedRows, private_dialog_key};

/// How long a command is asked again before the client is: a writer that died is replaced in
/// less.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// How often what has become visible is held on to.
const HOLD_EVERY: Duration = Duration::from_millis(50);

/// What the roles of this process stand on.
struct Engines {
    log: Arc<JetStreamLog>,
    bus: Bus,
    rows: Pool,
    name: String,
    replicas: usize,
}

/// Reach the engines and start the roles.
pub(super) async fn start(settings: &Settings, process: Process) -> anyhow::Result<Running> {
    let name = name(process.address, &process.ids);
    let log = Arc::new(open_log(settings).await?);
    let bus = open_bus(settings, &log, &name).await?;
    let engines =
        Engines { bus, rows: open_rows(settings).await?, name, replicas: settings.log.replicas, log };
    let shared = Shared {
        clock: process.clock,
        ids: process.ids,
        application: Application::configured(&settings.app).context("app.id is not set")?,
        log: Arc::clone(&engines.log) as Arc<dyn Log>,
        progress: Progress::new(engines.log.partitions()),
        health: process.health,
    };
    // Nobody may serve a log of another application.
    let private_dialog_key = private_dialog_key(&*shared.log, shared.application.id).await?;
    let mut running = Running::new(process.http);
    let roles = &settings.roles;
    if roles.has(Role::Projector) {
        start_projector(&running, &shared, &engines).await?;
        if settings.search.enabled {
            let index = Place::Schema(rows_settings(settings));
            search::start_task(&running.projector, &shared, index);
        }
    }
    if roles.has(Role::Command) {
        start_writers(&running, settings, &shared, &engines);
    }
    if roles.has(Role::Gateway) || roles.has(Role::Command) {
        follow_progress(&running.projector, &shared, &engines);
    }
    let seen = (&shared.health, &shared.progress);
    health::of_the_engines(&running.http, roles, seen, (&engines.bus, &engines.rows));
    let mut ways = None;
    if roles.has(Role::Gateway) {
        let identity = Arc::new(open_identity(settings).await?);
        running.identity = Some(Arc::clone(&identity));
        let to = ways_to(settings, &shared, &engines, (identity, private_dialog_key))?;
        let holding = hold_to_progress(to.queries.clone(), shared.progress.clone(), running.projector.stop());
        running.projector.spawn("holding to progress", holding);
        ways = Some(to);
    }
    api::start(&running.http, settings, &shared, ways, (process.front, process.address, process.metrics))?;
    Ok(running)
}

/// What other processes and operators call this one: machine, port, and a mark of this start.
fn name(address: SocketAddr, ids: &Ids) -> String {
    let system = rustix::system::uname();
    let (machine, mark) = (system.nodename().to_string_lossy(), u16::from_be_bytes(ids.random()));
    format!("{machine}:{}-{mark:04x}", address.port())
}

/// The folds of the partitions that this process gets.
async fn start_projector(running: &Running, shared: &Shared, engines: &Engines) -> anyhow::Result<()> {
    let mut store = Store::from(postgres::Store::new(engines.rows.clone()));
    projector::check(&shared.log, &mut store).await.with_context(|| {
        let schema = engines.rows.schema();
        format!(
            "the log and the schema {schema} do not belong together: name the log that does, or drop the schema \
             to have it folded from this one"
        )
    })?;
    let parts = projector::Parts {
        log: Arc::clone(&shared.log),
        store,
        progress: shared.progress.clone(),
        clock: shared.clock.clone(),
    };
    let (leases, keeper) = engines.join(Kind::Projector, &shared.ids);
    let tasks = &running.projector;
    tasks.spawn("projector leases", keep(keeper, tasks.stop()));
    tasks.spawn("projector", projector::share(parts, leases));
    let (bus, progress, stop) = (engines.bus.clone(), shared.progress.clone(), tasks.stop());
    tasks.spawn("telling progress", async move {
        tokio::select! {
            () = nats::tell(&bus, &progress) => {}
            () = stop.stopped() => {}
        }
        Ok(())
    });
    Ok(())
}

/// The writers of the partitions that this process gets.
fn start_writers(running: &Running, settings: &Settings, shared: &Shared, engines: &Engines) {
    let pool = engines.rows.clone();
    let writers = command::Shared {
        log: Arc::clone(&shared.log),
        bus: engines.bus.clone(),
        rows: move |partition| LoadedRows {
            source: postgres::FactSource::new(pool.clone()).into(),
            partition,
        },
        progress: shared.progress.clone(),
        clock: shared.clock.clone(),
        ids: shared.ids.clone(),
        capacity: Capacity { jobs: settings.writer.queue_max },
        settings: command_settings(settings, &shared.application),
    };
    let (leases, keeper) = engines.join(Kind::Writer, &shared.ids);
    let tasks = &running.writers;
    tasks.spawn("writer leases", keep(keeper, tasks.stop()));
    tasks.spawn("writers", command::share(writers, leases));
    tasks.spawn("figures", figures::of_the_streams(Arc::clone(&engines.log), tasks.stop()));
}

/// What the API of this process stands on.
fn ways_to(
    settings: &Settings,
    shared: &Shared,
    engines: &Engines,
    (identity, private_dialog_key): (Arc<Identity>, [u8; 32]),
) -> anyhow::Result<Ways> {
    let pool = queries::Settings {
        threads: settings.postgres.connections_max as usize,
        queue_max: settings.readmodel.read_queue_max,
    };
    let queries = Queries::postgres(&rows_settings(settings), pool, settings.limits.receipts_max)?;
    let search = search::over(settings, &queries, &Place::Schema(rows_settings(settings)))?;
    let partitions = shared.log.partitions();
    let router = move |dialog| partition_of(&Stream::Dialog(dialog).key(), partitions).0;
    let rows = engines.rows.clone();
    Ok(Ways {
        identity,
        queries,
        search,
        commands: Commands::over(engines.bus.clone(), ANSWER_WITHIN, Arc::new(router)),
        signals: Signals::over(engines.bus.clone()),
        private_dialog_key,
        highest_user: Box::new(move || {
            Box::pin(async move { Ok(postgres::FactSource::new(rows).highest_user().await?) })
        }),
    })
}

async fn keep(keeper: Keeper, stop: Stop) -> anyhow::Result<()> {
    Ok(keeper.run(async move { stop.stopped().await }).await?)
}

/// Hear how far the folds are, and look for oneself while somebody waits.
fn follow_progress(tasks: &Tasks, shared: &Shared, engines: &Engines) {
    let (bus, progress, stop) = (engines.bus.clone(), shared.progress.clone(), tasks.stop());
    let source = Mutex::new(postgres::FactSource::new(engines.rows.clone()));
    tasks.spawn("following progress", async move {
        let read = || async {
            let rows = source.lock().await.checkpoints().await.ok()?;
            Some(rows.into_iter().map(|(partition, at)| (partition.0, at.next.0)).collect())
        };
        tokio::select! {
            () = nats::follow(&bus, &progress) => {}
            () = bus::watch_rows(&progress, read) => {}
            () = stop.stopped() => {}
        }
        Ok(())
    });
}

/// What anybody was told to be visible, this gateway shows or refuses: a database that crashed
/// comes back without the last rows, and takes longer for it than this takes to hold on to them.
async fn hold_to_progress(queries: Queries, progress: Progress, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        for partition in 0..progress.partitions() {
            queries.at_least(Partition(partition), Offset(progress.reached(partition).next));
        }
        tokio::select! {
            () = tokio::time::sleep(HOLD_EVERY) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}

impl Engines {
    fn join(&self, kind: Kind, ids: &Ids) -> (Leases, Keeper) {
        let ground = Ground::nats(self.bus.clone(), self.replicas);
        let member = Member { id: ids.random(), name: self.name.clone() };
        leases::join(ground, kind, member, leases::Settings::default())
    }
}
