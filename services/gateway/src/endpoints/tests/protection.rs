//! Who asks too often: what he is told, and that it is nobody else's trouble.

use std::net::IpAddr;
use std::time::Duration;

use serde_json::{Value, json};

use crate::testing::chat::{AUTH_KEY, Answer, Chat, PASSWORD};
use crate::{Protection, Rate, Rates};

const HOME: &str = "192.0.2.1";
const ELSEWHERE: &str = "192.0.2.2";
/// What nobody has.
const NO_TOKEN: &str = "0123456789abcdef0123456789abcdef01234567";

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// A chat with those limits and no others.
fn limited(rates: Rates) -> Chat {
    Chat::with(1, |parts| parts.protection = Protection::new(&rates, parts.clock.clone()))
}

fn rate(per_second: f64, burst: u32) -> Rate {
    Rate { per_second, burst }
}

fn none() -> Rates {
    Rates { keys_max: 1_000, ..Rates::NONE }
}

fn opening(user: Value) -> Value {
    json!({ "application_id": 77, "auth_key": AUTH_KEY, "user": user })
}

fn told(answer: &Answer) -> [Option<&str>; 4] {
    ["retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"]
        .map(|name| answer.header(name))
}

#[tokio::test]
async fn a_session_has_its_rate_and_every_answer_tells_it() {
    let chat = limited(Rates { session: rate(2.0, 3), ..none() });
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let first = alice.get("/chat/Dialog").await;
    assert_eq!((first.status, told(&first)), (200, [None, Some("3"), Some("2"), Some("1")]));
    // What is refused for another reason counts as well.
    assert_eq!(alice.get("/chat/Message").await.status, 422);
    assert_eq!(alice.get("/session").await.status, 200);
    let refused = alice.get("/chat/Dialog").await;
    assert_eq!(refused.to_string(), r#"429 {"errors":["Too many requests"]}"#);
    assert_eq!(told(&refused), [Some("1"), Some("3"), Some("0"), Some("1")]);
    assert_eq!(bob.get("/chat/Dialog").await.status, 200);
    let again = chat.session(domain::UserId::new(alice.id)).await;
    assert_eq!(again.get("/chat/Dialog").await.status, 200, "another session is another bucket");
    chat.hands.advance(Duration::from_millis(500));
    assert_eq!(alice.get("/chat/Dialog").await.status, 200);
    assert_eq!(alice.get("/chat/Dialog").await.status, 429);
}

#[tokio::test]
async fn a_refused_request_does_nothing() {
    let chat = limited(Rates { session: rate(1.0, 2), ..none() });
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    alice.write(&dialog, "first").await;
    let body = json!({ "chat_dialog_id": dialog, "message": "second" });
    assert_eq!(alice.post("/chat/Message", body).await.status, 429);
    chat.hands.advance(Duration::from_secs(10));
    assert_eq!(alice.texts(&dialog).await, ["first"]);
}

#[tokio::test]
async fn an_address_has_its_rate_of_sign_ins_and_of_sign_ups() {
    let rates = Rates { sign_in: rate(1.0, 2), sign_up: rate(0.5, 1), ..none() };
    let chat = limited(rates);
    chat.user("alice").await;
    let home = chat.stranger("").at(ip(HOME));
    let sign_in = opening(json!({ "login": "alice", "password": PASSWORD }));
    for _ in 0..2 {
        assert_eq!(home.post("/session", sign_in.clone()).await.status, 201);
    }
    let refused = home.post("/session", sign_in.clone()).await;
    assert_eq!(refused.to_string(), r#"429 {"errors":["Too many requests"]}"#);
    assert_eq!(told(&refused), [Some("1"), Some("2"), Some("0"), Some("1")]);
    assert_eq!(chat.stranger("").at(ip(ELSEWHERE)).post("/session", sign_in.clone()).await.status, 201);

    let key = home.with("cb-authkey", AUTH_KEY);
    let sign_up = |login| json!({ "user": { "login": login, "password": PASSWORD } });
    let made = key.post("/users", sign_up("bobby")).await;
    assert_eq!((made.status, made.header("ratelimit-limit")), (201, Some("1")));
    assert_eq!(key.post("/users", sign_up("carol")).await.status, 429);
    chat.hands.advance(Duration::from_secs(2));
    assert_eq!(key.post("/users", sign_up("carol")).await.status, 201);
    assert_eq!(home.post("/session", sign_in).await.status, 201);
}

#[tokio::test]
async fn a_network_of_ipv6_is_one_address() {
    let chat = limited(Rates { sign_in: rate(1.0, 1), ..none() });
    let open = async |address| {
        let answer = chat.stranger("").at(ip(address)).post("/session", opening(Value::Null)).await;
        answer.status
    };
    assert_eq!(open("2001:db8::1").await, 201);
    assert_eq!(open("2001:db8::2").await, 429);
    assert_eq!(open("2001:db8:0:1::1").await, 201);
}

#[tokio::test]
async fn whoever_shows_bad_tokens_is_not_looked_up_and_those_who_are_known_go_on() {
    let chat = limited(Rates { bad_token: rate(1.0, 3), ..none() });
    let alice = chat.user("alice").await.at(ip(HOME));
    let stranger = chat.stranger(NO_TOKEN).at(ip(HOME));
    for _ in 0..3 {
        assert_eq!(stranger.get("/chat/Dialog").await.status, 401);
    }
    let refused = stranger.get("/chat/Dialog").await;
    assert_eq!(refused.to_string(), r#"429 {"errors":["Too many requests"]}"#);
    assert_eq!(told(&refused), [Some("1"), Some("3"), Some("0"), Some("1")]);
    assert_eq!(chat.stranger("no token at all").at(ip(HOME)).get("/session").await.status, 429);
    for _ in 0..10 {
        assert_eq!(alice.get("/chat/Dialog").await.status, 200);
    }
    assert_eq!(chat.stranger(NO_TOKEN).at(ip(ELSEWHERE)).get("/chat/Dialog").await.status, 401);
    chat.hands.advance(Duration::from_secs(1));
    assert_eq!(stranger.get("/chat/Dialog").await.status, 401);
    assert_eq!(stranger.get("/chat/Dialog").await.status, 429);
}

#[tokio::test]
async fn somebody_without_a_token_is_told_so_however_often() {
    let chat = limited(Rates { bad_token: rate(1.0, 3), ..none() });
    for _ in 0..10 {
        assert_eq!(chat.stranger("").at(ip(HOME)).get("/chat/Dialog").await.status, 401);
    }
}
