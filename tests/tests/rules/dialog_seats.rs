//! Who sits in a dialog and how: subscribing, admins, notifications, occupants, blocking.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person};

use crate::ask::{
    USER_KEYS, change, each, each_engines_with, history, items, keys, lists, proved, seen, subscribe, with,
};

#[tokio::test]
async fn seats_are_taken_and_given_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        subscribing(chat).await;
        subscribing_where_nobody_can(chat).await;
        admins(chat).await;
        notifications(chat).await;
        occupants(chat).await;
        blocking(chat).await;
        blocking_where_nobody_can(chat).await;
    })
    .await;
}

async fn unsubscribe(person: &Person, dialog: &str) -> Answer {
    person.delete(&format!("chat/dialog/{dialog}/subscribe"), false).await
}

async fn count(person: &Person, dialog: &str) -> u64 {
    seen(person, dialog).await["occupants_count"].as_u64().expect("a count is a number")
}

async fn subscribing(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["sub-alice", "sub-bob", "sub-carol"]).await;
    let square = alice.create(&json!({ "type": 4, "name": "square" })).await;
    let joined = subscribe(&bob, &square).await.is(200).json();
    assert_eq!((&joined["_id"], &joined["name"]), (&json!(square), &json!("square")));
    proved("DIALOG", [223]);
    assert_eq!((&joined["occupants_count"], &joined["occupants_ids"]), (&json!(2), &json!([])));
    assert_eq!(count(&alice, &square).await, 2);
    proved("DIALOG", [224]);
    assert_eq!(subscribe(&bob, &square).await.is(200).json(), joined);
    assert_eq!(count(&alice, &square).await, 2);
    proved("DIALOG", [225]);
    assert!(lists(&bob, &square).await);
    proved("DIALOG", [226]);
    bob.post(&square, "hello").await;
    assert_eq!(bob.texts(&square).await, ["hello"]);
    proved("CONSIST", [17]);

    unsubscribe(&bob, &square).await.is(200);
    assert_eq!((count(&alice, &square).await, lists(&bob, &square).await), (1, false));
    bob.post_message(&square, &json!({ "message": "gone" })).await.is(404);
    proved("DIALOG", [232, 233]);
    for stranger in [&bob, &carol] {
        let answer = unsubscribe(stranger, &square).await;
        assert!([200, 404].contains(&answer.status), "{}", answer.text());
        assert_eq!(count(&alice, &square).await, 1);
    }
    proved("DIALOG", [235]);
    subscribe(&bob, &square).await.is(200);
    assert_eq!((count(&alice, &square).await, lists(&bob, &square).await), (2, true));
    proved("DIALOG", [231]);
    unsubscribe(&alice, &square).await.is(200);
    assert_eq!((count(&bob, &square).await, lists(&alice, &square).await), (1, false));
}

async fn subscribing_where_nobody_can(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["nosub-alice", "nosub-bob", "nosub-carol"]).await;
    let private = alice.create_private(&bob).await;
    let news = alice.create(&json!({ "type": 1, "name": "news" })).await;
    let refused = async |person: &Person, dialog: &str| {
        let before = seen(&alice, dialog).await;
        for answer in [subscribe(person, dialog).await, unsubscribe(person, dialog).await] {
            assert!([403, 404, 422].contains(&answer.status), "{}", answer.text());
            assert!(answer.json()["errors"].is_object() || answer.json()["errors"].is_array());
        }
        assert_eq!(seen(&alice, dialog).await, before);
        subscribe(person, dialog).await.status
    };
    // Who is in it learns that it cannot be done; who may not know of it, that there is nothing.
    assert!([403, 422].contains(&refused(&bob, &private).await));
    assert_eq!(refused(&carol, &private).await, 404);
    assert!(!lists(&carol, &private).await);
    proved("DIALOG", [229]);
    assert!([403, 422].contains(&refused(&bob, &news).await));
    assert!(lists(&bob, &news).await);
    proved("DIALOG", [230, 234]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
}

async fn admins(chat: &Chat) {
    let [alice, bob, carol, dave] = chat.users(["adm-alice", "adm-bob", "adm-carol", "adm-dave"]).await;
    let (b, c, d) = (bob.id(), carol.id(), dave.id());
    for kind in [1, 2, 4] {
        let body = json!({ "type": kind, "name": "admins", "occupants_ids": [b, c] });
        let dialog = alice.create(&body).await;
        let put = async |who: &Person, list: &str, ids: Value| {
            let body = json!({ list: { "admins_ids": ids } });
            who.put(&format!("chat/Dialog/{dialog}/admins"), &body).await
        };
        let added = put(&alice, "push_all", json!([b, c])).await.is(200).json();
        assert_eq!((&added["_id"], &added["admins_ids"]), (&json!(dialog), &json!([b, c])));
        assert_eq!(seen(&bob, &dialog).await["admins_ids"], json!([b, c]));
        let foreign = alice.post(&dialog, "one").await;
        bob.remove(&foreign).await;
        proved("DIALOG", [236, 238, 241]);
        let removed = put(&alice, "pull_all", json!(format!("{b}, {c}"))).await.is(200).json();
        assert_eq!(removed["admins_ids"], json!([]));
        let foreign = alice.post(&dialog, "two").await;
        let denied = bob.delete(&format!("chat/Message/{foreign}"), true).await.is(200).json();
        assert_eq!(denied["WrongPermissions"]["ids"], json!([foreign]));
        assert_eq!(alice.texts(&dialog).await, ["two"]);
        proved("DIALOG", [237, 240]);
        put(&bob, "push_all", json!([b])).await.is(403);
        assert_eq!(seen(&alice, &dialog).await["admins_ids"], json!([]));
        if kind == 1 {
            alice.delete(&format!("chat/Dialog/{dialog}"), true).await.is(200);
            continue;
        }
        // In a broadcast everybody is a member.
        put(&alice, "push_all", json!([d])).await.is(422);
        put(&alice, "push_all", json!([b, d])).await.is(422);
        assert_eq!(seen(&alice, &dialog).await["admins_ids"], json!([]));
    }
    proved("DIALOG", [239]);
}

async fn notifications(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["note-alice", "note-bob", "note-carol"]).await;
    let group = alice.create_group("notes", [&bob]).await;
    let path = format!("chat/Dialog/{group}/notifications");
    let said = |enabled: u64| json!({ "notifications": { "enabled": enabled } });
    let of = async |person: &Person| person.get(&path).await.is(200).json();
    assert_eq!([of(&alice).await, of(&bob).await], [said(1), said(1)]);
    proved("DIALOG", [249]);
    assert_eq!(alice.put(&path, &json!({ "enabled": "0" })).await.is(200).json(), said(0));
    assert_eq!(of(&alice).await, said(0));
    proved("DIALOG", [242, 250]);
    assert_eq!(of(&bob).await, said(1));
    proved("DIALOG", [244]);
    for body in
        [json!({}), json!({ "enabled": 2 }), json!({ "enabled": "maybe" }), json!({ "enabled": null })]
    {
        let refused = alice.put(&path, &body).await.is(422).json();
        assert!(refused["errors"]["enabled"][0].is_string(), "{refused}");
        assert_eq!(of(&alice).await, said(0));
    }
    proved("DIALOG", [246]);
    assert_eq!(alice.put(&path, &json!({ "enabled": 1 })).await.is(200).json(), said(1));
    assert_eq!(of(&alice).await, said(1));
    proved("DIALOG", [243]);
    carol.put(&path, &json!({ "enabled": 0 })).await.is(404);
    proved("DIALOG", [245]);
    carol.get(&path).await.is(404);
    proved("DIALOG", [251]);
    assert_eq!([of(&alice).await, of(&bob).await], [said(1), said(1)]);
}

async fn occupants(chat: &Chat) {
    let [alice, bob, carol, dave] = chat.users(["occ-alice", "occ-bob", "occ-carol", "occ-dave"]).await;
    let square = alice.create(&json!({ "type": 4, "name": "square" })).await;
    for person in [&bob, &carol] {
        subscribe(person, &square).await.is(200);
    }
    let path = format!("chat/Dialog/{square}/occupants");
    let all = alice.get(&path).await.is(200);
    assert!(all.json().get("notifications").is_none());
    let users = items(&all);
    assert_eq!(each(&users, "id"), json!([alice.id(), bob.id(), carol.id()]));
    assert_eq!(each(&users, "login"), json!(["occ-alice", "occ-bob", "occ-carol"]));
    for user in &users {
        assert_eq!(keys(user), USER_KEYS, "flat, and without any password");
    }
    proved("DIALOG", [252, 253, 256, 259]);
    let page =
        async |parameters: &[(&str, &str)]| each(&items(&bob.get(&with(&path, parameters)).await), "id");
    assert_eq!(page(&[("limit", "2")]).await, json!([alice.id(), bob.id()]));
    proved("DIALOG", [254]);
    assert_eq!(page(&[("limit", "2"), ("skip", "1")]).await, json!([bob.id(), carol.id()]));
    assert_eq!(page(&[("skip", "3")]).await, json!([]));
    proved("DIALOG", [255]);
    let group = alice.create_group("group", [&dave]).await;
    let of_group = items(&dave.get(&format!("chat/Dialog/{group}/occupants")).await);
    assert_eq!(each(&of_group, "id"), json!([alice.id(), dave.id()]));
    proved("DIALOG", [257]);
    dave.get(&path).await.is(404);
    bob.get(&format!("chat/Dialog/{group}/occupants")).await.is(404);
    proved("DIALOG", [258]);
}

async fn unblock(person: &Person, dialog: &str, user: u64) -> Answer {
    person.send(Method::DELETE, &format!("chat/dialog/{dialog}/block"), &json!({ "user_id": user })).await
}

async fn blocking(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["block-alice", "block-bob", "block-carol"]).await;
    let square = alice.create(&json!({ "type": 4, "name": "square", "admins_ids": [carol.id()] })).await;
    subscribe(&bob, &square).await.is(200);
    let path = format!("chat/dialog/{square}/block");
    let body = json!({ "user_id": bob.id().to_string() });
    let blocked = carol.post_to(&path, &body).await.is(200);
    assert_eq!(blocked.text(), "");
    assert_eq!((count(&alice, &square).await, lists(&bob, &square).await), (2, false));
    history(&bob, &square, &[]).await.is(403);
    proved("DIALOG", [260]);
    let refused = subscribe(&bob, &square).await;
    assert!([403, 404].contains(&refused.status), "{}", refused.text());
    assert_eq!(count(&alice, &square).await, 2);
    change(&carol, &square, json!({ "push_all": { "occupants_ids": [bob.id()] } })).await;
    assert!(!lists(&bob, &square).await, "nor does anybody bring him back");
    proved("DIALOG", [261]);
    let listed = items(&alice.get(&path).await);
    assert_eq!((each(&listed, "id"), keys(&listed[0])), (json!([bob.id()]), USER_KEYS.to_vec()));
    proved("DIALOG", [263]);
    assert_eq!(unblock(&alice, &square, bob.id()).await.is(200).text(), "");
    assert_eq!(items(&alice.get(&path).await), [] as [Value; 0]);
    subscribe(&bob, &square).await.is(200);
    assert_eq!(count(&alice, &square).await, 3);
    proved("DIALOG", [262]);
}

async fn blocking_where_nobody_can(chat: &Chat) {
    let [alice, bob] = chat.users(["noblock-alice", "noblock-bob"]).await;
    for dialog in [alice.create_group("group", [&bob]).await, alice.create_private(&bob).await] {
        let before = seen(&bob, &dialog).await;
        let path = format!("chat/dialog/{dialog}/block");
        let answers = [
            alice.post_to(&path, &json!({ "user_id": bob.id() })).await,
            unblock(&alice, &dialog, bob.id()).await,
            alice.get(&path).await,
        ];
        for answer in answers {
            assert!([403, 422].contains(&answer.status), "{}", answer.text());
        }
        assert_eq!(seen(&bob, &dialog).await, before);
    }
    proved("DIALOG", [264]);
}
