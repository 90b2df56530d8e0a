//! `PUT chat/Dialog/{id}`: what changes, what never does, and all or nothing.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{
    NOTHING, another_second, change, each_engines_with, history, ids, lists, messages, proved, seconds, seen,
};

#[tokio::test]
async fn dialogs_are_changed_by_their_rules() {
    each_engines_with(&[("app.extension_keys", "mood,place")], async |chat: &Chat| {
        its_fields(chat).await;
        who_is_in_it(chat).await;
        who_was_added(chat).await;
        pins(chat).await;
        admins_and_everything_at_once(chat).await;
        the_owner_leaves(chat).await;
    })
    .await;
}

/// Asserts that two states of a dialog differ by `changes` and nothing else but its time.
fn differ_by(before: &Value, after: &Value, changes: Value) {
    let mut expected = before.clone();
    for (key, value) in changes.as_object().expect("an object") {
        expected[key] = value.clone();
    }
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, &expected);
}

async fn its_fields(chat: &Chat) {
    let [alice, bob] = chat.users(["field-alice", "field-bob"]).await;
    let body = json!({
        "type": 2, "name": "old", "photo": "old.png", "description": "old", "occupants_ids": [bob.id()],
        "extensions": { "mood": "calm" }, "permissions": { "allow_preview": true },
    });
    let dialog = alice.create(&body).await;
    let changes = [
        (166, json!({ "name": "new" }), json!({ "name": "new" })),
        (167, json!({ "photo": "new.png" }), json!({ "photo": "new.png" })),
        (168, json!({ "description": "new" }), json!({ "description": "new" })),
        (169, json!({ "extensions": { "place": 5, "x": "y" } }), json!({ "extensions": { "place": "5" } })),
        (170, json!({ "extensions": null }), json!({ "extensions": null })),
        (
            171,
            json!({ "permissions": { "allow_preview": false } }),
            json!({ "permissions": { "allow_preview": false } }),
        ),
    ];
    for (row, body, shown) in changes {
        let before = seen(&bob, &dialog).await;
        let answer = change(&alice, &dialog, body).await.is(200).json();
        differ_by(&before, &seen(&bob, &dialog).await, shown);
        assert_eq!(answer, seen(&alice, &dialog).await);
        proved("DIALOG", [row]);
    }
    proved("DIALOG", [165, 191]);

    let before = seen(&alice, &dialog).await;
    let fixed = json!({
        "_id": NOTHING, "type": 4, "user_id": bob.id(), "created_at": "2001-01-01T00:00:00Z",
        "occupants_ids": [alice.id()], "admins_ids": [bob.id()], "name": "newer",
    });
    another_second().await;
    let after = change(&alice, &dialog, fixed).await.is(200).json();
    differ_by(&before, &after, json!({ "name": "newer" }));
    proved("DIALOG", [190]);
    assert!(seconds(&after["updated_at"]) > seconds(&before["updated_at"]));
    proved("DIALOG", [189]);
}

async fn who_is_in_it(chat: &Chat) {
    let [alice, bob, carol, dave] = chat.users(["in2-alice", "in2-bob", "in2-carol", "in2-dave"]).await;
    let (a, b, c, d) = (alice.id(), bob.id(), carol.id(), dave.id());
    let dialog = alice.create_group("in", [&bob]).await;
    let before = seen(&alice, &dialog).await;
    let after =
        change(&alice, &dialog, json!({ "push_all": { "occupants_ids": [c, d] } })).await.is(200).json();
    differ_by(&before, &after, json!({ "occupants_ids": [a, b, c, d], "occupants_count": 4 }));
    proved("DIALOG", [172]);
    let again =
        change(&bob, &dialog, json!({ "push_all": { "occupants_ids": [a, c, d, d] } })).await.is(200).json();
    differ_by(&after, &again, json!({}));
    proved("DIALOG", [173]);
    let unknown = json!({ "push_all": { "occupants_ids": [9_007_199_254_740_991_u64] } });
    let refused = change(&alice, &dialog, unknown).await.is(422).json();
    assert_eq!(refused, json!({ "errors": { "occupants_ids": ["Occupants with these IDs do not exist."] } }));
    assert_eq!(seen(&alice, &dialog).await["occupants_ids"], json!([a, b, c, d]));
    proved("DIALOG", [180]);

    let pulled =
        change(&alice, &dialog, json!({ "pull_all": { "occupants_ids": [c, d] } })).await.is(200).json();
    differ_by(&before, &pulled, json!({}));
    proved("DIALOG", [174]);
    for gone in [&carol, &dave] {
        assert!(!lists(gone, &dialog).await && gone.dialog(&dialog).await.is_none());
        history(gone, &dialog, &[]).await.is(403);
        gone.post_message(&dialog, &json!({ "message": "still here" })).await.is(404);
    }
    assert_eq!(alice.peek(&dialog).await, [] as [Value; 0]);
    proved("DIALOG", [175, 176]);
    proved("CONSIST", [14]);
}

async fn who_was_added(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["add-alice", "add-bob", "add-carol"]).await;
    let dialog = alice.create_group("add", [&bob]).await;
    let sent = alice.post_each(&dialog, ["one", "two"]).await;
    bob.add(&dialog, &carol).await;
    assert!(lists(&carol, &dialog).await);
    proved("DIALOG", [178]);
    assert_eq!(ids(&messages(&carol, &dialog, &[]).await), sent);
    assert_eq!(carol.texts(&dialog).await, ["one", "two"]);
    proved("DIALOG", [179]);
}

async fn pins(chat: &Chat) {
    let [alice, bob] = chat.users(["pin-alice", "pin-bob"]).await;
    let dialog = alice.create_group("pin", [&bob]).await;
    let elsewhere = alice.create_group("elsewhere", [&bob]).await;
    let [one, two, three] = alice.post_each(&dialog, ["one", "two", "three"]).await;
    let foreign = alice.post(&elsewhere, "elsewhere").await;
    let pin = async |list: &str, ids: Value| {
        change(&alice, &dialog, json!({ list: { "pinned_messages_ids": ids } })).await
    };
    let pinned = async |person: &Person| seen(person, &dialog).await["pinned_messages_ids"].clone();
    let answer = pin("push_all", json!([three, one])).await.is(200).json();
    assert_eq!(answer["pinned_messages_ids"], json!([three, one]));
    assert_eq!(pinned(&bob).await, json!([three, one]));
    proved("DIALOG", [181]);
    pin("push_all", json!([one, two, three])).await.is(200);
    assert_eq!(pinned(&bob).await, json!([three, one, two]));
    proved("DIALOG", [184]);
    for unknown in [&*foreign, NOTHING] {
        let refused = pin("push_all", json!([two, unknown])).await.is(422).json();
        assert!(refused["errors"].is_object() || refused["errors"].is_array(), "{refused}");
        assert_eq!(pinned(&bob).await, json!([three, one, two]));
    }
    proved("DIALOG", [183]);
    pin("pull_all", json!([one])).await.is(200);
    assert_eq!(pinned(&bob).await, json!([three, two]));
    proved("DIALOG", [182]);
    alice.remove(&three).await;
    assert_eq!(pinned(&bob).await, json!([two]), "what is removed is pinned no more");
}

async fn admins_and_everything_at_once(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["adm-alice", "adm-bob", "adm-carol"]).await;
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    let dialog = alice.create_group("at once", [&bob, &carol]).await;
    let admins = async |list: &str, user: u64| {
        change(&alice, &dialog, json!({ list: { "admins_ids": [user] } })).await.is(200).json()["admins_ids"]
            .clone()
    };
    assert_eq!(admins("push_all", b).await, json!([b]));
    proved("DIALOG", [185]);
    assert_eq!(admins("pull_all", b).await, json!([]));
    proved("DIALOG", [186]);

    let message = bob.post(&dialog, "pin me").await;
    let before = seen(&alice, &dialog).await;
    let whole = json!({
        "name": "all of it",
        "push_all": { "admins_ids": [b], "pinned_messages_ids": [message] },
        "pull_all": { "occupants_ids": [c] },
    });
    let shown = json!({
        "name": "all of it", "occupants_ids": [a, b], "occupants_count": 2, "admins_ids": [b],
        "pinned_messages_ids": [message],
    });
    differ_by(&before, &change(&alice, &dialog, whole).await.is(200).json(), shown);
    proved("DIALOG", [187]);

    let before = seen(&alice, &dialog).await;
    // Of each of these one part alone cannot be had.
    let refused = [
        (&alice, 422, json!({ "name": "no", "push_all": { "pinned_messages_ids": [NOTHING] } })),
        (&alice, 422, json!({ "name": "no", "push_all": { "occupants_ids": [9_007_199_254_740_991_u64] } })),
        (&bob, 403, json!({ "name": "no", "pull_all": { "occupants_ids": [a] } })),
        (
            &bob,
            403,
            json!({ "description": "no", "pull_all": { "admins_ids": [b], "pinned_messages_ids": [message] } }),
        ),
    ];
    for (who, status, body) in refused {
        change(who, &dialog, body).await.is(status);
        assert_eq!(seen(&alice, &dialog).await, before);
    }
    proved("DIALOG", [188]);
}

async fn the_owner_leaves(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["left-alice", "left-bob", "left-carol"]).await;
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    let leave = json!({ "pull_all": { "occupants_ids": [a] } });
    let body = json!({ "type": 2, "name": "with admins", "occupants_ids": [b, c], "admins_ids": [b] });
    let dialog = alice.create(&body).await;
    change(&alice, &dialog, leave.clone()).await.is(200);
    assert!(!lists(&alice, &dialog).await);
    let now = seen(&carol, &dialog).await;
    assert_eq!((&now["user_id"], &now["occupants_ids"]), (&json!(a), &json!([b, c])));
    proved("DIALOG", [192]);
    let push = json!({ "push_all": { "admins_ids": [c] } });
    let admins = bob.put(&format!("chat/Dialog/{dialog}/admins"), &push).await.is(200).json();
    assert_eq!((&admins["user_id"], &admins["admins_ids"]), (&json!(a), &json!([b, c])));
    carol.delete(&format!("chat/Dialog/{dialog}"), true).await.is(403);
    bob.delete(&format!("chat/Dialog/{dialog}"), true).await.is(200);
    proved("DIALOG", [193]);

    let dialog = alice.create_group("without admins", [&bob, &carol]).await;
    change(&alice, &dialog, leave).await.is(200);
    let before = seen(&bob, &dialog).await;
    for who in [&bob, &carol] {
        let push = json!({ "push_all": { "admins_ids": [who.id()] } });
        who.put(&format!("chat/Dialog/{dialog}/admins"), &push).await.is(403);
        who.delete(&format!("chat/Dialog/{dialog}"), true).await.is(403);
    }
    assert_eq!((seen(&bob, &dialog).await, &before["user_id"]), (before.clone(), &json!(a)));
    proved("DIALOG", [194]);
}
