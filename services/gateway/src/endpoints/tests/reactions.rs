//! Reacting to messages.

use http::Method;
use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

/// The reactions to that message, as that person sees them on his page.
async fn reactions(person: &Person, message: &str) -> Value {
    let dialogs = person.get("/chat/Dialog").await.json();
    for dialog in dialogs["items"].as_array().unwrap() {
        let dialog = dialog["_id"].as_str().unwrap();
        let page = person.get(&format!("/chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await.json();
        let mut items = page["items"].as_array().unwrap().iter();
        if let Some(item) = items.find(|item| item["_id"] == message) {
            return item["reactions"].clone();
        }
    }
    panic!("{message} is on no page");
}

#[tokio::test]
async fn a_reaction_is_put_on_and_taken_off() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let message = alice.write(&group, "hi").await;
    let uri = format!("/chat/message/{message}/reactions.json");
    let before = bob.get("/chat/Dialog").await.body;
    assert_eq!(reactions(&bob, &message).await, Value::Null);
    for _ in 0..2 {
        assert_eq!(bob.put(&uri, json!({"add": "👍"})).await.to_string(), "200 ");
        assert_eq!(reactions(&bob, &message).await, json!({"own": ["👍"], "total": {"👍": 1}}));
    }
    assert_eq!(alice.put(&uri, json!({"add": "👍"})).await.to_string(), "200 ");
    // As the document's call comes: a body of JSON that is announced as a form.
    let form = alice.with("content-type", "application/x-www-form-urlencoded");
    let both = form.send(Method::PUT, &uri, r#"{"add": "👎", "remove": "👍"}"#).await;
    assert_eq!(both.to_string(), "200 ");
    assert_eq!(reactions(&bob, &message).await, json!({"own": ["👍"], "total": {"👍": 1, "👎": 1}}));
    assert_eq!(alice.put(&uri, json!({"remove": "never put on"})).await.to_string(), "200 ");
    assert_eq!(bob.put(&uri, json!({"remove": "👍"})).await.to_string(), "200 ");
    assert_eq!(reactions(&bob, &message).await, json!({"own": [], "total": {"👎": 1}}));
    assert_eq!(bob.get("/chat/Dialog").await.body, before, "nothing is unread that was not");
}

#[tokio::test]
async fn a_reaction_is_any_text_of_64_bytes() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let message = alice.write(&group, "hi").await;
    let uri = format!("/chat/Message/{message}/reactions");
    let kinds =
        ["+1", " ", "\u{1}\u{1b}", "\u{202e}x", "👩\u{200d}🔬", "'; --", "%_\\", "null", &"x".repeat(64)];
    for kind in kinds {
        assert_eq!(bob.put(&uri, json!({"add": kind})).await.to_string(), "200 ", "{kind:?}");
    }
    assert_eq!(bob.put(&uri, json!({"add": 1})).await.to_string(), "200 ");
    let seen = reactions(&bob, &message).await;
    let own: Vec<_> = seen["own"].as_array().unwrap().iter().map(|kind| kind.as_str().unwrap()).collect();
    assert_eq!(own.len(), 10);
    assert!(kinds.iter().chain(&["1"]).all(|kind| own.contains(kind) && seen["total"][*kind] == 1));
    for kind in kinds {
        assert_eq!(bob.put(&uri, json!({"remove": kind})).await.to_string(), "200 ", "{kind:?}");
    }
    assert_eq!(reactions(&bob, &message).await, json!({"own": ["1"], "total": {"1": 1}}));
}

#[tokio::test]
async fn a_reaction_that_may_not_be_is_refused() {
    let chat = Chat::with(1, |parts| parts.limits.reaction_kinds_max = 1);
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let group = alice.group(&[&bob]).await;
    let message = alice.write(&group, "hi").await;
    let uri = format!("/chat/Message/{message}/reactions");
    alice.put(&uri, json!({"add": "a"})).await;
    let mut shown = String::new();
    for body in [
        json!({}),
        json!({"add": "", "remove": null}),
        json!({"add": ["a"]}),
        json!({"remove": {"a": 1}}),
        json!({"add": "x".repeat(65)}),
        json!({"add": "👍".repeat(17)}),
        json!({"add": "b"}),
    ] {
        shown.push_str(&format!("{}\n", bob.put(&uri, body).await));
    }
    for (person, id) in [(&carol, message.as_str()), (&bob, "5c094c0ce588ce6856f87422"), (&bob, "_")] {
        let uri = format!("/chat/Message/{id}/reactions");
        shown.push_str(&format!("{}\n", person.put(&uri, json!({"add": "a"})).await));
    }
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"base":["At least one of add and remove is required"]}}
    422 {"errors":{"base":["At least one of add and remove is required"]}}
    422 {"errors":{"add":["must be text"]}}
    422 {"errors":{"remove":["must be text"]}}
    422 {"errors":{"add":["is too large (maximum is 64 bytes)"]}}
    422 {"errors":{"add":["is too large (maximum is 64 bytes)"]}}
    422 {"errors":{"reactions":["has too many entries (maximum is 1)"]}}
    404 {"errors":["The resource wasn't found"]}
    404 {"errors":["The resource wasn't found"]}
    404 {"errors":["The resource wasn't found"]}
    "#);
    assert_eq!(reactions(&alice, &message).await, json!({"own": ["a"], "total": {"a": 1}}));
}

#[tokio::test]
async fn everybody_who_reads_a_broadcast_may_react() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    for kind in [1, 4] {
        let made = alice
            .post("/chat/Dialog", json!({"type": kind, "name": "x", "occupants_ids": [bob.id]}))
            .await
            .field("_id");
        let message = alice.write(&made, "hi").await;
        let uri = format!("/chat/Message/{message}/reactions");
        assert_eq!(bob.put(&uri, json!({"add": "a"})).await.to_string(), "200 ");
        assert_eq!(reactions(&alice, &message).await, json!({"own": [], "total": {"a": 1}}));
    }
}

#[tokio::test]
async fn where_one_reaction_is_the_rule_a_new_one_replaces_it() {
    let chat = Chat::ruled(|rules| rules.single_reaction = true);
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let message = alice.write(&group, "hi").await;
    let uri = format!("/chat/Message/{message}/reactions");
    for kind in ["a", "b"] {
        alice.put(&uri, json!({"add": "a"})).await;
        assert_eq!(bob.put(&uri, json!({"add": kind})).await.to_string(), "200 ");
    }
    assert_eq!(reactions(&bob, &message).await, json!({"own": ["b"], "total": {"a": 1, "b": 1}}));
}
