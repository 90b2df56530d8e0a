//! Query strings: operators and lists as the official clients and the documentation write them.

use std::collections::BTreeSet;

use serde_json::json;
use tests::{Person, proves, proves_all};

use crate::Stage;
use crate::calls::{Ground, still};

/// The ids of what a call lists.
async fn found(who: &Person, path: &str) -> BTreeSet<String> {
    let list = who.get(path).await.is(200).json();
    let items = list["items"].as_array().unwrap();
    items.iter().map(|item| item["_id"].as_str().unwrap().to_owned()).collect()
}

fn set<const N: usize>(ids: [&String; N]) -> BTreeSet<String> {
    ids.into_iter().cloned().collect()
}

pub(crate) async fn dialogs_are_filtered_by_every_spelling_of_an_operator(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let group = alice.create_group("lobby", [&bob]).await;
    let private = alice.create_private(&bob).await;
    let public = alice.create(&json!({ "type": 4, "name": "square" })).await;
    let body = json!({ "extensions": { "mood": "fine" } });
    alice.put(&format!("chat/Dialog/{group}"), &body).await.is(200);
    let dialogs = async |query: &str| found(&alice, &format!("chat/Dialog?{query}")).await;

    for (rule, query) in [
        ("R-WIRE-085", "type[in]=2%2C3"),
        ("R-WIRE-086", "type[in]=2,3"),
        ("R-WIRE-087", &format!("_id[]={group}&_id[]={private}")),
        ("R-WIRE-088", &format!("_id={group},{private}")),
        ("R-WIRE-089", "type[in][]=2&type[in][]=3"),
    ] {
        assert_eq!(dialogs(query).await, set([&group, &private]), "{query}");
        proves(rule);
    }
    assert_eq!(dialogs(&format!("_id={group}%2C{private}")).await, set([&group, &private]));

    let everything = set([&group, &private, &public]);
    for (rule, [open, close]) in [("R-WIRE-092", ["[", "]"]), ("R-WIRE-093", ["%5B", "%5D"])] {
        assert_eq!(dialogs(&format!("updated_at{open}gt{close}=5")).await, everything, "{open}");
        assert_eq!(dialogs(&format!("updated_at{open}lt{close}=5")).await, set([]), "{open}");
        assert_eq!(dialogs(&format!("type{open}ne{close}=2")).await, set([&private, &public]), "{open}");
        proves(rule);
    }
    assert_eq!(dialogs("extensions[mood]=fine").await, set([&group]));
    assert_eq!(dialogs("extensions[mood]=bad").await, set([]));
    proves("R-WIRE-095");
}

pub(crate) async fn messages_and_counts_are_asked_for_by_lists_and_dotted_names(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let group = alice.create_group("lobby", [&bob]).await;
    let other = alice.create_group("another", [&bob]).await;
    let body = json!({ "attachments": [{ "type": "image", "id": "5" }] });
    let image = alice.post_message(&group, &body).await.is(201).json()["_id"].as_str().unwrap().to_owned();
    alice.post(&group, "no image").await;
    let path = format!("chat/Message?chat_dialog_id={group}&mark_as_read=0");
    assert_eq!(found(&bob, &format!("{path}&attachments.type=image")).await, set([&image]));
    assert_eq!(found(&bob, &format!("{path}&attachments.type=video")).await, set([]));
    proves("R-WIRE-094");

    for separator in ["%2C%20", ",%20", ",+", "%2C"] {
        let path = format!("chat/Message/unread?chat_dialog_ids={group}{separator}{other}");
        let counts = bob.get(&path).await.is(200).json();
        assert_eq!(counts, json!({ "total": 2, group.clone(): 2, other.clone(): 0 }), "{separator}");
    }
    proves("R-WIRE-096");
}

pub(crate) async fn neither_order_nor_empty_words_of_parameters_break_a_call(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    let (alice, group) = (&ground.alice, &ground.group);
    let orders = [
        ("chat/Dialog", vec!["limit=1", "skip=1", "sort_desc=created_at", "type[in]=2,4"]),
        ("chat/Message", vec![&*format!("chat_dialog_id={group}"), "limit=5", "mark_as_read=0", "skip=0"]),
        ("chat/search", vec!["limit=5", "search_text=something"]),
        ("chat/Message/unread", vec![&*format!("chat_dialog_ids={group}"), "other=1"]),
    ]
    .map(|(path, parameters)| (path, parameters.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    for (path, mut parameters) in orders {
        let forwards = alice.get(&format!("{path}?{}", parameters.join("&"))).await.is(200).json();
        parameters.reverse();
        let backwards = alice.get(&format!("{path}?{}", parameters.join("&"))).await.is(200).json();
        assert_eq!(forwards, backwards, "{path}");
    }
    proves("R-WIRE-097");

    for call in ground.reads() {
        let separator = if call.path.contains('?') { '&' } else { '?' };
        for word in ["null", "undefined"] {
            let query = ["limit", "skip", "count", "sort_asc", "preview", "other"]
                .map(|name| format!("{name}={word}"));
            let path = format!("{}{separator}{}", call.path, query.join("&"));
            assert_eq!(still(call.at(alice, &path).await), still(call.by(alice).await), "{path}");
        }
        let path = format!("{}{separator}other=true", call.path);
        assert_eq!(still(call.at(alice, &path).await), still(call.by(alice).await), "{path}");
    }
    let counted = alice.get("chat/Dialog?count=true").await.is(200).json();
    assert_eq!(counted, json!({ "items": { "count": 2 } }));
    proves_all(["R-WIRE-098"]);
}
