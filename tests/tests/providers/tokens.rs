//! Tokens of an OpenID Connect issuer are sessions.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Api, Chat, Outside, Reply, Setup, SigningKey, Topology, each_engines, unix_now};
use tokio::time::{sleep, timeout};

use crate::{call, get, open_session, token_of};

/// Much longer than anything here may take; what hangs fails instead of hanging the tests.
const AMPLE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const ISSUER: &str = "https://id.example";
const SESSION_REQUIRED: &str = r#"{"errors":{"base":["Required session does not exist"]}}"#;

/// An issuer who publishes those keys.
async fn issuer(keys: &[&SigningKey]) -> Outside {
    let set = key_set(keys);
    Outside::start(move |_| set.clone()).await
}

fn key_set(keys: &[&SigningKey]) -> Reply {
    Reply::Json(200, json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() }))
}

fn with_issuer(setup: Setup, outside: &Outside) -> Setup {
    setup
        .with("oidc.issuer", ISSUER)
        .with("oidc.audience", "chat,app")
        .with("oidc.jwks_url", outside.url("/keys"))
        .with("oidc.leeway", "0s")
        .with("oidc.ask_again_after", "100ms")
}

fn claims(subject: &str, seconds: u64) -> Value {
    json!({ "iss": ISSUER, "aud": "chat", "sub": subject, "name": "Zoë", "exp": unix_now() + seconds })
}

async fn refused(api: &Api, token: &str) {
    let answer = get(api, token, "chat/Dialog").await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (401, SESSION_REQUIRED),
        "{}",
        &token[..token.len().min(300)]
    );
}

async fn comes_to_be_refused(api: &Api, token: &str) {
    let refused = async {
        while get(api, token, "chat/Dialog").await.status != 401 {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(AMPLE, refused).await.expect("it comes to be refused");
}

#[tokio::test]
async fn a_token_is_a_session_of_its_subject() {
    let key = SigningKey::new("first");
    let outside = issuer(&[&key]).await;
    let setup = |topology: Topology| with_issuer(Setup::of(topology), &outside);
    each_engines(setup, async |chat: Chat| {
        let api = chat.api();
        let token = key.token(&claims("u-1", 3_600));
        let shown = get(api, &token, "session").await.is(200).json();
        let user = &shown["session"]["user"];
        assert_eq!([&user["external_id"], &user["full_name"]], [&json!("u-1"), &json!("Zoë")], "{shown}");
        assert_eq!(token_of(&shown), token);
        let dialog = call(api, &token, Method::POST, "chat/Dialog", Some(json!({ "type": 4, "name": "x" })));
        assert_eq!(dialog.await.is(201).json()["user_id"], user["id"]);
        let bearer = api.request(Method::GET, "chat/Dialog").bearer_auth(&token);
        assert_eq!(Answer::to(bearer).await.is(200).json()["items"].as_array().map(Vec::len), Some(1));

        let later = key.token(&claims("u-1", 3_000));
        let other = key.token(&claims("u-2", 3_600));
        assert_eq!(get(api, &later, "session").await.is(200).json()["session"]["user_id"], user["id"]);
        assert_ne!(get(api, &other, "session").await.is(200).json()["session"]["user_id"], user["id"]);
        // It stays who it proves.
        let body = json!({ "login": "somebody", "password": "correct horse battery" });
        call(api, &token, Method::POST, "login", Some(body)).await.is(422);
        call(api, &token, Method::DELETE, "login", None).await.is(422);
        assert_eq!(get(api, &token, "session").await.is(200).json()["session"]["user_id"], user["id"]);
        // Other sessions are opened as ever.
        let own = open_session(api, Some(json!({ "login": "max", "password": "correct horse battery" })));
        let own = own.await.is(201).json();
        get(api, token_of(&own), "chat/Dialog").await.is(200);
    })
    .await;
}

#[tokio::test]
async fn what_proves_nothing_is_no_session() {
    let (key, stranger) = (SigningKey::new("first"), SigningKey::new("first"));
    let outside = issuer(&[&key]).await;
    let setup = |topology: Topology| with_issuer(Setup::of(topology), &outside);
    each_engines(setup, async |chat: Chat| {
        let api = chat.api();
        let good = claims("u-1", 3_600);
        let with = |name: &str, value: Value| {
            let mut claims = good.clone();
            claims[name] = value;
            claims
        };
        let token = key.token(&good);
        let header = |algorithm: &str| json!({ "alg": algorithm, "kid": "first" });
        for wrong in [
            stranger.token(&good),
            key.token(&with("aud", json!("other"))),
            key.token(&with("iss", json!("https://other.example"))),
            key.token(&with("exp", json!(unix_now() - 1))),
            key.token(&with("nbf", json!(unix_now() + 3_000))),
            key.token(&with("sub", json!(""))),
            key.token(&with("x", json!("x".repeat(9_000)))),
            key.token_with(&header("none"), &good),
            key.token_with(&header("HS256"), &good),
            key.token_with(&header("RS256"), &good),
            token[..token.len() - 10].to_owned(),
            token[..token.len() / 2].to_owned(),
            format!("{}.", &token[..token.rfind('.').unwrap()]),
            "a.b.c".to_owned(),
            "..".to_owned(),
        ] {
            refused(api, &wrong).await;
        }
        let scheme =
            api.request(Method::GET, "chat/Dialog").header("Authorization", format!("Basic {token}"));
        assert_eq!(Answer::to(scheme).await.is(401).json(), json!({ "errors": ["Token is required"] }));
        get(api, &token, "chat/Dialog").await.is(200);
        assert_eq!(get(api, &token, "session").await.json()["session"]["user"]["external_id"], "u-1");
    })
    .await;
}

#[tokio::test]
async fn without_an_issuer_no_foreign_token_is_good() {
    let (key, plain) = (SigningKey::new("first"), |topology: Topology| Setup::of(topology));
    let outside = issuer(&[&key]).await;
    each_engines(plain, async |mut chat: Chat| {
        let token = key.token(&claims("u-1", 3_600));
        refused(chat.api(), &token).await;
        let before = chat.setup().clone();
        chat.stop().await.well();
        chat.start_again_as(with_issuer(before.clone(), &outside)).await;
        get(chat.api(), &token, "chat/Dialog").await.is(200);
        chat.stop().await.well();
        chat.start_again_as(before).await;
        refused(chat.api(), &token).await;
    })
    .await;
}

#[tokio::test]
async fn keys_come_and_go() {
    let (first, second) = (SigningKey::new("first"), SigningKey::new("second"));
    let outside = issuer(&[&first]).await;
    // A server asks for the keys as soon as it starts.
    let setup = |topology: Topology| {
        let set = key_set(&[&first]);
        outside.answers(move |_| set.clone());
        with_issuer(Setup::of(topology), &outside)
    };
    each_engines(setup, async |chat: Chat| {
        let api = chat.api();
        get(api, &first.token(&claims("u-1", 3_600)), "chat/Dialog").await.is(200);
        let token = second.token(&claims("u-1", 3_600));
        refused(api, &token).await;
        outside.answers({
            let set = key_set(&[&first, &second]);
            move |_| set.clone()
        });
        let accepted = async {
            while get(api, &token, "chat/Dialog").await.status != 200 {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(AMPLE, accepted).await.expect("the new key is asked for");
        // Known keys and known tokens are good while the issuer is away.
        outside.answers(|_| Reply::Json(500, json!({})));
        get(api, &second.token(&claims("u-3", 3_600)), "chat/Dialog").await.is(200);
        get(api, &token, "chat/Dialog").await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_token_ends_at_its_end_and_not_later() {
    let key = SigningKey::new("first");
    let outside = issuer(&[&key]).await;
    let setup = |topology: Topology| with_issuer(Setup::of(topology), &outside);
    each_engines(setup, async |chat: Chat| {
        let api = chat.api();
        let token = key.token(&claims("u-1", 8));
        let shown = get(api, &token, "chat/Dialog").await.is(200);
        let end = shown.header("CB-Token-ExpirationDate").to_owned();
        let again = get(api, &token, "chat/Dialog").await.is(200);
        assert_eq!(again.header("CB-Token-ExpirationDate"), end, "no use moves it");
        comes_to_be_refused(api, &token).await;
        refused(api, &token).await;
    })
    .await;
}

#[tokio::test]
async fn an_ended_token_stays_dead_everywhere() {
    let key = SigningKey::new("first");
    let outside = issuer(&[&key]).await;
    let setup = |topology: Topology| with_issuer(Setup::of(topology), &outside);
    each_engines(setup, async |mut chat: Chat| {
        let token = key.token(&claims("u-1", 3_600));
        let user = get(chat.api(), &token, "session").await.is(200).json()["session"]["user_id"].clone();
        call(chat.api(), &token, Method::DELETE, "session", None).await.is(200);
        for _ in 0..3 {
            refused(chat.api(), &token).await;
        }
        chat.kill().await;
        chat.start_again().await;
        refused(chat.api(), &token).await;
        let other = key.token(&claims("u-1", 3_000));
        assert_eq!(get(chat.api(), &other, "session").await.is(200).json()["session"]["user_id"], user);
    })
    .await;
}

#[tokio::test]
async fn a_token_is_good_at_every_gateway_and_dead_at_every_gateway() {
    let key = SigningKey::new("first");
    let outside = issuer(&[&key]).await;
    let chat = Chat::start(with_issuer(Setup::cluster(4).twice(), &outside)).await;
    let gateways = chat.each("gateway").into_iter().map(|gateway| gateway.api()).collect::<Vec<_>>();
    let token = key.token(&claims("u-1", 3_600));
    // First seen by both at once, he is one user with one session.
    let (here, there) =
        tokio::join!(get(&gateways[0], &token, "session"), get(&gateways[1], &token, "session"));
    let (here, there) = (here.is(200).json(), there.is(200).json());
    assert_eq!(here["session"]["id"], there["session"]["id"]);
    assert_eq!(here["session"]["user_id"], there["session"]["user_id"]);
    call(&gateways[0], &token, Method::DELETE, "session", None).await.is(200);
    refused(&gateways[0], &token).await;
    comes_to_be_refused(&gateways[1], &token).await;
    for _ in 0..5 {
        refused(&gateways[1], &token).await;
    }
}
