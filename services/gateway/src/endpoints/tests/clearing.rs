//! Clearing a dialog's history.

use http::Method;
use serde_json::json;

use crate::testing::chat::Chat;

#[tokio::test]
async fn a_history_is_cleared_for_oneself() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    for text in ["one", "two"] {
        alice.write(&dialog, text).await;
    }
    let uri = format!("/chat/Dialog/clearHistory/{dialog}.json");
    assert_eq!(bob.delete(&uri).await.to_string(), "200 ");
    assert_eq!((bob.texts(&dialog).await.len(), bob.unread(&dialog).await), (0, 0));
    assert_eq!(alice.texts(&dialog).await, ["one", "two"]);
    let list = bob.get("/chat/Dialog").await.json();
    assert_eq!((&list["total_entries"], &list["items"][0]["last_message"]), (&json!(1), &json!(null)));
    alice.write(&dialog, "three").await;
    assert_eq!((bob.texts(&dialog).await, bob.unread(&dialog).await), (vec!["three".to_owned()], 1));
    assert_eq!(bob.delete(&uri).await.to_string(), "200 ", "again");
}

#[tokio::test]
async fn a_history_is_cleared_for_all_by_the_owner() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.group(&[&bob]).await;
    alice.write(&dialog, "one").await;
    let uri = format!("/chat/dialog/clearHistory/{dialog}");
    assert_eq!(
        bob.delete(&format!("{uri}?force=1")).await.to_string(),
        r#"403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}"#
    );
    assert_eq!(carol.delete(&format!("{uri}?force=1")).await.status, 404);
    assert_eq!(carol.delete(&uri).await.status, 404);
    assert_eq!(bob.texts(&dialog).await, ["one"]);
    assert_eq!(alice.send(Method::DELETE, &uri, "force=1").await.to_string(), "200 ");
    assert_eq!((alice.texts(&dialog).await.len(), bob.texts(&dialog).await.len()), (0, 0));
    assert_eq!(bob.unread(&dialog).await, 0);
    for id in ["5c094c0ce588ce6856f87422", "x", "012345678901234567890123"] {
        assert_eq!(
            alice.delete(&format!("/chat/Dialog/clearHistory/{id}")).await.to_string(),
            r#"404 {"errors":["The resource wasn't found"]}"#
        );
    }
}
