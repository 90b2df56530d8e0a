//! `GET chat/Message` with filters: every field with every operator, and several at once.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{another_second, each_engines_with, history, ids, messages, proved, seconds};
use crate::filters::{Field, Term, date, number, text, walk};

fn types(message: &Value) -> Vec<Term> {
    let attachments = message["attachments"].as_array().expect("a list");
    attachments.iter().flat_map(|attachment| text(&attachment["type"])).collect()
}

const FIELDS: [Field; 7] = [
    Field { name: "_id", first: 32, terms: |message| text(&message["_id"]) },
    Field { name: "message", first: 38, terms: |message| text(&message["message"]) },
    Field { name: "date_sent", first: 44, terms: |message| number(&message["date_sent"]) },
    Field { name: "sender_id", first: 50, terms: |message| number(&message["sender_id"]) },
    Field { name: "recipient_id", first: 56, terms: |message| number(&message["recipient_id"]) },
    Field { name: "attachments.type", first: 62, terms: types },
    Field { name: "updated_at", first: 68, terms: |message| date(&message["updated_at"]) },
];

#[tokio::test]
async fn messages_are_filtered_by_every_field_and_operator() {
    each_engines_with(&[], async |chat: &Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_private(&bob).await;
        furnish(&alice, &bob, &dialog).await;
        let all = messages(&alice, &dialog, &[]).await;
        assert_eq!(all.len(), 6);
        for field in &FIELDS {
            let ask = async |name: &str, asked: &str| ids(&messages(&alice, &dialog, &[(name, asked)]).await);
            walk("MESSAGE", field, &all, ask).await;
        }
        further_fields(&alice, &dialog, &all).await;
        several_at_once(&alice, &dialog, &all).await;
    })
    .await;
}

/// Six messages that differ in everything that can be asked for.
async fn furnish(alice: &Person, bob: &Person, dialog: &str) {
    let image = json!({ "type": "image", "id": "1" });
    let video = json!({ "type": "video", "id": "2" });
    let first = json!({ "message": "100% sure", "country": "USA" });
    alice.post_message(dialog, &first).await.is(201);
    let second = bob.post(dialog, "Hello_world").await;
    another_second().await;
    alice.post_message(dialog, &json!({ "message": "hello world", "attachments": [image] })).await.is(201);
    let both = json!({ "message": "zwei", "attachments": [image, video], "country": "Chile" });
    bob.post_message(dialog, &both).await.is(201);
    another_second().await;
    alice.post_message(dialog, &json!({ "message": "über", "attachments": [video] })).await.is(201);
    let only = json!({ "attachments": [{ "type": "audio" }] });
    bob.post_message(dialog, &only).await.is(201);
    bob.edit(dialog, &second, "Hello_World").await;
}

async fn further_fields(alice: &Person, dialog: &str, all: &[Value]) {
    let asked = async |name: &str, value: &str| ids(&messages(alice, dialog, &[(name, value)]).await);
    let moment = seconds(&all[2]["created_at"]);
    let of = |wanted: &dyn Fn(&Value) -> bool| {
        let found: Vec<Value> = all.iter().filter(|message| wanted(message)).cloned().collect();
        assert!(!found.is_empty() && found.len() < all.len());
        ids(&found)
    };
    for (operator, from, to) in [("", moment, moment), ("[lt]", 0, moment - 1), ("[gte]", moment, i64::MAX)] {
        assert_eq!(
            asked(&format!("created_at{operator}"), &moment.to_string()).await,
            of(&|message| (from..=to).contains(&seconds(&message["created_at"])))
        );
    }
    proved("MESSAGE", [74]);
    // Whether a custom parameter narrows the list or is passed over, it is no mistake.
    let answer = history(alice, dialog, &[("mark_as_read", "0"), ("country", "USA")]).await.is(200).json();
    let listed = ids(answer["items"].as_array().expect("a list"));
    assert!(listed == ids(all) || listed == of(&|message| message["country"] == "USA"), "{listed:?}");
    proved("MESSAGE", [75]);
}

async fn several_at_once(alice: &Person, dialog: &str, all: &[Value]) {
    let sender = all[0]["sender_id"].to_string();
    let parameters =
        [("sender_id", &*sender), ("attachments.type[in]", "image,video"), ("message[ne]", "über")];
    let found = messages(alice, dialog, &parameters).await;
    assert_eq!(ids(&found), [ids(all)[2].clone()]);
    proved("MESSAGE", [76]);
    let count = history(alice, dialog, &[&[("count", "1")], &parameters[..]].concat()).await.is(200).json();
    assert_eq!(count, json!({ "items": { "count": 1 } }));
    let none =
        history(alice, dialog, &[("count", "1"), ("message", "nobody wrote that")]).await.is(200).json();
    assert_eq!(none, json!({ "items": { "count": 0 } }));
    proved("MESSAGE", [92]);
}
