//! Who is in a dialog, who is shut out of it, and who wants to be alerted.

use domain::command::{Command, Request};
use domain::{CommandId, UserId};
use serde_json::json;

use crate::testing::chat::{Chat, Person};

/// What the person asks for in the dialog, done.
async fn does(chat: &Chat, person: &Person, dialog: &str, command: Command) {
    let (dialog, actor) = (dialog.parse().unwrap(), UserId::new(person.id).unwrap());
    let id = CommandId(chat.edge.ids.random());
    chat.edge.ask(Request { id, dialog, actor, command }).await.unwrap();
}

fn user(person: &Person) -> UserId {
    UserId::new(person.id).unwrap()
}

async fn ids(person: &Person, uri: &str) -> Vec<u64> {
    let listed = person.get(uri).await;
    assert_eq!(listed.status, 200, "{listed}");
    let items = listed.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["id"].as_u64().unwrap()).collect()
}

async fn make(person: &Person, kind: u8) -> String {
    person.post("/chat/Dialog", json!({"type": kind, "name": "all"})).await.field("_id")
}

#[tokio::test]
async fn members_see_who_is_in_a_dialog() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol, dave] = chat.users(["alice", "bob", "carol", "dave"]).await;
    let public = make(&alice, 4).await;
    for person in [&bob, &carol] {
        does(&chat, person, &public, Command::Subscribe).await;
    }
    let group = alice.group(&[&carol, &bob]).await;
    let all = [alice.id, bob.id, carol.id];
    for dialog in [&public, &group] {
        let uri = format!("/chat/dialog/{dialog}/occupants.json");
        assert_eq!(ids(&bob, &uri).await, all);
        for (query, expected) in [
            ("limit=2", &all[..2]),
            ("limit=2&skip=1", &all[1..]),
            ("limit=0", &all[..1]),
            ("limit=1000&skip=-1", &all[..]),
            ("skip=3", &[]),
            ("skip=99999999999999999999", &[]),
            ("limit=null&skip=", &all[..]),
        ] {
            assert_eq!(ids(&alice, &format!("{uri}?{query}")).await, expected, "{query}");
        }
        for query in ["limit=x", "skip[]=1", "limit=1.5"] {
            assert_eq!(alice.get(&format!("{uri}?{query}")).await.status, 422, "{query}");
        }
        assert_eq!(dave.get(&uri).await.status, 404, "a stranger learns nothing");
    }
    let private =
        alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": [bob.id]})).await.field("_id");
    assert_eq!(ids(&bob, &format!("/chat/Dialog/{private}/occupants")).await, all[..2]);
    let shown = bob.get(&format!("/chat/Dialog/{private}/occupants?limit=1")).await.json();
    let profile = bob.get(&format!("/users/{}", alice.id)).await.json();
    assert_eq!(shown, json!({"items": [profile["user"]]}), "as users are shown elsewhere, not wrapped");
    let broadcast = make(&alice, 1).await;
    let refused = alice.get(&format!("/chat/Dialog/{broadcast}/occupants")).await;
    assert_eq!(refused.status, 403, "in a broadcast are all");
    for id in ["5c093376e588ce6856f873fe", "no-id", "%F0%9F%98%80"] {
        let uri = format!("/chat/Dialog/{id}/occupants");
        assert_eq!(
            alice.get(&uri).await.to_string(),
            r#"404 {"errors":["The resource wasn't found"]}"#,
            "{id}"
        );
    }
}

#[tokio::test]
async fn staff_sees_who_is_shut_out() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    for kind in [4, 1] {
        let dialog = make(&alice, kind).await;
        if kind == 4 {
            does(&chat, &bob, &dialog, Command::Subscribe).await;
            does(&chat, &carol, &dialog, Command::Subscribe).await;
        }
        let uri = format!("/chat/dialog/{dialog}/block");
        assert_eq!(alice.get(&uri).await.to_string(), r#"200 {"items":[]}"#);
        assert_eq!(bob.get(&uri).await.status, 403);
        does(&chat, &alice, &dialog, Command::Block(user(&bob))).await;
        assert_eq!(ids(&alice, &uri).await, [bob.id]);
        assert!(bob.get("/chat/Dialog").await.json()["items"].as_array().unwrap().is_empty(), "{kind}");
        assert_eq!(bob.get("/chat/Dialog?count=1").await.to_string(), r#"200 {"items":{"count":0}}"#);
        let named = bob.get(&format!("/chat/Dialog?_id={dialog}")).await.json();
        assert_eq!(named["total_entries"], 0);
        assert_eq!(bob.get(&uri).await.status, 404, "it is not there for him any more");
        does(&chat, &alice, &dialog, Command::Block(user(&carol))).await;
        assert_eq!(ids(&alice, &format!("{uri}.json?limit=1&skip=1")).await, [carol.id]);
        does(&chat, &alice, &dialog, Command::Unblock(user(&bob))).await;
        assert_eq!(ids(&alice, &uri).await, [carol.id]);
        does(&chat, &alice, &dialog, Command::DeleteForAll).await;
        assert_eq!(alice.get(&uri).await.status, 404);
    }
    let group = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{group}/block");
    assert_eq!((alice.get(&uri).await.status, carol.get(&uri).await.status), (403, 404));
}

#[tokio::test]
async fn who_wants_to_be_alerted_is_his_own_choice() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let group = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{group}/notifications.json");
    assert_eq!(bob.get(&uri).await.to_string(), r#"200 {"notifications":{"enabled":1}}"#);
    does(&chat, &bob, &group, Command::SetNotifications(false)).await;
    assert_eq!(bob.get(&uri).await.to_string(), r#"200 {"notifications":{"enabled":0}}"#);
    assert_eq!(alice.get(&uri).await.to_string(), r#"200 {"notifications":{"enabled":1}}"#);
    does(&chat, &bob, &group, Command::SetNotifications(true)).await;
    assert_eq!(bob.get(&uri).await.to_string(), r#"200 {"notifications":{"enabled":1}}"#);
    assert_eq!(carol.get(&uri).await.to_string(), r#"404 {"errors":["The resource wasn't found"]}"#);
    let broadcast = make(&alice, 1).await;
    let shown = carol.get(&format!("/chat/Dialog/{broadcast}/notifications")).await;
    assert_eq!(shown.to_string(), r#"200 {"notifications":{"enabled":1}}"#);
}
