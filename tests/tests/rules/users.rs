//! Signing up: what a user is, and what he may not be.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, each_topology};

use crate::ask::{USER_KEYS, keys, proved};

#[tokio::test]
async fn users_sign_up() {
    each_topology(async |chat: Chat| {
        let alice = chat.user("alice").await;
        what_a_user_is(&chat, &alice).await;
        what_is_kept(&alice).await;
        tags(&alice).await;
        names(&alice).await;
        passwords(&chat, &alice).await;
        by_whom(&chat, &alice).await;
        chat.verify().await;
    })
    .await;
}

/// What signing up with these fields and a good password answers.
async fn sign_up(by: &Person, fields: Value) -> Answer {
    let mut user = json!({ "password": Chat::secrets()[0] });
    for (name, value) in fields.as_object().expect("fields have names") {
        user[name] = value.clone();
    }
    by.post_to("users", &json!({ "user": user })).await
}

/// That these fields are refused, each for its reason, and make nobody.
async fn refused(by: &Person, fields: Value, errors: Value) {
    let refused = sign_up(by, fields.clone()).await.is(422).json();
    assert_eq!(refused, json!({ "errors": errors }), "{fields}");
}

async fn what_a_user_is(chat: &Chat, alice: &Person) {
    let answer = sign_up(alice, json!({ "login": "plain" })).await.is(201).json();
    assert_eq!(keys(&answer), ["user"]);
    let user = &answer["user"];
    assert_eq!(keys(user), USER_KEYS);
    assert_eq!(user["login"], "plain");
    for unset in USER_KEYS.iter().filter(|key| {
        !["id", "login", "created_at", "updated_at", "is_guest", "last_request_at"].contains(key)
    }) {
        assert_eq!(user[*unset], Value::Null, "{unset}");
    }
    proved("USER", [1, 4, 5, 20]);
    let text = answer.to_string();
    assert!(!text.contains("password") && !text.contains(Chat::secrets()[0]), "{text}");
    let shown = chat.sign_in("plain").await.get("session").await.is(200).text();
    assert!(!shown.contains("password") && !shown.contains(Chat::secrets()[0]), "{shown}");
    proved("USER", [6]);
    let mailed = sign_up(alice, json!({ "email": "mailed@example.org" })).await.is(201).json();
    assert_eq!(
        (&mailed["user"]["login"], &mailed["user"]["email"]),
        (&Value::Null, &json!("mailed@example.org"))
    );
    proved("USER", [2]);
    let flat = json!({ "login": "flat", "password": Chat::secrets()[0] });
    alice.post_to("users", &flat).await.is(422);
    sign_up(alice, json!({ "login": "flat" })).await.is(201);
    proved("USER", [3]);
}

async fn what_is_kept(alice: &Person) {
    let fields = [
        (7, "full_name", json!("Dacia Kail")),
        (8, "phone", json!("+6110797757")),
        (9, "website", json!("https://example.org")),
        (10, "custom_data", json!("{\"likes\": \"👍\"}")),
        (11, "external_id", json!("of-old")),
        (12, "external_user_id", json!(52_691_165)),
        (13, "facebook_id", json!("91234409")),
        (14, "twitter_id", json!("83510562734")),
        (15, "avatar", json!("https://example.org/a.png")),
        (16, "blob_id", json!(12)),
        (17, "timezone", json!(-150)),
    ];
    let mut user = json!({ "login": "whole" });
    for (_, name, value) in &fields {
        user[*name] = value.clone();
    }
    let answered = sign_up(alice, user).await.is(201).json()["user"].clone();
    let shown = alice.get(&format!("users/{}", answered["id"])).await.is(200).json()["user"].clone();
    assert_eq!(shown, answered);
    for (row, name, value) in &fields {
        assert_eq!(&answered[*name], value, "{name}");
        proved("USER", [*row]);
    }
    // Minutes: half hours are kept, and what is further than any place on Earth is none.
    for (minutes, kept) in
        [(json!(840), true), (json!("-720"), true), (json!(841), false), (json!("x"), false)]
    {
        let status = if kept { 201 } else { 422 };
        let login = format!("zone{}", minutes.to_string().replace('"', ""));
        sign_up(alice, json!({ "login": login, "timezone": minutes })).await.is(status);
    }
    proved("USER", [21]);
}

async fn tags(alice: &Person) {
    for (row, login, tags) in
        [(18, "tags-list", json!(["vip", "accountant"])), (19, "tags-text", json!("vip, accountant"))]
    {
        let user = sign_up(alice, json!({ "login": login, "tag_list": tags })).await.is(201).json();
        assert_eq!(user["user"]["user_tags"], "vip,accountant");
        proved("USER", [row]);
    }
    for (number, none) in [json!([]), json!(""), Value::Null].into_iter().enumerate() {
        let login = format!("no-tags-{number}");
        let user = sign_up(alice, json!({ "login": login, "tag_list": none })).await.is(201).json();
        assert_eq!(user["user"]["user_tags"], Value::Null);
    }
}

async fn names(alice: &Person) {
    let taken = json!(["has already been taken."]);
    refused(alice, json!({ "login": "alice" }), json!({ "login": taken })).await;
    proved("USER", [22]);
    let short = json!(["is too short (minimum is 3 characters)"]);
    refused(alice, json!({ "login": "ab" }), json!({ "login": short })).await;
    proved("USER", [23]);
    for login in ["abc".to_owned(), "x".repeat(70), "👍👍👍".to_owned(), "ы".repeat(70)] {
        sign_up(alice, json!({ "login": login })).await.is(201);
    }
    proved("USER", [24]);
    let long = json!(["is too long (maximum is 70 characters)"]);
    refused(alice, json!({ "login": "y".repeat(71) }), json!({ "login": long })).await;
    proved("USER", [25]);
    let email = json!({ "login": "first", "email": "first@example.org" });
    sign_up(alice, email).await.is(201);
    for email in ["first@example.org", "FIRST@EXAMPLE.ORG", " first@example.org "] {
        refused(alice, json!({ "login": "second", "email": email }), json!({ "email": taken })).await;
    }
    proved("USER", [28]);
    for email in ["x", "@", "a@b", "a b@example.org", "a@example..org", "a@-x.org", "@example.org"] {
        let errors = json!({ "email": ["is invalid"] });
        refused(alice, json!({ "login": "second", "email": email }), errors).await;
    }
    proved("USER", [29]);
    sign_up(alice, json!({ "login": "second" })).await.is(201);
}

async fn passwords(chat: &Chat, alice: &Person) {
    let short = json!({ "password": ["is too short (minimum is 8 characters)"] });
    refused(alice, json!({ "login": "secretive", "password": "1234567" }), short).await;
    proved("USER", [26]);
    for (login, password) in [("secretive", "12345678"), ("secret-signs", "👍👍👍👍👍👍👍👍")]
    {
        sign_up(alice, json!({ "login": login, "password": password })).await.is(201);
        chat.try_sign_in(login, password).await.is(201);
    }
    proved("USER", [27]);
}

async fn by_whom(chat: &Chat, alice: &Person) {
    let own = alice.get("session").await.is(200).json()["session"]["user_id"].clone();
    let application = chat.application().await;
    sign_up(alice, json!({ "login": "by-alice" })).await.is(201);
    sign_up(&application, json!({ "login": "by-application" })).await.is(201);
    assert_eq!(alice.get("session").await.is(200).json()["session"]["user_id"], own);
    assert_eq!(application.get("session").await.is(200).json()["session"]["user_id"], Value::Null);
    proved("USER", [30]);
    let user = json!({ "user": { "login": "by-nobody", "password": Chat::secrets()[0] } });
    let nobody = chat.api().request(Method::POST, "users").json(&user);
    assert_eq!(Answer::to(nobody).await.is(401).json(), json!({ "errors": ["Token is required"] }));
    proved("USER", [31]);
}
