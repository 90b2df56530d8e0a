//! `GET chat/Dialog` with filters: every field with every operator, and several at once.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{another_second, change, dialogs, each_engines_with, id, ids, proved, seconds};
use crate::filters::{Field, date, number, text, walk};

const FIELDS: [Field; 7] = [
    Field { name: "_id", first: 58, terms: |dialog| text(&dialog["_id"]) },
    Field { name: "type", first: 64, terms: |dialog| number(&dialog["type"]) },
    Field { name: "name", first: 70, terms: |dialog| text(&dialog["name"]) },
    Field {
        name: "last_message_date_sent",
        first: 76,
        terms: |dialog| number(&dialog["last_message_date_sent"]),
    },
    Field { name: "created_at", first: 82, terms: |dialog| date(&dialog["created_at"]) },
    Field { name: "updated_at", first: 88, terms: |dialog| date(&dialog["updated_at"]) },
    Field { name: "extensions[mood]", first: 94, terms: |dialog| text(&dialog["extensions"]["mood"]) },
];

#[tokio::test]
async fn dialogs_are_filtered_by_every_field_and_operator() {
    each_engines_with(&[("app.extension_keys", "mood,place")], async |chat: &Chat| {
        let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
        furnish(&alice, &bob, &carol).await;
        let all = dialogs(&alice, &[]).await;
        assert_eq!(all.len(), 6);
        for field in &FIELDS {
            walk("DIALOG", field, &all, async |name, asked| ids(&dialogs(&alice, &[(name, asked)]).await))
                .await;
        }
        by_occupants(&alice, &all, &bob, &carol).await;
        several_at_once(&alice, &all).await;
    })
    .await;
}

/// Six dialogs that differ in everything that can be asked for.
async fn furnish(alice: &Person, bob: &Person, carol: &Person) {
    let (b, c) = (bob.id(), carol.id());
    let made = [
        json!({ "type": 2, "name": "alpha", "occupants_ids": [b], "extensions": { "mood": "calm" } }),
        json!({ "type": 2, "name": "Beta 100%", "occupants_ids": [b, c], "extensions": { "mood": "wild" } }),
        json!({ "type": 4, "name": "über_all", "extensions": { "mood": "Calm", "place": "bar" } }),
        json!({ "type": 1, "name": "news" }),
        json!({ "type": 3, "occupants_ids": [b] }),
        json!({ "type": 3, "occupants_ids": [c], "extensions": { "mood": "calm" } }),
    ];
    let mut dialogs = vec![];
    for (place, body) in made.iter().enumerate() {
        dialogs.push(alice.create(body).await);
        if place % 2 == 1 {
            another_second().await;
        }
    }
    alice.post(&dialogs[3], "news of the day").await;
    bob.post(&dialogs[0], "hello").await;
    another_second().await;
    alice.post(&dialogs[1], "hello").await;
    change(alice, &dialogs[2], json!({ "description": "changed" })).await.is(200);
}

async fn by_occupants(alice: &Person, all: &[Value], bob: &Person, carol: &Person) {
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    let among = async |operator: &str, asked: String, wanted: &dyn Fn(&[Value]) -> bool| {
        let name = format!("occupants_ids{operator}");
        let listed = |dialog: &&Value| {
            let kind = dialog["type"].as_u64().expect("a number");
            [2, 3].contains(&kind) && wanted(dialog["occupants_ids"].as_array().expect("a list"))
        };
        let expected: Vec<Value> = all.iter().filter(listed).cloned().collect();
        // The other kinds show no occupants.
        assert_eq!(
            ids(&dialogs(alice, &[("type[in]", "2,3"), (&name, &asked)]).await),
            ids(&expected),
            "{name}"
        );
        expected.len()
    };
    let has = |list: &[Value], user: u64| list.contains(&json!(user));
    assert_eq!(among("", b.to_string(), &|list| has(list, b)).await, 3);
    proved("DIALOG", [100]);
    assert_eq!(among("[ne]", b.to_string(), &|list| !has(list, b)).await, 1);
    proved("DIALOG", [101]);
    assert_eq!(among("[in]", format!("{b},{c}"), &|list| has(list, b) || has(list, c)).await, 4);
    assert_eq!(among("[nin]", format!("{c}"), &|list| !has(list, c)).await, 2);
    proved("DIALOG", [102]);
    assert_eq!(among("[all]", format!("{a},{b},{c}"), &|list| has(list, b) && has(list, c)).await, 1);
    proved("DIALOG", [103]);
}

async fn several_at_once(alice: &Person, all: &[Value]) {
    let asked = async |parameters: &[(&str, &str)]| ids(&dialogs(alice, parameters).await);
    let of = |wanted: &dyn Fn(&Value) -> bool| {
        let found: Vec<Value> = all.iter().filter(|dialog| wanted(dialog)).cloned().collect();
        assert!(!found.is_empty() && found.len() < all.len());
        ids(&found)
    };
    let both = [("type", "2"), ("extensions[mood]", "calm")];
    assert_eq!(
        asked(&both).await,
        of(&|dialog| dialog["type"] == 2 && dialog["extensions"]["mood"] == "calm")
    );
    proved("DIALOG", [104]);
    assert_eq!(
        asked(&[("type[gt]", "1"), ("type[lt]", "4"), ("type[ne]", "3")]).await,
        of(&|dialog| dialog["type"] == 2)
    );
    let mut moments: Vec<i64> = all.iter().map(|dialog| seconds(&dialog["created_at"])).collect();
    moments.sort_unstable();
    let (after, until) = (moments[0].to_string(), moments[5].to_string());
    assert_eq!(
        asked(&[("created_at[gt]", &after), ("created_at[lt]", &until)]).await,
        of(&|dialog| (moments[0] + 1..moments[5]).contains(&seconds(&dialog["created_at"])))
    );
    proved("DIALOG", [105]);
    assert_eq!(asked(&[("colour", "red"), ("size[in]", "1,2")]).await, ids(all));
    assert_eq!(id(&all[0]), asked(&[("colour", "red"), ("_id", &id(&all[0]))]).await[0]);
    proved("DIALOG", [106]);
}
