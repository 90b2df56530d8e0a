//! Pinned messages, and changes that are made together or not at all.

use http::Method;
use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

const NO_PIN: &str = r#"422 {"errors":{"pinned_messages_ids":["must be messages of the dialog"]}}"#;

async fn pinned(person: &Person) -> Value {
    person.get("/chat/Dialog").await.json()["items"][0]["pinned_messages_ids"].clone()
}

#[tokio::test]
async fn messages_are_pinned_in_order_and_once() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{group}");
    let mut ids = vec![];
    for text in ["one", "two", "three"] {
        ids.push(bob.write(&group, text).await);
    }
    let [one, two, three] = [&ids[0], &ids[1], &ids[2]];
    let push = |ids: Value| json!({"push_all": {"pinned_messages_ids": ids}});
    let pull = |ids: Value| json!({"pull_all": {"pinned_messages_ids": ids}});
    let added = alice.put(&uri, push(json!([three, one, three]))).await;
    assert_eq!((added.status, &added.json()["pinned_messages_ids"]), (200, &json!([three, one])));
    let added = alice.put(&uri, push(json!(format!("{one}, {two}")))).await;
    assert_eq!(added.json()["pinned_messages_ids"], json!([three, one, two]));
    assert_eq!(pinned(&bob).await, json!([three, one, two]));
    let form = format!("pull_all[pinned_messages_ids][]={three}&pull_all[pinned_messages_ids][]={two}");
    assert_eq!(alice.send(Method::PUT, &uri, form).await.json()["pinned_messages_ids"], json!([one]));
    assert_eq!(alice.put(&uri, pull(json!(one))).await.json()["pinned_messages_ids"], json!([]));
    assert_eq!(alice.put(&uri, pull(json!([one]))).await.status, 200, "it is no pin already");
}

#[tokio::test]
async fn only_a_message_of_the_dialog_is_pinned_and_only_by_who_may() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let (group, other) = (alice.group(&[&bob]).await, alice.group(&[&bob]).await);
    let (here, there) = (alice.write(&group, "here").await, alice.write(&other, "there").await);
    let uri = format!("/chat/Dialog/{group}");
    let nobodys = "0".repeat(24);
    let before = alice.get("/chat/Dialog").await.body;
    let denied =
        r#"403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}"#;
    let not_found = r#"404 {"errors":["The resource wasn't found"]}"#;
    for list in ["push_all", "pull_all"] {
        for (person, id, expected) in [
            (&alice, &there, NO_PIN),
            (&alice, &nobodys, NO_PIN),
            (&bob, &here, denied),
            (&bob, &nobodys, denied),
            (&carol, &here, not_found),
            (&carol, &nobodys, not_found),
        ] {
            let body = json!({"description": "x", list: {"pinned_messages_ids": [here, id]}});
            assert_eq!(person.put(&uri, body).await.to_string(), expected, "{list} {id}");
        }
    }
    assert_eq!(alice.get("/chat/Dialog").await.body, before, "all or nothing");
}

#[tokio::test]
async fn what_is_pinned_can_be_unpinned_by_who_does_not_see_it() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{group}");
    let (one, two) = (bob.write(&group, "one").await, bob.write(&group, "two").await);
    alice.put(&uri, json!({"push_all": {"pinned_messages_ids": [one, two]}})).await;
    assert_eq!(alice.delete(&format!("/chat/Message/{one}")).await.status, 200);
    let again = alice.put(&uri, json!({"pull_all": {"pinned_messages_ids": one}})).await;
    assert_eq!(again.json()["pinned_messages_ids"], json!([two]));
    let hidden = alice.put(&uri, json!({"push_all": {"pinned_messages_ids": one}})).await;
    assert_eq!(hidden.to_string(), NO_PIN, "she does not see it");
    assert_eq!(bob.delete(&format!("/chat/Message/{two}?force=1")).await.status, 200);
    assert_eq!(pinned(&bob).await, json!([]), "what is gone is no pin");
}

#[tokio::test]
async fn a_dialog_has_so_many_pins() {
    let chat = Chat::with(1, |parts| parts.limits.pins_max = 1);
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let (one, two) = (alice.write(&group, "one").await, alice.write(&group, "two").await);
    let uri = format!("/chat/Dialog/{group}");
    let push = |ids: Value| json!({"push_all": {"pinned_messages_ids": ids}});
    assert_eq!(alice.put(&uri, push(json!([one]))).await.status, 200);
    assert_eq!(
        alice.put(&uri, push(json!([two]))).await.to_string(),
        r#"422 {"errors":{"pinned_messages_ids":["has too many entries (maximum is 1)"]}}"#
    );
    let swapped = json!({
        "push_all": {"pinned_messages_ids": [two]}, "pull_all": {"pinned_messages_ids": [one]},
    });
    assert_eq!(alice.put(&uri, swapped).await.json()["pinned_messages_ids"], json!([two]));
}

#[tokio::test]
async fn everything_changes_in_one_call_or_nothing() {
    let chat = Chat::new();
    let [alice, bob, carol, dave] = chat.users(["alice", "bob", "carol", "dave"]).await;
    let group = alice.group(&[&bob, &carol]).await;
    let message = bob.write(&group, "hi").await;
    let uri = format!("/chat/Dialog/{group}");
    chat.hands.advance(std::time::Duration::from_secs(60));
    let changed = alice
        .put(
            &uri,
            json!({
                "name": "hall", "extensions": {"city": 1, "other": 2}, "permissions": {"allow_preview": 1},
                "push_all": {
                    "occupants_ids": dave.id, "admins_ids": [bob.id, dave.id], "pinned_messages_ids": message,
                },
                "pull_all": {"occupants_ids": [carol.id.to_string()]},
            }),
        )
        .await;
    insta::assert_snapshot!(changed, @r#"200 {"_id":"6553f10000000000befba86a","type":2,"user_id":1,"name":"hall","photo":null,"description":null,"created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:14:20Z","xmpp_room_jid":"77_6553f10000000000befba86a@muc.chat.example","occupants_ids":[1,2,4],"occupants_count":3,"admins_ids":[2,4],"pinned_messages_ids":["6553f10000000001befba86a"],"last_message":"hi","last_message_date_sent":1700000000,"last_message_id":"6553f10000000001befba86a","last_message_user_id":2,"last_message_status":null,"unread_messages_count":1,"extensions":{"city":"1"},"permissions":{"allow_preview":true}}"#);
    let before = alice.get("/chat/Dialog").await.body;
    for (person, body) in [
        (&bob, json!({"name": "x", "push_all": {"admins_ids": [dave.id]}})),
        (&alice, json!({"name": "x", "push_all": {"admins_ids": [carol.id]}})),
        (&alice, json!({"photo": "x", "push_all": {"occupants_ids": [carol.id, 999]}})),
        (&alice, json!({"name": "x", "pull_all": {"pinned_messages_ids": ["5c094c0ce588ce6856f87422"]}})),
        (&bob, json!({"push_all": {"occupants_ids": [carol.id]}, "pull_all": {"occupants_ids": [alice.id]}})),
    ] {
        let refused = person.put(&uri, body.clone()).await;
        assert!((400..500).contains(&refused.status), "{body} {refused}");
        assert_eq!(alice.get("/chat/Dialog").await.body, before, "{body}");
    }
}
