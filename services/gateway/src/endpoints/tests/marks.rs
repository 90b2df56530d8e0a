//! Reading, and what it leaves behind.

use std::time::Duration;

use bus::Unanswered;
use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person, Weather};

async fn page(person: &Person, dialog: &str) -> Vec<Value> {
    let page = person.get(&format!("/chat/Message?chat_dialog_id={dialog}")).await;
    assert_eq!(page.status, 200, "{page}");
    page.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn listing_marks_what_it_shows_once() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.group(&[&bob, &carol]).await;
    for text in ["one", "two"] {
        alice.write(&dialog, text).await;
    }
    let kept = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&mark_as_read=false")).await;
    assert_eq!((kept.status, kept.header("log-position")), (200, None));
    assert_eq!(bob.unread(&dialog).await, 2);

    let first = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&limit=1")).await;
    assert!(first.header("log-position").is_some());
    let shown = &first.json()["items"][0];
    assert_eq!(
        (&shown["read_ids"], &shown["delivered_ids"], &shown["read"]),
        (&json!([alice.id, bob.id]), &json!([alice.id, bob.id]), &json!(0))
    );
    assert_eq!(bob.unread(&dialog).await, 1);
    let again = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&limit=1")).await;
    assert_eq!((again.header("log-position"), &again.body), (None, &first.body), "nothing was appended");

    page(&carol, &dialog).await;
    assert_eq!(page(&bob, &dialog).await[1]["read"], 1);
    assert_eq!((bob.unread(&dialog).await, carol.unread(&dialog).await), (0, 0));
}

#[tokio::test]
async fn a_page_is_answered_even_if_it_cannot_be_marked() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    alice.write(&dialog, "hi").await;
    for why in [Unanswered::Full, Unanswered::Unavailable] {
        chat.weather(Weather::Stuck(why));
        assert_eq!(page(&bob, &dialog).await[0]["read_ids"], json!([alice.id]));
    }
    chat.weather(Weather::Fine);
    assert_eq!(bob.unread(&dialog).await, 1);
}

#[tokio::test]
async fn a_page_does_not_wait_for_a_writer_that_is_silent() {
    let chat = Chat::with(1, |parts| parts.visible_within = Duration::from_millis(20));
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    alice.write(&dialog, "hi").await;
    chat.weather(Weather::Silent);
    assert_eq!(page(&bob, &dialog).await[0]["read_ids"], json!([alice.id]));
}

#[tokio::test]
async fn messages_are_marked_by_name() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let (dialog, other) = (alice.group(&[&bob]).await, alice.group(&[&bob]).await);
    let first = alice.write(&dialog, "one").await;
    alice.write(&dialog, "two").await;
    let there = alice.write(&other, "three").await;
    let uri = format!("/chat/Message/{first},{there}");
    assert_eq!(bob.put(&uri, json!({"delivered": "true"})).await.to_string(), "200 ");
    assert_eq!((bob.unread(&dialog).await, bob.unread(&other).await), (2, 1));
    for read in [json!(1), json!("1"), json!(true), json!("true")] {
        assert_eq!(bob.put(&uri, json!({"read": read, "delivered": 0})).await.to_string(), "200 ");
    }
    assert_eq!((bob.unread(&dialog).await, bob.unread(&other).await), (1, 0));
}

#[tokio::test]
async fn a_whole_dialog_is_marked_at_once() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    for text in ["one", "two", "three"] {
        alice.write(&dialog, text).await;
    }
    let marked = bob.put("/chat/Message/.json", json!({"read": 1, "chat_dialog_id": dialog})).await;
    assert_eq!(marked.to_string(), "200 ");
    assert_eq!(bob.unread(&dialog).await, 0);
}

#[tokio::test]
async fn unread_is_counted_for_all_or_for_some() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let (one, two) = (alice.group(&[&bob]).await, alice.group(&[&bob]).await);
    let square =
        alice.post("/chat/Dialog", json!({"type": 4, "name": "square", "occupants_ids": [bob.id]})).await;
    let square = square.field("_id");
    for dialog in [&one, &one, &two, &square] {
        alice.write(dialog, "hi").await;
    }
    assert_eq!(bob.get("/chat/Message/unread.json").await.to_string(), r#"200 {"total":3}"#);
    assert_eq!(bob.get("/chat/Message/unread?chat_dialog_ids=").await.to_string(), r#"200 {"total":3}"#);
    let expected = json!({"total": 2, one.clone(): 2, square.clone(): 0, "no-id": 0});
    for name in ["chat_dialog_ids", "dialogs_ids"] {
        let counted = bob.get(&format!("/chat/Message/unread?{name}={one}%2C%20{square},no-id,total")).await;
        assert_eq!(counted.json(), expected, "{name}");
    }
    assert_eq!(alice.get("/chat/Message/unread").await.to_string(), r#"200 {"total":0}"#);
}
