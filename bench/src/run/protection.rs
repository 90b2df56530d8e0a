//! What protection costs, and what it is good for: authenticated requests with all limits on, posts while passwords
//! are hashed, and a well-behaved client beside a flood of refused requests.

use std::thread;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use serde_json::json;

use super::live::{PAGE, Scene};
use super::{Bench, CONNECTIONS, START_WITHIN, per_second};
use crate::client::{Client, PASSWORD, User};
use crate::load::{Call, Plan, Report, Work};
use crate::server::{self, APPLICATION, AUTH_KEY, Server};
use crate::table::{Bound, Row, count, median, millis};

/// What an authenticated request may cost of one without limits, or of one of an earlier version.
const AUTHENTICATED_COST_MAX: f64 = 1.1;
/// What the p99 of posts may come to while somebody signs in.
const LOGINS_COST_MAX: f64 = 1.5;
/// Sign-ins a second, each of which hashes a password at its default cost.
const LOGINS: f64 = 50.0;
/// The share of its usual rate that a well-behaved client keeps beside a flood.
const FLOODED_SHARE_MIN: f64 = 0.5;
/// Refused requests a second.
const FLOOD: f64 = 20_000.0;
/// Sessions of the well-behaved: none of them comes near its limit.
const WELL_BEHAVED: usize = 100;
/// Tokens that nobody has.
const BAD_TOKENS: usize = 10_000;
/// The connections that post while others sign in.
const POSTERS: usize = 16;
/// How long before a load starts what goes on beside it.
const BEFORE: Duration = Duration::from_millis(200);

/// Limits that are counted and never reached.
const NEVER_REACHED: [(&str, &str); 5] = [
    ("HANSARD__PROTECTION__SESSION_RATE", "1000000"),
    ("HANSARD__PROTECTION__SESSION_BURST", "1000000"),
    ("HANSARD__PROTECTION__BAD_TOKEN_RATE", "20"),
    ("HANSARD__PROTECTION__FAILURES_MAX", "5"),
    ("HANSARD__SERVER__CONNECTIONS_PER_ADDRESS_MAX", "10000"),
];
/// A limit that one client of a flood exceeds by far, and none of the well-behaved comes near to.
const FLOODED: [(&str, &str); 3] = [
    ("HANSARD__PROTECTION__SESSION_RATE", "2000"),
    ("HANSARD__PROTECTION__SESSION_BURST", "2000"),
    ("HANSARD__PROTECTION__BAD_TOKEN_RATE", "20"),
];
/// What a password costs by default.
const DEFAULT_COST: [(&str, &str); 2] =
    [("HANSARD__IDENTITY__HASH_MEMORY_KIB", "19456"), ("HANSARD__IDENTITY__HASH_ITERATIONS", "2")];

/// All of it.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    authenticated(bench)?;
    logins(bench)?;
    floods(bench)
}

/// A server on a store of its own, and a cheap call of one of its users.
fn with_call(server: Server) -> anyhow::Result<(Server, Call)> {
    let mut client = Client::open(server.address())?;
    let people = client.users(2)?;
    let dialog = client.group("cheap", &people)?;
    let path = format!("/chat/Message/unread?chat_dialog_ids={dialog}");
    Ok((server, Call::get(path, &people[0].token)))
}

fn authenticated(bench: &mut Bench) -> anyhow::Result<()> {
    let mut servers = vec![
        with_call(bench.start(&bench.data("unlimited"))?)?,
        with_call(bench.start_with(&bench.data("limited"), &NEVER_REACHED)?)?,
    ];
    if let Some(earlier) = &bench.against {
        let data = bench.data("earlier");
        servers.push(with_call(Server::earlier((earlier, &data), START_WITHIN)?)?);
    }
    let plans: Vec<Plan> = servers
        .iter()
        .map(|(server, call)| bench.plan(server, CONNECTIONS, Work::Again { calls: vec![call.clone()] }))
        .map(|plan| Plan { measure_ms: plan.measure_ms / 2, ..plan })
        .collect();
    let compared = bench.compare("authenticated requests", &plans)?;
    let names = ["without them", "in the earlier version"];
    for (other, name) in [(0, names[0]), (2, names[1])].into_iter().take(servers.len() - 1) {
        let cost = compared.of_other(other, 1);
        let figure = format!("{} against {}", per_second(compared.rate(1)), per_second(compared.rate(other)));
        let row = Row::report(format!("GET /chat/Message/unread with limits on against {name}"), figure);
        let bound = Bound::AtMost(AUTHENTICATED_COST_MAX);
        bench.table.add(row.ratio(cost).bound("≤ 1.1 times the cost", bound, cost));
    }
    servers.into_iter().try_for_each(|(server, _)| server.stop())
}

/// Posts as usual and while others sign in, without a limit on how often they may.
fn logins(bench: &mut Bench) -> anyhow::Result<()> {
    let data = bench.data("logins");
    let server = bench.start_with(&data, &DEFAULT_COST)?;
    let scene = Scene::set(&mut Client::open(server.address())?, bench.scale.dialogs)?;
    let posts = bench.plan(&server, POSTERS, scene.posts());
    let posts = Plan { measure_ms: posts.measure_ms / 2, ..posts };
    let calls = (0..scene.people.len()).map(login).collect();
    let signing_in = beside(&posts, 64, Work::Paced { calls, per_second: LOGINS });
    bench.load("posts, warming up", &posts)?;
    let (mut usual, mut during, mut ratios, mut hashed, mut refused) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..bench.scale.rounds {
        let before = bench.load("posts without sign-ins", &posts)?;
        let (report, aside) = both(&posts, &signing_in)?;
        bench.notice("posts beside sign-ins", &report);
        bench.notice("sign-ins", &aside);
        ratios.push(report.latency.p99 / before.latency.p99.max(1.0));
        usual.push(before.latency.p99);
        during.push(report.latency.p99);
        hashed.push((aside.requests - aside.refused) as f64 / aside.seconds);
        refused.push(aside.refused as f64 / aside.seconds);
    }
    let [usual, during] = [usual, during].map(|micros| millis(median(micros)));
    let [hashed, refused] = [hashed, refused].map(|rates| count(median(rates)));
    let ratio = median(ratios);
    let figure = format!("{during}, usually {usual}; {hashed}/s signed in, {refused}/s refused");
    let row = Row::report(format!("p99 of posts while {LOGINS} sign-ins/s are tried"), figure).ratio(ratio);
    bench.table.add(row.bound("< 1.5 times the usual", Bound::AtMost(LOGINS_COST_MAX), ratio));
    server.stop()
}

fn login(number: usize) -> Call {
    let user = json!({"login": format!("member{number}"), "password": PASSWORD});
    let body = json!({"application_id": APPLICATION, "auth_key": AUTH_KEY, "user": user});
    Call::post("/session", body.to_string())
}

/// A well-behaved client as usual, beside bad tokens, and beside somebody over his limit.
fn floods(bench: &mut Bench) -> anyhow::Result<()> {
    let (data, people) = bench.populated("floods", WELL_BEHAVED + 1)?;
    let server = bench.start_with(&data, &FLOODED)?;
    let (greedy, people) = people.split_first().context("nobody is there")?;
    let mut client = Client::open(server.address())?;
    let page = pages(&mut client, people)?;
    let usual = bench.plan(&server, CONNECTIONS, Work::Again { calls: page.clone() });
    let usual = Plan { measure_ms: usual.measure_ms / 2, ..usual };
    let bad = (0..BAD_TOKENS).map(|number| Call::get(page[0].path.clone(), &format!("{number:040x}")));
    let floods = [
        ("bad tokens", bad.collect::<Vec<_>>()),
        (
            "requests over a session's limit",
            vec![Call::get("/chat/Dialog?limit=1".to_owned(), &greedy.token)],
        ),
    ];
    let floods = floods
        .map(|(name, calls)| (name, beside(&usual, CONNECTIONS, Work::Paced { calls, per_second: FLOOD })));
    bench.load("a well-behaved client, warming up", &usual)?;
    let (mut shares, mut rates) = ([vec![], vec![]], [vec![], vec![]]);
    for _ in 0..bench.scale.rounds {
        let alone = bench.load("a well-behaved client", &usual)?;
        for (place, (name, flood)) in floods.iter().enumerate() {
            let (report, aside) = both(&usual, flood)?;
            bench.notice("a well-behaved client beside a flood", &report);
            bench.notice(name, &aside);
            shares[place].push(report.rate() / alone.rate().max(1.0));
            rates[place].push(aside.refused as f64 / aside.seconds);
        }
    }
    for (place, (name, _)) in floods.iter().enumerate() {
        let [share, rate] = [&shares[place], &rates[place]].map(|figures| median(figures.iter().copied()));
        let row = Row::report(
            format!("a well-behaved client beside {name}"),
            format!("{} refused", per_second(rate)),
        );
        let words = "≥ 0.5 of its usual rate";
        bench.table.add(row.ratio(share).bound(words, Bound::AtLeast(FLOODED_SHARE_MIN), share));
    }
    server.stop()
}

/// A page of a dialog of his own for each of these people.
fn pages(client: &mut Client, people: &[User]) -> anyhow::Result<Vec<Call>> {
    let mut pages = vec![];
    for (number, person) in people.iter().enumerate() {
        let dialog = client.group(&format!("dialog {number}"), std::slice::from_ref(person))?;
        let said = json!({"chat_dialog_id": dialog, "message": "the honourable member has the floor"});
        for _ in 0..5 {
            client.json("POST", "/chat/Message", &person.token, &said)?;
        }
        let path = format!("/chat/Message?chat_dialog_id={dialog}&limit={PAGE}&mark_as_read=0");
        pages.push(Call::get(path, &person.token));
    }
    Ok(pages)
}

/// What goes on beside a load, from before its start to its end.
fn beside(load: &Plan, connections: usize, work: Work) -> Plan {
    let before = u64::try_from(BEFORE.as_millis()).unwrap_or(0);
    Plan { connections, warm_up_ms: load.warm_up_ms + before, work, ..load.clone() }
}

/// A load, and what goes on beside it.
fn both(load: &Plan, aside: &Plan) -> anyhow::Result<(Report, Report)> {
    thread::scope(|scope| {
        let beside = scope.spawn(|| server::load(aside));
        thread::sleep(BEFORE);
        let report = server::load(load)?;
        let beside = beside.join().map_err(|_| anyhow!("the load's thread ended badly"))??;
        Ok((report, beside))
    })
}
