//! Sessions and users.

use http::Method;
use serde_json::json;

use crate::Keys;
use crate::testing::chat::{AUTH_KEY, Chat, PASSWORD};

fn opening(user: serde_json::Value) -> serde_json::Value {
    json!({"application_id": 77, "auth_key": AUTH_KEY, "user": user})
}

#[tokio::test]
async fn a_session_of_the_application_has_no_user() {
    let chat = Chat::new();
    let opened = chat.stranger("").post("/session", opening(json!(null))).await;
    insta::assert_snapshot!(opened.pretty(), @r#"
    201 {
      "session": {
        "id": 1,
        "user_id": null,
        "application_id": 77,
        "token": "e9e0c207865f7e24e8349d4ecdbc8b0f46328424",
        "ts": 1700000000,
        "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z"
      }
    }
    "#);
    let app = chat.stranger(opened.json()["session"]["token"].as_str().unwrap());
    let shown = app.get("/session").await;
    assert_eq!((shown.status, shown.json()), (200, opened.json()));
    assert_eq!(shown.header("cb-token-expirationdate"), Some("2023-11-15 00:13:20 UTC"));
}

#[tokio::test]
async fn a_session_of_a_user_shows_him_with_every_key() {
    let chat = Chat::new();
    chat.user("alice").await;
    let opened =
        chat.stranger("").post("/session", opening(json!({"login": "alice", "password": PASSWORD}))).await;
    insta::assert_snapshot!(opened.pretty(), @r#"
    201 {
      "session": {
        "id": 2,
        "user_id": 1,
        "application_id": 77,
        "token": "e06bb0bc4f577df3d2f49798ab0deb2c8ade5abe",
        "ts": 1700000000,
        "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z",
        "user": {
          "id": 1,
          "full_name": "Alice",
          "email": null,
          "login": "alice",
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
          "avatar": "alice.png",
          "user_tags": null,
          "timezone": null,
          "is_guest": false
        }
      }
    }
    "#);
}

#[tokio::test]
async fn a_session_can_be_asked_for_in_every_spelling() {
    let chat = Chat::new();
    chat.user("alice").await;
    let form = format!("application_id=77&auth_key={AUTH_KEY}&user[login]=alice&user[password]={PASSWORD}");
    // Old tokens are ignored, whatever they are.
    for token in ["", "stale", &"0".repeat(40)] {
        let opened = chat.stranger(token).send(Method::POST, "/session.json", form.clone()).await;
        assert_eq!((opened.status, &opened.json()["session"]["user"]["login"]), (201, &json!("alice")));
        let text = json!({"application_id": "77", "auth_key": AUTH_KEY});
        assert_eq!(chat.stranger(token).post("/session", text).await.status, 201);
    }
}

#[tokio::test]
async fn a_session_that_may_not_be_is_refused() {
    let chat = Chat::new();
    chat.user("alice").await;
    let nobody = chat.stranger("");
    let mut shown = String::new();
    for body in [
        json!({}),
        json!({"application_id": 77}),
        json!({"application_id": 78, "auth_key": AUTH_KEY}),
        json!({"application_id": -77, "auth_key": AUTH_KEY}),
        json!({"application_id": 77, "auth_key": "another key"}),
        json!({"application_id": 77, "auth_key": AUTH_KEY, "signature": "ab"}),
        json!({"application_id": 77, "auth_key": AUTH_KEY, "provider": "facebook"}),
        opening(json!({})),
        opening(json!({"login": "alice"})),
        opening(json!({"login": "alice", "password": "another one"})),
        opening(json!({"login": "al", "password": PASSWORD})),
        opening(json!({"email": "bob", "password": PASSWORD})),
        opening(json!({"login": "bob", "password": "short"})),
        opening(json!({"guest": "1", "full_name": "x".repeat(256)})),
        opening(json!({"guest": "1", "full_name": ["Bob"]})),
        opening(json!("alice")),
    ] {
        shown.push_str(&format!("{}\n", nobody.post("/session", body).await));
    }
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"application_id":["is required"]}}
    422 {"errors":{"auth_key":["is required"]}}
    401 {"errors":["Unauthorized"]}
    401 {"errors":["Unauthorized"]}
    401 {"errors":["Unauthorized"]}
    401 {"errors":["The signature is not the application's"]}
    422 {"errors":{"provider":["is not supported by this deployment"]}}
    422 {"errors":{"login":["is required"]}}
    422 {"errors":{"password":["is required"]}}
    401 {"errors":["Invalid password"]}
    422 {"errors":{"login":["is too short (minimum is 3 characters)"]}}
    422 {"errors":{"email":["is invalid"]}}
    422 {"errors":{"password":["is too short (minimum is 8 characters)"]}}
    422 {"errors":{"full_name":["is too long (maximum is 255 characters)"]}}
    422 {"errors":{"full_name":["must be text"]}}
    422 {"errors":{"user":["must be an object"]}}
    "#);
}

#[tokio::test]
async fn who_signs_in_for_the_first_time_is_signed_up_unless_that_is_switched_off() {
    let chat = Chat::new();
    let signing_in = opening(json!({"email": "bob@chat.example", "password": PASSWORD}));
    let first = chat.stranger("").post("/session", signing_in.clone()).await.json();
    let second = chat.stranger("").post("/session", signing_in.clone()).await.json();
    assert_eq!(first["session"]["user_id"], second["session"]["user_id"]);
    assert_ne!(first["session"]["token"], second["session"]["token"]);

    let chat = Chat::with(1, |parts| parts.application.create_on_login = false);
    for _ in 0..2 {
        let refused = chat.stranger("").post("/session", signing_in.clone()).await;
        assert_eq!(refused.to_string(), r#"404 {"errors":["User not found"]}"#);
    }
}

#[tokio::test]
async fn an_ended_session_is_dead_and_others_live() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let elsewhere = chat.session(domain::UserId::new(alice.id)).await;
    assert_eq!(alice.delete("/session").await.to_string(), "200 ");
    let refused = alice.get("/session").await;
    assert_eq!(refused.to_string(), r#"401 {"errors":{"base":["Required session does not exist"]}}"#);
    assert_eq!(elsewhere.get("/session").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_two_hours_after_its_last_request() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let minutes = |minutes: u64| chat.hands.advance(std::time::Duration::from_secs(60 * minutes));
    minutes(119);
    assert_eq!(alice.get("/session").await.status, 200);
    minutes(119);
    assert_eq!(alice.get("/session").await.status, 200);
    minutes(120);
    assert_eq!(alice.get("/session").await.status, 401);
}

#[tokio::test]
async fn a_sign_up_takes_the_auth_key_or_any_session() {
    let chat = Chat::new();
    let (nobody, app, alice) = (chat.stranger(""), chat.session(None).await, chat.user("alice").await);
    let user = |login| json!({"user": {"login": login, "password": PASSWORD}});
    assert_eq!(nobody.with("cb-authkey", AUTH_KEY).post("/users", user("u-1")).await.status, 201);
    assert_eq!(app.post("/users", user("u-2")).await.status, 201);
    assert_eq!(alice.with("cb-authkey", "wrong").post("/users", user("u-3")).await.status, 201);
    let me = alice.get("/session").await.json();
    assert_eq!(me["session"]["user_id"], alice.id, "his own session stays his");
    let wrong = nobody.with("cb-authkey", "wrong").post("/users", user("u-4")).await;
    assert_eq!(wrong.to_string(), r#"401 {"errors":["Unauthorized"]}"#);
    let none = nobody.post("/users", user("u-4")).await;
    assert_eq!(none.to_string(), r#"401 {"errors":["Token is required"]}"#);
    let stale = chat.stranger("stale").post("/users", user("u-4")).await;
    assert_eq!(stale.status, 401);
    let later = opening(json!({"login": "u-4", "password": PASSWORD}));
    let opened = chat.stranger("").post("/session", later).await.json();
    assert_eq!(opened["session"]["user_id"], 5, "no refused sign-up has used a number");
}

#[tokio::test]
async fn everything_of_a_user_is_kept() {
    let chat = Chat::new();
    let nobody = chat.stranger("").with("cb-authkey", AUTH_KEY);
    let signed_up = nobody
        .post(
            "/users.json",
            json!({"user": {
                "login": "carol", "email": "carol@chat.example", "password": PASSWORD, "full_name": "Carol",
                "phone": "123", "website": "https://carol.example", "custom_data": "{}", "tag_list": ["a", "b"],
                "external_id": "x1", "external_user_id": 12, "facebook_id": "f", "twitter_id": "t",
                "avatar": "carol.png", "blob_id": "5", "timezone": -60,
            }}),
        )
        .await;
    insta::assert_snapshot!(signed_up.pretty(), @r#"
    201 {
      "user": {
        "id": 1,
        "full_name": "Carol",
        "email": "carol@chat.example",
        "login": "carol",
        "phone": "123",
        "website": "https://carol.example",
        "created_at": "2023-11-14T22:13:20Z",
        "updated_at": "2023-11-14T22:13:20Z",
        "last_request_at": null,
        "external_user_id": 12,
        "external_id": "x1",
        "facebook_id": "f",
        "twitter_id": "t",
        "blob_id": 5,
        "custom_data": "{}",
        "avatar": "carol.png",
        "user_tags": "a,b",
        "timezone": -60,
        "is_guest": false
      }
    }
    "#);
    let alice = chat.user("alice").await;
    let shown = alice.get(&format!("/users/{}", signed_up.json()["user"]["id"])).await;
    assert_eq!((shown.status, shown.json()), (200, signed_up.json()));
}

#[tokio::test]
async fn a_sign_up_that_may_not_be_names_its_fields() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let mut shown = String::new();
    for user in [
        json!(null),
        json!({}),
        json!({"login": "ALICE", "password": PASSWORD}),
        json!({"login": "al", "password": "1234567", "email": "no"}),
        json!({"login": "bob", "password": PASSWORD, "blob_id": -1, "timezone": 100_000}),
        json!({"login": "bob", "password": PASSWORD, "tag_list": ["1", "2", "3", "4", "5", "6"]}),
        json!({"login": ["bob"], "password": PASSWORD}),
        json!({"login": "bob\u{0}", "password": PASSWORD}),
    ] {
        shown.push_str(&format!("{}\n", alice.post("/users", json!({"user": user})).await));
    }
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"user":["is required"]}}
    422 {"errors":{"login":["can't be blank"],"password":["can't be blank"]}}
    422 {"errors":{"login":["has already been taken."]}}
    422 {"errors":{"login":["is too short (minimum is 3 characters)"],"email":["is invalid"],"password":["is too short (minimum is 8 characters)"]}}
    422 {"errors":{"blob_id":["is invalid"],"timezone":["is invalid"]}}
    422 {"errors":{"tag_list":["has too many tags (maximum is 5 tags)"]}}
    422 {"errors":{"login":["must be text"]}}
    422 {"errors":{"user":["must not contain a NUL character"]}}
    "#);
}

#[tokio::test]
async fn a_user_who_is_not_there_is_not_found() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    for id in ["2", "0", "-1", "x", "9007199254740992", "1,1", "by_logout"] {
        let refused = alice.get(&format!("/users/{id}")).await;
        assert_eq!(refused.to_string(), r#"404 {"errors":["The resource wasn't found"]}"#, "{id}");
    }
    assert_eq!(chat.session(None).await.get("/users/1").await.status, 200, "any session will do");
}

#[tokio::test]
async fn operators_see_how_it_is() {
    let chat = Chat::new();
    let nobody = chat.stranger("");
    assert_eq!(nobody.get("/health/live").await.to_string(), r#"200 {"live":true}"#);
    assert_eq!(nobody.get("/health/ready").await.to_string(), r#"200 {"ready":true,"checks":[]}"#);
    let gauge = chat.health.register("writer 0");
    let starting = r#"503 {"ready":false,"checks":[{"name":"writer 0","ready":false,"why":"starting"}]}"#;
    assert_eq!(nobody.get("/health/ready").await.to_string(), starting);
    gauge.ready();
    assert_eq!(nobody.get("/health/ready").await.status, 200);
    let metrics = nobody.get("/metrics").await;
    assert_eq!(metrics.to_string(), "200 up 1\n");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4"));
}

#[tokio::test]
async fn before_the_gate_opens_only_operators_get_answers() {
    let gate = crate::Gate::default();
    let chat = Chat::with(1, |parts| parts.gate = gate.clone());
    let alice = chat.user("alice").await;
    let early = alice.get("/session").await;
    assert_eq!((early.status, early.header("retry-after")), (503, Some("2")));
    assert_eq!(alice.get("/health/live").await.status, 200);
    assert_eq!(alice.get("/nowhere").await.status, 404);
    gate.open();
    assert_eq!(alice.get("/session").await.status, 200);
}

#[tokio::test]
async fn a_session_of_another_application_is_none_here() {
    let chat = Chat::new();
    let (token, other) = ([5; 20], domain::ApplicationId::new(78).unwrap());
    let identity = &chat.edge.identity;
    let opened = identity.open_session(token, other, None, chat.edge.clock.now()).await.unwrap();
    let refused = chat.stranger(opened.token.as_str()).get("/session").await;
    assert_eq!(refused.to_string(), r#"401 {"errors":{"base":["Required session does not exist"]}}"#);
}

#[test]
fn an_edge_needs_an_auth_key_and_few_extension_keys() {
    let refused = |change: fn(&mut crate::Application)| {
        let mut application = Chat::application();
        change(&mut application);
        crate::Edge::check(&application).unwrap_err().to_string()
    };
    assert_eq!(
        refused(|application| application.keys = Keys::new(vec![])),
        "the application has no auth key"
    );
    assert_eq!(
        refused(|application| application.extension_keys = vec!["key".to_owned(); 4]),
        "the application allows 4 extension keys, more than 3"
    );
}
