//! A user of very many dialogs: his list, a part of it, and what is unread in all of them.

use super::{Bench, growth, per_second};
use crate::client::User;
use crate::load::{Call, Plan, Work};
use crate::server::Server;
use crate::table::{Bound, Row, count, millis};

/// The longest that 99 of 100 lists, and 99 of 100 counts, may take: milliseconds.
const LIST_MS_MAX: f64 = 40.0;
const UNREAD_MS_MAX: f64 = 30.0;
/// What a filtered list may cost of a whole one.
const FILTER_COST_MAX: f64 = 2.0;
/// Filters that every dialog passes, so that nothing is saved by what they leave out.
const FILTERS: &str = "&type[in]=2,3&updated_at[gt]=1";

/// The lists of the grown store.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let store = growth::store(bench)?;
    let server = bench.start(&store.data)?;
    rows(bench, "", &server, &store.people)?;
    server.stop()
}

/// The rows of a deployment that `server` is the gateway of; the last but one of `people` is in many dialogs.
pub(super) fn rows(bench: &mut Bench, prefix: &str, server: &Server, people: &[User]) -> anyhow::Result<()> {
    let hoarder = &people[people.len().saturating_sub(2)];
    let [own, all] = [bench.scale.hoarded_dialogs, bench.scale.wide_dialogs].map(|n| count(f64::from(n)));
    let plan = |bench: &Bench, path: &str| {
        let calls = vec![Call::get(path.to_owned(), &hoarder.token)];
        let plan = bench.plan(server, 1, Work::Again { calls });
        Plan { measure_ms: plan.measure_ms / 2, ..plan }
    };
    let list = "/chat/Dialog?limit=100";
    let plans = [plan(bench, list), plan(bench, &format!("{list}{FILTERS}"))];
    let compared = bench.compare("lists of many dialogs", &plans)?;
    for (place, what) in [(0, "GET /chat/Dialog?limit=100"), (1, "  the same filtered")] {
        let latency = compared.latency(place);
        let figure = format!("p50 {}, p99 {}", millis(latency.p50), millis(latency.p99));
        let row = Row::report(format!("{prefix}{what} of {own} among {all}"), figure);
        bench.table.add(match place {
            0 => row.bound("p99 ≤ 40 ms", Bound::AtMost(LIST_MS_MAX), latency.p99 / 1e3),
            _ => {
                let cost = compared.of_other(0, 1);
                row.ratio(cost).bound("≤ 2 times the cost", Bound::AtMost(FILTER_COST_MAX), cost)
            }
        });
    }
    let compared = bench.compare("unread of many dialogs", &[plan(bench, "/chat/Message/unread")])?;
    let latency = compared.latency(0);
    let rate = per_second(compared.rate(0));
    let figure = format!("p50 {}, p99 {}, {rate}", millis(latency.p50), millis(latency.p99));
    let row = Row::report(format!("{prefix}unread in all of {own} dialogs"), figure);
    bench.table.add(row.bound("p99 ≤ 30 ms", Bound::AtMost(UNREAD_MS_MAX), latency.p99 / 1e3));
    Ok(())
}
