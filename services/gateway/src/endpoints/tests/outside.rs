//! What a dialog shows to people who are not in it.

use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

/// The numbers that the messages of a preview consist of.
async fn preview(person: &Person, dialog: &str, more: &str) -> Vec<u64> {
    let page = person.get(&format!("/chat/Message?chat_dialog_id={dialog}&preview=1{more}")).await;
    assert_eq!((page.status, page.header("log-position")), (200, None), "{page}");
    let page = page.json();
    assert_eq!((&page["skip"], &page["limit"]), (&json!(0), &json!(20)));
    let number = |item: &Value| item["message"].as_str().unwrap().parse().unwrap();
    page["items"].as_array().unwrap().iter().map(number).collect()
}

async fn made(person: &Person, body: Value) -> String {
    person.post("/chat/Dialog", body).await.field("_id")
}

#[tokio::test]
async fn a_preview_shows_the_last_twenty_whatever_else_is_asked() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let open = json!({"allow_preview": true});
    for kind in [2, 4] {
        let body = json!({"type": kind, "name": "x", "occupants_ids": [bob.id], "permissions": open});
        let dialog = made(&alice, body).await;
        for number in 1..=25 {
            alice.write(&dialog, &number.to_string()).await;
        }
        for more in [
            "",
            "&skip=5",
            "&limit=3",
            "&limit=none",
            "&sort_desc=date_sent",
            "&sort_asc=nothing",
            "&count=1",
        ] {
            assert_eq!(preview(&carol, &dialog, more).await, Vec::from_iter(6..=25), "{kind} {more}");
        }
        let uri = format!("/chat/Message?chat_dialog_id={dialog}");
        for without in ["", "&preview=0", "&preview=false"] {
            assert_eq!(carol.get(&format!("{uri}{without}")).await.status, 403, "{without}");
        }
        assert_eq!(carol.get("/chat/Dialog").await.json()["total_entries"], 0, "nobody joins by looking");
        preview(&bob, &dialog, "").await;
        let unread = if kind == 2 { 25 } else { 0 };
        assert_eq!(bob.unread(&dialog).await, unread, "a preview marks nothing");
        let page = alice.get(&format!("{uri}&mark_as_read=0&limit=1")).await.json();
        assert_eq!(page["items"][0]["views_count"], 0);
    }
}

#[tokio::test]
async fn what_does_not_allow_a_preview_shows_none() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let refused =
        r#"403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}"#;
    let open = json!({"allow_preview": true});
    let closed = [
        json!({"type": 2, "name": "x", "occupants_ids": [bob.id]}),
        json!({"type": 2, "name": "x", "occupants_ids": [bob.id], "permissions": {"allow_preview": 0}}),
        json!({"type": 4, "name": "x", "permissions": {"allow_preview": false}}),
        json!({"type": 3, "occupants_ids": [bob.id], "permissions": open}),
    ];
    for body in closed {
        let dialog = made(&alice, body).await;
        alice.write(&dialog, "1").await;
        let uri = format!("/chat/Message?chat_dialog_id={dialog}&preview=1");
        assert_eq!(carol.get(&uri).await.to_string(), refused);
        assert_eq!(preview(&alice, &dialog, "").await, [1], "who is in it sees it");
    }
    let dialog = made(&alice, json!({"type": 4, "name": "x", "permissions": open})).await;
    alice.write(&dialog, "1").await;
    assert_eq!(preview(&carol, &dialog, "").await, [1]);
    alice.put(&format!("/chat/Dialog/{dialog}"), json!({"permissions": {"allow_preview": false}})).await;
    let uri = format!("/chat/Message?chat_dialog_id={dialog}&preview=1");
    assert_eq!(carol.get(&uri).await.to_string(), refused);
    alice.delete(&format!("/chat/Dialog/{dialog}?force=1")).await;
    assert_eq!(carol.get(&uri).await.status, 404);
}
