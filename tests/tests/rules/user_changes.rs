//! Users who change, who go, and who have forgotten their passwords.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, each_topology};

use crate::ask::{USER_KEYS, another_second, gone, keys, proved, seconds, sign_up};

#[tokio::test]
async fn users_change_themselves_and_nobody_else() {
    each_topology(async |chat: Chat| {
        fields(&chat).await;
        unset_fields(&chat).await;
        nobody_else(&chat).await;
        new_passwords(&chat).await;
        by_the_rules_of_sign_up(&chat).await;
        chat.verify().await;
    })
    .await;
}

async fn change(person: &Person, user: Value) -> Answer {
    person.put(&format!("users/{}", person.id()), &json!({ "user": user })).await
}

async fn shown(person: &Person) -> Value {
    let mut user = person.get(&format!("users/{}", person.id())).await.is(200).json()["user"].clone();
    // It moves with every request.
    user["last_request_at"] = Value::Null;
    user
}

/// `user` with these fields; what moves by itself is left out.
fn with(user: &Value, fields: &Value) -> Value {
    let mut user = user.clone();
    for (name, value) in fields.as_object().expect("fields have names") {
        user[name] = value.clone();
    }
    user["updated_at"] = Value::Null;
    user
}

async fn fields(chat: &Chat) {
    let application = chat.application().await;
    let whole = json!({
        "full_name": "Dacia", "email": "dacia@example.org", "phone": "1", "website": "w", "custom_data": "c",
        "external_id": "e", "external_user_id": "u", "facebook_id": "f", "twitter_id": "t", "avatar": "a",
        "blob_id": 1, "timezone": 60, "tag_list": "one,two",
    });
    let dacia = sign_up(chat, &application, "dacia", &whole).await;
    let mut before = shown(&dacia).await;
    another_second().await;
    for change_of in [
        json!({ "full_name": "Dacia Kail" }),
        json!({ "email": "kail@example.org", "phone": "+1", "website": "https://example.org" }),
        json!({ "custom_data": "{}", "external_id": "9", "external_user_id": 10, "facebook_id": "11" }),
        json!({ "twitter_id": "12", "avatar": "b", "blob_id": 2, "timezone": -60, "login": "dacia-2" }),
        json!({}),
    ] {
        let answer = change(&dacia, change_of.clone()).await.is(200).json();
        assert_eq!((keys(&answer), keys(&answer["user"])), (vec!["user"], USER_KEYS.to_vec()));
        let after = shown(&dacia).await;
        assert_eq!(with(&after, &json!({})), with(&before, &change_of));
        before = after;
    }
    proved("USER", [32]);
    assert!(seconds(&before["updated_at"]) > seconds(&before["created_at"]), "{before}");
    proved("USER", [37]);
    change(&dacia, json!({ "tag_list": ["three"] })).await.is(200);
    assert_eq!(shown(&dacia).await["user_tags"], "three");
    let answer = dacia.put("users", &json!({ "user": { "full_name": "D." } })).await.is(200).json();
    assert_eq!((&answer["user"]["id"], &answer["user"]["full_name"]), (&json!(dacia.id()), &json!("D.")));
    proved("USER", [39]);
    chat.sign_in("dacia-2").await;
}

async fn unset_fields(chat: &Chat) {
    let application = chat.application().await;
    let names = ["full_name", "phone", "website", "custom_data", "external_id", "avatar", "facebook_id"];
    for (login, nothing) in [("unset-null", Value::Null), ("unset-empty", json!(""))] {
        let mut all = json!({ "blob_id": 1, "timezone": 60, "tag_list": "one" });
        for name in names {
            all[name] = json!("something");
        }
        let person = sign_up(chat, &application, login, &all).await;
        for name in names.iter().chain(&["blob_id", "timezone", "tag_list"]) {
            change(&person, json!({ *name: nothing })).await.is(200);
        }
        let user = shown(&person).await;
        for name in names.iter().chain(&["blob_id", "timezone", "user_tags"]) {
            assert_eq!(user[*name], Value::Null, "{name}");
        }
        // Somebody without a name could never come back.
        change(&person, json!({ "login": nothing })).await.is(422);
        let email = format!("{login}@example.org");
        change(&person, json!({ "login": nothing, "email": email })).await.is(200);
        let user = json!({ "email": email, "password": Chat::secrets()[0] });
        assert_eq!(
            chat.open(&json!({ "user": user })).await.is(201).json()["session"]["user_id"],
            person.id()
        );
    }
}

async fn nobody_else(chat: &Chat) {
    let [alice, bob] = chat.users(["only-alice", "only-bob"]).await;
    let before = shown(&bob).await;
    let body = json!({ "user": { "full_name": "Mallory" } });
    let denied = "You don't have appropriate permissions to perform this operation";
    let refused = alice.put(&format!("users/{}", bob.id()), &body).await.is(403).json();
    assert_eq!(refused, json!({ "errors": { "base": [denied] } }));
    proved("USER", [33]);
    let refused = alice.delete(&format!("users/{}", bob.id()), false).await.is(403).json();
    assert_eq!(refused, json!({ "errors": { "base": [denied] } }));
    proved("USER", [41]);
    assert_eq!(shown(&bob).await, before);
    bob.get("chat/Dialog").await.is(200);
    for nobody in ["999999", "0", "-1", "x", "9007199254740993"] {
        alice.put(&format!("users/{nobody}"), &body).await.is(404);
        alice.delete(&format!("users/{nobody}"), false).await.is(404);
    }
    assert_eq!(shown(&alice).await["full_name"], "only-alice");
}

async fn new_passwords(chat: &Chat) {
    let [old, ..] = Chat::secrets();
    let alice = chat.user("new-alice").await;
    let new = "another long password";
    for wrong in [
        json!({ "password": new }),
        json!({ "password": new, "old_password": Value::Null }),
        json!({ "password": new, "old_password": "" }),
    ] {
        change(&alice, wrong).await.is(422);
        proved("USER", [35]);
    }
    change(&alice, json!({ "password": new, "old_password": "wrong password" })).await.is(422);
    change(&alice, json!({ "password": "short", "old_password": old })).await.is(422);
    chat.try_sign_in("new-alice", new).await.is(401);
    chat.try_sign_in("new-alice", old).await.is(201);
    proved("USER", [36]);
    change(&alice, json!({ "password": new, "old_password": old })).await.is(200);
    chat.try_sign_in("new-alice", old).await.is(401);
    chat.try_sign_in("new-alice", new).await.is(201);
    alice.get("session").await.is(200);
    proved("USER", [34]);
}

async fn by_the_rules_of_sign_up(chat: &Chat) {
    let [alice, bob] = chat.users(["rule-alice", "rule-bob"]).await;
    change(&bob, json!({ "email": "rule-bob@example.org" })).await.is(200);
    let before = shown(&alice).await;
    let taken = json!(["has already been taken."]);
    for (fields, errors) in [
        (json!({ "login": "rule-bob", "full_name": "x" }), json!({ "login": taken })),
        (json!({ "login": "ＲＵＬＥ-ＢＯＢ" }), json!({ "login": taken })),
        (json!({ "email": "Rule-Bob@Example.org" }), json!({ "email": taken })),
        (json!({ "login": "ab" }), json!({ "login": ["is too short (minimum is 3 characters)"] })),
        (json!({ "email": "nowhere" }), json!({ "email": ["is invalid"] })),
        (json!({ "timezone": 10_000 }), json!({ "timezone": ["is invalid"] })),
        (json!({ "blob_id": 0, "full_name": "x" }), json!({ "blob_id": ["is invalid"] })),
    ] {
        let refused = change(&alice, fields.clone()).await.is(422).json();
        assert_eq!(refused, json!({ "errors": errors }), "{fields}");
    }
    assert_eq!(shown(&alice).await, before);
    // His own name is his to spell anew.
    change(&alice, json!({ "login": "Rule-ALICE" })).await.is(200);
    assert_eq!(chat.sign_in("rule-alice").await.id(), alice.id());
    proved("USER", [38]);
}

#[tokio::test]
async fn users_go() {
    each_topology(async |chat: Chat| {
        by_every_path(&chat).await;
        by_the_applications_own_number(&chat).await;
        and_are_forgotten(&chat).await;
        chat.verify().await;
    })
    .await;
}

/// He is deleted: nobody finds him, and no token of his is good.
async fn has_gone(chat: &Chat, witness: &Person, sessions: &[&Person]) {
    let id = sessions[0].id();
    let refused = witness.get(&format!("users/{id}")).await.is(404).json();
    assert_eq!(refused, json!({ "errors": ["The resource wasn't found"] }));
    for session in sessions {
        assert_eq!(session.get("session").await.is(401).json(), gone());
        session.get("chat/Dialog").await.is(401);
    }
    let body = json!({ "type": 2, "name": "with a ghost", "occupants_ids": [id] });
    witness.post_to("chat/Dialog", &body).await.is(422);
    assert_eq!(chat.application().await.get(&format!("users/{id}")).await.status, 404);
}

async fn by_every_path(chat: &Chat) {
    let witness = chat.user("go-witness").await;
    for (row, login) in [(40, "go-by-number"), (43, "go-by-session")] {
        let person = chat.user(login).await;
        let other = chat.sign_in(login).await;
        let path = if row == 40 { format!("users/{}", person.id()) } else { "users".to_owned() };
        person.delete(&path, false).await.is(200);
        has_gone(chat, &witness, &[&person, &other]).await;
        proved("USER", [row]);
    }
}

async fn by_the_applications_own_number(chat: &Chat) {
    let witness = chat.user("ext-witness").await;
    let alice = sign_up(chat, &witness, "ext-alice", &json!({ "external_id": "a/1 ä" })).await;
    let bob = sign_up(chat, &witness, "ext-bob", &json!({ "external_id": "b-1" })).await;
    for path in ["users/external/b-1", "users/external/nobody", "users/external/a%00", "users/external/null"]
    {
        let refused = alice.delete(path, false).await;
        assert!([403, 404].contains(&refused.status), "{path}: {} {}", refused.status, refused.text());
    }
    bob.get("chat/Dialog").await.is(200);
    alice.get("chat/Dialog").await.is(200);
    proved("USER", [45]);
    alice.delete("users/external/a%2F1%20%C3%A4.json", false).await.is(200);
    has_gone(chat, &witness, &[&alice]).await;
    proved("USER", [44]);
}

async fn and_are_forgotten(chat: &Chat) {
    let witness = chat.user("old-witness").await;
    let old = chat.user("old-user").await;
    let group = witness.create_group("shared", [&old]).await;
    old.post(&group, "I was here").await;
    old.delete("users", false).await.is(200);
    let fresh = chat.whoever(&chat.try_sign_in("old-user", "quite another password").await);
    assert_ne!(fresh.id(), old.id(), "the login is free, the number is not");
    assert_eq!(fresh.dialogs().await, [] as [Value; 0]);
    assert_eq!(witness.texts(&group).await, ["I was here"]);
    has_gone(chat, &witness, &[&old]).await;
    let refused = old.put("users", &json!({ "user": { "full_name": "Back" } })).await.is(401).json();
    assert_eq!(refused, gone());
    proved("USER", [42]);
}

#[tokio::test]
async fn a_forgotten_password_is_nobody_elses_business() {
    each_topology(async |chat: Chat| {
        let application = chat.application().await;
        let email = json!({ "email": "alice@example.org" });
        sign_up(&chat, &application, "alice", &email).await;
        let (known, unknown) = ("alice%40example.org", "nobody%40example.org");
        let posted = application.post_to("users/password/reset", &email).await.is(200);
        assert!(posted.header("Content-Type").starts_with("text/plain") && !posted.text().is_empty());
        proved("USER", [46, 49]);
        let got = application.get(&format!("users/password/reset.json?email={known}")).await.is(200);
        assert_eq!(got.text(), posted.text());
        proved("USER", [47]);
        for email in ["nobody@example.org", "nowhere", "@", "a\u{202e}b@example.org", &"x".repeat(10_000)] {
            let answer = application.post_to("users/password/reset", &json!({ "email": email })).await;
            assert_eq!(answer.is(200).text(), posted.text());
        }
        let got = application.get(&format!("users/password/reset?email={unknown}")).await.is(200);
        assert_eq!(got.text(), posted.text());
        proved("USER", [48]);
        for nothing in
            [json!({}), json!({ "email": "" }), json!({ "email": [] }), json!({ "email": "a\u{0}" })]
        {
            application.post_to("users/password/reset", &nothing).await.is(422);
        }
        let nobody = chat.api().request(Method::POST, "users/password/reset").json(&email);
        Answer::to(nobody).await.is(401);

        let new = "a brand new password";
        for (body, field) in [
            (json!({}), "reset_token"),
            (json!({ "reset_token": "0".repeat(40) }), "password"),
            (json!({ "reset_token": "0".repeat(40), "password": new }), "reset_token"),
            (json!({ "reset_token": "ы", "password": new }), "reset_token"),
            (json!({ "reset_token": [1], "password": new }), "reset_token"),
        ] {
            let asked = chat.api().request(Method::PUT, "users/password").json(&body);
            let refused = Answer::to(asked).await.is(422).json();
            assert_ne!(refused["errors"][field], Value::Null, "{refused}");
        }
        chat.try_sign_in("alice", new).await.is(401);
        chat.sign_in("alice").await;
    })
    .await;
}
