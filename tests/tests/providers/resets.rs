//! Whoever has forgotten his password gets a mail from somebody outside.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Api, Chat, Outside, Reply, Setup, Topology, each_engines};

use crate::{AUTH_KEY, get, open_session, token_of};

const SECRET: &str = "a secret of the webhook";

async fn ask(api: &Api, token: &str, email: &str) -> Answer {
    let body = json!({ "email": email });
    crate::call(api, token, Method::POST, "users/password/reset", Some(body)).await
}

/// What the webhook was told.
fn told(request: &str) -> Value {
    let (head, body) = request.split_once("\r\n\r\n").expect("a request has a head");
    assert!(head.starts_with("POST /mail HTTP/1.1"), "{head}");
    assert!(head.contains("hansard-signature: t="), "{head}");
    serde_json::from_str(body).expect("it is told in JSON")
}

#[tokio::test]
async fn the_webhook_is_told_and_what_it_sends_sets_a_new_password() {
    let outside = Outside::start(|_| Reply::Json(500, json!({}))).await;
    let setup = |topology: Topology| {
        Setup::of(topology)
            .with("reset.webhook_url", outside.url("/mail"))
            .with("reset.webhook_secret", SECRET)
            .with("reset.retry_after", "20ms")
    };
    each_engines(setup, async |chat: Chat| {
        let (api, before) = (chat.api(), outside.asked().len());
        outside.answers(|_| Reply::Json(200, json!({})));
        let user = json!({ "login": "zoe", "email": "zoe@team.org", "password": "the old password" });
        let signed_up = api.request(Method::POST, "users").header("CB-AuthKey", AUTH_KEY);
        let id =
            Answer::to(signed_up.json(&json!({ "user": user }))).await.is(201).json()["user"]["id"].clone();
        let old = open_session(api, Some(user.clone())).await.is(201).json();
        let session = open_session(api, None).await.is(201).json();
        let token = token_of(&session);

        let known = ask(api, token, "Zoe@Team.org").await.is(200);
        let unknown = ask(api, token, "nobody@team.org").await.is(200);
        assert_eq!(known.body, unknown.body, "it does not tell whether there is somebody");
        let asked = outside.asked_times(before + 1).await;
        let mail = told(&asked[before]);
        assert_eq!(
            [&mail["event"], &mail["user_id"], &mail["email"], &mail["full_name"]],
            [&json!("password_reset"), &id, &json!("zoe@team.org"), &Value::Null]
        );
        let new = json!({ "reset_token": mail["token"], "password": "the new password" });
        let set = api.request(Method::PUT, "users/password").json(&new);
        Answer::to(set).await.is(200);
        get(api, token_of(&old), "chat/Dialog").await.is(401);
        open_session(api, Some(user)).await.is(401);
        let user = json!({ "login": "zoe", "password": "the new password" });
        open_session(api, Some(user)).await.is(201);
        assert_eq!(outside.asked().len(), before + 1, "nobody was written to who does not exist");

        // A webhook that fails is told again, and nobody waits for it.
        outside.answers(|_| Reply::Json(500, json!({})));
        ask(api, token, "zoe@team.org").await.is(200);
        let asked = outside.asked_times(before + 6).await;
        let tokens =
            asked[before + 1..].iter().map(|request| told(request)["token"].clone()).collect::<Vec<_>>();
        assert!(tokens.windows(2).all(|pair| pair[0] == pair[1]), "{tokens:?}");
    })
    .await;
}

#[tokio::test]
async fn without_a_webhook_a_start_says_so_and_asking_is_answered_alike() {
    each_engines(Setup::of, async |mut chat: Chat| {
        let session = open_session(chat.api(), None).await.is(201).json();
        ask(chat.api(), token_of(&session), "zoe@team.org").await.is(200);
        let said = chat.stop().await.stderr;
        assert!(said.contains("reset.webhook_url"), "{said}");
    })
    .await;
}
