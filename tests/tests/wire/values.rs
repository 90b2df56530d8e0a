//! Ids, times and tokens as answers write them.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, proves, proves_all};

use crate::Stage;

/// How many of a kind are made to look at.
const SEVERAL: usize = 20;

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_else(|| panic!("{key} is no text in {object}"))
}

/// `2018-12-06T12:04:48Z`.
fn is_iso(value: &Value) -> bool {
    let pattern = "dddd-dd-ddTdd:dd:ddZ";
    let fits = |(c, p): (char, char)| if p == 'd' { c.is_ascii_digit() } else { c == p };
    value
        .as_str()
        .is_some_and(|text| text.len() == pattern.len() && text.chars().zip(pattern.chars()).all(fits))
}

fn seconds(value: &Value) -> u64 {
    assert!(is_iso(value), "{value}");
    let time = humantime::parse_rfc3339(value.as_str().unwrap()).unwrap();
    time.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn is_object_id(id: &str) -> bool {
    id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// How long a busy machine may take from making an id to making what bears it.
const MAKING_SECONDS_MAX: u64 = 30;

/// Whether an id begins with the second in which its bearer was made; the id is made first.
fn begins_with_its_second(thing: &Value) -> bool {
    let second = u64::from_str_radix(&text(thing, "_id")[..8], 16).unwrap();
    seconds(&thing["created_at"]).abs_diff(second) <= MAKING_SECONDS_MAX
}

fn is_id(value: &Value) -> bool {
    value.as_u64().is_some_and(|id| id > 0 && id < 1 << 53)
}

pub(crate) async fn ids_of_dialogs_and_messages(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    for kind in [1, 2, 4] {
        for _ in 0..SEVERAL {
            let body = json!({ "type": kind, "name": "lobby", "occupants_ids": [bob.id()] });
            let dialog = alice.post_to("chat/Dialog", &body).await.is(201).json();
            let id = text(&dialog, "_id");
            assert!(is_object_id(id) && id.contains(|c: char| c.is_ascii_lowercase()), "{id}");
            assert!(begins_with_its_second(&dialog), "{dialog}");
        }
    }
    let private = alice.create_private(&bob).await;
    assert!(is_object_id(&private) && private.contains(|c: char| c.is_ascii_lowercase()), "{private}");
    proves_all(["R-WIRE-129", "R-WIRE-130", "R-WIRE-131"]);

    let mut ids = vec![];
    for _ in 0..SEVERAL {
        let message = alice.post_message(&private, &json!({ "message": "hello" })).await.is(201).json();
        assert!(is_object_id(text(&message, "_id")) && begins_with_its_second(&message), "{message}");
        ids.push(text(&message, "_id").to_owned());
    }
    assert!(ids.is_sorted(), "{ids:?}");
    proves_all(["R-WIRE-132", "R-WIRE-133"]);
}

pub(crate) async fn times_of_dialogs_and_messages(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let body = json!({ "type": 2, "name": "lobby", "occupants_ids": [bob.id()] });
    let dialog = alice.post_to("chat/Dialog", &body).await.is(201).json();
    assert!(is_iso(&dialog["created_at"]) && is_iso(&dialog["updated_at"]), "{dialog}");
    proves("R-WIRE-134");
    let id = text(&dialog, "_id");
    assert_eq!(bob.dialog(id).await.unwrap()["last_message_date_sent"], Value::Null);
    let message = alice.post_message(id, &json!({ "message": "hello" })).await.is(201).json();
    assert!(is_iso(&message["created_at"]) && is_iso(&message["updated_at"]), "{message}");
    proves("R-WIRE-135");
    let sent = bob.peek(id).await[0]["date_sent"].as_u64().unwrap();
    assert!(sent.abs_diff(seconds(&message["created_at"])) <= 1, "{sent}");
    proves("R-WIRE-138");
    assert_eq!(bob.dialog(id).await.unwrap()["last_message_date_sent"], sent);
    proves("R-WIRE-139");
}

pub(crate) async fn sessions_and_users(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let [password, key, _] = Chat::secrets();
    let mut tokens = vec![];
    for application in [json!(7), json!("7")] {
        let user = json!({ "login": alice.login(), "password": password });
        let body = json!({ "application_id": application, "auth_key": key, "user": user });
        let session = Answer::to(stage.chat.api().request(Method::POST, "session").json(&body)).await.is(201);
        let session = session.json()["session"].clone();
        assert_eq!(session["application_id"], 7);
        assert!(is_id(&session["id"]) && is_id(&session["user_id"]) && is_id(&session["user"]["id"]));
        assert!(is_iso(&session["updated_at"]), "{session}");
        let ts = session["ts"].as_u64().unwrap();
        assert!(ts.abs_diff(seconds(&session["created_at"])) <= 1, "{session}");
        let token = text(&session, "token");
        let is_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert!(!token.is_empty() && token.bytes().all(is_safe), "{token}");
        tokens.push(token.to_owned());
    }
    proves_all(["R-WIRE-127", "R-WIRE-137"]);
    assert!(tokens[0] != tokens[1] && !tokens.iter().any(|token| token == alice.token()));
    proves("R-WIRE-140");

    let dialog = alice.create_group("lobby", [&bob]).await;
    alice.post(&dialog, "hello").await;
    let (seen, message) = (bob.dialog(&dialog).await.unwrap(), bob.peek(&dialog).await.pop().unwrap());
    let user = alice.get(&format!("users/{}", bob.id())).await.is(200).json();
    let shown = alice.get("session").await.is(200).json();
    for id in [
        &seen["user_id"],
        &seen["occupants_ids"][1],
        &seen["last_message_user_id"],
        &message["sender_id"],
        &message["read_ids"][0],
        &user["user"]["id"],
        &shown["session"]["id"],
        &shown["session"]["user_id"],
    ] {
        assert!(is_id(id), "{id}");
    }
    proves("R-WIRE-128");
}
