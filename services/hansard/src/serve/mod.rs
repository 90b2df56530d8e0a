//! `hansard serve`: the roles of this process, on the engines that it is told of.
//!
//! The order of the end is the reverse of the order of the beginning: first nobody is let
//! in any more and whoever waits gets his answer, then what is left in the queues is
//! decided and appended, then folding ends. What is not folded by then, the next start
//! folds.

mod api;
mod cluster;
mod embedded;
mod figures;
mod health;
mod search;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bus::Progress;
use eventlog::Log;
use identity::Identity;
use runtime::lifecycle::{Signals, signals};
use runtime::telemetry::{self, Metrics, Traces};
use runtime::{Clock, DataFolder, Health, Ids, Stop, Tasks};
use tokio::net::TcpListener;

use crate::Settings;
use crate::application::Application;
use crate::settings::Backend;

/// How long each stage of the end may take beside the drain of requests: a process told
/// to stop is gone within 10 s.
const STAGE_TIME_MAX: Duration = Duration::from_secs(2);
/// How long the whole end may take.
const STOP_TIME_MAX: Duration = Duration::from_millis(9_500);

/// Serve until a signal, or until something fails that no waiting mends.
pub async fn serve(settings: Settings) -> anyhow::Result<()> {
    let traces = Traces::to(&settings.telemetry.otlp_endpoint)?;
    let metrics = telemetry::init_traced(settings.telemetry.format, &settings.telemetry.filter, &traces)?;
    let mut signals = signals().context("cannot listen for signals")?;
    let listener = TcpListener::bind(settings.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}", settings.server.listen))?;
    settings.warn_of_open_files()?;
    let (clock, ids, health) = (Clock::system(), Ids::system(), Health::new());
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    let http = Tasks::new();
    // Before anybody can ask: nothing is ready that has not said so.
    let opening = health.register("stores");
    opening.not_ready("opening the stores");
    let front = api::listen(&http, &settings, (listener, &metrics), (&health, &ids))?;
    let process = Process { clock, ids, health, metrics, front, address, http };
    let starting = async {
        match settings.log.backend {
            Backend::Sqlite => embedded::start(&settings, process).await,
            Backend::Jetstream => cluster::start(&settings, process).await,
        }
    };
    let running = tokio::select! {
        running = starting => running?,
        signal = signals.next() => {
            tracing::info!(?signal, "stopped before serving");
            return Ok(());
        }
    };
    opening.ready();
    running.until_stopped(&mut signals, &settings).await
}

/// What a process has before it has any store.
struct Process {
    clock: Clock,
    ids: Ids,
    health: Health,
    metrics: Metrics,
    front: gateway::Front,
    address: SocketAddr,
    http: Tasks,
}

/// What the roles share.
#[derive(Clone)]
struct Shared {
    clock: Clock,
    ids: Ids,
    application: Application,
    log: Arc<dyn Log>,
    progress: Progress,
    health: Health,
}

/// The roles, by the order in which they end.
struct Running {
    http: Tasks,
    writers: Tasks,
    projector: Tasks,
    identity: Option<Arc<Identity>>,
    /// Held as long as the process runs.
    folder: Option<Arc<DataFolder>>,
}

impl Running {
    /// Nothing but what listens.
    fn new(http: Tasks) -> Self {
        Self { http, writers: Tasks::new(), projector: Tasks::new(), identity: None, folder: None }
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
        let end = Instant::now() + STOP_TIME_MAX;
        let drained = self.http.shutdown(settings.server.drain_time_max + Duration::from_millis(500)).await;
        // Partitions are handed over one by one, and nobody who was accepted is refused meanwhile.
        let left = end.saturating_duration_since(Instant::now()).saturating_sub(STAGE_TIME_MAX);
        let appended = self.writers.shutdown(left.max(STAGE_TIME_MAX)).await;
        let folded = self.projector.shutdown(STAGE_TIME_MAX).await;
        for overdue in [drained, appended, folded].into_iter().filter_map(Result::err) {
            tracing::warn!(%overdue, "something did not end in time");
        }
        if let Some(identity) = &self.identity
            && let Err(error) = identity.flush().await
        {
            tracing::warn!(%error, "the last uses of sessions could not be kept: some end a little early");
        }
        for tasks in [&self.http, &self.writers, &self.projector] {
            if let Some(failure) = tasks.failure() {
                anyhow::bail!("{} failed: {}", failure.task, failure.reason);
            }
        }
        drop(self.folder);
        tracing::info!("stopped");
        Ok(())
    }
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
    command::Settings {
        application: application.id,
        rules: settings.rules(),
        facts_max: settings.writer.facts_max,
        recent_max: settings.writer.recent_max,
        lag_max: settings.writer.lag_max,
    }
}
