//! Whether a process can do its work, for those who send it some or look after it.
//!
//! A part that fails for all processes alike takes none of them out of service: a gateway
//! that can be read from is ready also while nothing can be written.

use std::time::Duration;

use bus::Progress;
use bus::nats::Bus;
use eventlog::Partition;
use readmodel::postgres::{FactSource, Pool};
use runtime::health::Gauge;
use runtime::{Health, Stop, Tasks};
use tokio::time::timeout;

use super::Shared;
use crate::settings::{Role, Roles};

/// How often what is known here is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often PostgreSQL is asked, and how long it may take to answer.
const ASK_EVERY: Duration = Duration::from_secs(1);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);

/// Keep saying whether the read models keep up with the log, in a process that does everything.
pub(super) async fn of_the_rows(
    shared: Shared,
    gauge: Gauge,
    lag_max: u64,
    stop: Stop,
) -> anyhow::Result<()> {
    let partitions = (0..shared.log.partitions()).map(Partition);
    let tails = partitions.map(|partition| shared.log.watch(partition)).collect::<Result<Vec<_>, _>>()?;
    while !stop.is_stopping() {
        let behind = tails.iter().zip(0..).find_map(|(tail, partition)| {
            let reached = shared.progress.reached(partition);
            let lag = tail.borrow().0.saturating_sub(reached.next);
            // Every process sees a poisoned partition alike: to send people elsewhere helps nobody.
            let helps = shared.progress.stopped(partition).is_none();
            (helps && (!reached.folding || lag > lag_max))
                .then(|| format!("partition {partition} lags by {lag} events"))
        });
        tell(&gauge, behind);
        pause(LOOK_EVERY, &stop).await;
    }
    Ok(())
}

/// Keep saying how what a process of a cluster needs is: PostgreSQL always, NATS where
/// nothing can be done without it, and what the folds have come to.
pub(super) fn of_the_engines(
    tasks: &Tasks,
    roles: &Roles,
    (health, progress): (&Health, &Progress),
    (bus, rows): (&Bus, &Pool),
) {
    let asking = ask(rows.clone(), health.register("PostgreSQL"), tasks.stop());
    tasks.spawn("health of PostgreSQL", asking);
    let gateway = roles.has(Role::Gateway);
    let mut parts: Vec<(Gauge, Look)> = vec![];
    if gateway {
        let progress = progress.clone();
        parts.push((health.register("read models"), Box::new(move || gone_back(&progress))));
    } else {
        let bus = bus.clone();
        parts.push((health.register("NATS"), Box::new(move || nats_gone(&bus))));
    }
    if roles.has(Role::Projector) {
        let progress = progress.clone();
        parts.push((health.register("folds"), Box::new(move || stopped(&progress))));
    }
    tasks.spawn("health", look(parts, tasks.stop()));
}

/// Says why a part cannot do its work, if it cannot.
type Look = Box<dyn Fn() -> Option<String> + Send>;

async fn look(parts: Vec<(Gauge, Look)>, stop: Stop) -> anyhow::Result<()> {
    while !stop.is_stopping() {
        for (gauge, look) in &parts {
            tell(gauge, look());
        }
        pause(LOOK_EVERY, &stop).await;
    }
    Ok(())
}

async fn ask(rows: Pool, gauge: Gauge, stop: Stop) -> anyhow::Result<()> {
    let mut source = FactSource::new(rows);
    while !stop.is_stopping() {
        let failed = match timeout(ANSWER_TIME_MAX, source.checkpoints()).await {
            Ok(Ok(_)) => None,
            Ok(Err(error)) => Some(format!("PostgreSQL cannot be read: {error}")),
            Err(_) => Some(format!("PostgreSQL does not answer within {} s", ANSWER_TIME_MAX.as_secs())),
        };
        tell(&gauge, failed);
        pause(ASK_EVERY, &stop).await;
    }
    Ok(())
}

fn nats_gone(bus: &Bus) -> Option<String> {
    bus.connection().is_gone().then(|| "NATS cannot be reached".to_owned())
}

fn gone_back(progress: &Progress) -> Option<String> {
    let partition = progress.gone_back()?;
    Some(format!("the rows of partition {partition} have gone back behind what was visible"))
}

fn stopped(progress: &Progress) -> Option<String> {
    let (partition, stopped) = progress.stopped_here()?;
    Some(format!("partition {partition} is stopped at offset {}: {}", stopped.offset, stopped.reason))
}

fn tell(gauge: &Gauge, why: Option<String>) {
    match why {
        None => gauge.ready(),
        Some(why) => gauge.not_ready(why),
    }
}

async fn pause(time: Duration, stop: &Stop) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.stopped() => {}
    }
}
