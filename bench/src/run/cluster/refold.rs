//! Folding a cluster's log into PostgreSQL from its first event: by a projector that finds no rows, and by an operator.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::PARTITIONS;
use crate::client::Client;
use crate::cluster::Engines;
use crate::run::{Bench, per_second};
use crate::server::Server;
use crate::table::{Bound, Row, count};
use crate::world;

/// The longest that either may take.
const FOLDED_WITHIN: Duration = Duration::from_secs(300);
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What a projector must fold at least, events a second.
const BULK_RATE_MIN: f64 = 15_000.0;

/// A new projector on a log of the usual mix, and `hansard readmodel rebuild` on the same; starts included.
pub(in crate::run) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let engines = Engines::start()?;
    let deployment = bench.deployment(&engines, PARTITIONS)?;
    world::mix(world::Builder::open_cluster(deployment.log())?, bench.scale.refold_events)?;
    let events = world::cluster_tail(deployment.log())? as f64;
    let start = Instant::now();
    let projector = deployment.role("projector")?;
    wait_until_folded(&projector, events)?;
    let rate = events / start.elapsed().as_secs_f64();
    let row = format!("cluster: a projector folds {} events", count(events));
    bench.table.add(Row::report(row, per_second(rate)).bound(
        "≥ 15,000/s",
        Bound::AtLeast(BULK_RATE_MIN),
        rate,
    ));
    bench.memory_row("of that projector, peak", projector.memory().peak);
    projector.stop()?;
    let start = Instant::now();
    let said = deployment.operate(&["readmodel", "rebuild"])?;
    let seconds = start.elapsed().as_secs_f64();
    ensure!(said.contains(&format!("folded {events} events")), "not {events} events were folded: {said}");
    let row = format!("cluster: refold of {} events", count(events));
    bench.table.add(Row::report(row, format!("{seconds:.1} s, {}", per_second(events / seconds))));
    Ok(())
}

pub(super) fn wait_until_folded(projector: &Server, events: f64) -> anyhow::Result<()> {
    let mut client = Client::open(projector.address())?;
    let start = Instant::now();
    loop {
        let folded = client.metric("projector_events_total")?.unwrap_or_default();
        if folded >= events {
            return Ok(());
        }
        let within = FOLDED_WITHIN;
        ensure!(start.elapsed() < within, "{folded} of {events} events folded after {within:?}");
        thread::sleep(LOOK_EVERY);
    }
}
