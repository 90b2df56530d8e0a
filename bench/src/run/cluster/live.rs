//! A cluster as its clients see it: the dialogs and people of the scene `live`, over gateway, NATS, writer, JetStream,
//! projector and PostgreSQL.

use super::PARTITIONS;
use crate::client::Client;
use crate::cluster::{Deployment, Engines, Roles};
use crate::load::{Plan, Work};
use crate::run::live::{PAGE, Scene, frames_of};
use crate::run::{Bench, CONNECTIONS, per_second};
use crate::table::{Bound, Row, median, millis};

/// Dialogs whose pages pgbench asks for in turn: each is a statement of its own to it.
const PGBENCH_DIALOGS: usize = 8;

/// Posts, one post at a time, pages, and what each role holds in memory meanwhile.
pub(in crate::run) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let engines = Engines::start()?;
    let deployment = bench.deployment(&engines, PARTITIONS)?;
    let roles = deployment.roles()?;
    let scene = Scene::set(&mut Client::open(roles.gateway.address())?, bench.scale.dialogs)?;
    posts(bench, &roles, &scene)?;
    single_post(bench, &roles, &scene)?;
    pages(bench, &deployment, (&roles, &scene))?;
    let mib = [&roles.gateway, &roles.command, &roles.projector].map(|role| role.memory().peak);
    let figure = format!("gateway {:.0}, command {:.0}, projector {:.0} MiB", mib[0], mib[1], mib[2]);
    bench.table.add(Row::report("cluster: resident memory under all loads, peak", figure));
    roles.stop()
}

fn posts(bench: &mut Bench, roles: &Roles, scene: &Scene) -> anyhow::Result<()> {
    let plan = bench.plan(&roles.gateway, CONNECTIONS, scene.posts());
    let compared = bench.compare("cluster: POST /chat/Message", &[plan])?;
    let ratio = compared.of_ceiling(0);
    let row = format!("cluster: POST /chat/Message, 64 conn., {} dialogs of 10", scene.dialogs.len());
    bench.table.add(Row::report(row, per_second(compared.rate(0))).ratio(ratio).bound(
        "≥ 0.05 of ceiling, aim 0.12",
        Bound::AtLeast(0.05),
        ratio,
    ));
    let latency = compared.latency(0);
    let figure = format!("p50 {}, p99 {}", millis(latency.p50), millis(latency.p99));
    bench.table.add(Row::report("  its latency", figure));
    let figure = frames_of(&mut Client::open(roles.command.address())?)?;
    bench.table.add(Row::report("  its frames", figure));
    Ok(())
}

fn single_post(bench: &mut Bench, roles: &Roles, scene: &Scene) -> anyhow::Result<()> {
    let work = Work::Post { seats: scene.seats(), check_every: 0, verify: false };
    let plan = Plan { measure_ms: bench.scale.measure_ms / 4, ..bench.plan(&roles.gateway, 1, work) };
    let compared = bench.compare("cluster: POST /chat/Message, 1 connection", &[plan])?;
    let latency = compared.latency(0);
    let figure = format!("p50 {}, p99 {}", millis(latency.p50), millis(latency.p99));
    let row = Row::report("cluster: POST /chat/Message, 1 connection", figure);
    bench.table.add(row.ratio(compared.of_ceiling(0)));
    Ok(())
}

/// First pages through the gateway, and in each round the same statement through pgbench.
fn pages(bench: &mut Bench, deployment: &Deployment, (roles, scene): (&Roles, &Scene)) -> anyhow::Result<()> {
    let first = Work::Each { calls: scene.pages("", true) };
    let plan = bench.plan(&roles.gateway, CONNECTIONS, first).with_time(60_000);
    bench.load("cluster: reading every first page", &plan)?;
    let work = Work::Again { calls: scene.pages("&mark_as_read=0", true) };
    let plan = bench.plan(&roles.gateway, CONNECTIONS, work);
    let dialogs: Vec<(u64, &str)> =
        scene.people.iter().map(|user| user.id).zip(scene.dialogs.iter().map(String::as_str)).collect();
    let dialogs = &dialogs[..dialogs.len().min(PGBENCH_DIALOGS)];
    let (limit, seconds) = (usize::try_from(PAGE)?, (bench.scale.measure_ms / 1_000).max(1));
    let (mut rates, mut statements, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..bench.scale.rounds {
        let statement = deployment.pgbench(dialogs, limit, seconds)?;
        let rate = bench.load("cluster: GET /chat/Message?limit=50", &plan)?.rate();
        rates.push(rate);
        statements.push(statement);
        ratios.push(rate / statement);
    }
    let ratio = median(ratios);
    bench.table.add(
        Row::report("cluster: GET /chat/Message?limit=50&mark_as_read=0", per_second(median(rates)))
            .ratio(ratio)
            .bound("≥ 0.5 of pgbench", Bound::AtLeast(0.5), ratio),
    );
    bench.table.add(Row::report("  its statement through pgbench", per_second(median(statements))));
    Ok(())
}
