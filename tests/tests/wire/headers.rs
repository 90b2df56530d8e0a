//! Tokens, keys and what else clients send along; what browsers need to be told.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, proves, proves_all};

use crate::Stage;
use crate::calls::{Call, Ground, still};

/// How long a session lives after its last request.
const SESSION_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);
/// How far the shown end may be from that.
const LIFETIME_ERROR_MAX: Duration = Duration::from_secs(5 * 60);

fn session_of(login: &str) -> Value {
    let [password, key, _] = Chat::secrets();
    json!({ "application_id": 7, "auth_key": key, "user": { "login": login, "password": password } })
}

fn new_user(login: &str) -> Value {
    json!({ "user": { "login": login, "password": Chat::secrets()[0] } })
}

fn anonymous(chat: &Chat, call: &Call) -> RequestBuilder {
    let request = chat.api().request(call.method.clone(), &call.path);
    match &call.body {
        Some(body) => request.json(body),
        None => request,
    }
}

pub(crate) async fn a_call_is_authorised_by_its_token_alone(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    let required = json!({ "errors": ["Token is required"] });
    for call in ground.all() {
        let refused = async |request: RequestBuilder| {
            assert_eq!(Answer::to(request).await.is(401).json(), required, "{} {}", call.method, call.path);
        };
        refused(anonymous(stage.chat, &call)).await;
        refused(anonymous(stage.chat, &call).header("CB-Token", "")).await;
        refused(anonymous(stage.chat, &call).header("CB-AuthKey", Chat::secrets()[1])).await;
    }
    proves_all(["R-WIRE-020", "R-WIRE-026"]);
    for call in ground.all() {
        let answer = call.by(&ground.alice).await;
        assert!((200..300).contains(&answer.status), "{} {}", call.path, answer.text());
    }
    proves("R-WIRE-017");
}

pub(crate) async fn an_old_token_is_no_obstacle_to_a_session(stage: Stage<'_>) {
    let alice = stage.user("alice").await;
    let open = async |token: &str| {
        let request = stage.chat.api().request(Method::POST, "session").header("CB-Token", token);
        let session = Answer::to(request.json(&session_of(alice.login()))).await.is(201).json();
        session["session"]["token"].as_str().unwrap().to_owned()
    };
    open("0123456789abcdef0123456789abcdef01234567").await;
    proves("R-WIRE-018");
    open("").await;
    proves("R-WIRE-021");
    assert_ne!(open(alice.token()).await, alice.token());
    alice.get("chat/Dialog").await.is(200);
    proves("R-WIRE-019");
}

pub(crate) async fn the_key_or_any_session_signs_users_up(stage: Stage<'_>) {
    let [_, key, _] = Chat::secrets();
    let alice = stage.user("alice").await;
    let sign_up = async |login: &str, header: &str, value: &str| {
        let request = stage.chat.api().request(Method::POST, "users").header(header, value);
        Answer::to(request.json(&new_user(login))).await.status
    };
    assert_eq!(sign_up("by-key", "CB-AuthKey", key).await, 201);
    proves("R-WIRE-022");
    let body = json!({ "application_id": 7, "auth_key": key });
    let session =
        Answer::to(stage.chat.api().request(Method::POST, "session").json(&body)).await.is(201).json();
    let of_the_application = session["session"]["token"].as_str().unwrap().to_owned();
    assert_eq!(sign_up("by-application", "CB-Token", &of_the_application).await, 201);
    proves("R-WIRE-023");
    assert_eq!(sign_up("by-user", "CB-Token", alice.token()).await, 201);
    proves("R-WIRE-024");
    assert_eq!(sign_up("by-guess", "CB-AuthKey", "k-0000000000000000").await, 401);
    assert_eq!(
        stage.chat.try_sign_in("by-guess", "another password").await.status,
        201,
        "nobody had been made"
    );
    proves("R-WIRE-025");
}

pub(crate) async fn what_clients_tell_of_themselves_changes_nothing(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    let alice = &ground.alice;
    for call in ground.reads() {
        let plain = still(call.by(alice).await);
        for (header, value) in [("CB-SDK", "JS 6.1.2 - Client"), ("ConnectyCube-REST-API-Version", "0.1.1")] {
            let request = alice.request(call.method.clone(), &call.path).header(header, value);
            assert_eq!(still(Answer::to(request).await), plain, "{header} {}", call.path);
        }
    }
    proves_all(["R-WIRE-027", "R-WIRE-028"]);
}

/// The seconds since 1970 of what an HTTP date or `CB-Token-ExpirationDate` says.
fn seconds(year: &str, month: &str, day: &str, time: &str) -> Duration {
    let written = format!("{year}-{month}-{day}T{time}Z");
    let time = humantime::parse_rfc3339(&written).unwrap_or_else(|_| panic!("a time: {written}"));
    time.duration_since(std::time::UNIX_EPOCH).unwrap()
}

fn expires(answer: &Answer) -> Duration {
    let shown = answer.header("CB-Token-ExpirationDate");
    let [date, time, "UTC"] = shown.split(' ').collect::<Vec<_>>()[..] else { panic!("no date: {shown:?}") };
    let [year, month, day] = date.split('-').collect::<Vec<_>>()[..] else { panic!("no date: {shown:?}") };
    assert_eq!((date.len(), time.len()), (10, 8), "{shown}");
    seconds(year, month, day, time)
}

fn answered(answer: &Answer) -> Duration {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let shown = answer.header("Date");
    let [_, day, month, year, time, "GMT"] = shown.split(' ').collect::<Vec<_>>()[..] else {
        panic!("no date: {shown:?}")
    };
    let month = MONTHS.find(month).expect("a month") / 3 + 1;
    seconds(year, &format!("{month:02}"), day, time)
}

pub(crate) async fn every_answer_says_when_the_session_ends(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    for call in ground.all() {
        let answer = call.by(&ground.alice).await;
        let lifetime = expires(&answer) - answered(&answer);
        assert!(lifetime.abs_diff(SESSION_LIFETIME) <= LIFETIME_ERROR_MAX, "{} {lifetime:?}", call.path);
        let exposed = answer.header("Access-Control-Expose-Headers");
        assert!(exposed.split(", ").any(|name| name == "CB-Token-ExpirationDate"), "{exposed}");
    }
    proves_all(["R-WIRE-030", "R-WIRE-031", "R-WIRE-032"]);
}

pub(crate) async fn browsers_may_call_from_anywhere(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    for call in ground.all() {
        let asked =
            stage.chat.api().request(Method::OPTIONS, &call.path).header("Origin", "https://a.example");
        let asked = asked.header("Access-Control-Request-Method", call.method.as_str());
        let answer = Answer::to(asked.header("Access-Control-Request-Headers", "cb-token")).await.is(204);
        assert_allows(&answer);
        let lists = |header: &str, names: &[&str]| {
            let listed = answer.header(header).to_ascii_lowercase();
            let listed: Vec<&str> = listed.split(',').map(str::trim).collect();
            names.iter().all(|name| listed.contains(&name.to_ascii_lowercase().as_str()))
        };
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
        assert!(lists("Access-Control-Allow-Methods", &methods), "{}", call.path);
        let headers = [
            "Content-Type",
            "CB-Token",
            "CB-AuthKey",
            "CB-SDK",
            "CB-Administration-API-Key",
            "ConnectyCube-REST-API-Version",
        ];
        assert!(lists("Access-Control-Allow-Headers", &headers), "{}", call.path);
    }
    proves_all(["R-WIRE-033", "R-WIRE-034", "R-WIRE-035", "R-WIRE-036"]);
    for call in ground.all() {
        assert_allows(&Answer::to(anonymous(stage.chat, &call)).await.is(401));
        assert_allows(&call.by(&ground.alice).await);
    }
    let bob: &Person = &ground.bob;
    assert_allows(&bob.get("chat/Nothing").await.is(404));
    assert_allows(&bob.post_to("chat/Dialog", &json!({})).await.is(422));
    proves("R-WIRE-037");
}

fn assert_allows(answer: &Answer) {
    assert!(["*", "https://a.example"].contains(&answer.header("Access-Control-Allow-Origin")));
}
