//! Unread counts and receipts, exactly, for everything that moves them: joining late,
//! leaving and coming back, clearing, hiding, removing, reading here and there, and a
//! private dialog that begins anew. Each count is also checked against a recount.

use serde_json::{Value, json};
use tests::{Chat, Person, each_topology};

/// The unread count, which must be the same in the dialog's row, by itself and in the total
/// over all dialogs of somebody who has only one.
async fn unread(person: &Person, dialog: &str) -> u64 {
    let count = person.unread(dialog).await;
    assert_eq!(person.unread_total().await, count);
    match person.dialog(dialog).await {
        Some(seen) => assert_eq!(seen["unread_messages_count"], count),
        None => assert_eq!(count, 0, "nobody has unread messages in what he does not see"),
    }
    count
}

fn texts(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["message"].as_str().unwrap_or_default()).collect()
}

#[tokio::test]
async fn who_joins_late_has_read_nothing_and_misses_nothing() {
    each_topology(async |chat: Chat| {
        let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
        let (a, b, c) = (alice.id(), bob.id(), carol.id());
        let dialog = alice.create_group("late", [&bob]).await;
        alice.post_each(&dialog, ["1", "2"]).await;
        alice.add(&dialog, &carol).await;
        assert_eq!((unread(&bob, &dialog).await, unread(&carol, &dialog).await), (2, 0));

        alice.post_each(&dialog, ["3", "4"]).await;
        assert_eq!((unread(&bob, &dialog).await, unread(&carol, &dialog).await), (4, 2));
        assert_eq!(alice.read_ids(&dialog).await, [[a], [a], [a], [a]]);
        let newest = format!("chat/Message?chat_dialog_id={dialog}&sort_desc=date_sent&limit=2");
        carol.get(&newest).await.is(200);
        assert_eq!((unread(&bob, &dialog).await, unread(&carol, &dialog).await), (4, 0));
        assert_eq!(alice.read_ids(&dialog).await, [vec![a], vec![a], vec![a, c], vec![a, c]]);

        bob.list(&dialog).await;
        assert_eq!(unread(&bob, &dialog).await, 0);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b], vec![a, b], vec![a, b, c], vec![a, b, c]]);
        let read: Vec<Value> =
            alice.peek(&dialog).await.iter().map(|message| message["read"].clone()).collect();
        assert_eq!(read, [0, 0, 1, 1].map(Value::from), "read is when all others have");

        // Older history can be read, and who has opened it is then one of its readers.
        assert_eq!(texts(&carol.list(&dialog).await), ["1", "2", "3", "4"]);
        assert_eq!(unread(&carol, &dialog).await, 0);
        assert_eq!(alice.read_ids(&dialog).await, [[a, b, c], [a, b, c], [a, b, c], [a, b, c]]);
    })
    .await;
}

#[tokio::test]
async fn coming_back_is_joining_late() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let (a, b) = (alice.id(), bob.id());
        let dialog = alice.create_group("back", [&bob]).await;
        let [first, _] = alice.post_each(&dialog, ["1", "2"]).await;
        bob.read(&dialog, [&first]).await;
        assert_eq!(unread(&bob, &dialog).await, 1);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b], vec![a]]);

        bob.leave(&dialog).await;
        assert_eq!(bob.dialogs().await, Vec::<Value>::new());
        bob.get(&format!("chat/Message?chat_dialog_id={dialog}")).await.is(403);
        alice.post(&dialog, "3").await;
        assert_eq!(alice.read_ids(&dialog).await, [vec![a], vec![a], vec![a]], "who has left is no reader");

        alice.add(&dialog, &bob).await;
        assert_eq!(unread(&bob, &dialog).await, 0);
        let last = alice.post(&dialog, "4").await;
        assert_eq!(unread(&bob, &dialog).await, 1);
        assert_eq!(alice.read_ids(&dialog).await, [[a], [a], [a], [a]]);
        bob.read(&dialog, [&last]).await;
        assert_eq!(unread(&bob, &dialog).await, 0);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a], vec![a], vec![a], vec![a, b]]);
        bob.read_all(&dialog).await;
        assert_eq!(alice.read_ids(&dialog).await, [[a, b], [a, b], [a, b], [a, b]]);
    })
    .await;
}

#[tokio::test]
async fn clearing_a_private_dialog_is_for_oneself() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let (a, b) = (alice.id(), bob.id());
        let dialog = alice.create_private(&bob).await;
        alice.post_each(&dialog, ["1", "2", "3"]).await;
        assert_eq!(unread(&bob, &dialog).await, 3);

        bob.leave(&dialog).await;
        assert_eq!(unread(&bob, &dialog).await, 0);
        assert_eq!(bob.dialogs().await, Vec::<Value>::new());
        assert_eq!(bob.texts(&dialog).await, Vec::<String>::new());
        assert_eq!(alice.texts(&dialog).await, ["1", "2", "3"]);

        alice.post(&dialog, "4").await;
        assert_eq!(unread(&bob, &dialog).await, 1, "it comes back with the next message");
        assert_eq!(bob.dialog(&dialog).await.unwrap()["last_message"], "4");
        assert_eq!(texts(&bob.list(&dialog).await), ["4"]);
        assert_eq!(unread(&bob, &dialog).await, 0);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a], vec![a], vec![a], vec![a, b]]);
    })
    .await;
}

#[tokio::test]
async fn a_hidden_message_counts_no_more_for_who_hid_it() {
    each_topology(async |chat: Chat| {
        let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
        let (a, b) = (alice.id(), bob.id());
        let dialog = alice.create_group("hide", [&bob, &carol]).await;
        let [_, second, third] = alice.post_each(&dialog, ["1", "2", "3"]).await;
        bob.hide(&second).await;
        assert_eq!((unread(&bob, &dialog).await, unread(&carol, &dialog).await), (2, 3));
        assert_eq!(texts(&bob.list(&dialog).await), ["1", "3"]);
        assert_eq!(unread(&bob, &dialog).await, 0);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b], vec![a], vec![a, b]]);

        bob.hide(&third).await;
        let seen = bob.dialog(&dialog).await.unwrap();
        assert_eq!((&seen["last_message"], &seen["unread_messages_count"]), (&json!("1"), &json!(0)));
        assert_eq!(carol.dialog(&dialog).await.unwrap()["last_message"], "3");
        assert_eq!(unread(&carol, &dialog).await, 3);
    })
    .await;
}

#[tokio::test]
async fn removing_below_and_above_the_watermark() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let (a, b) = (alice.id(), bob.id());
        let dialog = alice.create_group("remove", [&bob]).await;
        let [first, second, third, _] = alice.post_each(&dialog, ["1", "2", "3", "4"]).await;
        bob.read(&dialog, [&first, &second]).await;
        assert_eq!(unread(&bob, &dialog).await, 2);

        alice.remove(&first).await;
        assert_eq!(unread(&bob, &dialog).await, 2, "it was read already");
        alice.remove(&third).await;
        assert_eq!(unread(&bob, &dialog).await, 1);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b], vec![a]]);
        alice.post(&dialog, "5").await;
        assert_eq!(unread(&bob, &dialog).await, 2);
        assert_eq!(texts(&bob.list(&dialog).await), ["2", "4", "5"]);
        assert_eq!(unread(&bob, &dialog).await, 0);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b], vec![a, b], vec![a, b]]);
        chat.verify().await;
    })
    .await;
}

#[tokio::test]
async fn reading_here_and_there() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let (a, b) = (alice.id(), bob.id());
        let dialog = alice.create_group("sparse", [&bob]).await;
        let [first, second, _, fourth, _] = alice.post_each(&dialog, ["1", "2", "3", "4", "5"]).await;
        bob.read(&dialog, [&second, &fourth]).await;
        assert_eq!(unread(&bob, &dialog).await, 3);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a], vec![a, b], vec![a], vec![a, b], vec![a]]);

        alice.remove(&fourth).await;
        assert_eq!(unread(&bob, &dialog).await, 3, "it was read");
        bob.read(&dialog, [&first, &second]).await;
        assert_eq!(unread(&bob, &dialog).await, 2);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b], vec![a, b], vec![a], vec![a]]);
        bob.read_all(&dialog).await;
        assert_eq!(unread(&bob, &dialog).await, 0);
        let tails = chat.tails().await;
        bob.list(&dialog).await;
        assert_eq!(chat.tails().await, tails, "a page that is read already appends nothing");
    })
    .await;
}

#[tokio::test]
async fn delivered_is_not_read() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_private(&bob).await;
        let [first, _] = alice.post_each(&dialog, ["1", "2"]).await;
        let body = json!({ "chat_dialog_id": dialog, "delivered": "1" });
        bob.put(&format!("chat/Message/{first}"), &body).await.is(200);
        assert_eq!(unread(&bob, &dialog).await, 2);
        let delivered: Vec<Value> =
            alice.peek(&dialog).await.iter().map(|m| m["delivered_ids"].clone()).collect();
        assert_eq!(delivered, [json!([alice.id(), bob.id()]), json!([alice.id()])]);
        assert_eq!(alice.dialog(&dialog).await.unwrap()["last_message_status"], "sent");
        bob.put("chat/Message", &body).await.is(200);
        assert_eq!(alice.dialog(&dialog).await.unwrap()["last_message_status"], "delivered");
        bob.read_all(&dialog).await;
        assert_eq!(alice.dialog(&dialog).await.unwrap()["last_message_status"], "read");
    })
    .await;
}

#[tokio::test]
async fn ones_own_message_is_read_though_one_is_behind() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let (a, b) = (alice.id(), bob.id());
        let dialog = alice.create_group("own", [&bob]).await;
        alice.post_each(&dialog, ["1", "2"]).await;
        bob.post(&dialog, "3").await;
        alice.post(&dialog, "4").await;
        assert_eq!((unread(&alice, &dialog).await, unread(&bob, &dialog).await), (1, 3));
        assert_eq!(alice.read_ids(&dialog).await, [vec![a], vec![a], vec![b], vec![a]]);
        bob.list(&dialog).await;
        assert_eq!((unread(&alice, &dialog).await, unread(&bob, &dialog).await), (1, 0));
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b], vec![a, b], vec![b], vec![a, b]]);
    })
    .await;
}

#[tokio::test]
async fn a_private_dialog_created_again_begins_empty() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let (a, b) = (alice.id(), bob.id());
        let dialog = alice.create_private(&bob).await;
        alice.post_each(&dialog, ["1", "2"]).await;
        bob.delete(&format!("chat/Dialog/{dialog}"), true).await.is(403);
        alice.delete(&format!("chat/Dialog/{dialog}"), true).await.is(200);
        bob.get(&format!("chat/Message?chat_dialog_id={dialog}")).await.is(404);
        assert_eq!(bob.unread_total().await, 0);

        assert_eq!(bob.create_private(&alice).await, dialog, "the same two, the same dialog");
        assert_eq!((unread(&alice, &dialog).await, unread(&bob, &dialog).await), (0, 0));
        assert_eq!(alice.texts(&dialog).await, Vec::<String>::new());
        alice.post(&dialog, "3").await;
        assert_eq!((unread(&alice, &dialog).await, unread(&bob, &dialog).await), (0, 1));
        assert_eq!(alice.read_ids(&dialog).await, [vec![a]]);
        assert_eq!(texts(&bob.list(&dialog).await), ["3"]);
        assert_eq!(unread(&bob, &dialog).await, 0);
        assert_eq!(alice.read_ids(&dialog).await, [vec![a, b]]);
        assert_eq!(bob.dialog(&dialog).await.unwrap()["user_id"], b, "who made it again owns it");
        chat.verify().await;
    })
    .await;
}

#[tokio::test]
async fn public_and_broadcast_dialogs_count_nothing() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let broadcast = alice.create(&json!({ "type": 1, "name": "news" })).await;
        let public = alice.create(&json!({ "type": 4, "name": "square", "occupants_ids": [bob.id()] })).await;
        for dialog in [&broadcast, &public] {
            alice.post(dialog, "hear").await;
            assert_eq!(bob.unread(dialog).await, 0);
            assert_eq!(texts(&bob.list(dialog).await), ["hear"]);
            assert_eq!(bob.dialog(dialog).await.unwrap()["unread_messages_count"], 0);
        }
        bob.post_message(&broadcast, &json!({ "message": "me too" })).await.is(403);
        let tails = chat.tails().await;
        bob.list(&public).await;
        bob.list(&broadcast).await;
        assert_eq!(chat.tails().await, tails, "listing marks in types 2 and 3 only");
    })
    .await;
}
