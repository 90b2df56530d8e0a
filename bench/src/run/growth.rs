//! What must not get dearer as a store grows: posts, unread counts, deep pages, marks, the list of dialogs.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;

use super::trace::Trace;
use super::{Bench, CONNECTIONS, per_second};
use crate::client::{Client, User};
use crate::load::{Call, Plan, Seat, Work};
use crate::machine;
use crate::output::note;
use crate::server::Server;
use crate::table::{Bound, Row, count, millis};
use crate::world::{self, Grown};

/// Users who call; the first reads, the second writes, the last is in many dialogs.
const PEOPLE: usize = 10;

/// A store that has grown, in its folder; no server runs on it.
#[derive(Debug, Clone)]
pub(super) struct Store {
    /// The data folder.
    pub(super) data: PathBuf,
    /// Who may call.
    pub(super) people: Vec<User>,
    /// What is in it.
    pub(super) grown: Grown,
}

/// The store, laid out and folded when it is first asked for.
///
/// # Errors
///
/// It cannot be written, or the server does not fold it.
pub(super) fn store(bench: &mut Bench) -> anyhow::Result<Store> {
    if let Some(store) = &bench.grown {
        return Ok(store.clone());
    }
    let (data, people) = bench.populated("growth", PEOPLE)?;
    let start = Instant::now();
    let grown = world::grow(&data, &bench.scale, &people)?;
    note(&format!("laid out {} events in {} s", count(grown.events as f64), start.elapsed().as_secs()));
    let start = Instant::now();
    let server = bench.start(&data)?;
    let seconds = start.elapsed().as_secs_f64();
    let messages = count(bench.scale.large_messages as f64);
    let dialogs = count(f64::from(bench.scale.wide_dialogs));
    let what = format!("after {messages} messages and {dialogs} dialogs folded, peak");
    bench.memory_row(&what, server.memory().peak);
    let figure = format!("{seconds:.1} s, {}", per_second(grown.events as f64 / seconds));
    let row = format!("start on {} events not folded yet", count(grown.events as f64));
    bench.table.add(Row::report(row, figure));
    server.stop()?;
    machine::settle(&data)?;
    let [log, rows] = ["log", "readmodel"].map(|prefix| machine::bytes_of(&data, prefix));
    let figure = format!("log {}, read models {}", mebibytes(log?), mebibytes(rows?));
    bench.table.add(Row::report("  the same on disk", figure));
    Ok(bench.grown.insert(Store { data, people, grown }).clone())
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", count(bytes as f64 / 1_048_576.0))
}

/// Every row about growth.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let store = store(bench)?;
    let start = Instant::now();
    let server = bench.start(&store.data)?;
    let seconds = start.elapsed().as_secs_f64();
    bench.table.add(Row::report("  start on the same, folded before", format!("{seconds:.1} s")));
    bench.memory_row("after that start", server.memory().now);
    beside_many(bench, &server, &store)?;
    posts(bench, &server, &store)?;
    unread(bench, &server, &store)?;
    deep_page(bench, &server, &store)?;
    crowded_page(bench, &server, &store)?;
    breadth(bench, &server, &store)?;
    dialogs(bench, &server, &store)?;
    mark_all(bench, &server, &store)?;
    clear(bench, &server, &store)?;
    bench.memory_row("after the loads on that store, peak", server.memory().peak);
    server.stop()
}

/// Two calls, each asked again and again, compared: what the second costs of the first.
struct Pair {
    row: String,
    words: &'static str,
    bound: Bound,
    calls: [Call; 2],
}

fn compare_calls(bench: &mut Bench, server: &Server, pair: Pair) -> anyhow::Result<()> {
    let plans = pair.calls.map(|call| bench.plan(server, CONNECTIONS, Work::Again { calls: vec![call] }));
    let plans = plans.map(|plan| Plan { measure_ms: plan.measure_ms / 2, ..plan });
    let compared = bench.compare(&pair.row, &plans)?;
    let cost = compared.of_other(0, 1);
    let [base, other] = [compared.rate(0), compared.rate(1)].map(per_second);
    let figure = format!("{other} against {base} ({:.2} of the ceiling)", compared.of_ceiling(1));
    bench.table.add(Row::report(pair.row, figure).ratio(cost).bound(pair.words, pair.bound, cost));
    Ok(())
}

/// The same post in this store and in one that has nothing else.
fn beside_many(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let data = bench.data("empty");
    let empty = bench.start(&data)?;
    let mut client = Client::open(empty.address())?;
    let people = client.users(2)?;
    let dialog = client.group("two", &people)?;
    let plan = |server: &Server, dialog: &str, people: &[User]| {
        let [witness, author] = [0, 1].map(|place| people[place].token.clone());
        let seats = vec![Seat { dialog: dialog.to_owned(), token: author, witness }];
        bench.plan(server, CONNECTIONS, Work::Post { seats, check_every: 100, verify: true })
    };
    let plans = [plan(&empty, &dialog, &people), plan(server, &store.grown.two, &store.people)];
    let plans = plans.map(|plan| Plan { measure_ms: plan.measure_ms / 2, ..plan });
    let compared = bench.compare("posts in an empty and in a grown store", &plans)?;
    let cost = compared.of_other(0, 1);
    let row = format!("a post beside {} dialogs against none", count(f64::from(bench.scale.wide_dialogs)));
    let figure = format!("{} against {}", per_second(compared.rate(1)), per_second(compared.rate(0)));
    bench.table.add(Row::report(row, figure).ratio(cost));
    empty.stop()
}

fn posts(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let (author, witness) = (&store.people[1], &store.people[0]);
    let seat = |dialog: &str| Seat {
        dialog: dialog.to_owned(),
        token: author.token.clone(),
        witness: witness.token.clone(),
    };
    // A list of the hall names a thousand readers for each message: a row of its own, not part of a post's cost.
    let dialogs = [(&store.grown.two, 100), (&store.grown.crowd, 100), (&store.grown.hall, 0)];
    let plans = dialogs.map(|(dialog, check_every)| {
        let work = Work::Post { seats: vec![seat(dialog)], check_every, verify: true };
        bench.plan(server, CONNECTIONS, work)
    });
    let plans = plans.map(|plan| Plan { measure_ms: plan.measure_ms / 2, ..plan });
    let compared = bench.compare("posts in small and large dialogs", &plans)?;
    let two = per_second(compared.rate(0));
    let bounds = [
        (bench.scale.crowd, "≤ 1.3 times the cost", Bound::AtMost(1.3)),
        (bench.scale.hall, "", Bound::None),
    ];
    for (place, (occupants, words, bound)) in (1..).zip(bounds) {
        let cost = compared.of_other(0, place);
        let row = format!("a post with {} occupants against 2", count(occupants as f64));
        let figure = format!("{} against {two}", per_second(compared.rate(place)));
        bench.table.add(Row::report(row, figure).ratio(cost).bound(words, bound, cost));
    }
    Ok(())
}

fn unread(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let reader = &store.people[0];
    let mut client = Client::open(server.address())?;
    let (small, large) = (&store.grown.small, &store.grown.large);
    for (dialog, messages) in [(small, world::SMALL_MESSAGES), (large, bench.scale.large_messages)] {
        let (shown, true_count) = (unread_shown(&mut client, dialog, reader)?, world::unread_of(messages));
        if shown != true_count {
            let fault = format!("unread of {messages} messages is shown as {shown}, but is {true_count}");
            bench.table.faults.push(fault);
        }
    }
    let call = |dialog: &String| Call::get(unread_path(dialog), &reader.token);
    let pair = Pair {
        row: format!("unread at {} messages against 100", count(bench.scale.large_messages as f64)),
        words: "≤ 2 times the cost",
        bound: Bound::AtMost(2.0),
        calls: [call(small), call(large)],
    };
    compare_calls(bench, server, pair)
}

fn unread_path(dialog: &str) -> String {
    format!("/chat/Message/unread?chat_dialog_ids={dialog}")
}

fn unread_shown(client: &mut Client, dialog: &str, user: &User) -> anyhow::Result<u64> {
    let answer = client.json("GET", &unread_path(dialog), &user.token, &Value::Null)?;
    answer[dialog].as_u64().context("an unread count without the dialog")
}

fn deep_page(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let call = |skip: u64| {
        let dialog = &store.grown.large;
        let path = format!("/chat/Message?chat_dialog_id={dialog}&limit=50&skip={skip}&mark_as_read=0");
        Call::get(path, &store.people[0].token)
    };
    let pair = Pair {
        row: format!("a page at skip={} against skip=0", bench.scale.deep_skip),
        words: "≤ 2 times the cost",
        bound: Bound::AtMost(2.0),
        calls: [call(0), call(bench.scale.deep_skip)],
    };
    compare_calls(bench, server, pair)
}

/// A page whose messages each name as many readers as are named at all.
fn crowded_page(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let call = |dialog: &str| {
        let path = format!("/chat/Message?chat_dialog_id={dialog}&limit=50&mark_as_read=0");
        Call::get(path, &store.people[1].token)
    };
    let small = store.grown.others.first().context("no other dialog")?;
    let pair = Pair {
        row: format!("a page with {} occupants against 10", count(bench.scale.hall as f64)),
        words: "",
        bound: Bound::None,
        calls: [call(small), call(&store.grown.hall)],
    };
    compare_calls(bench, server, pair)
}

/// Pages that could cost more the more there is beyond them.
fn breadth(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let Grown { large, small, hall, crowd, liked, .. } = &store.grown;
    let [hall_size, crowd_size] = [bench.scale.hall, bench.scale.crowd].map(|size| count(size as f64));
    let messages = count(bench.scale.large_messages as f64);
    let sender = store.people[1].id;
    let of_sender = |dialog: &str| {
        format!("/chat/Message?chat_dialog_id={dialog}&sender_id={sender}&limit=10&mark_as_read=0")
    };
    let newest = |dialog: &str| {
        format!(
            "/chat/Message?chat_dialog_id={dialog}&date_sent[gt]=1&sort_desc=date_sent&limit=50&mark_as_read=0"
        )
    };
    let occupants = |dialog: &str| format!("/chat/Dialog/{dialog}/occupants?limit=100");
    let reactions = |message: &str| format!("/chat/Message/{message}/reactions");
    let pairs = [
        (
            format!("10 messages of one sender at {messages} against 100"),
            [of_sender(small), of_sender(large)],
        ),
        (format!("the newest page by date at {messages} against 100"), [newest(small), newest(large)]),
        (
            format!("a page of {crowd_size} occupants against {hall_size}"),
            [occupants(hall), occupants(crowd)],
        ),
        (
            format!("the list of {crowd_size} reactions against {hall_size}"),
            liked.each_ref().map(|id| reactions(id)),
        ),
    ];
    for (row, paths) in pairs {
        let calls = paths.map(|path| Call::get(path, &store.people[1].token));
        let pair = Pair { row, words: "≤ 2 times the cost", bound: Bound::AtMost(2.0), calls };
        compare_calls(bench, server, pair)?;
    }
    Ok(())
}

fn dialogs(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let collector = store.people.last().context("nobody is in many dialogs")?;
    let call = Call::get("/chat/Dialog?limit=100".to_owned(), &collector.token);
    for connections in [1, CONNECTIONS] {
        let work = Work::Again { calls: vec![call.clone()] };
        let plan = bench.plan(server, connections, work);
        let plan = Plan { measure_ms: plan.measure_ms / 2, ..plan };
        let compared = bench.compare("GET /chat/Dialog?limit=100", &[plan])?;
        let latency = compared.latency(0);
        let rate = per_second(compared.rate(0));
        let figure = format!("p50 {}, p99 {}, {rate}", millis(latency.p50), millis(latency.p99));
        let (own, all) = (bench.scale.collected_dialogs, bench.scale.wide_dialogs);
        let (own, all) = (count(f64::from(own)), count(f64::from(all)));
        let row = format!("GET /chat/Dialog?limit=100 of {own} among {all}, {connections} conn.");
        bench.table.add(Row::report(row, figure).ratio(compared.of_ceiling(0)));
    }
    Ok(())
}

fn mark_all(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let (reader, dialog) = (&store.people[0], &store.grown.large);
    let mut client = Client::open(server.address())?;
    let body = format!(r#"{{"chat_dialog_id":"{dialog}","read":1}}"#);
    at_once(bench, store, (&mut client, "marking", "messages read"), |client| {
        client.text("PUT", "/chat/Message", &reader.token, &body)
    })?;
    let left = unread_shown(&mut client, dialog, reader)?;
    if left > 0 {
        bench.table.faults.push(format!("after marking all as read {left} are unread"));
    }
    Ok(())
}

fn clear(bench: &mut Bench, server: &Server, store: &Store) -> anyhow::Result<()> {
    let (member, dialog) = (&store.people[2], &store.grown.large);
    let mut client = Client::open(server.address())?;
    let path = format!("/chat/Dialog/clearHistory/{dialog}");
    at_once(bench, store, (&mut client, "clearing", "messages for oneself"), |client| {
        client.text("DELETE", &path, &member.token, "")
    })?;
    let left = client.messages_count(dialog, member)?;
    if left > 0 {
        bench.table.faults.push(format!("after clearing the history {left} messages are seen"));
    }
    Ok(())
}

/// Something that is done to all messages of the large dialog by one event and two rows at most.
fn at_once(
    bench: &mut Bench,
    store: &Store,
    (client, doing, what): (&mut Client, &str, &str),
    act: impl FnOnce(&mut Client) -> anyhow::Result<String>,
) -> anyhow::Result<()> {
    let before = Trace::take(&store.data, client)?;
    let start = Instant::now();
    act(client)?;
    let taken = millis(start.elapsed().as_secs_f64() * 1e6);
    let after = Trace::take(&store.data, client)?;
    let events = after.events_since(before) as f64;
    let row = format!("{doing} {} {what}", count(bench.scale.large_messages as f64));
    let row = Row::report(row, format!("{events} events, {taken}"));
    bench.table.add(row.bound("1 event", Bound::AtMost(1.0), events));
    let row = "  rows that it wrote, beside the batch's checkpoint";
    let row = match after.rows_since(before) {
        Some(rows) => {
            let rows = rows - 1.0;
            Row::report(row, count(rows)).bound("≤ 2", Bound::AtMost(2.0), rows)
        }
        None => Row::report(row, "not counted by the server"),
    };
    bench.table.add(row);
    Ok(())
}
