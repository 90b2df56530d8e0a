//! Yes and no, in all their spellings.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{proves, proves_all};

use crate::{Stage, form};

/// How a yes, and a no, may be written in JSON.
fn yes() -> [Value; 4] {
    [json!(1), json!("1"), json!(true), json!("true")]
}

fn no() -> [Value; 4] {
    [json!(0), json!("0"), json!(false), json!("false")]
}

pub(crate) async fn messages_are_marked_by_any_yes(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    for (value, rule) in yes().into_iter().zip(["R-WIRE-057", "R-WIRE-058", "R-WIRE-059", "R-WIRE-060"]) {
        let message = alice.post(&dialog, "hello").await;
        assert_eq!(bob.unread(&dialog).await, 1);
        let body = json!({ "chat_dialog_id": dialog, "read": value });
        bob.put(&format!("chat/Message/{message}"), &body).await.is(200);
        assert_eq!(bob.unread(&dialog).await, 0, "{value:?}");
        assert!(alice.read_ids(&dialog).await.pop().unwrap().contains(&bob.id()));
        proves(rule);
    }
}

pub(crate) async fn notifications_are_switched_by_any_yes_or_no(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let path = format!("chat/Dialog/{}/notifications", alice.create_group("lobby", [&bob]).await);
    let rules = ["R-WIRE-061", "R-WIRE-062", "R-WIRE-063", "R-WIRE-064"];
    for ((off, on), rule) in no().into_iter().zip(yes()).zip(rules) {
        for (value, enabled) in [(off, 0), (on, 1)] {
            let shown = json!({ "notifications": { "enabled": enabled } });
            assert_eq!(bob.put(&path, &json!({ "enabled": value })).await.is(200).json(), shown, "{value:?}");
            assert_eq!(bob.get(&path).await.is(200).json(), shown);
        }
        proves(rule);
    }
    proves("R-WIRE-065");
}

pub(crate) async fn messages_go_for_all_only_by_a_yes(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    for (values, stays) in [(no(), true), (yes(), false)] {
        for value in values {
            let word = value.as_str().map_or(value.to_string(), str::to_owned);
            for as_form in [false, true] {
                let message = alice.post(&dialog, "hello").await;
                let path = format!("chat/Message/{message}");
                let answer = if as_form {
                    form(&alice, Method::DELETE, &path, format!("force={word}")).await
                } else {
                    alice.send(Method::DELETE, &path, &json!({ "force": value })).await
                };
                assert_eq!(answer.is(200).json()["SuccessfullyDeleted"]["ids"], json!([message]));
                let seen = async |who: &tests::Person| {
                    who.peek(&dialog).await.iter().any(|seen| seen["_id"] == message)
                };
                assert_eq!((seen(&alice).await, seen(&bob).await), (false, stays), "{value:?}");
            }
        }
        proves(if stays { "R-WIRE-066" } else { "R-WIRE-067" });
    }
}

pub(crate) async fn listing_obeys_any_yes_or_no(stage: Stage<'_>) {
    let [alice, bob, carol] = stage.users(["alice", "bob", "carol"]).await;
    let body = json!({ "type": 2, "name": "lobby", "occupants_ids": [bob.id()], "permissions": { "allow_preview": 1 } });
    let dialog = alice.create(&body).await;
    alice.post(&dialog, "hello").await;
    let path = format!("chat/Message?chat_dialog_id={dialog}");
    for value in ["0", "false"] {
        bob.get(&format!("{path}&mark_as_read={value}")).await.is(200);
        assert_eq!(bob.unread(&dialog).await, 1, "{value}");
    }
    proves("R-WIRE-068");
    carol.get(&path).await.is(403);
    for value in ["1", "true"] {
        let previewed = carol.get(&format!("{path}&preview={value}")).await.is(200).json();
        assert_eq!(previewed["items"][0]["message"], "hello", "{value}");
    }
    proves("R-WIRE-069");
}

pub(crate) async fn a_message_is_sent_and_markable_by_any_yes(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    for value in yes().into_iter().chain(no()) {
        let body = json!({ "message": "hello", "send_to_chat": value, "markable": value });
        let message = alice.post_message(&dialog, &body).await.is(201).json();
        assert_eq!((message.get("send_to_chat"), message.get("markable")), (None, None));
    }
    // What is told in real time goes by the event.
    let events = stage.chat.log(&["--dialog", &dialog, "--type", "message.posted"]).await;
    for field in ["send_to_chat", "markable"] {
        let told: Vec<&Value> = events.iter().map(|event| &event["event"][field]).collect();
        let expected: Vec<Value> = [[true; 4], [false; 4]].concat().into_iter().map(Value::from).collect();
        assert_eq!(told, expected.iter().collect::<Vec<_>>(), "{field}");
    }
    proves("R-WIRE-070");
}

pub(crate) async fn a_dialog_takes_numbers_and_flags_as_texts(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let body = json!({ "type": "2", "name": "lobby", "occupants_ids": [bob.id()] });
    let dialog = alice.post_to("chat/Dialog", &body).await.is(201).json();
    assert_eq!(dialog["type"], 2);
    proves("R-WIRE-071");
    let path = format!("chat/Dialog/{}", dialog["_id"].as_str().unwrap());
    for (on, off) in yes().into_iter().zip(no()) {
        for (value, stored) in [(on, true), (off, false)] {
            let body = json!({ "permissions": { "allow_preview": value } });
            let changed = alice.put(&path, &body).await.is(200).json();
            assert_eq!(changed["permissions"], json!({ "allow_preview": stored }), "{value:?}");
            assert_eq!(bob.dialogs().await[0]["permissions"], changed["permissions"]);
        }
    }
    proves_all(["R-WIRE-072"]);
}
