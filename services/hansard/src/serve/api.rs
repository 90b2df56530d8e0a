//! The API of a process: listening at once, closed until the read models have caught up;
//! and what a process without one tells about itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::{Commands, Position, Signals, Visibility};
use domain::UserId;
use eventlog::{BoxFuture, Log, Partition};
use identity::Identity;
use identity::remote::{Remote, Tokens};
use readmodel::queries::Queries;
use readmodel::search::Search;
use runtime::health::Gauge;
use runtime::telemetry::{self, Metrics};
use runtime::{Clock, Health, Ids, Stop, Tasks};
use tokio::net::TcpListener;

use super::Shared;
use crate::Settings;

/// How often ended sessions and guests are removed.
const SWEEP_SESSIONS_EVERY: Duration = Duration::from_secs(60);
/// How often those are forgotten who have not been busy.
const TIDY_EVERY: Duration = Duration::from_secs(1);
/// How often a long fold says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// The highest user id that any event has named.
pub(super) type HighestUser = Box<dyn FnOnce() -> BoxFuture<'static, anyhow::Result<u64>> + Send>;

/// What the API stands on beside what all roles share.
pub(super) struct Ways {
    pub(super) identity: Arc<Identity>,
    pub(super) queries: Queries,
    /// None, if nobody can search here.
    pub(super) search: Option<Search>,
    pub(super) commands: Commands,
    pub(super) signals: Signals,
    pub(super) private_dialog_key: [u8; 32],
    pub(super) highest_user: HighestUser,
}

/// Listen at once: the process tells how its start goes, and answers 503 to all else until the
/// front is opened.
pub(super) fn listen(
    tasks: &Tasks,
    settings: &Settings,
    (listener, metrics): (TcpListener, &Metrics),
    (health, ids): (&Health, &Ids),
) -> anyhow::Result<gateway::Front> {
    let limits = gateway::Limits {
        head_bytes_max: settings.server.head_bytes_max,
        body_bytes_max: settings.server.body_bytes_max,
        request_time_max: settings.server.request_time_max,
        ..gateway::Limits::default()
    };
    let connections = gateway::ConnectionLimits {
        connections_max: settings.server.connections_max,
        each_address_max: settings.server.connections_per_address_max,
        head_time_max: settings.server.head_time_max,
        write_time_max: settings.server.write_time_max,
        drain_time_max: settings.server.drain_time_max,
    };
    let ids = ids.clone();
    let new_id = Arc::new(move || format!("{:032x}", u128::from_be_bytes(ids.random())));
    let router = gateway::closed().merge(gateway::observing(observed(health, metrics)));
    let router = router.merge(gateway::documenting()?);
    let tls = settings.tls.files().map(|files| gateway::Tls::open(files, settings.tls.handshake_time_max));
    let tls = tls.transpose()?;
    let entrance = gateway::Entrance { proxies: settings.server.proxies()?, is_encrypted: tls.is_some() };
    let front = gateway::Front::new(router, limits, new_id).entered(entrance);
    if let Some(tls) = tls.clone() {
        tasks.spawn("certificate", tls.keep_fresh(tasks.stop()));
    }
    tasks.spawn("http", gateway::serve((listener, tls), front.clone(), connections, tasks.stop()));
    tasks.spawn("metrics", telemetry::keep_up(metrics.clone(), tasks.stop()));
    Ok(front)
}

/// Open the front: with the API if there is a way to what it stands on.
pub(super) fn start(
    tasks: &Tasks,
    settings: &Settings,
    shared: &Shared,
    ways: Option<Ways>,
    (front, address, metrics): (gateway::Front, SocketAddr, Metrics),
) -> anyhow::Result<()> {
    let mut router = gateway::observing(observed(&shared.health, &metrics));
    // Before anybody can ask: nothing is ready that has not said so.
    let begun = shared.health.register("start");
    let Some(ways) = ways else {
        front.open(router);
        begun.ready();
        tracing::info!(%address, "serving");
        tasks.spawn("start", held(begun, tasks.stop()));
        return Ok(());
    };
    let (api, opening) = start_api(tasks, settings, shared, ways, (address, begun))?;
    router = router.merge(api).merge(gateway::documenting()?);
    // Before anybody is told that it serves.
    front.open(router);
    tasks.spawn("start", opening.open(shared.clone(), tasks.stop()));
    Ok(())
}

fn observed(health: &Health, metrics: &Metrics) -> gateway::Observed {
    let metrics = metrics.clone();
    gateway::Observed { health: health.clone(), render_metrics: Arc::new(move || metrics.render()) }
}

/// The routes of the API, what goes on beside them, and what is left to do before they open.
fn start_api(
    tasks: &Tasks,
    settings: &Settings,
    shared: &Shared,
    ways: Ways,
    (address, begun): (SocketAddr, Gauge),
) -> anyhow::Result<(axum::Router, Opening)> {
    let Ways { identity, queries, search, commands, signals, private_dialog_key, highest_user } = ways;
    let gate = gateway::Gate::default();
    let protection = gateway::Protection::new(&settings.protection.rates(), shared.clock.clone());
    let remote = settings.remote()?;
    let edge = gateway::Edge::new(gateway::Parts {
        application: shared.application.at_the_edge(&settings.app),
        limits: settings.limits(),
        identity: Arc::clone(&identity),
        remote: remote.clone(),
        queries,
        search,
        commands,
        progress: shared.progress.clone(),
        signals,
        clock: shared.clock.clone(),
        ids: shared.ids.clone(),
        private_dialog_key,
        epoch: shared.log.epoch().0,
        visible_within: settings.server.visible_within,
        protection: protection.clone(),
        gate: gate.clone(),
    })?;
    look_outside(tasks, settings, &remote, &shared.clock);
    let stop = tasks.stop();
    tasks.spawn("resets", gateway::reset_passwords(edge.clone(), tasks.stop()));
    tasks.spawn("sessions", sweep_sessions(Arc::clone(&identity), shared.clock.clone(), stop));
    tasks.spawn("protection", tidy(protection, tasks.stop()));
    let departing = gateway::departures::run(edge.clone(), tails_of(Arc::clone(&shared.log)), tasks.stop());
    tasks.spawn("departures", departing);
    let opening = Opening { identity, highest_user, gate, begun, address };
    Ok((gateway::router(edge), opening))
}

/// Say who is asked about users outside, and keep the keys of an issuer up to date.
fn look_outside(tasks: &Tasks, settings: &Settings, remote: &Remote, clock: &Clock) {
    if remote.provider.is_some() {
        tracing::info!("identity.provider.url decides who signs in");
    }
    if remote.webhook.is_none() {
        tracing::info!("reset.webhook_url is not set: forgotten passwords are not mailed about");
    }
    if let Some(tokens) = &remote.tokens {
        tracing::info!(oidc.issuer = settings.oidc.issuer, "tokens of an issuer are sessions");
        let every = settings.oidc.refresh_every;
        tasks.spawn("issuer", refresh_keys(Arc::clone(tokens), clock.clone(), (every, tasks.stop())));
    }
}

async fn refresh_keys(
    tokens: Arc<Tokens>,
    clock: Clock,
    (every, stop): (Duration, Stop),
) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        tokio::select! {
            () = tokens.refresh_keys(clock.now()) => {}
            () = stop.stopped() => {}
        }
        tokio::select! {
            () = tokio::time::sleep(every) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}

/// Keep saying that the process has started, until it ends.
async fn held(begun: Gauge, stop: Stop) -> anyhow::Result<()> {
    stop.stopped().await;
    drop(begun);
    Ok(())
}

/// What it takes to let requests in.
struct Opening {
    identity: Arc<Identity>,
    highest_user: HighestUser,
    gate: gateway::Gate,
    begun: Gauge,
    address: SocketAddr,
}

impl Opening {
    /// Let requests in once the read models have everything that was acknowledged before the
    /// start.
    async fn open(self, shared: Shared, stop: Stop) -> anyhow::Result<()> {
        let Self { identity, highest_user, gate, begun, address } = self;
        begun.not_ready("the log is being folded into the read models");
        tokio::select! {
            caught_up = caught_up(&shared) => caught_up?,
            () = stop.stopped() => return Ok(()),
        }
        // An id that any event has named is never issued again, even if the identity store was
        // restored from an older copy than the log.
        if let Some(user) = UserId::new(highest_user().await?) {
            identity.raise_counter_above(user).await?;
        }
        gate.open();
        begun.ready();
        tracing::info!(%address, "serving");
        if shared.application.is_new
            && let Err(error) = crate::output::greet(&shared.application.first_steps(address))
        {
            tracing::warn!(%error, "the first steps could not be shown; the credentials are in the data folder");
        }
        held(begun, stop).await
    }
}

/// Tells how far the log goes.
fn tails_of(log: Arc<dyn Log>) -> gateway::departures::Tails {
    Arc::new(move || {
        let log = Arc::clone(&log);
        Box::pin(async move {
            let mut tails = vec![];
            for partition in (0..log.partitions()).map(Partition) {
                let next = log.tail(partition).await?.next.0;
                tails.push(Position { epoch: log.epoch().0, partition: partition.0, next });
            }
            Ok(tails)
        })
    })
}

async fn caught_up(shared: &Shared) -> anyhow::Result<()> {
    for partition in (0..shared.log.partitions()).map(Partition) {
        let tail = shared.log.tail(partition).await?.next.0;
        let position = Position { epoch: shared.log.epoch().0, partition: partition.0, next: tail };
        while shared.progress.wait(position, SAY_EVERY).await == Visibility::Late {
            // It takes no writes, and what it has is shown: the others are not to wait for it.
            if shared.progress.stopped(partition.0).is_some() {
                break;
            }
            let next = shared.progress.reached(partition.0).next;
            tracing::info!(partition = partition.0, next, tail, "folding the log into the read models");
        }
    }
    Ok(())
}

async fn tidy(protection: gateway::Protection, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        protection.tidy();
        tokio::select! {
            () = tokio::time::sleep(TIDY_EVERY) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}

async fn sweep_sessions(identity: Arc<Identity>, clock: Clock, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        match identity.sweep(clock.now()).await {
            Ok(0) => {}
            Ok(_) => continue,
            Err(error) => tracing::warn!(%error, "ended sessions and guests could not be removed"),
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_SESSIONS_EVERY) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}
