//! Where in the log an answer stands, and what happens when the read models are late or
//! nothing can be written.

use std::time::Duration;

use bus::Unanswered;
use serde_json::json;

use crate::testing::chat::{Chat, EPOCH, Weather};

fn soon(partitions: u32) -> Chat {
    Chat::with(partitions, |parts| parts.visible_within = Duration::from_millis(5))
}

fn hex(epoch: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(epoch))
}

#[tokio::test]
async fn a_write_says_where_it_stands_and_a_read_may_ask_for_it() {
    let chat = soon(1);
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let made = alice.post("/chat/Dialog", json!({"type": 2, "name": "x", "occupants_ids": [bob.id]})).await;
    let position = made.header("log-position").unwrap();
    assert_eq!(position, format!("1-{}-0.1", hex(EPOCH)));
    assert_eq!(made.header("log-visible"), None);
    assert_eq!(bob.with("min-log-position", position).get("/chat/Dialog").await.status, 200);

    let ask = async |position: &str| bob.with("min-log-position", position).get("/chat/Dialog").await;
    let late = ask(&format!("1-{}-0.2", hex(EPOCH))).await;
    assert_eq!((late.status, late.header("retry-after")), (503, Some("1")));
    assert_eq!(ask(&format!("1-{}-9.1", hex(EPOCH))).await.status, 503);
    assert_eq!(ask(&format!("1-{}-0.1", hex([1; 16]))).await.status, 422);
    assert_eq!(ask("0.1").await.status, 400);
    assert_eq!(chat.session(None).await.with("min-log-position", "x").get("/session").await.status, 200);
}

#[tokio::test]
async fn an_answer_may_name_several_partitions() {
    let chat = soon(4);
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let mut made = vec![];
    for _ in 0..20 {
        made.push(alice.group(&[&bob]).await);
    }
    let deleted = alice.delete(&format!("/chat/Dialog/{}?force=1", made.join(","))).await;
    assert_eq!(deleted.json()["SuccessfullyDeleted"]["ids"], json!(made));
    let position = deleted.header("log-position").unwrap();
    assert!(position.contains(','), "{position}");
    let listed = bob.with("min-log-position", position).get("/chat/Dialog").await;
    assert_eq!(listed.json()["total_entries"], 0);
}

#[tokio::test]
async fn a_late_answer_is_made_of_its_own_events() {
    let chat = soon(1);
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.group(&[&bob]).await;
    let body = json!({"type": 2, "name": "x", "occupants_ids": [bob.id], "extensions": {"city": "x"}});
    let fine = alice.post("/chat/Dialog", body.clone()).await;
    let message = json!({"chat_dialog_id": dialog, "message": "hi", "a": 1, "attachments": [{"type": "x"}]});
    let posted_fine = alice.post("/chat/Message", message.clone()).await;
    chat.weather(Weather::Late);

    let late = alice.post("/chat/Dialog", body).await;
    assert_eq!((late.status, late.header("log-visible")), (201, Some("0")));
    assert_eq!(late.body.replace(&late.field("_id"), "ID"), fine.body.replace(&fine.field("_id"), "ID"));

    let posted = alice.post("/chat/Message", message).await;
    assert_eq!((posted.status, posted.header("log-visible")), (201, Some("0")));
    let without_id = |answer: &crate::testing::chat::Answer| answer.body.replace(&answer.field("_id"), "ID");
    assert_eq!(without_id(&posted), without_id(&posted_fine));

    let change = json!({
        "name": "y", "push_all": {"occupants_ids": [carol.id]}, "pull_all": {"occupants_ids": [bob.id]},
    });
    let changed = alice.put(&format!("/chat/Dialog/{dialog}"), change).await;
    assert_eq!((changed.status, changed.header("log-visible")), (200, Some("0")));
    assert_eq!(
        (changed.field("name"), &changed.json()["occupants_ids"]),
        ("y".to_owned(), &json!([alice.id, carol.id]))
    );

    let change = json!({"push_all": {"admins_ids": [bob.id]}});
    assert_eq!(alice.put(&format!("/chat/Dialog/{dialog}/admins"), change).await.status, 422, "he is out");
    let change = json!({
        "push_all": {"admins_ids": [carol.id], "pinned_messages_ids": [posted_fine.field("_id")]},
    });
    let changed = alice.put(&format!("/chat/Dialog/{dialog}"), change).await.json();
    assert_eq!(changed["admins_ids"], json!([carol.id]));
    assert_eq!(changed["pinned_messages_ids"], json!([posted_fine.field("_id")]));

    let private = alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": [carol.id]})).await;
    assert_eq!((private.status, private.field("name")), (201, "Carol".to_owned()));
    assert_eq!(alice.texts(&dialog).await, ["hi"], "what is late cannot be read");

    chat.weather(Weather::Fine);
    alice.write(&dialog, "ho").await;
    assert_eq!(alice.texts(&dialog).await, ["hi", "hi", "ho"]);
}

#[tokio::test]
async fn what_cannot_be_written_is_worth_asking_again() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    let message = alice.write(&dialog, "hi").await;
    let uris = [format!("/chat/Dialog/{dialog},{dialog}a"), format!("/chat/Message/{message}")];
    for (why, expected) in [
        (Unanswered::Busy { retry_after: Duration::from_secs(3) }, (503, Some("3"))),
        (Unanswered::Unavailable, (503, Some("1"))),
        (Unanswered::Full, (507, Some("30"))),
    ] {
        chat.weather(Weather::Stuck(why));
        let mut answers = vec![
            alice.post("/chat/Message", json!({"chat_dialog_id": dialog, "message": "x"})).await,
            alice.post("/chat/Dialog", json!({"type": 4, "name": "x"})).await,
            alice.put(&format!("/chat/Dialog/{dialog}"), json!({"name": "x"})).await,
            alice.put(&uris[1], json!({"read": 1})).await,
        ];
        for uri in &uris {
            answers.push(alice.delete(uri).await);
        }
        for answer in answers {
            assert_eq!((answer.status, answer.header("retry-after")), expected, "{answer}");
        }
    }
    chat.weather(Weather::Fine);
    assert_eq!(alice.texts(&dialog).await, ["hi"]);
}
