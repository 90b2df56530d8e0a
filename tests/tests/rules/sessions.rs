//! Sessions: how they are opened, and whose they are.

use serde_json::{Value, json};
use tests::{Chat, Person, each_topology};

use crate::ask::{LOOK_EVERY, USER_KEYS, each_engines_with, gone, keys, proved, seconds};

/// How far the clocks of a busy machine's processes may seem apart.
const SECONDS_OFF_MAX: i64 = 5 * 60;

#[tokio::test]
async fn sessions_are_opened() {
    each_topology(async |chat: Chat| {
        of_the_application(&chat).await;
        of_a_user(&chat).await;
        of_somebody_new(&chat).await;
        of_guests(&chat).await;
        of_somebody_known_elsewhere(&chat).await;
        of_another_application(&chat).await;
        chat.verify().await;
    })
    .await;
}

async fn of_the_application(chat: &Chat) {
    let opened = chat.open(&json!({})).await.is(201).json();
    assert_eq!(keys(&opened), ["session"]);
    let session = &opened["session"];
    let all = ["application_id", "created_at", "id", "token", "ts", "updated_at", "user_id"];
    assert_eq!(keys(session), all);
    assert_eq!(session["user_id"], Value::Null);
    proved("SESSION", [1, 2, 3, 4, 11, 12]);
    let application = chat.application().await;
    let shown = application.get("session").await.is(200).json();
    assert_eq!(shown["session"]["token"], application.token());
    assert_eq!(keys(&shown["session"]), all);
    proved("SESSION", [35, 37]);
    let opened = chat.open(&json!({ "nonce": "4711", "timestamp": 1 })).await.is(201).json();
    assert_eq!(opened["session"]["nonce"], 4711);
    proved("SESSION", [19]);
}

async fn of_a_user(chat: &Chat) {
    let [password, ..] = Chat::secrets();
    let alice = chat.user("alice").await;
    let email = json!({ "user": { "email": "alice@example.org" } });
    alice.put("users", &email).await.is(200);
    for user in [
        json!({ "login": "alice", "password": password }),
        json!({ "email": "alice@example.org", "password": password }),
    ] {
        let opened = chat.open(&json!({ "user": user })).await.is(201).json();
        let session = &opened["session"];
        assert_eq!((&session["user_id"], &session["user"]["id"]), (&json!(alice.id()), &json!(alice.id())));
        assert_eq!(keys(&session["user"]), USER_KEYS);
    }
    proved("SESSION", [5, 6, 7]);
    let shown = alice.get("session").await.is(200).json();
    assert_eq!(
        (&shown["session"]["token"], &shown["session"]["user"]["id"]),
        (&json!(alice.token()), &json!(alice.id()))
    );
    proved("SESSION", [36]);
    let wrong = chat.try_sign_in("alice", "another password").await.is(401).json();
    assert_eq!(wrong, json!({ "errors": ["Invalid password"] }));
    proved("SESSION", [27]);
}

async fn of_somebody_new(chat: &Chat) {
    let [password, ..] = Chat::secrets();
    for (number, name, value) in [(22, "login", "newcomer"), (23, "email", "newcomer@example.org")] {
        let user = json!({ "user": { name: value, "password": password } });
        let first = chat.open(&user).await.is(201).json();
        let again = chat.open(&user).await.is(201).json();
        assert_eq!(first["session"]["user"][name], value);
        assert_eq!(first["session"]["user_id"], again["session"]["user_id"]);
        proved("SESSION", [number, 24]);
        let wrong = json!({ "user": { name: value, "password": "another password" } });
        chat.open(&wrong).await.is(401);
    }
}

async fn of_guests(chat: &Chat) {
    let opening = json!({ "user": { "guest": "1", "full_name": "A Guest" } });
    let opened = chat.open(&opening).await;
    let (guest, other) = (chat.whoever(&opened), chat.whoever(&chat.open(&opening).await));
    let user = &opened.json()["session"]["user"];
    assert_eq!((&user["full_name"], &user["id"]), (&json!("A Guest"), &json!(guest.id())));
    assert_eq!(user["is_guest"], true);
    assert!(guest.login().starts_with("guest_login_"), "{user}");
    let named = user["_id"].as_str().unwrap_or_else(|| panic!("no second id: {user}"));
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    assert!(named.len() == 24 && named.bytes().all(is_hex), "{named}");
    assert_eq!(other.get(&format!("users/{}", guest.id())).await.is(200).json()["user"]["_id"], named);
    let dialog = guest.create_group("two guests", [&other]).await;
    assert_eq!(other.dialog(&dialog).await.map(|dialog| dialog["_id"].clone()), Some(json!(dialog)));
    proved("SESSION", [28, 29, 30]);
    assert!(guest.id() != other.id() && guest.login() != other.login());
    proved("SESSION", [31]);
    for password in [Chat::secrets()[0], guest.token(), guest.login()] {
        let refused = chat.try_sign_in(guest.login(), password).await.is(401).json();
        assert_eq!(refused, json!({ "errors": ["Invalid password"] }));
    }
    proved("SESSION", [32]);
    let shown = guest.get("session").await.is(200);
    let end = seconds(&json!(shown.header("CB-Token-ExpirationDate")));
    let life = end - seconds(&shown.json()["session"]["created_at"]);
    assert!((life - 24 * 60 * 60).abs() <= SECONDS_OFF_MAX, "{life} seconds");
    proved("SESSION", [33]);
}

async fn of_somebody_known_elsewhere(chat: &Chat) {
    let application = chat.application().await;
    let keys = json!({ "token": "t", "secret": "s" });
    let firebase = json!({ "project_id": "p", "access_token": "a" });
    for (number, provider, proof) in [
        (20, "facebook", json!({ "keys": keys })),
        (20, "twitter", json!({ "keys": keys })),
        (21, "firebase_phone", json!({ "firebase_phone": firebase })),
        (21, "firebase_email", json!({ "firebase_email": firebase })),
    ] {
        let mut asked = proof.clone();
        asked["provider"] = json!(provider);
        let refused = chat.open(&asked).await.is(422).json();
        assert_eq!(refused["errors"]["provider"], json!(["is not supported by this deployment"]));
        assert_eq!(application.post_to("login", &asked).await.is(422).json(), refused);
        proved("SESSION", [number, 53]);
    }
    assert_eq!(application.get("session").await.json()["session"]["user_id"], Value::Null);
}

/// What is not the application's is refused with these statuses.
async fn refused(chat: &Chat, parameters: Value) {
    let refused = chat.open(&parameters).await;
    assert!([401, 422].contains(&refused.status), "{parameters}: {} {}", refused.status, refused.text());
    assert_ne!(refused.json()["errors"], Value::Null);
}

async fn of_another_application(chat: &Chat) {
    for id in [json!(8), json!("8"), json!(-7), json!(7.5), json!([7]), json!("x"), json!(u64::MAX)] {
        refused(chat, json!({ "application_id": id })).await;
    }
    for key in [json!("another key"), json!(7), json!(["k"]), json!("K-4D1F0C2B9A8E7F60")] {
        refused(chat, json!({ "auth_key": key })).await;
    }
    proved("SESSION", [8]);
    for nothing in [Value::Null, json!(""), json!(" ")] {
        refused(chat, json!({ "application_id": nothing })).await;
        proved("SESSION", [9]);
        refused(chat, json!({ "auth_key": nothing })).await;
        proved("SESSION", [10]);
    }
    for path in ["session/web", "session/web.json"] {
        let application = chat.application().await;
        for method in [reqwest::Method::POST, reqwest::Method::PATCH] {
            application.send(method, path, &json!({})).await.is(404);
        }
    }
    // The sign-in by QR code of old clients is left out.
    proved("SESSION", [57, 58]);
}

#[tokio::test]
async fn who_signs_in_need_not_be_signed_up() {
    each_engines_with(&[("app.create_users_on_login", "false")], async |chat: &Chat| {
        let unknown = json!({ "errors": ["User not found"] });
        let [password, ..] = Chat::secrets();
        let application = chat.application().await;
        for user in [
            json!({ "login": "nobody", "password": password }),
            json!({ "email": "nobody@example.org", "password": password }),
        ] {
            assert_eq!(chat.open(&json!({ "user": user })).await.is(404).json(), unknown);
            assert_eq!(application.post_to("login", &user).await.is(404).json(), unknown);
        }
        proved("SESSION", [52]);
        assert_eq!(application.get("session").await.json()["session"]["user_id"], Value::Null);
        let user = json!({ "login": "nobody", "email": "nobody@example.org", "password": password });
        application.post_to("users", &json!({ "user": user })).await.is(201);
        chat.sign_in("nobody").await;
        // That it is on otherwise, `of_somebody_new` has seen.
        proved("SESSION", [25, 26]);
    })
    .await;
}

#[tokio::test]
async fn a_guest_is_gone_after_his_time() {
    each_engines_with(&[("identity.guest_lifetime", "2s")], async |chat: &Chat| {
        let alice = chat.user("alice").await;
        let opened = chat.open(&json!({ "user": { "guest": 1 } })).await;
        let guest: Person = chat.whoever(&opened);
        let path = format!("users/{}", guest.id());
        while alice.get(&path).await.status != 404 {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        assert_eq!(guest.get("session").await.is(401).json(), gone());
        proved("SESSION", [34]);
        alice.get("session").await.is(200);
    })
    .await;
}
