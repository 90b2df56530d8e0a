//! The many spellings of one address.

use serde_json::{Value, json};
use tests::{Answer, proves, proves_all};

use crate::Stage;
use crate::calls::{Ground, still};

pub(crate) async fn the_suffix_is_no_part_of_an_address(stage: Stage<'_>) {
    let ground = Ground::of(&stage).await;
    for call in ground.reads() {
        let plain = still(call.by(&ground.alice).await);
        let suffixed = still(call.at(&ground.alice, &call.with_suffix()).await);
        assert_eq!(plain, suffixed, "{}", call.path);
    }
    proves_all(["R-WIRE-002", "R-WIRE-003", "R-WIRE-004", "R-WIRE-008"]);
    for call in ground.writes() {
        let answer = call.at(&ground.alice, &call.with_suffix()).await;
        assert!((200..300).contains(&answer.status), "{} {}", call.path, answer.text());
    }
    proves("R-WIRE-001");
}

pub(crate) async fn the_suffix_ends_ids_and_sub_resources(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let group = alice.create_group("lobby", [&bob]).await;
    let read_by_bob = async || {
        let read_ids = alice.read_ids(&group).await;
        read_ids.iter().filter(|ids| ids.contains(&bob.id())).count()
    };
    let body = json!({ "chat_dialog_id": group, "read": 1 });

    let [first, second] = alice.post_each(&group, ["one", "two"]).await;
    bob.put(&format!("chat/Message/{first},{second}.json"), &body).await.is(200);
    assert_eq!(read_by_bob().await, 2);
    proves("R-WIRE-006");
    for (path, read) in [("chat/Message", 3), ("chat/Message.json", 4), ("chat/Message/.json", 5)] {
        alice.post(&group, "another").await;
        bob.put(path, &body).await.is(200);
        assert_eq!(read_by_bob().await, read, "{path}");
    }
    proves("R-WIRE-010");

    let public = alice.create(&json!({ "type": 4, "name": "square" })).await;
    bob.post_to(&format!("chat/Dialog/{public}/subscribe.json"), &json!({})).await.is(200);
    assert!(bob.dialog(&public).await.is_some());
    proves("R-WIRE-007");

    let other = alice.create_group("another", [&bob]).await;
    let deleted = bob.delete(&format!("chat/Dialog/{group},{other}.json"), false).await.is(200).json();
    assert_eq!(deleted["SuccessfullyDeleted"]["ids"], json!([group, other]));
    proves("R-WIRE-005");
}

pub(crate) async fn neither_case_nor_a_bare_question_mark_counts(stage: Stage<'_>) {
    let [alice, bob] = stage.users(["alice", "bob"]).await;
    let dialog = json!({ "type": 4, "name": "square", "occupants_ids": [bob.id()] });
    let dialog = alice.post_to("chat/dialog", &dialog).await.is(201).json();
    let id = dialog["_id"].as_str().unwrap();
    for path in ["chat/dialog", "chat/DIALOG", "chat/dIaLoG.json", "chat/Dialog?", "chat/Dialog.json?"] {
        assert_eq!(alice.get(path).await.is(200).json(), alice.get("chat/Dialog").await.json(), "{path}");
    }
    proves_all(["R-WIRE-012", "R-WIRE-015"]);

    let body = json!({ "chat_dialog_id": id, "message": "hello" });
    alice.post_to("chat/message", &body).await.is(201);
    let query = format!("chat_dialog_id={id}&mark_as_read=0");
    let listed = async |path: &str| bob.get(&format!("{path}?{query}")).await.is(200).json();
    let plain: Value = listed("chat/Message").await;
    assert_eq!(plain["items"][0]["message"], "hello");
    for path in ["chat/message", "chat/MESSAGE", "chat/message.json"] {
        assert_eq!(listed(path).await, plain, "{path}");
    }
    proves("R-WIRE-013");

    let request = bob.request(reqwest::Method::DELETE, &format!("chat/dialog/{id}/subscribe"));
    Answer::to(request).await.is(200);
    assert!(bob.dialog(id).await.is_none());
    proves("R-WIRE-014");
}
