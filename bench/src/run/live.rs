//! A server as its clients see it: 200 dialogs of 10 people who post and read.

use super::{Bench, CONNECTIONS, per_second};
use crate::client::{Client, User};
use crate::load::{Call, Plan, Seat, Work};
use crate::server::Server;
use crate::table::{Bound, Row, count, millis};
use crate::world;

/// Everybody is in every dialog.
const PEOPLE: usize = 10;
/// One post in so many is followed by another's list.
const CHECK_EVERY: u64 = 100;
/// Messages on a page.
pub(super) const PAGE: u64 = 50;
/// Pages of unread messages asked for at most.
const UNREAD_PAGES_MAX: usize = 20_000;
/// The bound on a single post, in microseconds, is about a disk whose fsync takes a fifth of a millisecond. With
/// a slower one than this it can be kept, but not be broken.
const SINGLE_POST_MICROS: f64 = 3_000.0;
const FSYNC_MICROS: f64 = 300.0;

/// The people and the dialogs.
pub(super) struct Scene {
    pub(super) people: Vec<User>,
    pub(super) dialogs: Vec<String>,
    hot: String,
}

/// Posts, one post at a time, pages read and unread.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let data = bench.data("live");
    let server = bench.start(&data)?;
    bench.memory_row("after start", server.memory().now);
    let mut client = Client::open(server.address())?;
    let scene = Scene::set(&mut client, bench.scale.dialogs)?;
    posts(bench, &server, &scene)?;
    frames(bench, &mut client)?;
    bench.memory_row("under the load of posts, peak", server.memory().peak);
    single_post(bench, &server, &scene)?;
    pages(bench, &server, &scene)?;
    unread_pages(bench, &server, &scene, &mut client)?;
    bench.memory_row("under all loads, peak", server.memory().peak);
    server.stop()
}

impl Scene {
    /// Sign the people up, and make so many dialogs beside the hot one.
    pub(super) fn set(client: &mut Client, dialogs: usize) -> anyhow::Result<Self> {
        let people = client.users(PEOPLE)?;
        let hot = client.group("hot", &people)?;
        let each = (0..dialogs).map(|number| client.group(&format!("dialog {number}"), &people));
        let dialogs = each.collect::<anyhow::Result<_>>()?;
        Ok(Self { people, dialogs, hot })
    }

    /// Posts over all dialogs, with a look now and then.
    pub(super) fn posts(&self) -> Work {
        Work::Post { seats: self.seats(), check_every: CHECK_EVERY, verify: true }
    }

    /// The author of a dialog, and the one who looks.
    fn seat(&self, number: usize, dialog: &str) -> Seat {
        let token = |place: usize| self.people[place % PEOPLE].token.clone();
        Seat { dialog: dialog.to_owned(), token: token(number), witness: token(number + 1) }
    }

    pub(super) fn seats(&self) -> Vec<Seat> {
        self.dialogs.iter().enumerate().map(|(number, dialog)| self.seat(number, dialog)).collect()
    }

    /// A page of each dialog for each of its people, or for all but its author.
    pub(super) fn pages(&self, query: &str, with_author: bool) -> Vec<Call> {
        let mut calls = Vec::new();
        for shift in usize::from(!with_author)..PEOPLE {
            for (number, dialog) in self.dialogs.iter().enumerate() {
                let path = format!("/chat/Message?chat_dialog_id={dialog}&limit={PAGE}{query}");
                calls.push(Call::get(path, &self.people[(number + shift) % PEOPLE].token));
            }
        }
        calls
    }
}

fn posts(bench: &mut Bench, server: &Server, scene: &Scene) -> anyhow::Result<()> {
    let many = bench.plan(server, CONNECTIONS, scene.posts());
    let everybody = (0..PEOPLE).map(|number| scene.seat(number, &scene.hot)).collect();
    let in_one = Work::Post { seats: everybody, check_every: CHECK_EVERY, verify: true };
    let hot = bench.plan(server, CONNECTIONS, in_one);
    let compared = bench.compare("POST /chat/Message", &[many, hot])?;
    bench.judge_generator(compared.ceiling_rate());
    let ratio = compared.of_ceiling(0);
    bench.table.add(
        Row::report(
            format!("POST /chat/Message, 64 conn., {} dialogs of 10", scene.dialogs.len()),
            per_second(compared.rate(0)),
        )
        .ratio(ratio)
        .bound("≥ 0.12 of ceiling, aim 0.25", Bound::AtLeast(0.12), ratio),
    );
    let latency = compared.latency(0);
    bench.table.add(Row::report(
        "  its latency",
        format!("p50 {}, p99 {}", millis(latency.p50), millis(latency.p99)),
    ));
    let ratio = compared.of_other(1, 0);
    bench.table.add(
        Row::report("  the same in one hot dialog", per_second(compared.rate(1))).ratio(ratio).bound(
            "≥ 0.8 of many dialogs",
            Bound::AtLeast(0.8),
            ratio,
        ),
    );
    Ok(())
}

/// How well the writer gathered what waited.
fn frames(bench: &mut Bench, client: &mut Client) -> anyhow::Result<()> {
    bench.table.add(Row::report("  its frames", frames_of(client)?));
    Ok(())
}

/// How well the writers of the process that `client` asks have gathered what waited so far, in words.
pub(super) fn frames_of(client: &mut Client) -> anyhow::Result<String> {
    let mut series = |name| client.metric(name).map(Option::unwrap_or_default);
    let (events, frames) = (series("writer_frame_events_sum")?, series("writer_frame_events_count")?);
    let seconds = series("writer_append_seconds_sum")?;
    Ok(format!("{:.1} events a frame, {} an append", events / frames, millis(1e6 * seconds / frames)))
}

fn single_post(bench: &mut Bench, server: &Server, scene: &Scene) -> anyhow::Result<()> {
    let work = Work::Post { seats: scene.seats(), check_every: 0, verify: false };
    let plan = Plan { measure_ms: bench.scale.measure_ms / 4, ..bench.plan(server, 1, work) };
    let compared = bench.compare("POST /chat/Message, 1 connection", &[plan])?;
    let latency = compared.latency(0);
    let figure = format!("p50 {}, p99 {}", millis(latency.p50), millis(latency.p99));
    let row = Row::report("POST /chat/Message, 1 connection", figure).ratio(compared.of_ceiling(0));
    let is_judged = bench.fsync_micros <= FSYNC_MICROS || latency.p50 < SINGLE_POST_MICROS;
    let bound = if is_judged { Bound::AtMost(SINGLE_POST_MICROS) } else { Bound::None };
    bench.table.add(row.bound("p50 < 3 ms (fsync of 0.2 ms)", bound, latency.p50));
    Ok(())
}

fn pages(bench: &mut Bench, server: &Server, scene: &Scene) -> anyhow::Result<()> {
    let data = bench.data("live");
    let first = Work::Each { calls: scene.pages("", true) };
    bench.load("reading every first page", &bench.plan(server, CONNECTIONS, first).with_time(60_000))?;
    let unmarked = Work::Again { calls: scene.pages("&mark_as_read=0", true) };
    let read = Work::Again { calls: scene.pages("", true) };
    let plans = [unmarked, read].map(|work| bench.plan(server, CONNECTIONS, work));
    let before = world::tail(&data)?;
    let compared = bench.compare("GET /chat/Message?limit=50", &plans)?;
    let appended = world::tail(&data)? - before;
    let ratio = compared.of_ceiling(0);
    bench.table.add(
        Row::report("GET /chat/Message?limit=50&mark_as_read=0", per_second(compared.rate(0)))
            .ratio(ratio)
            .bound("≥ 0.25 of ceiling, aim 0.4", Bound::AtLeast(0.25), ratio),
    );
    let cost = compared.of_other(0, 1);
    bench.table.add(
        Row::report("  a page already read, mark_as_read not said", per_second(compared.rate(1)))
            .ratio(cost)
            .bound("≤ 1.2 times the cost", Bound::AtMost(1.2), cost),
    );
    bench.table.add(Row::report("  events that these appended", count(appended as f64)).bound(
        "none",
        Bound::AtMost(0.0),
        appended as f64,
    ));
    Ok(())
}

/// Pages that nobody but their authors has read, each by everybody else.
fn unread_pages(
    bench: &mut Bench,
    server: &Server,
    scene: &Scene,
    client: &mut Client,
) -> anyhow::Result<()> {
    let mut shortest = u64::MAX;
    for dialog in &scene.dialogs {
        shortest = shortest.min(client.messages_count(dialog, &scene.people[0])?);
    }
    let pages = (1..shortest / PAGE).flat_map(|page| scene.pages(&format!("&skip={}", page * PAGE), false));
    let calls: Vec<Call> = pages.take(UNREAD_PAGES_MAX).collect();
    let asked = calls.len();
    if asked == 0 {
        let row = Row::report("GET of 50 unread messages, marking them", "too few messages for a page");
        bench.table.add(row);
        return Ok(());
    }
    let before = world::tail(&bench.data("live"))?;
    let plan = bench.plan(server, CONNECTIONS, Work::Each { calls }).with_time(60_000);
    let report = bench.load("GET of 50 unread", &plan)?;
    let events = world::tail(&bench.data("live"))? - before;
    let latency = format!("p50 {}, p99 {}", millis(report.latency.p50), millis(report.latency.p99));
    let figure = format!("{}, {latency}", per_second(report.rate()));
    bench.table.add(Row::report("GET of 50 unread messages, marking them", figure));
    let figure = format!("{:.2} an answer, {} answers", events as f64 / asked as f64, count(asked as f64));
    bench.table.add(Row::report("  events that it appends", figure));
    Ok(())
}
