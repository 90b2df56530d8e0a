//! What a command did is seen by the very next query, whoever makes it, wherever.

use serde_json::{Value, json};
use tests::{Chat, Person, each_topology};

use crate::ask::{dialogs, each, id, ids, lists, message, messages, proved, seen, sign_up, subscribe};

#[tokio::test]
async fn what_is_answered_is_seen_at_once() {
    each_topology(async |chat: Chat| {
        a_new_dialog(&chat).await;
        a_message(&chat).await;
        marks_and_edits(&chat).await;
        a_new_user(&chat).await;
        a_changed_user(&chat).await;
        an_ended_session(&chat).await;
        chat.verify().await;
    })
    .await;
}

async fn a_new_dialog(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["new-alice", "new-bob", "new-carol"]).await;
    for kind in [2, 3, 4] {
        let body = json!({ "type": kind, "name": "new", "occupants_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        for person in [&alice, &bob] {
            assert_eq!(ids(&dialogs(person, &[("_id", &dialog)]).await), [&*dialog]);
        }
        assert!(carol.dialog(&dialog).await.is_none());
    }
    proved("CONSIST", [1, 2, 3]);
    let news = alice.create(&json!({ "type": 1, "name": "new" })).await;
    for person in [&alice, &bob, &carol] {
        assert!(lists(person, &news).await);
    }
    proved("CONSIST", [4]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
    let square = alice.create(&json!({ "type": 4, "name": "new" })).await;
    subscribe(&carol, &square).await.is(200);
    carol.post(&square, "here").await;
    assert_eq!((lists(&carol, &square).await, carol.texts(&square).await), (true, vec!["here".to_owned()]));
    proved("CONSIST", [17]);
}

async fn a_message(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["msg-alice", "msg-bob", "msg-carol"]).await;
    let dialog = alice.create_group("first", [&bob, &carol]).await;
    alice.create_group("second", [&bob, &carol]).await;
    for number in 1..=5 {
        let text = format!("message {number}");
        let sent = alice.post_message(&dialog, &json!({ "message": text })).await.is(201).json();
        for person in [&alice, &bob, &carol] {
            assert_eq!(messages(person, &dialog, &[]).await.pop().expect("there is one"), sent);
            let first = dialogs(person, &[]).await.swap_remove(0);
            assert_eq!(id(&first), dialog);
            let last =
                json!([first["last_message"], first["last_message_id"], first["last_message_user_id"]]);
            assert_eq!(last, json!([text, sent["_id"], alice.id()]));
            let unread = if person.id() == alice.id() { 0 } else { number };
            assert_eq!(first["unread_messages_count"], unread);
        }
    }
    proved("CONSIST", [8, 9, 10, 11]);
}

async fn marks_and_edits(chat: &Chat) {
    let [alice, bob] = chat.users(["mark-alice", "mark-bob"]).await;
    let dialog = alice.create_private(&bob).await;
    for number in 0..5 {
        let sent = alice.post(&dialog, &number.to_string()).await;
        bob.read(&dialog, [&sent]).await;
        let shown = message(&alice, &dialog, &sent).await;
        assert_eq!(shown["read_ids"], json!([alice.id(), bob.id()]));
        assert_eq!(seen(&alice, &dialog).await["last_message_status"], "read");
        alice.edit(&dialog, &sent, "edited").await;
        assert_eq!(message(&bob, &dialog, &sent).await["message"], "edited");
        alice.remove(&sent).await;
        assert_eq!([alice.peek(&dialog).await, bob.peek(&dialog).await], [[] as [Value; 0], []]);
    }
    proved("CONSIST", [20, 21]);
    let sent = alice.post(&dialog, "still unread").await;
    alice.post(&dialog, "this too").await;
    bob.read_all(&dialog).await;
    for _ in 0..3 {
        assert_eq!((bob.unread(&dialog).await, bob.unread_total().await), (0, 0));
    }
    alice.edit(&dialog, &sent, "an edit is nothing new").await;
    assert_eq!(bob.unread(&dialog).await, 0);
    alice.post(&dialog, "new").await;
    assert_eq!(bob.unread(&dialog).await, 1);
    proved("CONSIST", [28]);
    let of_bob = seen(&bob, &dialog).await["unread_messages_count"].clone();
    let read = each(&messages(&bob, &dialog, &[]).await, "read_ids");
    let both = json!([alice.id(), bob.id()]);
    assert_eq!((of_bob, read), (json!(1), json!([both, both, [alice.id()]])));
    proved("CONSIST", [27]);
}

async fn a_new_user(chat: &Chat) {
    let alice = chat.user("user-alice").await;
    for number in 0..3 {
        let login = format!("newcomer-{number}");
        let newcomer: Person = sign_up(chat, &alice, &login, &json!({ "full_name": login })).await;
        let dialog = alice.create_group("welcome", [&newcomer]).await;
        assert_eq!(seen(&newcomer, &dialog).await["occupants_ids"], json!([alice.id(), newcomer.id()]));
        let private = alice.create_private(&newcomer).await;
        assert_eq!(seen(&alice, &private).await["name"], login);
    }
    proved("CONSIST", [23]);
}

async fn a_changed_user(chat: &Chat) {
    let [alice, bob] = chat.users(["change-alice", "change-bob"]).await;
    let private = alice.create_private(&bob).await;
    for number in 0..5 {
        let (name, avatar) = (format!("Bob {number}"), format!("bob-{number}.png"));
        bob.put("users", &json!({ "user": { "full_name": name, "avatar": avatar } })).await.is(200);
        let shown = seen(&alice, &private).await;
        assert_eq!((&shown["name"], &shown["photo"]), (&json!(name), &json!(avatar)));
    }
    proved("CONSIST", [24]);
    proved("DIALOG", [28]);
}

async fn an_ended_session(chat: &Chat) {
    let alice = chat.user("session-alice").await;
    let other = chat.sign_in("session-alice").await;
    let dialog = alice.create(&json!({ "type": 4, "name": "session" })).await;
    alice.delete("session", false).await.is(200);
    let gone = json!({ "errors": { "base": ["Required session does not exist"] } });
    let path = format!("chat/Message?chat_dialog_id={dialog}");
    for path in ["session", "chat/Dialog", "chat/Message/unread", &path] {
        assert_eq!(alice.get(path).await.is(401).json(), gone);
        other.get(path).await.is(200);
    }
    assert_eq!(alice.post_message(&dialog, &json!({ "message": "x" })).await.is(401).json(), gone);
    assert_eq!(other.texts(&dialog).await, [] as [&str; 0]);
    proved("CONSIST", [25]);
}
