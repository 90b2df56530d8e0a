//! A provider of the application's own decides who signs in: R-SESSION-067 to 073.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Outside, Reply, Setup, Topology, each_engines, proves, proves_all};

use crate::{AUTH_KEY, call, get, open_session, token_of, user_of};

const PASSWORD: &str = "any dummy will do";
const REFUSED: &str = "Bad Authentication data. Unauthorized on remote side. Status: ";

/// It knows whoever has one of these for a token.
fn team(request: &str) -> Reply {
    let line = request.lines().next().unwrap_or_default();
    let person = |id: Value, login: &str| {
        let user = json!({ "id": id, "name": format!("{login} of the team"), "login": login, "mail": format!("{login}@team.org") });
        Reply::Json(200, json!({ "user": user }))
    };
    if line.contains("who=token-of-zoe&") {
        person(json!("u-1"), "zoe")
    } else if line.contains("who=token-of-max&") {
        person(json!(2), "max")
    } else {
        Reply::Json(401, json!({ "error": "who is that?" }))
    }
}

fn with_provider(setup: Setup, outside: &Outside) -> Setup {
    setup
        .with("identity.provider.url", outside.url("/check?who=#{login}&secret=#{password}"))
        .with("identity.provider.fields.uid", "#{user.id}")
        .with("identity.provider.fields.full_name", "#{user.name}")
        .with("identity.provider.fields.login", "#{user.login}")
        .with("identity.provider.fields.email", "#{user.mail}")
}

async fn sign_in(chat: &Chat, login: &str) -> Answer {
    open_session(chat.api(), Some(json!({ "login": login, "password": PASSWORD }))).await
}

fn refused_with(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert_eq!(answer.json(), json!({ "errors": { "base": [format!("{REFUSED}{what}")] } }));
}

#[tokio::test]
async fn the_teams_own_people_sign_in_and_are_the_same_each_time() {
    let outside = Outside::start(team).await;
    let setup = |topology: Topology| with_provider(Setup::of(topology), &outside);
    each_engines(setup, async |mut chat: Chat| {
        let session = sign_in(&chat, "token-of-zoe").await.is(201).json();
        let (zoe, token) = (user_of(&session), token_of(&session));
        let asked = outside.asked().pop().expect("it was asked");
        let line = "GET /check?who=token-of-zoe&secret=any%20dummy%20will%20do HTTP/1.1\r\n";
        assert!(asked.starts_with(line), "{asked}");
        proves_all(["R-SESSION-067", "R-SESSION-072"]);
        let user = &session["session"]["user"];
        assert_eq!(
            [&user["external_id"], &user["full_name"], &user["login"], &user["email"]],
            [&json!("u-1"), &json!("zoe of the team"), &json!("zoe"), &json!("zoe@team.org")]
        );
        proves("R-SESSION-068");
        get(chat.api(), token, "chat/Dialog").await.is(200);

        let max = user_of(&sign_in(&chat, "token-of-max").await.is(201).json());
        let again = sign_in(&chat, "token-of-zoe").await.is(201).json();
        assert_eq!((user_of(&again), max != zoe), (zoe, true));
        proves("R-SESSION-070");

        // Without the provider he is somebody without a password, whatever he typed.
        chat.stop().await.well();
        let alone = with_provider(chat.setup().clone(), &outside).with("identity.provider.url", "");
        chat.start_again_as(alone).await;
        let refused = sign_in(&chat, "zoe").await.is(401);
        assert_eq!(refused.json(), json!({ "errors": ["Invalid password"] }));
        proves("R-SESSION-069");
    })
    .await;
}

#[tokio::test]
async fn a_login_alone_makes_a_session_a_users() {
    let outside = Outside::start(team).await;
    // What it does not ask for need not be sent.
    let setup = |topology: Topology| {
        let url = outside.url("/check?who=#{login}&");
        with_provider(Setup::of(topology), &outside).with("identity.provider.url", url)
    };
    each_engines(setup, async |chat: Chat| {
        let api = chat.api();
        let session = open_session(api, None).await.is(201).json();
        let token = token_of(&session);
        let body = json!({ "login": "token-of-zoe" });
        let login = call(api, token, Method::POST, "login", Some(body)).await.is(202).json();
        assert_eq!(login["user"]["external_id"], "u-1", "{login}");
        let shown = get(api, token, "session").await.is(200).json();
        assert_eq!(shown["session"]["user_id"], login["user"]["id"]);
        proves("R-SESSION-073");

        // Whom nobody knows leaves it as it was.
        let body = json!({ "login": "token-of-nobody" });
        refused_with(&call(api, token, Method::POST, "login", Some(body)).await, "401");
        let after = get(api, token, "session").await.is(200).json();
        assert_eq!(after["session"]["user_id"], login["user"]["id"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_takes_over_whom_the_provider_knows() {
    let outside = Outside::start(team).await;
    let setup = |topology: Topology| with_provider(Setup::of(topology), &outside);
    each_engines(setup, async |chat: Chat| {
        let api = chat.api();
        let session = sign_in(&chat, "token-of-max").await.is(201).json();
        let (max, token) = (user_of(&session), token_of(&session));
        // He calls himself as the provider calls her, and takes her names.
        let change = json!({ "user": {
            "external_id": "u-1", "external_user_id": "u-1", "login": "zoe", "email": "zoe@team.org",
        } });
        call(api, token, Method::PUT, &format!("users/{max}"), Some(change)).await.is(200);
        let hers = sign_in(&chat, "token-of-zoe").await.is(201).json();
        assert_ne!(user_of(&hers), max);
        let user = &hers["session"]["user"];
        assert_eq!(
            [&user["external_id"], &user["login"], &user["email"]],
            [&json!("u-1"), &Value::Null, &Value::Null]
        );
        // Nor does anybody sign up under a name that the team has.
        let body = json!({ "user": { "login": "boss", "password": "a password of one's own" } });
        let refused = api.request(Method::POST, "users").header("CB-AuthKey", AUTH_KEY).json(&body);
        assert!(Answer::to(refused).await.is(422).text().contains("identity provider"));
        refused_with(&open_session(api, Some(body["user"].clone())).await, "401");
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_misbehaves_lets_nobody_in_and_holds_up_nobody() {
    let outside = Outside::start(team).await;
    let setup = |topology: Topology| {
        with_provider(Setup::of(topology), &outside).with("identity.provider.time_max", "500ms")
    };
    each_engines(setup, async |chat: Chat| {
        let session = sign_in(&chat, "token-of-max").await.is(201).json();
        let token = token_of(&session);
        let id = json!({ "user": { "id": "u-1" } }).to_string();
        let huge = json!({ "user": { "id": "u-1" }, "x": "x".repeat(5_000_000) }).to_string();
        let moved = "HTTP/1.1 302 x\r\nLocation: /check\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        for (reply, what) in [
            (Reply::Json(401, json!({})), "401"),
            (Reply::Json(403, json!({})), "403"),
            (Reply::Json(500, json!({})), "500"),
            (Reply::Raw(moved.to_owned()), "302"),
            (Reply::of(200, "text/html", &id), "200, but not JSON"),
            (Reply::of(200, "application/json", "<html>"), "200, but not JSON"),
            (Reply::of(200, "application/json", &huge), "200, but too large"),
            (Reply::Json(200, json!({ "user": { "name": "zoe" } })), "200, but without a user's id"),
            (Reply::Json(200, json!({ "user": { "id": ["u-1"] } })), "200, but without a user's id"),
            (
                Reply::Json(200, json!({ "user": { "id": "x".repeat(300) } })),
                "200, but the user's id cannot be kept",
            ),
            (Reply::Raw("garbage\r\n\r\n".to_owned()), "not reached"),
            (Reply::Silence, "no answer within 500 ms"),
        ] {
            outside.answers(move |_| reply.clone());
            refused_with(&sign_in(&chat, "token-of-zoe").await, what);
            get(chat.api(), token, "chat/Dialog").await.is(200);
        }
        proves("R-SESSION-071");
        outside.answers(team);
        let first = sign_in(&chat, "token-of-zoe").await.is(201).json();
        assert_eq!(user_of(&first), user_of(&session) + 1, "no user came of all that");
    })
    .await;
}

#[tokio::test]
async fn local_passwords_count_only_if_the_operator_says_so() {
    let outside = Outside::start(team).await;
    let plain = |topology: Topology| Setup::of(topology);
    each_engines(plain, async |mut chat: Chat| {
        let robot = chat.user("robot").await;
        let there = with_provider(chat.setup().clone(), &outside);
        for (local_users, status) in [(false, 422), (true, 201)] {
            chat.stop().await.well();
            chat.start_again_as(there.clone().with("identity.provider.local_users", local_users)).await;
            assert_eq!(chat.try_sign_in("robot", "correct horse battery").await.status, status);
            sign_in(&chat, "token-of-zoe").await.is(201);
        }
        assert_eq!(chat.sign_in("robot").await.id(), robot.id());
        refused_with(&chat.try_sign_in("robot", "wrong horse").await, "401");
    })
    .await;
}
