//! How many have seen a message, where that is counted.

use bus::Unanswered;
use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person, Weather};

async fn views(person: &Person, dialog: &str, more: &str) -> Vec<u64> {
    let page = person.get(&format!("/chat/Message?chat_dialog_id={dialog}{more}")).await;
    assert_eq!(page.status, 200, "{page}");
    let count = |item: &Value| item["views_count"].as_u64().unwrap();
    page.json()["items"].as_array().unwrap().iter().map(count).collect()
}

#[tokio::test]
async fn a_viewer_counts_once_and_an_author_not_at_all() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    for kind in [1, 4] {
        let body = json!({"type": kind, "name": "x", "occupants_ids": [bob.id, carol.id]});
        let dialog = alice.post("/chat/Dialog", body).await.field("_id");
        for text in ["one", "two", "three"] {
            alice.write(&dialog, text).await;
        }
        assert_eq!(views(&alice, &dialog, "").await, [0, 0, 0], "{kind}");
        assert_eq!(views(&bob, &dialog, "&mark_as_read=0").await, [0, 0, 0]);
        assert_eq!(views(&bob, &dialog, "&limit=1&skip=1").await, [1], "his own view is in it");
        assert_eq!(views(&bob, &dialog, "").await, [1, 1, 1]);
        let again = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}")).await;
        assert_eq!(again.header("log-position"), None, "nothing is left to count");
        assert_eq!(views(&carol, &dialog, "&sort_desc=date_sent&limit=1").await, [2]);
        assert_eq!(views(&alice, &dialog, "").await, [1, 1, 2]);
        assert_eq!(views(&carol, &dialog, "&message=one").await, [2]);
        let page = alice.get(&format!("/chat/Message?chat_dialog_id={dialog}&limit=1")).await.json();
        assert_eq!(
            (&page["items"][0]["read_ids"], &page["items"][0]["read"]),
            (&json!([alice.id]), &json!(0))
        );
    }
}

#[tokio::test]
async fn nothing_is_counted_where_reading_is_tracked() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    alice.write(&dialog, "hi").await;
    assert_eq!([views(&bob, &dialog, "").await, views(&bob, &dialog, "").await], [[0], [0]]);
}

#[tokio::test]
async fn a_page_is_answered_even_if_its_views_cannot_be_counted() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let body = json!({"type": 4, "name": "x", "occupants_ids": [bob.id]});
    let dialog = alice.post("/chat/Dialog", body).await.field("_id");
    alice.write(&dialog, "hi").await;
    chat.weather(Weather::Stuck(Unanswered::Unavailable));
    assert_eq!(views(&bob, &dialog, "").await, [0]);
    chat.weather(Weather::Fine);
    assert_eq!(views(&bob, &dialog, "").await, [1]);
}
