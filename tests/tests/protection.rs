//! Nobody takes what is everybody's: rates, guessed passwords, slow and broken clients.
//!
//! All clients here are one machine. Where several addresses are needed, the machine is a
//! proxy that the chat trusts, and says so in `X-Forwarded-For`.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, each_engines, proves, proves_all};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const HOME: &str = "192.0.2.1";
const ATTACKER: &str = "198.51.100.66";
/// So slow that a bucket never fills again while a test runs.
const NEVER: &str = "0.0001";

/// An answer to whoever asks too often.
#[track_caller]
fn is_over_the_rate(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.text());
    assert_eq!(answer.json(), json!({ "errors": ["Too many requests"] }));
    let seconds: u64 = answer.header("Retry-After").parse().expect("it says when to ask again");
    assert!(seconds > 0);
    let told = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"].map(|name| answer.header(name));
    assert!(told[0].parse::<u32>().is_ok() && told[1] == "0" && told[2] == seconds.to_string(), "{told:?}");
}

fn from(request: RequestBuilder, address: &str) -> RequestBuilder {
    request.header("X-Forwarded-For", address)
}

async fn sign_in_from(chat: &Chat, address: &str, password: &str) -> Answer {
    Answer::to(from(chat.signing_in("alice", password), address)).await
}

/// Ask as often as is allowed; the answer to the one that is too many.
async fn asks_until_refused(person: &Person) -> Answer {
    for _ in 0..1_000 {
        let answer = person.get("chat/Dialog").await;
        if answer.status != 200 {
            return answer;
        }
    }
    panic!("nobody says no");
}

#[tokio::test]
async fn a_session_that_asks_too_often_waits_and_others_do_not() {
    let setup =
        |topology| Setup::of(topology).with("protection.session_rate", 1).with("protection.session_burst", 5);
    each_engines(setup, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let first = alice.get("chat/Dialog").await.is(200);
        assert_eq!((first.header("RateLimit-Limit"), first.header("RateLimit-Remaining")), ("5", "4"));
        let refused = asks_until_refused(&alice).await;
        is_over_the_rate(&refused);
        proves_all(["R-ERROR-020", "R-ERROR-021"]);
        bob.get("chat/Dialog").await.is(200);
        let seconds = refused.header("Retry-After").parse().expect("seconds");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        alice.get("chat/Dialog").await.is(200);
        proves("R-LIMIT-030");
    })
    .await;
}

#[tokio::test]
async fn an_address_signs_in_and_signs_up_at_its_rate() {
    let setup = |topology| {
        let setup =
            Setup::of(topology).with("protection.sign_in_rate", NEVER).with("protection.sign_up_rate", NEVER);
        setup.with("protection.sign_in_burst", 3).with("protection.sign_up_burst", 2)
    };
    each_engines(setup, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        // A header that anybody can write changes nothing.
        sign_in_from(&chat, HOME, "wrong password").await.is(401);
        for address in [HOME, ATTACKER, "10.0.0.1, 192.0.2.9"] {
            is_over_the_rate(&sign_in_from(&chat, address, "wrong password").await);
        }
        proves("R-LIMIT-031");
        let body = json!({ "user": { "login": "carol", "password": "correct horse battery" } });
        is_over_the_rate(&alice.post_to("users", &body).await);
        proves("R-LIMIT-032");
        // Sessions go on.
        let dialog = alice.create_group("lobby", [&bob]).await;
        bob.post(&dialog, "hello").await;
    })
    .await;
}

#[tokio::test]
async fn behind_a_proxy_every_client_is_its_own_address() {
    let setup = |topology| {
        let setup =
            Setup::of(topology).with("protection.sign_in_rate", NEVER).with("protection.sign_in_burst", 2);
        setup.with("server.trusted_proxies", "127.0.0.0/8")
    };
    each_engines(setup, async |chat: Chat| {
        chat.users(["alice"]).await;
        for address in [HOME, ATTACKER, "10.0.0.1, 192.0.2.9"] {
            for _ in 0..2 {
                sign_in_from(&chat, address, "wrong password").await.is(401);
            }
            is_over_the_rate(&sign_in_from(&chat, address, "wrong password").await);
        }
        // What stands before the address that the proxy has seen is the client's own invention.
        is_over_the_rate(&sign_in_from(&chat, &format!("203.0.113.5, {ATTACKER}"), "wrong password").await);
    })
    .await;
}

#[tokio::test]
async fn guessing_slows_strangers_and_not_the_owner() {
    let setup = |topology| {
        Setup::of(topology).with("protection.failures_max", 5).with("server.trusted_proxies", "127.0.0.0/8")
    };
    each_engines(setup, async |chat: Chat| {
        let alice = chat.user("alice").await;
        sign_in_from(&chat, HOME, "correct horse battery").await.is(201);
        for _ in 0..5 {
            sign_in_from(&chat, ATTACKER, "guessed password").await.is(401);
        }
        // From now on strangers wait first, each for himself: how long is told.
        let refused = sign_in_from(&chat, "198.51.100.67", "guessed password").await.is(429);
        assert_eq!(refused.json(), json!({ "errors": ["Too many requests"] }));
        assert!(!refused.header("Retry-After").is_empty());
        // Not even with the right one: nothing is learnt from being made to wait.
        sign_in_from(&chat, "198.51.100.68", "correct horse battery").await.is(429);
        // Nor under another spelling.
        let shouted = chat.signing_in(" ALICE ", "guessed password");
        Answer::to(from(shouted, "198.51.100.69")).await.is(429);
        // The owner makes a typing error, comes in, and his session has never noticed.
        sign_in_from(&chat, HOME, "correct horse batery").await.is(401);
        sign_in_from(&chat, HOME, "correct horse battery").await.is(201);
        alice.get("chat/Dialog").await.is(200);
        // At a new place he waits for once.
        let elsewhere = "203.0.113.7";
        let wait = sign_in_from(&chat, elsewhere, "correct horse battery").await.is(429);
        let seconds = wait.header("Retry-After").parse().expect("seconds");
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        sign_in_from(&chat, elsewhere, "correct horse battery").await.is(201);
        sign_in_from(&chat, elsewhere, "correct horse battery").await.is(201);
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_bad_tokens_is_not_looked_up_and_nobody_else_notices() {
    let setup = |topology| {
        let setup = Setup::of(topology).with("protection.bad_token_rate", NEVER);
        setup.with("protection.bad_token_burst", 10)
    };
    each_engines(setup, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let unknown = "0123456789abcdef0123456789abcdef01234567";
        let ask = || chat.api().request(Method::GET, "chat/Dialog").header("CB-Token", unknown);
        for _ in 0..10 {
            Answer::to(ask()).await.is(401);
        }
        for _ in 0..10 {
            is_over_the_rate(&Answer::to(ask()).await);
        }
        let dialog = alice.create_group("lobby", [&bob]).await;
        bob.post(&dialog, "hello").await;
        chat.sign_in("alice").await.get("chat/Dialog").await.is(200);
    })
    .await;
}

/// All that comes back for `written` until the server closes, also if it does so rudely.
async fn answered(address: SocketAddr, written: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    // It may close before all of it is written.
    let _ = stream.write_all(written).await;
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn slow_and_broken_clients_are_let_go() {
    let setup = |topology| {
        Setup::of(topology).with("server.head_time_max", "2s").with("server.request_time_max", "5s")
    };
    each_engines(setup, async |chat: Chat| {
        let [alice] = chat.users(["alice"]).await;
        let address = chat.api().address();
        let head = format!("Host: h\r\nCB-Token: {}\r\n", alice.token());
        // A head, and a body, that never end.
        assert_eq!(answered(address, b"GET /chat/Dialog HTTP/1.1\r\nHost: h\r\n").await, "");
        let slow = format!("POST /chat/Dialog HTTP/1.1\r\n{head}Content-Length: 100\r\n\r\n{{");
        let answer = answered(address, slow.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 503") && answer.contains("{\"errors\":["), "{answer}");
        // Headers without an end.
        let bomb = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(40 * 1024));
        let answer = answered(address, bomb.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("{\"errors\":["), "{answer}");
        let bomb = format!("GET / HTTP/1.1\r\nHost: h\r\n{}", "X: x\r\n".repeat(1_000_000));
        let answer = answered(address, bomb.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
        // Good requests with garbage behind them: what was good is answered, once.
        let good = format!("GET /chat/Dialog HTTP/1.1\r\n{head}\r\n");
        let answer =
            answered(address, format!("{good}{good}\u{1}\u{2} / HTTP/9\r\n\r\n{good}").as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 200").count(), 2, "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 400").count(), 1, "{answer}");
        assert_eq!(alice.dialogs().await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn every_answer_is_careful() {
    each_engines(Setup::of, async |chat: Chat| {
        let [alice] = chat.users(["alice"]).await;
        for answer in [alice.get("session").await.is(200), alice.get("nowhere").await.is(404)] {
            assert_eq!(answer.header("X-Content-Type-Options"), "nosniff");
            assert_eq!(answer.header("Referrer-Policy"), "no-referrer");
            assert_eq!(answer.header("Cache-Control"), "no-store");
            assert!(answer.header("Content-Security-Policy").starts_with("default-src 'none'"));
            assert_eq!(answer.header("Strict-Transport-Security"), "", "nothing is encrypted here");
        }
    })
    .await;
}
