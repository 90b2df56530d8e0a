//! System messages: signals from one user to another.

use serde_json::json;

use crate::testing::chat::Chat;

#[tokio::test]
async fn a_system_message_is_told_and_not_kept() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let mut listener = chat.edge.signals.listen().await.unwrap();
    let sent = alice
        .post(
            "/chat/message/system.json",
            json!({
                "recipientId": bob.id, "needToUpdatePhotosStories": "1", "userExt": {"name": "Smith"},
                "_id": "own", "sender_id": 99, "list": [1.50, null], "messageId": "x",
            }),
        )
        .await;
    insta::assert_snapshot!(sent, @r#"200 {"messageId":"6553f10000000000befba86a","recipientId":2,"extensionParams":{"needToUpdatePhotosStories":"1","userExt":{"name":"Smith"},"_id":"own","sender_id":99,"list":[1.5,null],"messageId":"x"}}"#);
    let heard = listener.next().await.unwrap();
    assert_eq!(heard.id.to_string(), sent.field("messageId"));
    assert_eq!((heard.sender.get(), heard.recipient.get()), (alice.id, bob.id));
    assert_eq!(heard.parameters.as_str(), sent.json()["extensionParams"].to_string());
    for person in [&alice, &bob] {
        assert_eq!(person.get("/chat/Dialog").await.json()["total_entries"], 0);
    }
}

#[tokio::test]
async fn a_recipient_is_written_in_any_way() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    for recipient in [json!(bob.id), json!(bob.id.to_string()), json!(" 2 ")] {
        let sent = alice.post("/chat/Message/system", json!({"recipientId": recipient})).await.json();
        assert_eq!((&sent["recipientId"], &sent["extensionParams"]), (&json!(bob.id), &json!({})));
    }
    let form = alice.send(http::Method::POST, "/chat/Message/system", "recipientId=2&a[b]=c%2B").await;
    assert_eq!(form.json()["extensionParams"], json!({"a": {"b": "c+"}}));
    assert_eq!(
        alice.post("/chat/Message/system", json!({"recipientId": 999})).await.to_string(),
        r#"422 {"errors":{"recipientId":["is not the id of a user"]}}"#
    );
}
