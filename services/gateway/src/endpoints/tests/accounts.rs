//! What people do with their accounts, as far as it takes a clock in hand or a look behind the
//! API; the rest is told in `tests/`.

use std::time::Duration;

use domain::Time;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use runtime::config::Secret;
use serde_json::{Value, json};
use sha1::Sha1;

use crate::testing::chat::{AUTH_KEY, AUTH_SECRET, Chat, PASSWORD, Person};
use crate::{Key, Keys};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn opening(user: Value) -> Value {
    json!({"application_id": 77, "auth_key": AUTH_KEY, "user": user})
}

#[tokio::test]
async fn a_guest_is_shown_with_a_second_id_and_lives_a_day() {
    let chat = Chat::new();
    let opened =
        chat.stranger("").post("/session", opening(json!({"guest": true, "full_name": "Bob"}))).await;
    insta::assert_snapshot!(opened.pretty(), @r#"
    201 {
      "session": {
        "id": 1,
        "user_id": 1,
        "application_id": 77,
        "token": "e9e0c207865f7e24e8349d4ecdbc8b0f46328424",
        "ts": 1700000000,
        "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z",
        "user": {
          "id": 1,
          "_id": "6553f1000000000000000001",
          "full_name": "Bob",
          "email": null,
          "login": "guest_login_eac77cf6aadcb68b02aae2758cfecf15e97a8413",
          "phone": null,
          "website": null,
          "created_at": "2023-11-14T22:13:20Z",
          "updated_at": "2023-11-14T22:13:20Z",
          "last_request_at": "2023-11-14T22:13:20Z",
          "external_user_id": null,
          "external_id": null,
          "facebook_id": null,
          "twitter_id": null,
          "blob_id": null,
          "custom_data": null,
          "avatar": null,
          "user_tags": null,
          "timezone": null,
          "is_guest": true
        }
      }
    }
    "#);
    let guest = chat.stranger(opened.json()["session"]["token"].as_str().unwrap());
    chat.hands.advance(HOUR * 24 - Duration::from_secs(1));
    assert_eq!(guest.get("/session").await.status, 200, "a day, however little he does");
    chat.hands.advance(Duration::from_secs(1));
    assert_eq!(guest.get("/session").await.status, 401, "a day, however much he does");
}

/// What is signed for a session at that second, and its signature.
fn signed(timestamp: u64) -> Value {
    signed_with(AUTH_SECRET, timestamp)
}

fn signed_with(secret: &str, timestamp: u64) -> Value {
    let text = format!("application_id=77&auth_key={AUTH_KEY}&timestamp={timestamp}");
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).unwrap();
    let digest = mac.chain_update(text).finalize().into_bytes();
    let signature: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"application_id": 77, "auth_key": AUTH_KEY, "timestamp": timestamp, "signature": signature})
}

#[tokio::test]
async fn a_signature_is_good_for_two_hours_and_once() {
    let chat = Chat::new();
    let nobody = chat.stranger("");
    let hours = 60 * 60;
    let now = 1_700_000_000;
    for (timestamp, status) in [
        (now - 2 * hours, 201),
        (now - 2 * hours - 1, 422),
        (now + 2 * hours, 201),
        (now + 2 * hours + 1, 422),
    ] {
        assert_eq!(nobody.post("/session", signed(timestamp)).await.status, status, "{timestamp}");
    }
    for _ in 0..2 {
        let refused = nobody.post("/session", signed(now + 2 * hours)).await;
        assert_eq!(refused.to_string(), r#"401 {"errors":["The signature has been used already"]}"#);
        chat.hands.advance(HOUR * 2);
    }
    chat.hands.advance(Duration::from_secs(1));
    assert_eq!(nobody.post("/session", signed(now + 2 * hours)).await.status, 422, "its time is over");

    let unset = Key { auth_key: AUTH_KEY.to_owned().into(), auth_secret: Secret::default(), until: None };
    let chat = Chat::with(1, |parts| parts.application.keys = Keys::new(vec![unset]));
    let refused = chat.stranger("").post("/session", signed(now)).await;
    assert_eq!(
        refused.to_string(),
        r#"422 {"errors":{"signature":["cannot be verified: the application has no secret"]}}"#
    );
}

#[tokio::test]
async fn clients_with_the_credentials_of_before_go_on_until_their_time_is_over() {
    let chat = Chat::new();
    let (nobody, now) = (chat.stranger(""), chat.edge.clock.now());
    let key = |auth_key: &str, auth_secret: &str, until| Key {
        auth_key: auth_key.to_owned().into(),
        auth_secret: auth_secret.to_owned().into(),
        until,
    };
    let until = Some(Time(now.0 + 60 * 60 * 1_000));
    let keys = vec![key("the-new-key", "the-new-secret", None), key(AUTH_KEY, AUTH_SECRET, until)];
    chat.edge.application.keys.replace(keys);
    let plain = |key: &str| json!({"application_id": 77, "auth_key": key});
    assert_eq!(nobody.post("/session", signed(1_700_000_000)).await.status, 201);
    assert_eq!(nobody.post("/session", signed_with("the-new-secret", 1_700_000_000)).await.status, 201);
    assert_eq!(nobody.post("/session", signed_with("another", 1_700_000_000)).await.status, 401);
    assert_eq!(nobody.post("/session", plain(AUTH_KEY)).await.status, 201);
    chat.hands.advance(HOUR);
    assert_eq!(nobody.post("/session", plain(AUTH_KEY)).await.status, 401);
    assert_eq!(nobody.post("/session", signed(1_700_000_001)).await.status, 401);
    assert_eq!(nobody.post("/session", plain("the-new-key")).await.status, 201);
}

async fn with_email(chat: &Chat) -> Person {
    let alice = chat.user("alice").await;
    let changed = alice.put("/users", json!({"user": {"email": "alice@chat.example"}})).await;
    assert_eq!(changed.status, 200, "{changed}");
    alice
}

async fn sign_in(chat: &Chat, password: &str) -> u16 {
    chat.stranger("").post("/session", opening(json!({"login": "alice", "password": password}))).await.status
}

#[tokio::test]
async fn the_token_of_a_mail_sets_a_new_password_once() {
    let chat = Chat::new();
    let alice = with_email(&chat).await;
    let (nobody, now) = (chat.stranger(""), chat.edge.clock.now());
    let begun = chat.edge.identity.begin_reset("ALICE@chat.example", [7; 20], now).await.unwrap();
    assert_eq!(begun.map(|user| user.id.get()), Some(alice.id));
    let new = "an entirely new one";
    let finishing = |password: &str| json!({"reset_token": "07".repeat(20), "password": password});
    let short = nobody.put("/users/password", finishing("short")).await;
    assert_eq!(
        short.to_string(),
        r#"422 {"errors":{"password":["is too short (minimum is 8 characters)"]}}"#
    );
    assert_eq!((sign_in(&chat, PASSWORD).await, alice.get("/session").await.status), (201, 200));
    assert_eq!(nobody.put("/users/password", finishing(new)).await.to_string(), "200 ");
    assert_eq!((sign_in(&chat, PASSWORD).await, sign_in(&chat, new).await), (401, 201));
    assert_eq!(alice.get("/session").await.status, 401, "whoever had his sessions has them no more");
    let again = nobody.put("/users/password", finishing("yet another one")).await;
    assert_eq!(again.to_string(), r#"422 {"errors":{"reset_token":["is invalid or has expired"]}}"#);
    assert_eq!(sign_in(&chat, new).await, 201);
}

#[tokio::test]
async fn the_token_of_a_mail_is_good_for_an_hour() {
    let chat = Chat::new();
    with_email(&chat).await;
    let now = chat.edge.clock.now();
    chat.edge.identity.begin_reset("alice@chat.example", [7; 20], now).await.unwrap();
    chat.hands.advance(HOUR);
    let late = json!({"reset_token": "07".repeat(20), "password": "an entirely new one"});
    assert_eq!(chat.stranger("").put("/users/password", late).await.status, 422);
    assert_eq!(sign_in(&chat, PASSWORD).await, 201);
}

#[tokio::test]
async fn resets_that_nobody_looks_after_are_refused_in_the_end() {
    let chat = Chat::new();
    let application = chat.session(None).await;
    let mut statuses = vec![];
    for _ in 0..1_001 {
        let asked = application.post("/users/password/reset", json!({"email": "a@chat.example"})).await;
        statuses.push(asked.status);
    }
    assert_eq!((statuses[0], statuses[999], statuses[1_000]), (200, 200, 503));
    let long = json!({"email": "x".repeat(255)});
    let asked = application.post("/users/password/reset", long).await;
    assert_eq!(asked.status, 200, "nobody has it, so nothing waits");
}

#[tokio::test]
async fn two_first_sign_ins_at_once_are_one_user() {
    let chat = Chat::new();
    let nobody = chat.stranger("");
    let body = opening(json!({"login": "bob", "password": PASSWORD}));
    let asked = (0..8).map(|_| nobody.post("/session", body.clone()));
    let opened = futures::future::join_all(asked).await;
    let users = opened.iter().map(|opened| opened.json()["session"]["user_id"].clone());
    assert!(users.into_iter().all(|user| user == opened[0].json()["session"]["user_id"]), "{opened:?}");
}

#[tokio::test]
async fn a_session_is_switched_in_json_and_in_a_form() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let application = chat.session(None).await;
    let body = json!({"login": "alice", "password": PASSWORD});
    for _ in 0..2 {
        let answer = application.post("/login.json", body.clone()).await;
        assert_eq!((answer.status, &answer.json()["user"]["id"]), (202, &json!(alice.id)));
    }
    assert_eq!(application.delete("/login").await.to_string(), "200 ");
    assert_eq!(application.get("/chat/Dialog").await.status, 403);
    let form = format!("login=alice&password={PASSWORD}");
    assert_eq!(application.send(Method::POST, "/login", form).await.status, 202);
    assert_eq!(application.get("/chat/Dialog").await.status, 200);
}
