//! `POST chat/Dialog`: what each kind needs, what is kept, and the one dialog of two people.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{change, each_engines_with, id, ids, lists, messages, proved, seen};

#[tokio::test]
async fn dialogs_are_created_by_their_rules() {
    each_engines_with(&[("app.extension_keys", "mood,place")], async |chat: &Chat| {
        what_is_refused(chat).await;
        who_is_in_it(chat).await;
        what_is_kept(chat).await;
        admins(chat).await;
        one_for_two(chat).await;
        hidden_and_opened_again(chat).await;
        its_creator_owns_it(chat).await;
    })
    .await;
}

async fn what_is_refused(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["refused-alice", "refused-bob", "refused-carol"]).await;
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    let refused = [
        (127, json!({ "name": "x", "occupants_ids": [b] }), "type"),
        (128, json!({ "type": 0, "name": "x", "occupants_ids": [b] }), "type"),
        (128, json!({ "type": 5, "name": "x", "occupants_ids": [b] }), "type"),
        (129, json!({ "type": 2, "name": "x" }), "occupants_ids"),
        (130, json!({ "type": 3 }), "occupants_ids"),
        (137, json!({ "type": 3, "occupants_ids": [a] }), "occupants_ids"),
        (137, json!({ "type": 3, "occupants_ids": [b, c] }), "occupants_ids"),
        (143, json!({ "type": 2, "occupants_ids": [b] }), "name"),
        (144, json!({ "type": 4 }), "name"),
        (145, json!({ "type": 1 }), "name"),
    ];
    for (row, body, field) in refused {
        let answer = alice.post_to("chat/Dialog", &body).await.is(422).json();
        assert!(answer["errors"][field][0].is_string(), "{body}: {answer}");
        for person in [&alice, &bob] {
            assert_eq!(person.dialogs().await, [] as [Value; 0], "{body} made nothing");
        }
        proved("DIALOG", [row]);
    }
}

async fn who_is_in_it(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["in-alice", "in-bob", "in-carol"]).await;
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    let create = async |body: Value| alice.post_to("chat/Dialog", &body).await.is(201).json();
    let group = create(json!({ "type": 2, "name": "in", "occupants_ids": [c, b] })).await;
    let mut members: Vec<u64> =
        group["occupants_ids"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    members.sort_unstable();
    assert_eq!((members, &group["name"]), (vec![a, b, c], &json!("in")));
    proved("DIALOG", [126, 133]);
    let repeated = create(json!({ "type": 2, "name": "in", "occupants_ids": [b, a, b, a, b] })).await;
    assert_eq!((&repeated["occupants_ids"], &repeated["occupants_count"]), (&json!([a, b]), &json!(2)));
    let private = create(json!({ "type": 3, "occupants_ids": [b, b, a] })).await;
    assert_eq!(private["occupants_ids"], json!([a, b]));
    proved("DIALOG", [134, 135, 146]);
    let square = create(json!({ "type": 4, "name": "in" })).await;
    assert_eq!((&square["occupants_count"], &square["occupants_ids"]), (&json!(1), &json!([])));
    assert!(lists(&alice, &id(&square)).await);
    proved("DIALOG", [131, 162]);
    let news = create(json!({ "type": 1, "name": "in" })).await;
    assert!(lists(&carol, &id(&news)).await, "it is for everybody");
    proved("DIALOG", [132, 160]);
    alice.delete(&format!("chat/Dialog/{}", id(&news)), true).await.is(200);
}

async fn what_is_kept(chat: &Chat) {
    let [alice, bob] = chat.users(["kept-alice", "kept-bob"]).await;
    for (kind, photo) in
        [(1, "https://example.org/a.png"), (2, "plain name"), (4, "6221dd49a1bb46cfb61efe62")]
    {
        let body = json!({
            "type": kind, "name": "kept", "photo": photo, "description": "about\nit",
            "occupants_ids": [bob.id()], "permissions": { "allow_preview": true },
            "extensions": { "mood": 7, "place": true, "unknown": "x" },
        });
        let made = alice.post_to("chat/Dialog", &body).await.is(201).json();
        let extensions = json!({ "mood": "7", "place": "true" });
        for dialog in [&made, &seen(&bob, &id(&made)).await] {
            let kept = json!([dialog["photo"], dialog["description"], dialog["permissions"]]);
            assert_eq!(kept, json!([photo, "about\nit", { "allow_preview": true }]));
            assert_eq!(dialog["extensions"], extensions);
        }
        if kind == 1 {
            alice.delete(&format!("chat/Dialog/{}", id(&made)), true).await.is(200);
        }
    }
    proved("DIALOG", [149, 150, 155, 156, 157, 159]);
    let only_unknown =
        json!({ "type": 2, "name": "kept", "occupants_ids": [bob.id()], "extensions": { "x": 1 } });
    assert_eq!(alice.post_to("chat/Dialog", &only_unknown).await.is(201).json()["extensions"], Value::Null);

    let named = json!({ "type": 3, "occupants_ids": [bob.id()], "name": "mine", "photo": "mine.png", "admins_ids": [bob.id()] });
    let private = alice.post_to("chat/Dialog", &named).await.is(201).json();
    let shown = json!([private["name"], private["photo"], private["admins_ids"]]);
    assert_eq!(shown, json!(["kept-bob", null, []]));
    proved("DIALOG", [147, 148, 154]);
}

async fn admins(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["admin-alice", "admin-bob", "admin-carol"]).await;
    let (b, c) = (bob.id(), carol.id());
    let group =
        json!({ "type": 2, "name": "admins", "occupants_ids": [b, c], "admins_ids": format!("{b}, {c}") });
    assert_eq!(alice.post_to("chat/Dialog", &group).await.is(201).json()["admins_ids"], json!([b, c]));
    proved("DIALOG", [151]);
    for kind in [1, 4] {
        let body = json!({ "type": kind, "name": "admins", "admins_ids": [b] });
        let made = alice.post_to("chat/Dialog", &body).await.is(201).json();
        assert_eq!(made["admins_ids"], json!([b]), "{made}");
        // He has their rights at once.
        assert_eq!(change(&bob, &id(&made), json!({ "name": "his" })).await.is(200).json()["name"], "his");
        alice.delete(&format!("chat/Dialog/{}", id(&made)), true).await.is(200);
    }
    proved("DIALOG", [152]);
    let before = ids(&alice.dialogs().await);
    let outside = json!({ "type": 2, "name": "admins", "occupants_ids": [b], "admins_ids": [c] });
    let refused = alice.post_to("chat/Dialog", &outside).await.is(422).json();
    assert!(refused["errors"]["admins_ids"][0].is_string(), "{refused}");
    assert_eq!(ids(&alice.dialogs().await), before);
    proved("DIALOG", [153]);
}

async fn one_for_two(chat: &Chat) {
    let [alice, bob] = chat.users(["two-alice", "two-bob"]).await;
    let create = async |by: &Person, with: &Person, extensions: Value| {
        let body = json!({ "type": 3, "occupants_ids": [with.id()], "extensions": extensions });
        by.post_to("chat/Dialog", &body).await.is(201).json()
    };
    let first = create(&alice, &bob, json!({ "mood": "calm" })).await;
    let again = create(&alice, &bob, Value::Null).await;
    assert_eq!((&again["_id"], &again["user_id"]), (&first["_id"], &json!(alice.id())));
    proved("DIALOG", [138]);
    let theirs = create(&bob, &alice, json!({ "place": "bar", "x": "y" })).await;
    assert_eq!((&theirs["_id"], &theirs["user_id"]), (&first["_id"], &json!(alice.id())));
    assert_eq!(theirs["created_at"], first["created_at"]);
    proved("DIALOG", [139]);
    let merged = create(&alice, &bob, json!({ "mood": "wild" })).await;
    assert_eq!(merged["extensions"], json!({ "mood": "wild", "place": "bar" }));
    assert_eq!(seen(&bob, &id(&first)).await["extensions"], merged["extensions"]);
    proved("DIALOG", [142]);
    assert_eq!((alice.dialogs().await.len(), bob.dialogs().await.len()), (1, 1));
}

async fn hidden_and_opened_again(chat: &Chat) {
    let [alice, bob] = chat.users(["again-alice", "again-bob"]).await;
    let dialog = alice.create_private(&bob).await;
    alice.post(&dialog, "before").await;
    alice.leave(&dialog).await;
    bob.leave(&dialog).await;
    assert!(!lists(&alice, &dialog).await && !lists(&bob, &dialog).await);
    assert_eq!(alice.create_private(&bob).await, dialog);
    assert!(lists(&alice, &dialog).await);
    assert_eq!(messages(&alice, &dialog, &[]).await, [] as [Value; 0], "what he cleared stays cleared");
    proved("DIALOG", [140]);
    assert!(!lists(&bob, &dialog).await);
    proved("DIALOG", [141]);
}

async fn its_creator_owns_it(chat: &Chat) {
    let [alice, bob] = chat.users(["owner-alice", "owner-bob"]).await;
    for kind in [1, 2, 3, 4] {
        let body = json!({ "type": kind, "name": "owned", "occupants_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        assert_eq!(seen(&alice, &dialog).await["user_id"], alice.id());
        let message = alice.post(&dialog, "mine").await;
        alice.remove(&message).await;
        bob.delete(&format!("chat/Dialog/{dialog}"), true).await.is(403);
        alice.delete(&format!("chat/Dialog/{dialog}"), true).await.is(200);
        assert!(!lists(&alice, &dialog).await && !lists(&bob, &dialog).await);
    }
    proved("DIALOG", [163]);
}
