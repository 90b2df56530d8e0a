//! The load against a chat of one dialog, an honest one and one that forgets.

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use tokio::net::TcpListener;

use super::*;

/// A chat of one dialog, as far as a load looks at it.
#[derive(Debug, Default)]
struct Fake {
    messages: Mutex<Vec<String>>,
    /// Whether a post is answered and then not kept.
    forgets: bool,
    calls: AtomicU64,
}

impl Fake {
    /// Serves as long as the set lives.
    async fn start(self) -> (SocketAddr, Arc<Self>, JoinSet<std::io::Result<()>>) {
        let fake = Arc::new(self);
        let router = Router::new()
            .route("/chat/Message", axum::routing::get(list).post(post))
            .fallback(async || (StatusCode::NOT_FOUND, "nowhere"))
            .with_state(Arc::clone(&fake));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut serving = JoinSet::new();
        serving.spawn(async { axum::serve(listener, router).await });
        (address, fake, serving)
    }
}

async fn post(State(fake): State<Arc<Fake>>) -> (StatusCode, String) {
    let id = format!("{:024x}", fake.calls.fetch_add(1, Ordering::Relaxed));
    if !fake.forgets {
        fake.messages.lock().unwrap().push(id.clone());
    }
    (StatusCode::CREATED, format!(r#"{{"_id":"{id}"}}"#))
}

async fn list(State(fake): State<Arc<Fake>>, RawQuery(query): RawQuery) -> String {
    fake.calls.fetch_add(1, Ordering::Relaxed);
    let query = query.unwrap_or_default();
    let number = |name: &str| {
        let value = query.split('&').find_map(|pair| pair.strip_prefix(name));
        value.and_then(|value| value.parse().ok()).unwrap_or(0)
    };
    let messages = fake.messages.lock().unwrap();
    let page = messages.iter().rev().skip(number("skip=")).take(number("limit="));
    let items: Vec<String> = page.map(|id| format!(r#"{{"_id":"{id}"}}"#)).collect();
    format!(r#"{{"items":[{}]}}"#, items.join(","))
}

fn plan(address: SocketAddr, work: Work) -> Plan {
    Plan { address, connections: 4, warm_up_ms: 0, measure_ms: 150, work }
}

fn posts() -> Work {
    let seat = |number| Seat {
        dialog: format!("{number:024}"),
        token: "author".to_owned(),
        witness: "witness".to_owned(),
    };
    Work::Post { seats: (0..3).map(seat).collect(), check_every: 10, verify: true }
}

#[tokio::test]
async fn every_post_looked_for_is_seen() {
    let (address, fake, _serving) = Fake::default().start().await;
    let report = drive(plan(address, posts())).await.unwrap();
    assert_eq!((report.failures, report.unseen, report.first_failure), (0, 0, None));
    assert!(report.checks > 0 && report.requests > report.checks * 5);
    assert!(report.requests <= fake.messages.lock().unwrap().len() as u64);
    assert!(report.latency.p50 > 0.0 && report.latency.p50 <= report.latency.max);
}

#[tokio::test]
async fn a_server_that_forgets_is_found_out() {
    let (address, _fake, _serving) = Fake { forgets: true, ..Fake::default() }.start().await;
    let report = drive(plan(address, posts())).await.unwrap();
    assert!(report.unseen > 0);
    assert_eq!(report.unseen, report.checks);
}

#[tokio::test]
async fn each_call_is_asked_once_and_refusals_are_counted() {
    let (address, fake, _serving) = Fake::default().start().await;
    let good = Call::get("/chat/Message?limit=1".to_owned(), "t");
    let bad = Call::get("/elsewhere".to_owned(), "t");
    let calls = [vec![good; 50], vec![bad; 3]].concat();
    let plan = plan(address, Work::Each { calls }).with_time(60_000);
    let report = drive(plan).await.unwrap();
    assert_eq!(fake.calls.load(Ordering::Relaxed), 50);
    assert_eq!((report.requests, report.failures), (50, 3));
    assert_eq!(report.first_failure.as_deref(), Some("status 404: nowhere"));
}

#[tokio::test]
async fn a_pace_is_kept_and_a_refusal_is_an_answer() {
    let (address, fake, _serving) = Fake::default().start().await;
    let good = Call::get("/chat/Message?limit=1".to_owned(), "t");
    let calls = vec![good, Call::get("/elsewhere".to_owned(), "t")];
    let report = drive(plan(address, Work::Paced { calls, per_second: 100.0 })).await.unwrap();
    // Those that are due within the 150 ms, however late a slow machine comes to them.
    assert!((1..=15).contains(&report.requests), "{report:?}");
    assert_eq!((report.failures, report.first_failure), (0, None));
    assert!(report.refused <= report.requests.div_ceil(2));
    assert!(fake.calls.load(Ordering::Relaxed) <= 8);
}

#[tokio::test]
async fn the_null_handler_answers_with_the_bytes_asked_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut servers = JoinSet::new();
    servers.spawn(crate::null::serve(listener, 400, 7_000));
    let work = Work::Post {
        seats: vec![Seat { dialog: "d".to_owned(), token: "t".to_owned(), witness: "w".to_owned() }],
        check_every: 10,
        verify: false,
    };
    let report = drive(plan(address, work)).await.unwrap();
    assert_eq!((report.answer_bytes, report.check_bytes, report.failures), (400, 7_000, 0));
}

#[test]
fn every_connection_has_a_seat() {
    let Work::Post { seats, .. } = posts() else { panic!("posts") };
    let dialogs = |number, connections| -> Vec<String> {
        own(&seats, number, connections)
            .iter()
            .map(|seat| seat.dialog.trim_start_matches('0').to_owned())
            .collect()
    };
    assert_eq!(dialogs(0, 2), ["", "2"]);
    assert_eq!(dialogs(1, 2), ["1"]);
    assert_eq!(dialogs(5, 8), ["2"]);
}
