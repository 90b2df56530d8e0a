//! Marks by name, and on a whole dialog at once.

use serde_json::{Value, json};
use tests::{Answer, Chat, Person};

use crate::ask::{NOTHING, each, each_engines_with, messages, proved, seen};

#[tokio::test]
async fn messages_are_marked_by_name_and_all_at_once() {
    each_engines_with(&[], async |chat: &Chat| {
        named(chat).await;
        delivered(chat).await;
        who_may_not(chat).await;
        all_at_once(chat).await;
    })
    .await;
}

async fn mark(person: &Person, messages: &[&String], body: Value) -> Answer {
    let names: Vec<&str> = messages.iter().map(|name| name.as_str()).collect();
    let path = if names.is_empty() {
        "chat/Message".to_owned()
    } else {
        format!("chat/Message/{}", names.join(","))
    };
    person.put(&path, &body).await
}

/// Who has read and who has got each message.
async fn receipts(person: &Person, dialog: &str) -> [Value; 2] {
    let listed = messages(person, dialog, &[]).await;
    [each(&listed, "read_ids"), each(&listed, "delivered_ids")]
}

async fn named(chat: &Chat) {
    let [alice, bob] = chat.users(["named-alice", "named-bob"]).await;
    let (a, b) = (alice.id(), bob.id());
    for dialog in [alice.create_group("named", [&bob]).await, alice.create_private(&bob).await] {
        let [one, two, _three, four] = alice.post_each(&dialog, ["1", "2", "3", "4"]).await;
        let read = json!({ "chat_dialog_id": dialog, "read": "1" });
        mark(&bob, &[&two], read.clone()).await.is(200);
        let only_two = json!([[a], [a, b], [a], [a]]);
        assert_eq!(receipts(&alice, &dialog).await, [only_two.clone(), only_two]);
        proved("MARK", [15, 16]);
        assert_eq!(bob.unread(&dialog).await, 3);
        mark(&bob, &[&two], read.clone()).await.is(200);
        assert_eq!(bob.unread(&dialog).await, 3);
        proved("MARK", [21]);
        // One of these is read already.
        mark(&bob, &[&one, &two, &four], read).await.is(200);
        let but_three = json!([[a, b], [a, b], [a], [a, b]]);
        assert_eq!(receipts(&alice, &dialog).await, [but_three.clone(), but_three]);
        proved("MARK", [19]);
        assert_eq!(
            (bob.unread(&dialog).await, seen(&bob, &dialog).await["unread_messages_count"].clone()),
            (1, json!(1))
        );
        proved("MARK", [20]);
        assert_eq!(seen(&alice, &dialog).await["last_message_status"], "read");
        proved("MARK", [23]);
        proved("CONSIST", [21]);
    }
}

async fn delivered(chat: &Chat) {
    let [alice, bob] = chat.users(["got-alice", "got-bob"]).await;
    let (a, b) = (alice.id(), bob.id());
    for dialog in [alice.create_group("got", [&bob]).await, alice.create_private(&bob).await] {
        let [one, two] = alice.post_each(&dialog, ["1", "2"]).await;
        let body = |key: &str| json!({ "chat_dialog_id": dialog, key: 1 });
        mark(&bob, &[&one, &two], body("delivered")).await.is(200);
        assert_eq!(receipts(&alice, &dialog).await, [json!([[a], [a]]), json!([[a, b], [a, b]])]);
        proved("MARK", [17]);
        assert_eq!(bob.unread(&dialog).await, 2);
        proved("MARK", [18]);
        let status = async || seen(&alice, &dialog).await["last_message_status"].clone();
        assert_eq!(status().await, "delivered");
        proved("MARK", [22]);
        mark(&bob, &[&two], body("read")).await.is(200);
        mark(&bob, &[&one, &two], body("delivered")).await.is(200);
        assert_eq!((status().await, bob.unread(&dialog).await), (json!("read"), 1));
        assert_eq!(receipts(&alice, &dialog).await, [json!([[a], [a, b]]), json!([[a, b], [a, b]])]);
        proved("MARK", [24]);
    }
}

async fn who_may_not(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["may-alice", "may-bob", "may-carol"]).await;
    let dialog = alice.create_group("may", [&bob]).await;
    let other = alice.create_group("other", [&bob]).await;
    let sent = alice.post(&dialog, "1").await;
    let elsewhere = alice.post(&other, "2").await;
    let before = [receipts(&alice, &dialog).await, receipts(&alice, &other).await];
    let read = |dialog: &str| json!({ "chat_dialog_id": dialog, "read": 1 });
    for body in [read(&dialog), json!({ "read": 1 }), json!({ "chat_dialog_id": dialog, "delivered": 1 })] {
        mark(&carol, &[&sent], body).await.is(404);
    }
    mark(&carol, &[], read(&dialog)).await.is(404);
    assert_eq!([receipts(&alice, &dialog).await, receipts(&alice, &other).await], before);
    proved("MARK", [25]);
    mark(&bob, &[&sent], read(&other)).await.is(404);
    assert_eq!([receipts(&alice, &dialog).await, receipts(&alice, &other).await], before);
    mark(&bob, &[&sent, &elsewhere], read(&other)).await.is(200);
    assert_eq!(receipts(&alice, &dialog).await, before[0]);
    assert_eq!((bob.unread(&dialog).await, bob.unread(&other).await), (1, 0));
    proved("MARK", [26]);
    mark(&bob, &[&NOTHING.to_owned()], read(&dialog)).await.is(404);
    let nothing = mark(&bob, &[&sent], json!({ "chat_dialog_id": dialog })).await;
    assert_eq!(nothing.status, 422);
    assert_eq!(receipts(&alice, &dialog).await, before[0]);
}

async fn all_at_once(chat: &Chat) {
    let [alice, bob] = chat.users(["all-alice", "all-bob"]).await;
    let (a, b) = (alice.id(), bob.id());
    let dialog = alice.create_group("all", [&bob]).await;
    let other = alice.create_private(&bob).await;
    alice.post_each(&dialog, ["1", "2", "3"]).await;
    alice.post(&other, "1").await;
    mark(&bob, &[], json!({ "chat_dialog_id": dialog, "delivered": 1 })).await.is(200);
    assert_eq!(receipts(&alice, &dialog).await, [json!([[a], [a], [a]]), json!([[a, b], [a, b], [a, b]])]);
    assert_eq!(receipts(&alice, &other).await, [json!([[a]]), json!([[a]])]);
    assert_eq!(bob.unread(&dialog).await, 3);
    proved("MARK", [29]);
    mark(&bob, &[], json!({ "chat_dialog_id": dialog, "read": 1 })).await.is(200);
    let by_both = json!([[a, b], [a, b], [a, b]]);
    assert_eq!(receipts(&alice, &dialog).await, [by_both.clone(), by_both]);
    proved("MARK", [28]);
    assert_eq!((bob.unread(&dialog).await, bob.unread(&other).await, bob.unread_total().await), (0, 1, 1));
    proved("MARK", [30]);
    bob.post(&dialog, "mine").await;
    assert_eq!(bob.unread(&dialog).await, 0);
    alice.post(&dialog, "4").await;
    assert_eq!(bob.unread(&dialog).await, 1);
    proved("CONSIST", [28]);
    let refused = mark(&bob, &[], json!({ "read": 1 })).await.is(422).json();
    assert!(refused["errors"]["chat_dialog_id"][0].is_string(), "{refused}");
    assert_eq!((bob.unread(&dialog).await, bob.unread(&other).await), (1, 1));
    proved("MARK", [31]);
}
