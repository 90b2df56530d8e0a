//! `POST chat/Message`: where it goes, what is kept of it, and what a message looks like.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{
    NOTHING, each, each_engines_with, history, id, ids, is_iso, keys, lists, message, messages, proved,
    seconds, seen, subscribe,
};

const KEYS: [&str; 15] = [
    "_id",
    "attachments",
    "chat_dialog_id",
    "created_at",
    "date_sent",
    "delivered_ids",
    "edited_at",
    "message",
    "reactions",
    "read",
    "read_ids",
    "recipient_id",
    "sender_id",
    "updated_at",
    "views_count",
];

#[tokio::test]
async fn messages_are_created_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        new_ones(chat).await;
        what_is_kept(chat).await;
        what_is_not_kept(chat).await;
        to_a_user(chat).await;
        its_own_id(chat).await;
        what_it_does_to_the_dialog(chat).await;
    })
    .await;
}

/// A message as it is when nobody has done anything with it.
fn untouched(message: &Value, own: &Value) -> Value {
    let mut whole = json!({
        "_id": message["_id"],
        "message": null,
        "attachments": [],
        "recipient_id": 0,
        "read_ids": [own["sender_id"]],
        "delivered_ids": [own["sender_id"]],
        "created_at": message["created_at"],
        "updated_at": message["created_at"],
        "edited_at": null,
        "date_sent": seconds(&message["created_at"]),
        "reactions": null,
        "views_count": 0,
        "read": 0,
    });
    for (key, value) in own.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    whole
}

async fn new_ones(chat: &Chat) {
    let [alice, bob] = chat.users(["new-alice", "new-bob"]).await;
    for kind in [1, 2, 3, 4] {
        let body = json!({ "type": kind, "name": "new", "occupants_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        assert_eq!(history(&alice, &dialog, &[]).await.is(200).json()["items"], json!([]));
        let sent = alice.post_message(&dialog, &json!({ "message": "hello" })).await.is(201).json();
        assert_eq!(keys(&sent), KEYS);
        assert!(is_iso(&sent["created_at"]), "{sent}");
        let recipient = if kind == 3 { bob.id() } else { 0 };
        let own = json!({
            "chat_dialog_id": dialog, "message": "hello", "sender_id": alice.id(), "recipient_id": recipient,
        });
        assert_eq!(sent, untouched(&sent, &own));
        let listed = message(&bob, &dialog, &id(&sent)).await;
        assert_eq!(keys(&listed), KEYS);
        assert_eq!(listed, sent);
        if kind == 1 {
            alice.delete(&format!("chat/Dialog/{dialog}"), true).await.is(200);
        }
    }
    proved("MESSAGE", [1, 2, 3, 4, 5, 6, 7, 9, 13, 15, 31, 112, 114, 134]);
}

async fn what_is_kept(chat: &Chat) {
    let [alice, bob] = chat.users(["kept-alice", "kept-bob"]).await;
    let dialog = alice.create_group("kept", [&bob]).await;
    let post = async |body: Value| {
        let sent = alice.post_message(&dialog, &body).await.is(201).json();
        assert_eq!(message(&bob, &dialog, &id(&sent)).await, sent);
        sent
    };
    for text in
        ["<b>&amp;</b> %26+ \"q\" \\ 'x';--", "héllo 😀 \u{202e}right\u{202c} 日本\n\ttab", " blanks "]
    {
        assert_eq!(post(json!({ "message": text })).await["message"], text);
    }
    proved("MESSAGE", [119, 123]);
    let photo = json!({
        "type": "image", "id": "47863", "uid": "f00", "url": "https://example.org/a.png", "name": "a.png",
        "size": 12, "width": "640", "height": 480, "duration": 1.5, "whatever": "kept",
    });
    let video = json!({ "type": "video" });
    let sent = post(json!({ "attachments": [photo, video] })).await;
    assert_eq!((&sent["attachments"], &sent["message"]), (&json!([photo, video]), &Value::Null));
    proved("MESSAGE", [16, 118, 120]);
    let numbered =
        json!({ "attachments": { "10": { "type": "c" }, "9": { "type": "b" }, "0": { "type": "a" } } });
    assert_eq!(
        post(numbered).await["attachments"],
        json!([{ "type": "a" }, { "type": "b" }, { "type": "c" }])
    );
    proved("MESSAGE", [121]);
    let custom = json!({ "message": "x", "country": "USA", "count": 7, "deep": { "a": [1, { "b": null }] } });
    let sent = post(custom.clone()).await;
    for key in ["country", "count", "deep"] {
        assert_eq!(sent[key], custom[key]);
    }
    assert_eq!(keys(&sent).len(), KEYS.len() + 3);
    proved("MESSAGE", [17, 18, 122]);
}

async fn what_is_not_kept(chat: &Chat) {
    let [alice, bob] = chat.users(["not-alice", "not-bob"]).await;
    let dialog = alice.create_group("not", [&bob]).await;
    let body = json!({
        "message": "mine", "sender_id": bob.id(), "created_at": "2001-01-01T00:00:00Z", "updated_at": 5,
        "edited_at": "2001-01-01T00:00:00Z", "read_ids": [bob.id()], "delivered_ids": [bob.id()], "read": 1,
        "reactions": { "own": ["x"], "total": { "x": 5 } }, "views_count": 9,
    });
    let sent = alice.post_message(&dialog, &body).await.is(201).json();
    let own = json!({ "chat_dialog_id": dialog, "message": "mine", "sender_id": alice.id() });
    assert_eq!(sent, untouched(&sent, &own));
    assert_eq!(message(&bob, &dialog, &id(&sent)).await, sent);
    proved("MESSAGE", [8, 19]);
    let switches = json!({
        "message": "mine", "save_to_history": 1, "send_to_chat": "1", "markable": 1, "silent": true,
        "dialog_id": NOTHING, "message_id": NOTHING, "date_sent": 5,
    });
    let sent = alice.post_message(&dialog, &switches).await.is(201).json();
    assert_eq!(sent, untouched(&sent, &own));
    assert_eq!(message(&bob, &dialog, &id(&sent)).await, sent);
    proved("MESSAGE", [20, 21, 22, 23, 24, 25, 26]);
}

async fn to_a_user(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["to-alice", "to-bob", "to-carol"]).await;
    let post = async |body: Value| alice.post_to("chat/Message", &body).await;
    let refused = post(json!({ "message": "to nobody" })).await.is(422).json();
    assert!(refused["errors"].is_object(), "{refused}");
    proved("MESSAGE", [113]);
    let unknown = post(json!({ "message": "hi", "recipient_id": 9_007_199_254_740_991_u64 })).await;
    assert!([404, 422].contains(&unknown.status), "{}", unknown.text());
    assert_eq!(alice.dialogs().await, [] as [Value; 0]);
    proved("MESSAGE", [117]);

    let existing = bob.create_private(&alice).await;
    let sent = post(json!({ "message": "hi", "recipient_id": bob.id().to_string() })).await.is(201).json();
    assert_eq!((&sent["chat_dialog_id"], &sent["recipient_id"]), (&json!(existing), &json!(bob.id())));
    assert_eq!(bob.texts(&existing).await, ["hi"]);
    proved("MESSAGE", [115]);
    let sent = post(json!({ "message": "hi", "recipient_id": carol.id() })).await.is(201).json();
    let made = sent["chat_dialog_id"].as_str().expect("a text");
    let shown = seen(&carol, made).await;
    assert_eq!((&shown["type"], &shown["occupants_ids"]), (&json!(3), &json!([alice.id(), carol.id()])));
    assert_eq!(carol.texts(made).await, ["hi"]);
    assert_eq!(alice.create_private(&carol).await, made);
    proved("MESSAGE", [116]);
}

async fn its_own_id(chat: &Chat) {
    let [alice, bob] = chat.users(["id-alice", "id-bob"]).await;
    let dialog = alice.create_group("id", [&bob]).await;
    let other = alice.create_group("other", [&bob]).await;
    let post = async |who: &Person, dialog: &str, id: &str| {
        who.post_message(dialog, &json!({ "_id": id, "message": "once" })).await
    };
    let chosen = "5c094687e588ce59fff87425";
    let sent = post(&alice, &dialog, chosen).await.is(201).json();
    assert_eq!(sent["_id"], chosen);
    assert_eq!(ids(&messages(&bob, &dialog, &[]).await), [chosen]);
    proved("MESSAGE", [128]);
    let tails = chat.tails().await;
    let again = post(&alice, &dialog, chosen).await;
    assert!([200, 201].contains(&again.status), "{}", again.text());
    assert_eq!(again.json(), sent);
    assert_eq!(bob.texts(&dialog).await, ["once"]);
    proved("MESSAGE", [129]);
    assert_eq!((bob.unread(&dialog).await, chat.tails().await), (1, tails.clone()));
    proved("MESSAGE", [130]);
    for (who, dialog) in [(&bob, &dialog), (&alice, &other), (&bob, &other)] {
        let refused = post(who, dialog, chosen).await.is(422).json();
        assert!(refused["errors"]["_id"][0].is_string(), "{refused}");
    }
    assert_eq!((bob.texts(&dialog).await.len(), bob.texts(&other).await.len()), (1, 0));
    assert_eq!(chat.tails().await, tails);
    proved("MESSAGE", [131]);
}

async fn what_it_does_to_the_dialog(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["does-alice", "does-bob", "does-carol"]).await;
    let group = alice.create_group("does", [&bob, &carol]).await;
    let private = alice.create_private(&bob).await;
    let square = alice.create(&json!({ "type": 4, "name": "does" })).await;
    subscribe(&bob, &square).await.is(200);
    let count =
        async |person: &Person, dialog: &str| seen(person, dialog).await["unread_messages_count"].clone();
    for number in 1..=2 {
        for dialog in [&group, &private, &square] {
            let sent = alice.post_message(dialog, &json!({ "message": "news" })).await.is(201).json();
            for person in [&alice, &bob] {
                let shown = seen(person, dialog).await;
                for (of_dialog, of_message) in [
                    ("last_message", "message"),
                    ("last_message_id", "_id"),
                    ("last_message_user_id", "sender_id"),
                    ("last_message_date_sent", "date_sent"),
                ] {
                    assert_eq!(shown[of_dialog], sent[of_message]);
                }
            }
        }
        let counts = [count(&bob, &group).await, count(&carol, &group).await, count(&bob, &private).await];
        assert_eq!(counts, [json!(number), json!(number), json!(number)]);
        assert_eq!((count(&alice, &group).await, count(&alice, &private).await), (json!(0), json!(0)));
    }
    proved("MESSAGE", [135, 136, 137, 138]);
    assert!(lists(&alice, &group).await);
    assert_eq!(each(&messages(&carol, &group, &[]).await, "read_ids"), json!([[alice.id()], [alice.id()]]));
}
