//! Who is in a dialog by his own will, who has rights in it, who is shut out, and who is
//! alerted.

use http::Method;
use serde_json::json;

use crate::testing::chat::{Chat, Person};

const NOT_FOUND: &str = r#"404 {"errors":["The resource wasn't found"]}"#;
const DENIED: &str =
    r#"403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}"#;
const NOT_SUBSCRIBABLE: &str =
    r#"422 {"errors":{"base":["Subscribing is possible only for public dialogs"]}}"#;

async fn made(person: &Person, kind: u8) -> String {
    person.post("/chat/Dialog", json!({"type": kind, "name": "square"})).await.field("_id")
}

async fn entries(person: &Person) -> u64 {
    person.get("/chat/Dialog").await.json()["total_entries"].as_u64().unwrap()
}

#[tokio::test]
async fn a_public_dialog_is_joined_and_left_by_oneself() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let square = made(&alice, 4).await;
    let uri = format!("/chat/dialog/{square}/subscribe.json");
    let announced = bob.with("content-type", "application/json;charset=utf-8");
    let joined = announced.send(Method::POST, &uri, "").await;
    insta::assert_snapshot!(joined, @r#"200 {"_id":"6553f10000000000befba86a","type":4,"user_id":1,"name":"square","photo":null,"description":null,"created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z","xmpp_room_jid":"77_6553f10000000000befba86a@muc.chat.example","occupants_ids":[],"occupants_count":2,"admins_ids":[],"pinned_messages_ids":[],"last_message":null,"last_message_date_sent":null,"last_message_id":null,"last_message_user_id":null,"last_message_status":null,"unread_messages_count":0,"extensions":null,"permissions":null}"#);
    assert_eq!(bob.post(&uri, json!({})).await.body, joined.body, "again");
    assert_eq!(entries(&bob).await, 1);
    bob.write(&square, "hi").await;
    for _ in 0..2 {
        assert_eq!(bob.delete(&uri).await.to_string(), "200 ");
        assert_eq!(entries(&bob).await, 0);
        assert_eq!(alice.get("/chat/Dialog").await.json()["items"][0]["occupants_count"], 1);
    }
    assert_eq!(bob.post(&uri, json!({})).await.json()["occupants_count"], 2);
    assert_eq!(alice.delete(&uri).await.to_string(), "200 ", "the owner may go, too");
}

#[tokio::test]
async fn only_public_dialogs_are_subscribed_to() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let group = alice.group(&[&bob]).await;
    let private = alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": bob.id})).await.field("_id");
    let news = made(&alice, 1).await;
    for (dialog, hers) in [(&group, NOT_FOUND), (&private, NOT_FOUND), (&news, NOT_SUBSCRIBABLE)] {
        let uri = format!("/chat/Dialog/{dialog}/subscribe");
        for (person, expected) in [(&alice, NOT_SUBSCRIBABLE), (&bob, NOT_SUBSCRIBABLE), (&carol, hers)] {
            assert_eq!(person.post(&uri, json!({})).await.to_string(), expected);
            if *dialog != group || person.id == carol.id {
                assert_eq!(person.delete(&uri).await.to_string(), expected);
            }
        }
    }
    for id in ["5c094c0ce588ce6856f87422", "x"] {
        assert_eq!(
            alice.post(&format!("/chat/Dialog/{id}/subscribe"), json!({})).await.to_string(),
            NOT_FOUND
        );
        assert_eq!(alice.delete(&format!("/chat/Dialog/{id}/subscribe")).await.to_string(), NOT_FOUND);
    }
    assert_eq!((entries(&alice).await, entries(&bob).await, entries(&carol).await), (3, 3, 1));
}

#[tokio::test]
async fn groups_can_be_opened_to_everybody() {
    let chat = Chat::ruled(|rules| rules.group_subscribe = true);
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let group = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{group}/subscribe");
    assert_eq!(carol.post(&uri, json!({})).await.json()["occupants_ids"], json!([1, 2, 3]));
    assert_eq!(carol.delete(&uri).await.to_string(), "200 ");
    assert_eq!(alice.get("/chat/Dialog").await.json()["items"][0]["occupants_ids"], json!([1, 2]));
}

#[tokio::test]
async fn a_public_dialog_that_is_full_takes_nobody() {
    let chat = Chat::with(1, |parts| parts.limits.occupants_max = 2);
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let uri = format!("/chat/Dialog/{}/subscribe", made(&alice, 4).await);
    assert_eq!(bob.post(&uri, json!({})).await.status, 200);
    assert_eq!(
        carol.post(&uri, json!({})).await.to_string(),
        r#"422 {"errors":{"occupants_ids":["has too many entries (maximum is 2)"]}}"#
    );
}

#[tokio::test]
async fn who_is_blocked_is_out_until_he_is_unblocked() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let square = made(&alice, 4).await;
    let (subscribe, block) =
        (format!("/chat/Dialog/{square}/subscribe"), format!("/chat/dialog/{square}/block"));
    for person in [&bob, &carol] {
        assert_eq!(person.post(&subscribe, json!({})).await.status, 200);
    }
    assert_eq!(carol.post(&block, json!({"user_id": bob.id})).await.to_string(), DENIED);
    assert_eq!(alice.post(&block, json!({"user_id": "2"})).await.to_string(), "200 ");
    assert_eq!(alice.post(&format!("{block}?user_id=2"), json!({})).await.to_string(), "200 ", "again");
    assert_eq!(entries(&bob).await, 0);
    assert_eq!(alice.get("/chat/Dialog").await.json()["items"][0]["occupants_count"], 2);
    assert_eq!(bob.post(&subscribe, json!({})).await.to_string(), DENIED);
    let post = json!({"chat_dialog_id": square, "message": "hi"});
    assert_eq!(bob.post("/chat/Message", post.clone()).await.to_string(), NOT_FOUND);
    let added = json!({"push_all": {"occupants_ids": [bob.id]}});
    assert_eq!(alice.put(&format!("/chat/Dialog/{square}"), added).await.to_string(), DENIED);

    assert_eq!(carol.send(Method::DELETE, &block, "user_id=2").await.to_string(), DENIED);
    assert_eq!(alice.send(Method::DELETE, &block, r#"{"user_id": "2"}"#).await.to_string(), "200 ");
    assert_eq!(alice.delete(&format!("{block}?user_id=2")).await.to_string(), "200 ", "again");
    assert_eq!(entries(&bob).await, 0, "he may come back and does not have to");
    assert_eq!(bob.post(&subscribe, json!({})).await.json()["occupants_count"], 3);
}

#[tokio::test]
async fn who_is_blocked_in_a_broadcast_is_out_of_it() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let news = made(&alice, 1).await;
    let block = format!("/chat/Dialog/{news}/block");
    assert_eq!(bob.post(&block, json!({"user_id": carol.id})).await.to_string(), DENIED);
    assert_eq!(alice.post(&block, json!({"user_id": carol.id})).await.to_string(), "200 ");
    let alerts = format!("/chat/Dialog/{news}/notifications");
    assert_eq!(carol.put(&alerts, json!({"enabled": 0})).await.to_string(), NOT_FOUND);
    assert_eq!(bob.put(&alerts, json!({"enabled": 0})).await.status, 200);
}

#[tokio::test]
async fn nobody_is_blocked_elsewhere_nor_is_an_owner() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let square = made(&alice, 4).await;
    let group = alice.group(&[&bob]).await;
    let private = alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": bob.id})).await.field("_id");
    let mut shown = String::new();
    for (person, dialog, user) in [
        (&alice, &group, bob.id),
        (&alice, &private, bob.id),
        (&carol, &group, bob.id),
        (&carol, &square, bob.id),
        (&alice, &square, alice.id),
        (&alice, &square, 999),
    ] {
        let uri = format!("/chat/Dialog/{dialog}/block");
        shown.push_str(&format!("{}\n", person.post(&uri, json!({"user_id": user})).await));
    }
    insta::assert_snapshot!(shown, @r#"
    403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    404 {"errors":["The resource wasn't found"]}
    404 {"errors":["The resource wasn't found"]}
    403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    422 {"errors":{"user_id":["is not the id of a user"]}}
    "#);
}

#[tokio::test]
async fn the_owner_makes_and_unmakes_admins() {
    let chat = Chat::new();
    let [alice, bob, carol, dave] = chat.users(["alice", "bob", "carol", "dave"]).await;
    let group = alice.group(&[&bob, &carol]).await;
    let uri = format!("/chat/Dialog/{group}/admins");
    let added = alice.put(&uri, json!({"push_all": {"admins_ids": "3, 2"}})).await;
    insta::assert_snapshot!(added, @r#"200 {"_id":"6553f10000000000befba86a","type":2,"user_id":1,"name":"lobby","photo":null,"description":null,"created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z","xmpp_room_jid":"77_6553f10000000000befba86a@muc.chat.example","occupants_ids":[1,2,3],"occupants_count":3,"admins_ids":[3,2],"pinned_messages_ids":[],"last_message":null,"last_message_date_sent":null,"last_message_id":null,"last_message_user_id":null,"last_message_status":null,"unread_messages_count":0,"extensions":null,"permissions":null}"#);
    let form = "pull_all[admins_ids][]=3&push_all[admins_ids][]=2";
    let removed = alice.send(Method::PUT, &uri, form).await;
    assert_eq!((removed.status, &removed.json()["admins_ids"]), (200, &json!([2])));
    let mut shown = String::new();
    for (person, body) in [
        (&bob, json!({"push_all": {"admins_ids": [3]}})),
        (&dave, json!({"push_all": {"admins_ids": [3]}})),
        (&alice, json!({"push_all": {"admins_ids": [dave.id]}})),
        (&alice, json!({"push_all": {"admins_ids": [999]}})),
        (&alice, json!({"push_all": {}})),
    ] {
        shown.push_str(&format!("{}\n", person.put(&uri, body).await));
    }
    insta::assert_snapshot!(shown, @r#"
    403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    404 {"errors":["The resource wasn't found"]}
    422 {"errors":{"admins_ids":["must be occupants of the dialog"]}}
    422 {"errors":{"occupants_ids":["Occupants with these IDs do not exist."]}}
    422 {"errors":{"admins_ids":["is required"]}}
    "#);
    for id in ["5c094c0ce588ce6856f87422", "x"] {
        let uri = format!("/chat/Dialog/{id}/admins");
        assert_eq!(alice.put(&uri, json!({"push_all": {"admins_ids": [3]}})).await.to_string(), NOT_FOUND);
    }
    assert_eq!(alice.get("/chat/Dialog").await.json()["items"][0]["admins_ids"], json!([2]));
}

#[tokio::test]
async fn there_are_five_admins_at_most() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let mut others = vec![];
    for login in ["bob", "carol", "dave", "erin", "frank", "grace"] {
        others.push(chat.user(login).await);
    }
    let group = alice.group(&others.iter().collect::<Vec<_>>()).await;
    let uri = format!("/chat/Dialog/{group}/admins");
    let refused = alice.put(&uri, json!({"push_all": {"admins_ids": [2, 3, 4, 5, 6, 7]}})).await;
    assert_eq!(
        refused.to_string(),
        r#"422 {"errors":{"admins_ids":["has too many entries (maximum is 5)"]}}"#
    );
    let five = alice.put(&uri, json!({"push_all": {"admins_ids": [2, 3, 4, 5, 6]}})).await;
    assert_eq!(five.json()["admins_ids"], json!([2, 3, 4, 5, 6]));
    for uri in [&uri, &format!("/chat/Dialog/{group}")] {
        assert_eq!(alice.put(uri, json!({"push_all": {"admins_ids": [7]}})).await.status, 422);
    }
    let swapped = json!({"push_all": {"admins_ids": [7]}, "pull_all": {"admins_ids": [2]}});
    assert_eq!(alice.put(&uri, swapped).await.json()["admins_ids"], json!([3, 4, 5, 6, 7]));
}

#[tokio::test]
async fn alerts_are_each_ones_own() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let group = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{group}/notifications.json");
    for (off, on) in [(json!(0), json!(1)), (json!("0"), json!("1")), (json!(false), json!(true))] {
        let set = bob.put(&uri, json!({"enabled": off})).await;
        assert_eq!(set.to_string(), r#"200 {"notifications":{"enabled":0}}"#);
        let set = bob.put(&uri, json!({"enabled": on})).await;
        assert_eq!(set.to_string(), r#"200 {"notifications":{"enabled":1}}"#);
    }
    assert_eq!(bob.send(Method::PUT, &uri, "enabled=false").await.json()["notifications"]["enabled"], 0);
    assert_eq!(carol.put(&uri, json!({"enabled": 0})).await.to_string(), NOT_FOUND);
    let unknown = "/chat/Dialog/5c094c0ce588ce6856f87422/notifications";
    assert_eq!(alice.put(unknown, json!({"enabled": 0})).await.to_string(), NOT_FOUND);
    assert_eq!(bob.put(&uri, json!({})).await.to_string(), r#"422 {"errors":{"enabled":["is required"]}}"#);
}
