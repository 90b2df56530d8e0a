//! What people write and what they prove themselves with stays out of the log, whatever goes
//! well or wrong and however much is logged. Keeps invariant 9.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, TOPOLOGIES};

/// Everything that is said or sent in the walk has this in it.
const PRIVATE: &str = "xyzzy";

/// What the API does when all goes well, with something private in every text.
async fn walk(chat: &Chat) -> [Person; 2] {
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let body = json!({
        "type": 2, "name": "xyzzy-name", "description": "xyzzy-description", "photo": "xyzzy-photo",
        "occupants_ids": [bob.id()], "extensions": { "mood": "xyzzy-extension" },
    });
    let dialog = alice.create(&body).await;
    let body = json!({
        "_id": "xyzzy-id", "message": "xyzzy-text", "note": "xyzzy-custom", "attachments": [{ "url": "xyzzy-url" }],
    });
    let message = alice.post_message(&dialog, &body).await.is(201).json();
    let id = message["_id"].as_str().expect("a message has an id");
    bob.list(&dialog).await;
    bob.get(&format!("chat/Message?chat_dialog_id={dialog}&color=xyzzy-query")).await.is(200);
    bob.read_all(&dialog).await;
    alice.edit(&dialog, id, "xyzzy-edited").await;
    alice.put(&format!("chat/Dialog/{dialog}"), &json!({ "name": "xyzzy-renamed" })).await.is(200);
    bob.hide(id).await;
    alice.remove(id).await;
    bob.leave(&dialog).await;
    accounts(chat, &bob).await;
    [alice, bob]
}

/// What people do with their accounts.
async fn accounts(chat: &Chat, bob: &Person) {
    let [password, ..] = Chat::secrets();
    let email = "xyzzy@example.org";
    let user = json!({
        "full_name": "xyzzy-bob", "email": email, "phone": "xyzzy-phone", "custom_data": "xyzzy-data",
        "external_id": "xyzzy-external", "password": "xyzzy-new-password", "old_password": password,
    });
    bob.put("users", &json!({ "user": user })).await.is(200);
    let session = chat.application().await;
    let proof = json!({ "email": email, "password": "xyzzy-new-password" });
    session.post_to("login", &proof).await.is(202);
    session.post_to("users/password/reset", &json!({ "email": email })).await.is(200);
    session.get(&format!("users/password/reset?email={email}")).await.is(200);
    session.delete("login", false).await.is(200);
    let guest = json!({ "user": { "guest": 1, "full_name": "xyzzy-guest" } });
    let guest = chat.whoever(&chat.open(&guest).await);
    guest.delete("users", false).await.is(200);
    chat.user("carol").await.delete("session/list", false).await.is(200);
}

/// What people get wrong with their accounts, with something private in it.
async fn stumble_over_accounts(chat: &Chat, alice: &Person) {
    for body in [json!({ "login": "alice", "password": "xyzzy-password" }), json!({ "provider": "xyzzy" })] {
        let status = alice.post_to("login", &body).await.status;
        assert!([401, 422].contains(&status), "{status}");
    }
    chat.open(&json!({ "signature": "xyzzy-signature", "timestamp": "1" })).await.is(401);
    let change = json!({ "password": "xyzzy-password", "old_password": "xyzzy-old" });
    alice.put("users", &json!({ "user": change })).await.is(422);
    alice.delete("users/external/xyzzy-external", false).await;
    alice.delete("session/xyzzy", false).await.is(404);
    alice.get("users/xyzzy").await.is(404);
    let finish = json!({ "reset_token": "xyzzy-token", "password": "xyzzy-password" });
    alice.put("users/password", &finish).await.is(422);
}

/// What people get wrong, with something private in it.
async fn stumble(chat: &Chat, alice: &Person) {
    let dialog = alice.create(&json!({ "type": 4, "name": "xyzzy" })).await;
    chat.try_sign_in("alice", "xyzzy-password").await.is(401);
    let user = json!({ "user": { "login": "alice", "password": "xyzzy-taken-login" } });
    alice.post_to("users", &user).await.is(422);
    let short = json!({ "user": { "login": "xyzzy-login", "password": "xyzzy" } });
    alice.post_to("users", &short).await.is(422);
    alice.post_message(&dialog, &json!({ "message": "xyzzy".repeat(3_000) })).await.is(422);
    alice.post_message(&dialog, &json!({ "message": "xyzzy\u{0}" })).await.is(422);
    alice.post_message("xyzzy-dialog", &json!({ "message": "xyzzy" })).await.is(422);
    alice.post_message(&dialog, &json!({ "attachments": ["xyzzy"] })).await.is(422);
    let broken = alice.request(Method::POST, "chat/Message").header("Content-Type", "application/json");
    Answer::to(broken.body("{\"message\": \"xyzzy\"")).await.is(400);
    let other =
        alice.request(Method::POST, "chat/Message").header("Content-Type", "text/xyzzy").body("xyzzy");
    Answer::to(other).await.is(415);
    for path in ["chat/xyzzy", "chat/Message/xyzzy", "chat/Dialog/xyzzy", "chat/Message?chat_dialog_id=xyzzy"]
    {
        let status = alice.get(path).await.status;
        assert!((400..500).contains(&status), "{path}: {status}");
    }
    let named = alice.request(Method::GET, "chat/Dialog").header("X-Request-Id", "xyzzy with a blank");
    Answer::to(named.header("User-Agent", "xyzzy").header("Min-Log-Position", "xyzzy")).await.is(400);
    let stranger = chat.api().request(Method::GET, "chat/Dialog").header("CB-Token", "xyzzy-token");
    Answer::to(stranger).await.is(401);
    let app = chat.application().await;
    app.get("chat/Dialog?name=xyzzy").await.is(403);
    stumble_over_accounts(chat, alice).await;
    let key = chat.api().request(Method::POST, "users").header("CB-AuthKey", "xyzzy-key");
    Answer::to(key.json(&user)).await.is(401);
}

/// What the audit has to say, each kind of line once.
fn audited(log: &str) -> Vec<String> {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = lines.filter(|line| line["target"] == "audit");
    let told = lines.map(|line| {
        assert_eq!(line["client"], "127.0.0.1", "{line}");
        line["message"].as_str().unwrap_or_default().to_owned()
    });
    let mut told: Vec<String> = told.collect();
    told.sort();
    told.dedup();
    told
}

/// Where the log of a run says something that it must not.
fn leaks(log: &str, people: &[Person]) -> Vec<String> {
    let tokens = people.iter().map(Person::token);
    let secrets: Vec<&str> = Chat::secrets().into_iter().chain([PRIVATE]).chain(tokens).collect();
    let leaks = log.lines().filter(|line| secrets.iter().any(|secret| line.contains(secret)));
    leaks.map(str::to_owned).collect()
}

#[tokio::test]
async fn nothing_private_reaches_the_log() {
    for topology in TOPOLOGIES {
        let setup = Setup::of(topology).with("telemetry.filter", "trace");
        let mut chat = Chat::start(setup).await;
        let people = walk(&chat).await;
        stumble(&chat, &people[0]).await;
        // What is read again at a start is not told either.
        let mut log = chat.kill().await.stderr;
        chat.start_again().await;
        people[1].get("chat/Dialog").await.is(200);
        let again = chat.sign_in("alice").await;
        again.delete("session", false).await.is(200);
        log.push('\n');
        log.push_str(&chat.stop().await.stderr);
        let answers = log.lines().filter(|line| line.contains("answered a request")).count();
        assert!(answers > 30, "at `trace` there is more to say: {log}");
        let told = [
            "deleted a user",
            "ended a session",
            "refused for want of a right",
            "refused to sign in",
            "signed in",
        ];
        assert_eq!(audited(&log), told);
        let [alice, bob] = people;
        assert_eq!(leaks(&log, &[alice, bob, again]), Vec::<String>::new());
        for line in log.lines() {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
            assert_ne!(line["level"], "ERROR", "nothing that a client can cause is an error: {line}");
        }
    }
}
