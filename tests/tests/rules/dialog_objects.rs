//! What a dialog looks like: every key, for each kind, and what differs from viewer to viewer.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{
    another_second, change, dialogs, each_engines_with, id, is_iso, keys, lists, proved, seconds, seen,
    sign_up, subscribe,
};

const KEYS: [&str; 21] = [
    "_id",
    "admins_ids",
    "created_at",
    "description",
    "extensions",
    "last_message",
    "last_message_date_sent",
    "last_message_id",
    "last_message_status",
    "last_message_user_id",
    "name",
    "occupants_count",
    "occupants_ids",
    "permissions",
    "photo",
    "pinned_messages_ids",
    "type",
    "unread_messages_count",
    "updated_at",
    "user_id",
    "xmpp_room_jid",
];

#[tokio::test]
async fn dialogs_look_as_the_model_says() {
    each_engines_with(&[], async |chat: &Chat| {
        new_ones(chat).await;
        the_same_keys_everywhere(chat).await;
        a_private_one_shows_the_other(chat).await;
        the_last_message(chat).await;
        its_status(chat).await;
        what_is_last_for_whom(chat).await;
        unread_where_it_counts(chat).await;
    })
    .await;
}

/// A dialog in which nothing has happened, with what is said about it in `own`.
fn untouched(dialog: &Value, own: &Value) -> Value {
    let mut whole = json!({
        "_id": dialog["_id"],
        "photo": null,
        "description": null,
        "created_at": dialog["created_at"],
        "updated_at": dialog["created_at"],
        "xmpp_room_jid": format!("7_{}@muc.localhost", id(dialog)),
        "admins_ids": [],
        "pinned_messages_ids": [],
        "last_message": null,
        "last_message_date_sent": null,
        "last_message_id": null,
        "last_message_user_id": null,
        "last_message_status": null,
        "unread_messages_count": 0,
        "extensions": null,
        "permissions": null,
    });
    for (key, value) in own.as_object().expect("an object") {
        whole[key] = value.clone();
    }
    whole
}

async fn new_ones(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["new-alice", "new-bob", "new-carol"]).await;
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    let asked = [
        json!({ "type": 1, "name": "news", "photo": "a.png" }),
        json!({ "type": 2, "name": "team", "occupants_ids": [b, c], "admins_ids": [a, b] }),
        json!({ "type": 3, "occupants_ids": [b] }),
        json!({ "type": 4, "name": "square", "description": "for all" }),
    ];
    let shown = [
        json!({ "type": 1, "name": "news", "photo": "a.png", "occupants_ids": [] }),
        json!({ "type": 2, "name": "team", "occupants_ids": [a, b, c], "occupants_count": 3, "admins_ids": [b] }),
        json!({ "type": 3, "name": "new-bob", "occupants_ids": [a, b], "occupants_count": 2, "xmpp_room_jid": null }),
        json!({ "type": 4, "name": "square", "description": "for all", "occupants_ids": [], "occupants_count": 1 }),
    ];
    let mut made = vec![];
    for (asked, shown) in asked.iter().zip(shown) {
        let dialog = alice.post_to("chat/Dialog", asked).await.is(201).json();
        assert_eq!(keys(&dialog), KEYS);
        assert!(is_iso(&dialog["created_at"]), "{dialog}");
        let mut whole = untouched(&dialog, &shown);
        whole["user_id"] = json!(a);
        whole["occupants_count"] = dialog["occupants_count"].clone();
        assert_eq!(dialog, whole);
        if let Some(count) = shown.get("occupants_count") {
            assert_eq!(&dialog["occupants_count"], count);
        }
        assert_eq!(seen(&alice, &id(&dialog)).await, dialog, "the list shows what the creation answered");
        made.push(id(&dialog));
    }
    proved("DIALOG", [2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 24]);
    // Everybody would find it in his list.
    alice.delete(&format!("chat/Dialog/{}", made[0]), true).await.is(200);
}

async fn the_same_keys_everywhere(chat: &Chat) {
    let [alice, bob] = chat.users(["keys-alice", "keys-bob"]).await;
    let group = alice.create_group("keys", [&bob]).await;
    let square = alice.create(&json!({ "type": 4, "name": "keys" })).await;
    alice.post(&group, "one").await;
    for dialog in dialogs(&bob, &[]).await.iter().chain(&dialogs(&alice, &[]).await) {
        assert_eq!(keys(dialog), KEYS);
        assert!(dialog["unread_messages_count"].is_u64());
    }
    proved("DIALOG", [1, 47]);

    let body = json!({ "permissions": { "allow_preview": true } });
    let changed = change(&alice, &group, body).await.is(200).json();
    assert_eq!(keys(&changed), KEYS);
    assert_eq!(changed["permissions"], json!({ "allow_preview": true }));
    assert_eq!(seen(&bob, &group).await["permissions"], json!({ "allow_preview": true }));
    proved("DIALOG", [3, 23]);

    let joined = subscribe(&bob, &square).await.is(200).json();
    assert_eq!(keys(&joined), KEYS);
    assert_eq!((&joined["occupants_count"], &joined["occupants_ids"]), (&json!(2), &json!([])));
    let body = json!({ "push_all": { "admins_ids": [bob.id()] } });
    let admins = alice.put(&format!("chat/Dialog/{group}/admins"), &body).await.is(200).json();
    assert_eq!(keys(&admins), KEYS);
    proved("DIALOG", [4, 5]);
}

async fn a_private_one_shows_the_other(chat: &Chat) {
    let alice = chat.user("shown-alice").await;
    let fields = json!({ "full_name": "Robert Tables", "avatar": "https://example.org/bob.png" });
    let bob = sign_up(chat, &alice, "shown-bob", &fields).await;
    let nameless = sign_up(chat, &alice, "shown-nameless", &json!({})).await;
    let with_bob = alice.create_private(&bob).await;
    let with_nameless = alice.create_private(&nameless).await;
    let shown = async |viewer: &Person, dialog: &str| {
        let dialog = seen(viewer, dialog).await;
        json!([dialog["name"], dialog["photo"]])
    };
    assert_eq!(shown(&alice, &with_bob).await, json!(["Robert Tables", "https://example.org/bob.png"]));
    assert_eq!(shown(&bob, &with_bob).await, json!(["shown-alice", null]));
    assert_eq!(shown(&alice, &with_nameless).await, json!(["shown-nameless", null]));
    proved("DIALOG", [25, 26, 27]);
}

/// What a dialog says of its last message.
fn last(dialog: &Value) -> Value {
    let keys = ["last_message", "last_message_id", "last_message_user_id", "last_message_date_sent"];
    keys.iter().map(|key| dialog[*key].clone()).collect()
}

/// The same, made from the message.
fn as_last(message: &Value) -> Value {
    json!([message["message"], message["_id"], message["sender_id"], message["date_sent"]])
}

async fn the_last_message(chat: &Chat) {
    let [alice, bob] = chat.users(["last-alice", "last-bob"]).await;
    let dialog = alice.create_group("last", [&bob]).await;
    let made = seen(&alice, &dialog).await;
    another_second().await;
    let message = alice.post_message(&dialog, &json!({ "message": "first" })).await.is(201).json();
    for viewer in [&alice, &bob] {
        let seen = seen(viewer, &dialog).await;
        assert_eq!(last(&seen), as_last(&message));
        assert_eq!(seen["updated_at"], message["created_at"]);
        assert!(seconds(&seen["updated_at"]) > seconds(&made["updated_at"]));
        assert_eq!(seen["created_at"], made["created_at"]);
    }
    let photo =
        bob.post_message(&dialog, &json!({ "attachments": [{ "type": "image" }] })).await.is(201).json();
    assert_eq!(last(&seen(&alice, &dialog).await), json!([null, photo["_id"], bob.id(), photo["date_sent"]]));
    proved("DIALOG", [29, 30, 31, 32, 33, 46]);
}

async fn its_status(chat: &Chat) {
    let [alice, bob] = chat.users(["status-alice", "status-bob"]).await;
    let dialog = alice.create_private(&bob).await;
    let message = alice.post(&dialog, "are you there?").await;
    let status = async |viewer: &Person| seen(viewer, &dialog).await["last_message_status"].clone();
    let mark = async |mark: &str| {
        let body = json!({ "chat_dialog_id": dialog, mark: 1 });
        bob.put(&format!("chat/Message/{message}"), &body).await.is(200);
    };
    assert_eq!((status(&alice).await, status(&bob).await), (json!("sent"), Value::Null));
    proved("DIALOG", [34, 35]);
    mark("delivered").await;
    assert_eq!((status(&alice).await, status(&bob).await), (json!("delivered"), Value::Null));
    assert_eq!(bob.unread(&dialog).await, 1);
    proved("DIALOG", [36]);
    proved("MARK", [18, 22]);
    mark("read").await;
    assert_eq!((status(&alice).await, bob.unread(&dialog).await), (json!("read"), 0));
    proved("DIALOG", [37]);
    proved("MARK", [23]);
    mark("delivered").await;
    assert_eq!(status(&alice).await, "read");
    proved("MARK", [24]);
    alice.post(&dialog, "still there?").await;
    assert_eq!(status(&alice).await, "sent", "the next one begins anew");
}

async fn what_is_last_for_whom(chat: &Chat) {
    let [alice, bob] = chat.users(["whom-alice", "whom-bob"]).await;
    let dialog = alice.create_group("whom", [&bob]).await;
    let one = alice.post_message(&dialog, &json!({ "message": "one" })).await.is(201).json();
    let two = alice.post_message(&dialog, &json!({ "message": "two" })).await.is(201).json();
    bob.hide(&id(&two)).await;
    assert_eq!(last(&seen(&bob, &dialog).await), as_last(&one));
    assert_eq!(last(&seen(&alice, &dialog).await), as_last(&two));
    proved("DIALOG", [38]);

    bob.delete(&format!("chat/Dialog/clearHistory/{dialog}"), false).await.is(200);
    let cleared = seen(&bob, &dialog).await;
    assert_eq!(last(&cleared), json!([null, null, null, null]));
    assert_eq!(cleared["last_message_status"], Value::Null);
    assert_eq!(last(&seen(&alice, &dialog).await), as_last(&two));
    let three = alice.post_message(&dialog, &json!({ "message": "three" })).await.is(201).json();
    assert_eq!(last(&seen(&bob, &dialog).await), as_last(&three));
    proved("DIALOG", [39]);
}

async fn unread_where_it_counts(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["count-alice", "count-bob", "count-carol"]).await;
    let count =
        async |viewer: &Person, dialog: &str| seen(viewer, dialog).await["unread_messages_count"].clone();
    let group = alice.create_group("count", [&bob, &carol]).await;
    let [first, _] = alice.post_each(&group, ["one", "two"]).await;
    bob.post(&group, "three").await;
    carol.read(&group, [&first]).await;
    let counts = [count(&alice, &group).await, count(&bob, &group).await, count(&carol, &group).await];
    assert_eq!(counts, [json!(1), json!(2), json!(2)]);
    let private = alice.create_private(&bob).await;
    alice.post_each(&private, ["one", "two"]).await;
    bob.post(&private, "three").await;
    assert_eq!((count(&alice, &private).await, count(&bob, &private).await), (json!(1), json!(2)));
    proved("DIALOG", [40, 41, 42]);
    proved("MARK", [42]);

    let square = alice.create(&json!({ "type": 4, "name": "count" })).await;
    subscribe(&bob, &square).await.is(200);
    let news = alice.create(&json!({ "type": 1, "name": "count" })).await;
    let before = bob.unread_total().await;
    for dialog in [&square, &news] {
        alice.post_each(dialog, ["one", "two"]).await;
        assert!(lists(&bob, dialog).await);
        assert_eq!((count(&bob, dialog).await, bob.unread(dialog).await), (json!(0), 0));
    }
    assert_eq!(bob.unread_total().await, before);
    proved("DIALOG", [43, 44]);
    proved("MARK", [39, 40]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
}
