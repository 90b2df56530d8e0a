//! `hansard serve`: all roles in one process, on embedded stores.
//!
//! The order of the end is the reverse of the order of the beginning: first nobody is let
//! in any more and whoever waits gets his answer, then what is left in the queues is
//! decided and appended, then folding ends. What is not folded by then, the next start
//! folds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bus::{Capacity, Commands, Inbox, Position, Progress, Visibility};
use domain::UserId;
use domain::event::Stream;
use eventlog::{Log, Partition, SqliteLog, partition_of};
use identity::Identity;
use readmodel::queries::{self, Queries};
use readmodel::sqlite::{FactSource, Store};
use runtime::health::Gauge;
use runtime::lifecycle::{Signals, signals};
use runtime::telemetry::{self, Metrics};
use runtime::{Clock, DataFolder, Health, Ids, Stop, Tasks};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::Settings;
use crate::application::Application;
use crate::stores::{EmbeddedRows, Stores, private_dialog_key};

/// How long each stage of the end may take beside the drain of requests: a process told
/// to stop is gone within 10 s.
const STAGE_TIME_MAX: Duration = Duration::from_secs(2);
/// How often ended sessions are removed.
const SWEEP_SESSIONS_EVERY: Duration = Duration::from_secs(60);
/// How often the stores' own figures are copied into the metrics.
const COPY_FIGURES_EVERY: Duration = Duration::from_secs(1);
/// How often a long fold says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);
/// How often the health of the read models is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Serve until a signal, or until something fails that no waiting mends.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let metrics = telemetry::init(settings.telemetry.format, &settings.telemetry.filter)?;
    let mut signals = signals().context("cannot listen for signals")?;
    let (clock, ids) = (Clock::system(), Ids::system());
    let listener = TcpListener::bind(settings.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.server.listen))?;
    let stores = tokio::select! {
        stores = open_stores(settings.clone(), clock.clone(), ids.clone()) => stores?,
        signal = signals.next() => {
            tracing::info!(?signal, "stopped before serving");
            return Ok(());
        }
    };
    let server = Server::start(&settings, stores, (clock, ids), (listener, metrics)).await?;
    server.until_stopped(&mut signals, &settings).await
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

/// The roles, by the order in which they end.
struct Server {
    http: Tasks,
    writers: Tasks,
    projector: Tasks,
    identity: Arc<Identity>,
    _folder: DataFolder,
}

/// What the roles share.
#[derive(Clone)]
struct Shared {
    clock: Clock,
    ids: Ids,
    application: Application,
    log: Arc<SqliteLog>,
    readmodel: PathBuf,
    progress: Progress,
    identity: Arc<Identity>,
    health: Health,
}

impl Server {
    async fn start(
        settings: &Settings,
        stores: Stores,
        (clock, ids): (Clock, Ids),
        outside: (TcpListener, Metrics),
    ) -> anyhow::Result<Self> {
        let Stores { folder, application, log, readmodel, identity } = stores;
        let shared = Shared {
            clock,
            ids,
            application,
            log: Arc::new(log),
            readmodel: readmodel.path().to_owned(),
            progress: Progress::new(settings.log.partitions),
            identity: Arc::new(identity),
            health: Health::new(),
        };
        let server = Self {
            http: Tasks::new(),
            writers: Tasks::new(),
            projector: Tasks::new(),
            identity: Arc::clone(&shared.identity),
            _folder: folder,
        };
        // Before the writers: they append.
        projector::check(&shared.any_log(), &readmodel).await.with_context(|| {
            format!(
                "the log and {} do not belong together: restore the log that does, or remove that file \
                 to have it folded from this one",
                shared.readmodel.display()
            )
        })?;
        let commands = server.start_roles(settings, &shared, readmodel)?;
        server.start_gateway(settings, &shared, commands, outside).await?;
        Ok(server)
    }

    /// The projector and the writers, each on a thread of its own.
    fn start_roles(&self, settings: &Settings, shared: &Shared, store: Store) -> anyhow::Result<Commands> {
        let log = shared.any_log();
        let parts = projector::Parts {
            log: Arc::clone(&log),
            store,
            progress: shared.progress.clone(),
            clock: shared.clock.clone(),
        };
        spawn_blocking_role(&self.projector, "projector", async |stop| {
            let folded = projector::run(parts, stop).await;
            folded.context("if it is the read models' file, `hansard readmodel rebuild` folds a new one")
        });
        let mut inboxes = vec![];
        for partition in (0..settings.log.partitions).map(Partition) {
            let inbox = Inbox::new(Capacity { jobs: settings.writer.queue_max });
            inboxes.push(inbox.clone());
            let parts = command::Parts {
                log: Arc::clone(&log),
                partition,
                inbox,
                rows: EmbeddedRows { source: FactSource::open(&shared.readmodel)?, partition },
                progress: shared.progress.clone(),
                clock: shared.clock.clone(),
                ids: shared.ids.clone(),
                settings: command_settings(settings, &shared.application),
            };
            let name = format!("writer {partition}");
            spawn_blocking_role(&self.writers, &name, |stop| command::run(parts, stop));
        }
        let partitions = settings.log.partitions;
        let router = move |dialog| partition_of(&Stream::Dialog(dialog).key(), partitions).0;
        Ok(Commands::new(inboxes, Arc::new(router)))
    }

    /// The API: listening at once, closed until the read models have caught up.
    async fn start_gateway(
        &self,
        settings: &Settings,
        shared: &Shared,
        commands: Commands,
        (listener, metrics): (TcpListener, Metrics),
    ) -> anyhow::Result<()> {
        let ids = shared.ids.clone();
        let limits = gateway::Limits {
            body_bytes_max: settings.server.body_bytes_max,
            request_time_max: settings.server.request_time_max,
            ..gateway::Limits::default()
        };
        let new_id = Arc::new(move || format!("{:032x}", u128::from_be_bytes(ids.random())));
        let gate = gateway::Gate::default();
        let edge = gateway::Edge::new(gateway::Parts {
            application: shared.application.at_the_edge(&settings.app),
            limits: settings.limits(),
            identity: Arc::clone(&shared.identity),
            queries: queries(settings, &shared.readmodel)?,
            commands,
            progress: shared.progress.clone(),
            clock: shared.clock.clone(),
            ids: shared.ids.clone(),
            private_dialog_key: private_dialog_key(&*shared.log, shared.application.id).await?,
            epoch: shared.log.epoch().0,
            visible_within: settings.server.visible_within,
            gate: gate.clone(),
            health: shared.health.clone(),
            render_metrics: {
                let metrics = metrics.clone();
                Arc::new(move || metrics.render())
            },
        })?;
        let front = gateway::Front::new(gateway::router(edge), limits, new_id);
        let connections = gateway::ConnectionLimits {
            connections_max: settings.server.connections_max,
            head_time_max: settings.server.head_time_max,
            drain_time_max: settings.server.drain_time_max,
        };
        let (address, stop) = (listener.local_addr()?, self.http.stop());
        // Before anybody can ask: nothing is ready that has not said so.
        let [start, rows] = ["start", "read models"].map(|part| shared.health.register(part));
        self.http.spawn("http", gateway::serve(listener, front, connections, stop.clone()));
        self.http.spawn("metrics", telemetry::keep_up(metrics, stop.clone()));
        self.http.spawn("health", report_health(shared.clone(), rows, settings.writer.lag_max, stop.clone()));
        self.http.spawn("figures", copy_figures(Arc::clone(&shared.log), stop.clone()));
        self.http.spawn(
            "sessions",
            sweep_sessions(Arc::clone(&shared.identity), shared.clock.clone(), stop.clone()),
        );
        self.http.spawn("start", open_gate(shared.clone(), gate, start, address, stop));
        Ok(())
    }

    /// Wait for a signal or a failure, then end in order.
    async fn until_stopped(self, signals: &mut Signals, settings: &Settings) -> anyhow::Result<()> {
        let stops = [self.http.stop(), self.writers.stop(), self.projector.stop()];
        let [http, writers, projector] = &stops;
        tokio::select! {
            signal = signals.next() => tracing::info!(?signal, "stopping"),
            () = http.stopped() => {}
            () = writers.stopped() => {}
            () = projector.stopped() => {}
        }
        let drained = self.http.shutdown(settings.server.drain_time_max + Duration::from_millis(500)).await;
        let appended = self.writers.shutdown(STAGE_TIME_MAX).await;
        let folded = self.projector.shutdown(STAGE_TIME_MAX).await;
        for overdue in [drained, appended, folded].into_iter().filter_map(Result::err) {
            tracing::warn!(%overdue, "something did not end in time");
        }
        if let Err(error) = self.identity.flush().await {
            tracing::warn!(%error, "the last uses of sessions could not be kept: some end a little early");
        }
        for tasks in [&self.http, &self.writers, &self.projector] {
            if let Some(failure) = tasks.failure() {
                anyhow::bail!("{} failed: {}", failure.task, failure.reason);
            }
        }
        tracing::info!("stopped");
        Ok(())
    }
}

impl Shared {
    fn any_log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as Arc<dyn Log>
    }
}

/// Let requests in once the read models have everything that was acknowledged before the
/// start.
async fn open_gate(
    shared: Shared,
    gate: gateway::Gate,
    start: Gauge,
    address: SocketAddr,
    stop: Stop,
) -> anyhow::Result<()> {
    start.not_ready("the log is being folded into the read models");
    tokio::select! {
        caught_up = caught_up(&shared) => caught_up?,
        () = stop.stopped() => return Ok(()),
    }
    raise_user_counter(&shared).await?;
    gate.open();
    start.ready();
    tracing::info!(%address, "serving");
    if shared.application.is_new
        && let Err(error) = crate::output::greet(&shared.application.first_steps(address))
    {
        tracing::warn!(%error, "the first steps could not be shown; the credentials are in the data folder");
    }
    stop.stopped().await;
    Ok(())
}

async fn caught_up(shared: &Shared) -> anyhow::Result<()> {
    for partition in (0..shared.log.partitions()).map(Partition) {
        let tail = shared.log.tail(partition).await?.next.0;
        let position = Position { epoch: shared.log.epoch().0, partition: partition.0, next: tail };
        while shared.progress.wait(position, SAY_EVERY).await == Visibility::Late {
            let next = shared.progress.reached(partition.0).next;
            tracing::info!(partition = partition.0, next, tail, "folding the log into the read models");
        }
    }
    Ok(())
}

/// Run an async role on a thread of its own, where it may block on its stores.
fn spawn_blocking_role<F>(tasks: &Tasks, name: &str, role: impl FnOnce(Stop) -> F + Send + 'static)
where
    F: Future<Output = anyhow::Result<()>>,
{
    let (handle, stop) = (tokio::runtime::Handle::current(), tasks.stop());
    tasks.spawn_thread(name, move || handle.block_on(role(stop)));
}

fn command_settings(settings: &Settings, application: &Application) -> command::Settings {
    let limits = settings.limits();
    command::Settings {
        application: application.id,
        rules: domain::command::Rules { occupants_max: limits.occupants_max, admins_max: limits.admins_max },
        facts_max: settings.writer.facts_max,
        recent_max: settings.writer.recent_max,
        lag_max: settings.writer.lag_max,
    }
}

fn queries(settings: &Settings, readmodel: &Path) -> anyhow::Result<Queries> {
    let pool = queries::Settings {
        threads: settings.readmodel.readers,
        queue_max: settings.readmodel.read_queue_max,
    };
    Ok(Queries::open(readmodel, pool, settings.limits.receipts_max)?)
}

/// An id that any event has named is never issued again, even if the identity store was
/// restored from an older copy than the log.
async fn raise_user_counter(shared: &Shared) -> anyhow::Result<()> {
    let highest = FactSource::open(&shared.readmodel)?.highest_user()?;
    match UserId::new(highest) {
        Some(user) => Ok(shared.identity.raise_counter_above(user).await?),
        None => Ok(()),
    }
}

/// Say whether the read models keep up: a load balancer should send nobody here otherwise.
async fn report_health(shared: Shared, gauge: Gauge, lag_max: u64, stop: Stop) -> anyhow::Result<()> {
    let partitions = (0..shared.log.partitions()).map(Partition);
    let tails = partitions.map(|partition| shared.log.watch(partition)).collect::<Result<Vec<_>, _>>()?;
    while !stop.is_stopping() {
        let behind = tails.iter().zip(0..).find_map(|(tail, partition)| {
            let reached = shared.progress.reached(partition);
            let lag = tail.borrow().0.saturating_sub(reached.next);
            (!reached.folding || lag > lag_max).then(|| format!("partition {partition} lags by {lag} events"))
        });
        match behind {
            None => gauge.ready(),
            Some(why) => gauge.not_ready(why),
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}

async fn sweep_sessions(identity: Arc<Identity>, clock: Clock, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        if let Err(error) = identity.sweep(clock.now()).await {
            tracing::warn!(%error, "ended sessions could not be removed");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_SESSIONS_EVERY) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
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
