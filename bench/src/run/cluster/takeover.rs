//! How long posts wait when a writer's process dies.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::PARTITIONS;
use crate::client::Client;
use crate::cluster::Engines;
use crate::load::{Call, Plan, Report, Work};
use crate::run::live::Scene;
use crate::run::{Bench, CONNECTIONS};
use crate::server::{self, Server};
use crate::table::{Bound, Row, median};

/// Connections that post before, while and after one dies.
const OTHERS: usize = 8;
/// How long they post, and how long before the death they begin.
const OTHERS_MS: u64 = 7_000;
const BEFORE: Duration = Duration::from_secs(1);
/// What a takeover may take at most.
const TAKEOVER_SECONDS: f64 = 5.0;
/// How long two processes may take to share the partitions.
const SHARED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// `kill -9` of one of two command processes, again and again, until every dialog takes a post.
pub(in crate::run) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let engines = Engines::start()?;
    let deployment = bench.deployment(&engines, PARTITIONS)?;
    let roles = deployment.roles()?;
    let scene = Scene::set(&mut Client::open(roles.gateway.address())?, bench.scale.dialogs)?;
    let (mut elder, mut seconds, mut refused) = (roles.command, vec![], 0);
    for _ in 0..bench.scale.takeovers {
        let younger = deployment.role("command")?;
        wait_until_shared(&[&elder, &younger])?;
        let round = takeover(bench, &roles.gateway, (&scene, elder))?;
        seconds.push(round.0);
        refused += round.1;
        elder = younger;
    }
    let longest = seconds.iter().copied().fold(0.0, f64::max);
    let figure =
        format!("median {:.1} s, longest {longest:.1} s, {refused} posts refused", median(seconds.clone()));
    let row = format!("cluster: takeover after kill -9 of a writer, {} times", seconds.len());
    bench.table.add(Row::report(row, figure).bound("< 5 s", Bound::AtMost(TAKEOVER_SECONDS), longest));
    roles.gateway.stop()?;
    elder.stop()?;
    roles.projector.stop()
}

/// The seconds until every dialog has taken a post after the end of `victim`, and how many posts were refused.
fn takeover(
    bench: &Bench,
    gateway: &Server,
    (scene, victim): (&Scene, Server),
) -> anyhow::Result<(f64, u64)> {
    let plan = |connections, work| bench.plan(gateway, connections, work).with_time(OTHERS_MS);
    let others = plan(OTHERS, Work::Post { seats: scene.seats(), check_every: 0, verify: false });
    let each = plan(CONNECTIONS, Work::Each { calls: one_post_each(scene) });
    thread::scope(|threads| {
        let others = threads.spawn(|| server::load(&others));
        thread::sleep(BEFORE);
        drop(victim);
        let death = Instant::now();
        let refused = until_accepted(&each)?;
        let seconds = death.elapsed().as_secs_f64();
        let others = others.join().unwrap_or_else(|_| Ok(Report::default()))?;
        ensure!(others.requests > 0, "nobody could post");
        Ok((seconds, refused + others.failures))
    })
}

/// Ask all of `plan`, and again as long as some of it is refused. Gives how often that was.
fn until_accepted(plan: &Plan) -> anyhow::Result<u64> {
    let (start, mut refused) = (Instant::now(), 0);
    loop {
        let report = server::load(plan)?;
        if report.failures == 0 {
            return Ok(refused);
        }
        refused += report.failures;
        let why = report.first_failure.unwrap_or_default();
        ensure!(start.elapsed() < SHARED_WITHIN, "no writer after {SHARED_WITHIN:?}: {why}");
    }
}

fn one_post_each(scene: &Scene) -> Vec<Call> {
    let post = |dialog: &str, token| Call {
        method: "POST".to_owned(),
        path: "/chat/Message".to_owned(),
        token,
        body: format!(r#"{{"chat_dialog_id":"{dialog}","message":"is anybody there?"}}"#),
    };
    scene.seats().into_iter().map(|seat| post(&seat.dialog, seat.token)).collect()
}

/// Until each of them writes its part.
fn wait_until_shared(writers: &[&Server]) -> anyhow::Result<()> {
    let share = f64::from(PARTITIONS) / writers.len() as f64;
    let mut clients = vec![];
    for writer in writers {
        clients.push(Client::open(writer.address())?);
    }
    let start = Instant::now();
    loop {
        let held = clients.iter_mut().map(|client| client.metric("writer_leases"));
        let held = held.collect::<anyhow::Result<Vec<_>>>()?;
        if held.iter().all(|held| *held == Some(share)) {
            return Ok(());
        }
        ensure!(start.elapsed() < SHARED_WITHIN, "the partitions are not shared evenly: {held:?}");
        thread::sleep(LOOK_EVERY);
    }
}
