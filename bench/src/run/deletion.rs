//! A dialog of a million messages is deleted for all, while others go on being used.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::Bench;
use super::growth::{self, Store};
use crate::client::Client;
use crate::load::{Plan, Seat, Work};
use crate::machine;
use crate::server::{self, Server};
use crate::table::{Bound, Row, count, median, millis};

/// The connections that use the other dialogs.
const CONNECTIONS: usize = 16;
/// How long the others are used before the deletion is asked for.
const BEFORE: Duration = Duration::from_millis(200);

/// Each round on a copy of the store: as usual, then during the deletion.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let store = growth::store(bench)?;
    let (mut usual, mut during, mut ratios, mut answers) = (vec![], vec![], vec![], vec![]);
    for _ in 0..bench.scale.deletions {
        let data = bench.data("deletion");
        machine::copy_folder(&store.data, &data)?;
        let server = bench.start(&data)?;
        let plan = others(bench, &server, &store);
        bench.load("other dialogs, warming up", &plan)?;
        let before = bench.load("other dialogs before a deletion", &plan)?;
        let (report, answered) = delete_under_load(&plan, &server, &store)?;
        bench.notice("other dialogs during a deletion", &report);
        server.stop()?;
        fs::remove_dir_all(&data)?;
        usual.push(before.latency.p99);
        during.push(report.latency.p99);
        ratios.push(report.latency.p99 / before.latency.p99.max(1.0));
        answers.push(answered.as_secs_f64() * 1e6);
    }
    let ratio = median(ratios);
    let [usual, during, answered] = [usual, during, answers].map(|micros| millis(median(micros)));
    let messages = count(bench.scale.large_messages as f64);
    let row = format!("p99 of posts during deletion of {messages} messages");
    let figure = format!("{during}, usually {usual}; deleted in {answered}");
    bench.table.add(Row::report(row, figure).ratio(ratio).bound(
        "< 2 times the usual",
        Bound::AtMost(2.0),
        ratio,
    ));
    Ok(())
}

fn others(bench: &Bench, server: &Server, store: &Store) -> Plan {
    let seat = |(number, dialog): (usize, &String)| Seat {
        dialog: dialog.clone(),
        token: store.people[number % store.people.len()].token.clone(),
        witness: store.people[(number + 1) % store.people.len()].token.clone(),
    };
    let seats = store.grown.others.iter().enumerate().map(seat).collect();
    bench.plan(server, CONNECTIONS, Work::Post { seats, check_every: 100, verify: true })
}

/// The load, and how long the deletion took to be answered.
fn delete_under_load(
    plan: &Plan,
    server: &Server,
    store: &Store,
) -> anyhow::Result<(crate::load::Report, Duration)> {
    let mut client = Client::open(server.address())?;
    thread::scope(|scope| {
        let load = scope.spawn(|| server::load(plan));
        thread::sleep(Duration::from_millis(plan.warm_up_ms) + BEFORE);
        let start = Instant::now();
        let path = format!("/chat/Dialog/{}?force=1", store.grown.large);
        client.text("DELETE", &path, &store.people[0].token, "")?;
        let answered = start.elapsed();
        let report = load.join().map_err(|_| anyhow!("the load's thread ended badly"))??;
        Ok((report, answered))
    })
}
