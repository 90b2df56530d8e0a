//! Searching: words in many and in few messages, for somebody who may read many and few; and what a post costs with
//! its index beside it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::live::Scene;
use super::{Bench, CONNECTIONS, per_second};
use crate::client::{Client, User};
use crate::load::{Call, Plan, Work};
use crate::server::Server;
use crate::table::{Bound, Row, count, millis};
use crate::world;

/// The longest that 99 of 100 searches may take: milliseconds.
const SEARCH_MS_MAX: f64 = 100.0;
/// What posts must reach of those without an index.
const POSTS_MIN: f64 = 0.9;
/// The longest that the index may take until it has all.
const INDEXED_WITHIN: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The rows of one process on its own stores.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let (data, people) = bench.populated("search", 2)?;
    let people: [User; 2] = people.try_into().ok().context("not two users")?;
    world::speak(world::Builder::open(&data)?, bench.scale.searched_messages, &people)?;
    let start = Instant::now();
    let server = bench.start(&data)?;
    rows(bench, ("", start), &server, &people)?;
    server.stop()?;
    posts(bench)
}

/// The rows of a deployment that `server` is the gateway of and that began to index at `start`.
pub(super) fn rows(
    bench: &mut Bench,
    (prefix, start): (&str, Instant),
    server: &Server,
    people: &[User; 2],
) -> anyhow::Result<()> {
    let messages = bench.scale.searched_messages;
    wait_until_indexed(server, &people[0])?;
    let seconds = start.elapsed().as_secs_f64();
    let row = format!("{prefix}an index of {} messages", count(messages as f64));
    bench.table.add(Row::report(row, format!("{seconds:.1} s, {}", per_second(messages as f64 / seconds))));
    let readers = [(&people[0], messages / 2), (&people[1], 1_000)];
    for (word, share) in [(world::RARE, "0.1 %"), (world::COMMON, "5 %")] {
        for (reader, readable) in readers {
            let path = format!("/chat/search?search_text={word}");
            let found = found(server, reader, &path)?;
            let work = Work::Again { calls: vec![Call::get(path, &reader.token)] };
            let plan = bench.plan(server, 1, work);
            let compared = bench.compare("searches", &[Plan { measure_ms: plan.measure_ms / 2, ..plan }])?;
            let latency = compared.latency(0);
            let readable = count(readable as f64);
            let row = format!("{prefix}search of a word in {share}, {readable} readable");
            let figure = format!("p50 {}, p99 {}, {found} found", millis(latency.p50), millis(latency.p99));
            bench.table.add(Row::report(row, figure).bound(
                "p99 ≤ 100 ms",
                Bound::AtMost(SEARCH_MS_MAX),
                latency.p99 / 1e3,
            ));
        }
    }
    Ok(())
}

fn wait_until_indexed(server: &Server, reader: &User) -> anyhow::Result<()> {
    let start = Instant::now();
    while found(server, reader, "/chat/search?search_text=nothing+like+it").is_err() {
        ensure!(start.elapsed() < INDEXED_WITHIN, "the index is not there after {INDEXED_WITHIN:?}");
        thread::sleep(LOOK_EVERY);
    }
    Ok(())
}

fn found(server: &Server, reader: &User, path: &str) -> anyhow::Result<usize> {
    let answer = Client::open(server.address())?.json("GET", path, &reader.token, &Value::Null)?;
    Ok(answer["results"]["messages"].as_array().context("no list of messages")?.len())
}

/// The posts of the scene `live`, with the index and without it.
fn posts(bench: &mut Bench) -> anyhow::Result<()> {
    let (mut servers, mut plans) = (vec![], vec![]);
    for (name, enabled) in [("unsearched", "false"), ("searched", "true")] {
        let data = bench.data(name);
        let server = bench.start_with(&data, &[("HANSARD__SEARCH__ENABLED", enabled)])?;
        let scene = Scene::set(&mut Client::open(server.address())?, bench.scale.dialogs)?;
        plans.push(bench.plan(&server, CONNECTIONS, scene.posts()));
        servers.push(server);
    }
    let compared = bench.compare("posts with and without search", &plans)?;
    // The share that is reached with search, not its cost.
    let share = compared.of_other(1, 0);
    let figure = format!("{} against {}", per_second(compared.rate(1)), per_second(compared.rate(0)));
    let row = Row::report("posts with search on against off", figure).ratio(share);
    bench.table.add(row.bound("≥ 0.9 of off", Bound::AtLeast(POSTS_MIN), share));
    servers.into_iter().try_for_each(Server::stop)
}
