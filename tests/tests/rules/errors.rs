//! What goes wrong, and how it is answered: with which status, in which shape and words, and
//! without any effect.

use std::process::Command;

use engines::Programs;
use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tests::{Answer, Chat, Engines, Person, each_topology, proves};

use crate::ask::{NOTHING, change, each_engines_with, history, proved};
use crate::calls::{Call, calls, error};

/// A token of the right form that nobody has.
const FOREIGN: &str = "0123456789abcdef0123456789abcdef01234567";

fn required_session() -> Value {
    json!({ "errors": { "base": ["Required session does not exist"] } })
}

fn not_found() -> Value {
    json!({ "errors": ["The resource wasn't found"] })
}

/// Who may be in it, and what was said there.
struct Ground {
    alice: Person,
    bob: Person,
    carol: Person,
    group: String,
    message: String,
}

impl Ground {
    async fn of(chat: &Chat) -> Self {
        let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
        let group = alice.create_group("ground", [&bob]).await;
        let message = bob.post(&group, "something to find").await;
        Self { alice, bob, carol, group, message }
    }

    fn calls(&self) -> Vec<Call> {
        calls(&self.group, &self.message, self.carol.id())
    }

    /// All that the refused could have changed.
    async fn state(&self, chat: &Chat) -> (Vec<u64>, Vec<Value>, Vec<Value>, usize) {
        let messages = self.alice.peek(&self.group).await;
        (chat.tails().await, self.alice.dialogs().await, messages, self.carol.dialogs().await.len())
    }
}

/// The token of a session of the application's own.
async fn application_session(chat: &Chat) -> String {
    let body = json!({ "application_id": 7, "auth_key": Chat::secrets()[1] });
    let session = Answer::to(chat.api().request(Method::POST, "session").json(&body)).await.is(201).json();
    session["session"]["token"].as_str().expect("a session has a token").to_owned()
}

#[tokio::test]
async fn whoever_may_not_call_is_told_why_and_changes_nothing() {
    each_topology(async |chat: Chat| {
        let ground = Ground::of(&chat).await;
        let application = application_session(&chat).await;
        let before = ground.state(&chat).await;
        let api = chat.api();
        for call in ground.calls() {
            error(&call.with(api, None).await, 401);
            let refused = error(&call.with(api, Some(&application)).await, 403);
            assert_eq!(refused, json!({ "errors": { "base": ["Forbidden. Need user."] } }), "{}", call.path);
            proved("ERROR", [call.needs_user]);
            let refused = error(&call.with(api, Some(FOREIGN)).await, 401);
            assert_eq!(refused, required_session(), "{}", call.path);
        }
        let user = format!("users/{}", ground.alice.id());
        for (method, path) in
            [(Method::GET, "session"), (Method::DELETE, "session"), (Method::GET, user.as_str())]
        {
            let refused = Answer::to(api.request(method.clone(), path).header("CB-Token", FOREIGN)).await;
            assert_eq!(error(&refused, 401), required_session(), "{path}");
            error(&Answer::to(api.request(method, path)).await, 401);
        }
        assert_eq!(ground.state(&chat).await, before);
        proved("ERROR", [9]);
    })
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    each_topology(async |chat: Chat| {
        let ground = Ground::of(&chat).await;
        let alice = &ground.alice;
        let before = ground.state(&chat).await;
        for call in calls(NOTHING, NOTHING, ground.carol.id()) {
            let Some(rule) = call.nothing_there else { continue };
            let refused = error(&call.with(chat.api(), Some(alice.token())).await, 404);
            assert_eq!(refused, not_found(), "{} {}", call.method, call.path);
            proved("ERROR", [rule]);
        }
        proved("ERROR", [14]);
        // What the SDK writes where it has no id.
        error(&alice.put("chat/Message/_/reactions", &json!({ "add": "+1" })).await, 404);
        proved("ERROR", [6]);
        error(&alice.get("chat/Message/_/reactions").await, 404);
        proved("ERROR", [7]);
        let odd = format!("yvjhs,{NOTHING}");
        let answer = alice.delete(&format!("chat/Dialog/{odd}"), false).await.is(200).json();
        assert_eq!(answer["NotFound"]["ids"], json!(["yvjhs", NOTHING]), "{answer}");
        proved("ERROR", [8]);
        for (method, path) in [
            (Method::GET, "chat/Nothing"),
            (Method::POST, "nothing"),
            (Method::GET, ""),
            (Method::PUT, "chat/Dialog"),
            (Method::PATCH, "chat/Message"),
            (Method::DELETE, "chat/search"),
        ] {
            error(&Answer::to(alice.request(method.clone(), path)).await, 404);
            error(&Answer::to(chat.api().request(method, path)).await, 404);
        }
        proved("ERROR", [19]);
        assert_eq!(ground.state(&chat).await, before);
    })
    .await;
}

#[tokio::test]
async fn what_is_no_request_is_refused_by_every_call() {
    each_topology(async |chat: Chat| {
        let ground = Ground::of(&chat).await;
        let alice = &ground.alice;
        let before = ground.state(&chat).await;
        let anywhere = ["session", "users"].map(|path| (Method::POST, path.to_owned()));
        let taking_bodies = ground.calls().into_iter().filter(|call| call.method != Method::GET);
        let taking_bodies = taking_bodies.map(|call| (call.method, call.path));
        for (method, path) in anywhere.into_iter().chain(taking_bodies) {
            // What comes with a DELETE and does not begin like JSON is a form, whatever is said of it.
            let word = if method == Method::DELETE { "{" } else { "\"word\"" };
            for broken in ["{", "{\"a\": }", "[1", word, "{} {}", "{\"a\": \"\\ud800\"}"] {
                let request = alice.request(method.clone(), &path);
                let request = request.header("Content-Type", "application/json;charset=utf-8");
                error(&Answer::to(request.body(broken)).await, 400);
            }
            let request = alice.request(method.clone(), &path).header("Content-Type", "text/html");
            error(&Answer::to(request.body("<p>")).await, 415);
        }
        proved("ERROR", [3]);
        assert_eq!(ground.state(&chat).await, before);
        // Together with those whom the other stories refuse.
        proved("ERROR", [1, 2]);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_accepted_is_said_field_by_field() {
    each_topology(async |chat: Chat| {
        let ground = Ground::of(&chat).await;
        let Ground { alice, bob, carol, group, .. } = &ground;
        let private = alice.create_private(bob).await;
        let before = ground.state(&chat).await;
        credentials(&chat).await;
        permissions(&ground, &private).await;
        new_dialogs(&ground).await;
        let user = json!({ "user": { "login": "x", "password": "short" } });
        for (method, path, body) in [
            (Method::POST, "users", user),
            (Method::POST, "chat/Message", json!({ "message": "nowhere" })),
            (Method::POST, "chat/Message", json!({ "chat_dialog_id": group })),
            (Method::POST, "chat/Message", json!({ "chat_dialog_id": group, "attachments": "x" })),
            (Method::POST, "chat/Dialog", json!({ "type": 9, "occupants_ids": [carol.id()] })),
            (Method::PUT, "chat/Message", json!({ "chat_dialog_id": group, "read": "maybe" })),
            (Method::GET, "chat/Dialog?limit=ten", Value::Null),
            (Method::GET, "chat/Dialog?type[whatever]=2", Value::Null),
            (Method::GET, "chat/search", Value::Null),
        ] {
            error(&alice.send(method, path, &body).await, 422);
        }
        proved("ERROR", [24]);
        assert_eq!(ground.state(&chat).await, before);
        proved("ERROR", [25]);
    })
    .await;
}

async fn credentials(chat: &Chat) {
    let key = Chat::secrets()[1];
    for body in [
        json!({ "application_id": 7, "auth_key": "another" }),
        json!({ "application_id": 8, "auth_key": key }),
    ] {
        let refused = Answer::to(chat.api().request(Method::POST, "session").json(&body)).await;
        assert_eq!(error(&refused, 401), json!({ "errors": ["Unauthorized"] }));
    }
    proved("ERROR", [10]);
}

async fn permissions(ground: &Ground, private: &str) {
    let Ground { alice, bob, carol, group, .. } = ground;
    let forbidden =
        json!({ "errors": { "base": ["You don't have appropriate permissions to perform this operation"] } });
    let preview = change(bob, group, json!({ "permissions": { "allow_preview": true } })).await;
    let outside = history(carol, group, &[]).await;
    let admins = json!({ "push_all": { "admins_ids": [bob.id()] } });
    let admin = bob.put(&format!("chat/Dialog/{group}/admins"), &admins).await;
    for refused in [preview, outside, admin] {
        assert_eq!(error(&refused, 403), forbidden);
    }
    proved("ERROR", [11]);
    let words = "Updating occupants_ids is possible only for 'group' and 'public' chat dialogs";
    for list in ["push_all", "pull_all"] {
        let occupants = json!({ list: { "occupants_ids": [carol.id()] } });
        let refused = error(&change(alice, private, occupants).await, 403);
        assert_eq!(refused, json!({ "errors": [words] }));
    }
    proved("ERROR", [12]);
}

async fn new_dialogs(ground: &Ground) {
    let Ground { alice, bob, carol, .. } = ground;
    let refused = async |body: Value| error(&alice.post_to("chat/Dialog", &body).await, 422);
    let words =
        ["occupants_ids field must contain an opponent user id", "Occupants_ids is missing opponent ID."];
    for body in [
        json!({ "type": 3 }),
        json!({ "type": 3, "occupants_ids": [] }),
        json!({ "type": 3, "occupants_ids": [alice.id()] }),
    ] {
        let said = refused(body).await.to_string();
        assert!(words.iter().any(|words| said.contains(words)), "{said}");
    }
    proved("ERROR", [15]);
    let said = refused(json!({ "type": 3, "occupants_ids": [bob.id(), carol.id()] })).await.to_string();
    assert!(said.contains("Too many occupants for Private Dialog."), "{said}");
    proved("ERROR", [16]);
    for kind in [2, 3, 4] {
        let body = json!({ "type": kind, "name": "unknown", "occupants_ids": [999_999] });
        let said = refused(body).await.to_string();
        assert!(said.contains("Occupants with these IDs do not exist."), "{said}");
    }
    proved("ERROR", [17]);
    for kind in [1, 2, 4] {
        let said = refused(json!({ "type": kind, "occupants_ids": [bob.id()] })).await;
        assert!(said["errors"]["name"][0].is_string(), "{said}");
    }
    proved("ERROR", [18]);
}

#[tokio::test]
async fn a_broadcast_that_nobody_may_make_is_refused_in_known_words() {
    each_engines_with(&[("app.broadcast_by_api", "false")], async |chat: &Chat| {
        let alice = chat.user("alice").await;
        let refused = alice.post_to("chat/Dialog", &json!({ "type": 1, "name": "news" })).await;
        let words =
            "You do not have appropriate permissions. Broadcast dialogs can be created only via Admin panel.";
        assert_eq!(error(&refused, 403), json!({ "errors": [words] }));
        proved("ERROR", [13]);
    })
    .await;
}

/// Makes a user's row one that no server writes.
async fn damage(chat: &Chat, user: u64) {
    let statement = |table: &str| format!("UPDATE {table} SET created_at = -1 WHERE id = {user}");
    if chat.setup().engines() == Engines::Embedded {
        let db = Connection::open(chat.data().join("identity.db")).expect("the database can be opened");
        let changed = db.execute(&statement("users"), []).expect("the row can be written");
        assert_eq!(changed, 1);
        return;
    }
    let programs = Programs::find().await.expect("PostgreSQL's programs are there");
    let mut psql = Command::new(programs.postgresql("psql"));
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", &statement("identity.users")]);
    let ended = psql.arg(chat.database_url()).status().expect("psql can be started");
    assert!(ended.success());
}

#[tokio::test]
async fn a_fault_of_the_server_is_answered_as_one_and_shows_nothing_of_it() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        damage(&chat, bob.id()).await;
        let path = format!("users/{}", bob.id());
        let answer = alice.get(&path).await;
        assert_eq!(error(&answer, 500), json!({ "errors": ["Internal server error"] }));
        let request = answer.header("X-Request-Id").to_owned();
        let told = |line: &str| (line.contains(&request) && line.contains("negative")).then_some(());
        assert!(chat.server().stderr().find(told).await.is_some(), "its log says what");
        alice.get(&format!("users/{}", alice.id())).await.is(200);
        proves("R-ERROR-022");
    })
    .await;
}
