//! The limits of one call: what is just within them is taken, what is just beyond is refused
//! with 413 or 422, and the character that one store cannot hold is refused in every field.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, TOPOLOGIES, proves, proves_all};

/// JSON within JSON, so many levels deep.
fn nested(depth: usize) -> Value {
    (1..depth).fold(json!({ "end": 1 }), |inner, _| json!({ "in": inner }))
}

async fn messages(alice: &Person, dialog: &str) {
    let text = |length: usize| json!({ "message": "é".repeat(length) });
    let attachments = |count: usize| json!({ "attachments": vec![json!({ "type": "image" }); count] });
    let cases = [
        (text(10_000), 201),
        (text(10_001), 422),
        (attachments(20), 201),
        (attachments(21), 422),
        (json!({ "deep": nested(5) }), 201),
        (json!({ "deep": nested(6) }), 422),
        (json!({ "large": "x".repeat(10_200) }), 201),
        (json!({ "large": "x".repeat(10_300) }), 422),
        (json!({}), 422),
        (json!({ "message": ["no text"] }), 422),
        (json!({ "attachments": "none" }), 422),
        (json!({ "attachments": ["none"] }), 422),
        (json!({ "message": "x".repeat(1_048_576) }), 413),
    ];
    for (parameters, status) in cases {
        let answer = alice.post_message(dialog, &parameters).await;
        assert_eq!(answer.status, status, "{:.80} {:.200}", parameters.to_string(), answer.text());
    }
    proves_all(["R-LIMIT-033", "R-LIMIT-034", "R-LIMIT-035", "R-LIMIT-041"]);
}

async fn dialogs(alice: &Person, dialog: &str) {
    let with = |key: &str, value: Value| {
        let mut body = json!({ "type": 2, "name": "limits", "occupants_ids": [alice.id()] });
        body[key] = value;
        body
    };
    let many = |count: u64| json!((1..=count).map(|id| 1_000_000 + id).collect::<Vec<_>>());
    let cases = [
        (with("name", json!("n".repeat(200))), 201),
        (with("name", json!("n".repeat(201))), 422),
        (with("name", json!("  ")), 422),
        (with("name", Value::Null), 422),
        (with("description", json!("n".repeat(2_000))), 201),
        (with("description", json!("n".repeat(2_001))), 422),
        (with("photo", json!("n".repeat(1_001))), 422),
        (with("type", json!(5)), 422),
        (with("type", Value::Null), 422),
        (with("occupants_ids", many(1_001)), 422),
        (with("occupants_ids", json!([999_999])), 422),
        (with("occupants_ids", json!(["one"])), 422),
        (with("admins_ids", json!([1_u64 << 53])), 422),
    ];
    for (body, status) in cases {
        let answer = alice.post_to("chat/Dialog", &body).await;
        assert_eq!(answer.status, status, "{:.80} {:.200}", body.to_string(), answer.text());
    }
    proves("R-LIMIT-029");
    let ids = |count: usize| vec!["5f0c8e7a1b2c3d4e5f607182"; count].join(",");
    for (path, status) in [
        (format!("chat/Dialog?_id={}", ids(100)), 200),
        ("chat/Dialog?limit=ten".to_owned(), 422),
        ("chat/Dialog?skip=1.5".to_owned(), 422),
        ("chat/Dialog?sort_asc=name".to_owned(), 422),
        ("chat/Dialog?name=limits".to_owned(), 200),
        ("chat/Dialog?created_at[gt]=then".to_owned(), 422),
        (format!("chat/Message?chat_dialog_id={dialog}&sender_id=1"), 200),
        (format!("chat/Message?chat_dialog_id={dialog}&sender_id=me"), 422),
        (format!("chat/Message?chat_dialog_id={dialog}&sort_asc=message"), 422),
        (format!("chat/Dialog?x={}", "x".repeat(20_000)), 414),
    ] {
        assert_eq!(alice.get(&path).await.status, status, "{path:.80}");
    }
    assert_eq!(
        alice.get("chat/Dialog?limit=1000").await.is(200).json()["limit"],
        100,
        "clamped, and said so"
    );
}

/// More ids than a call may name, all of them different.
async fn ids(alice: &Person) {
    let ids = |count: usize| (0..count).map(|id| format!("5f{id:022x}")).collect::<Vec<_>>().join(",");
    let force = false;
    alice.delete(&format!("chat/Message/{}", ids(100)), force).await.is(200);
    alice.delete(&format!("chat/Message/{}", ids(101)), force).await.is(422);
    alice.put(&format!("chat/Message/{}", ids(101)), &json!({ "read": 1 })).await.is(422);
    alice.delete(&format!("chat/Dialog/{}", ids(101)), force).await.is(422);
    proves_all(["R-LIMIT-036", "R-LIMIT-037", "R-LIMIT-038"]);
    alice.get(&format!("chat/Dialog?_id={}", ids(101))).await.is(422);
    alice.get(&format!("chat/Message/unread?chat_dialog_ids={}", ids(101))).await.is(422);
}

/// U+0000, in every field that takes text and in every spelling of one.
async fn nul(alice: &Person, dialog: &str) {
    let nul = "a\u{0}b";
    for parameters in [
        json!({ "message": nul }),
        json!({ "message": "x", "_id": nul }),
        json!({ "attachments": [{ "url": nul }] }),
        json!({ "attachments": [{ nul: "x" }] }),
        json!({ "message": "x", "custom": nul }),
        json!({ "message": "x", "custom": { "in": [nul] } }),
        json!({ "message": "x", nul: "custom" }),
    ] {
        let answer = alice.post_message(dialog, &parameters).await;
        assert_eq!(answer.status, 422, "{parameters} {}", answer.text());
    }
    for key in ["name", "description", "photo"] {
        let mut body = json!({ "type": 2, "name": "nul", "occupants_ids": [alice.id()] });
        body[key] = json!(nul);
        alice.post_to("chat/Dialog", &body).await.is(422);
        alice.put(&format!("chat/Dialog/{dialog}"), &json!({ key: nul })).await.is(422);
    }
    let extended = json!({ "extensions": { "mood": nul } });
    alice.put(&format!("chat/Dialog/{dialog}"), &extended).await.is(422);
    let form = alice
        .request(Method::POST, "chat/Message")
        .header("Content-Type", "application/x-www-form-urlencoded");
    Answer::to(form.body(format!("chat_dialog_id={dialog}&message=a%00b"))).await.is(422);
    for key in ["login", "full_name", "email", "website", "custom_data", "password"] {
        let mut user = json!({ "login": "nobody", "password": "long enough" });
        user[key] = json!(format!("somebody{nul}"));
        let answer = alice.post_to("users", &json!({ "user": user })).await;
        assert_eq!(answer.status, 422, "{key}: {}", answer.text());
    }
    for path in ["chat/Dialog/a%00b", "chat/Message/a%00b"] {
        alice.put(path, &json!({ "name": "x", "read": 1 })).await.is(404);
    }
}

#[tokio::test]
async fn just_within_and_just_beyond() {
    for topology in TOPOLOGIES {
        let chat = Chat::start(Setup::of(topology).with("app.extension_keys", "mood")).await;
        let alice = chat.user("alice").await;
        let dialog = alice.create_group("limits", [&alice]).await;
        messages(&alice, &dialog).await;
        dialogs(&alice, &dialog).await;
        ids(&alice).await;
        let before = (alice.peek(&dialog).await, alice.dialogs().await, chat.tails().await);
        nul(&alice, &dialog).await;
        assert_eq!((alice.peek(&dialog).await, alice.dialogs().await, chat.tails().await), before);
        chat.verify().await;
    }
}

/// The limits are configuration.
#[tokio::test]
async fn limits_can_be_set() {
    let setup = Setup::embedded(1)
        .with("limits.message_characters_max", 5)
        .with("limits.occupants_max", 2)
        .with("server.body_bytes_max", 1_000);
    let chat = Chat::start(setup).await;
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.create_group("small", [&bob]).await;
    alice.post(&dialog, "short").await;
    alice.post_message(&dialog, &json!({ "message": "longer" })).await.is(422);
    alice.post_message(&dialog, &json!({ "message": "x".repeat(1_000) })).await.is(413);
    let body = json!({ "push_all": { "occupants_ids": [carol.id()] } });
    alice.put(&format!("chat/Dialog/{dialog}"), &body).await.is(422);
    assert_eq!(carol.dialogs().await, Vec::<Value>::new());
}
