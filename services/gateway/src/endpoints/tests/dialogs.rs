//! Making, changing and deleting dialogs.

use serde_json::json;

use crate::testing::chat::Chat;

#[tokio::test]
async fn a_group_is_shown_with_every_key() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let made = alice
        .post(
            "/chat/Dialog",
            json!({
                "type": "2", "name": "lobby", "photo": "lobby.png", "description": "all of us",
                "occupants_ids": format!("{}, {}", bob.id, alice.id), "admins_ids": [bob.id],
                "extensions": {"mood": 7, "city": {"in": ["x"]}, "other": "dropped"},
                "permissions": {"allow_preview": "1"},
            }),
        )
        .await;
    insta::assert_snapshot!(made.pretty(), @r#"
    201 {
      "_id": "6553f10000000000befba86a",
      "type": 2,
      "user_id": 1,
      "name": "lobby",
      "photo": "lobby.png",
      "description": "all of us",
      "created_at": "2023-11-14T22:13:20Z",
      "updated_at": "2023-11-14T22:13:20Z",
      "xmpp_room_jid": "77_6553f10000000000befba86a@muc.chat.example",
      "occupants_ids": [
        1,
        2
      ],
      "occupants_count": 2,
      "admins_ids": [
        2
      ],
      "pinned_messages_ids": [],
      "last_message": null,
      "last_message_date_sent": null,
      "last_message_id": null,
      "last_message_user_id": null,
      "last_message_status": null,
      "unread_messages_count": 0,
      "extensions": {
        "city": "{\"in\":[\"x\"]}",
        "mood": "7"
      },
      "permissions": {
        "allow_preview": true
      }
    }
    "#);
}

#[tokio::test]
async fn every_kind_has_its_own_look() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let mut shown = String::new();
    for body in [
        json!({"type": 1, "name": "news", "occupants_ids": [bob.id]}),
        json!({"type": 4, "name": "square"}),
        json!({"type": 3, "name": "ignored", "photo": "ignored", "admins_ids": [bob.id], "occupants_ids": bob.id}),
    ] {
        shown.push_str(&format!("{}\n", alice.post("/chat/dialog.json", body).await));
    }
    insta::assert_snapshot!(shown, @r#"
    201 {"_id":"6553f10000000000befba86a","type":1,"user_id":1,"name":"news","photo":null,"description":null,"created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z","xmpp_room_jid":"77_6553f10000000000befba86a@muc.chat.example","occupants_ids":[],"occupants_count":0,"admins_ids":[],"pinned_messages_ids":[],"last_message":null,"last_message_date_sent":null,"last_message_id":null,"last_message_user_id":null,"last_message_status":null,"unread_messages_count":0,"extensions":null,"permissions":null}
    201 {"_id":"6553f10000000001befba86a","type":4,"user_id":1,"name":"square","photo":null,"description":null,"created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z","xmpp_room_jid":"77_6553f10000000001befba86a@muc.chat.example","occupants_ids":[],"occupants_count":1,"admins_ids":[],"pinned_messages_ids":[],"last_message":null,"last_message_date_sent":null,"last_message_id":null,"last_message_user_id":null,"last_message_status":null,"unread_messages_count":0,"extensions":null,"permissions":null}
    201 {"_id":"c8aa8562dbdbf68b439d7778","type":3,"user_id":1,"name":"Bob","photo":"bob.png","description":null,"created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:13:20Z","xmpp_room_jid":null,"occupants_ids":[1,2],"occupants_count":2,"admins_ids":[],"pinned_messages_ids":[],"last_message":null,"last_message_date_sent":null,"last_message_id":null,"last_message_user_id":null,"last_message_status":null,"unread_messages_count":0,"extensions":null,"permissions":null}
    "#);
}

#[tokio::test]
async fn two_users_have_one_private_dialog_and_each_sees_the_other() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let with = |id| json!({"type": 3, "occupants_ids": [id]});
    let hers = alice.post("/chat/Dialog", with(bob.id)).await;
    let his = bob.post("/chat/Dialog", with(alice.id)).await;
    let again = alice.post("/chat/Dialog", with(bob.id)).await;
    assert_eq!((hers.status, his.status, again.status), (201, 201, 201));
    assert_eq!(hers.field("_id"), his.field("_id"));
    assert_eq!(hers.body, again.body);
    assert_eq!((hers.field("name"), hers.field("photo")), ("Bob".to_owned(), "bob.png".to_owned()));
    assert_eq!((his.field("name"), his.field("photo")), ("Alice".to_owned(), "alice.png".to_owned()));
}

#[tokio::test]
async fn a_hidden_private_dialog_comes_back_for_who_opens_it() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let opening = json!({"type": 3, "occupants_ids": [bob.id]});
    let dialog = alice.post("/chat/Dialog", opening.clone()).await.field("_id");
    let uri = format!("/chat/Dialog/{dialog}");
    assert_eq!(alice.delete(&uri).await.to_string(), "200 ");
    assert_eq!(bob.delete(&uri).await.to_string(), "200 ");
    let entries = async |person: &crate::testing::chat::Person| {
        person.get("/chat/Dialog").await.json()["total_entries"].as_u64().unwrap()
    };
    assert_eq!((entries(&alice).await, entries(&bob).await), (0, 0));
    assert_eq!(alice.post("/chat/Dialog", opening).await.field("_id"), dialog);
    assert_eq!((entries(&alice).await, entries(&bob).await), (1, 0));
}

#[tokio::test]
async fn what_is_said_of_a_private_dialogs_extensions_is_added_to_them() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let open = async |person: &crate::testing::chat::Person, other: u64, extensions: serde_json::Value| {
        let body = json!({"type": 3, "occupants_ids": other, "extensions": extensions});
        person.post("/chat/Dialog", body).await
    };
    let made = open(&alice, bob.id, json!({"city": "x", "other": 1})).await;
    assert_eq!((made.status, &made.json()["extensions"]), (201, &json!({"city": "x"})));
    let merged = open(&bob, alice.id, json!({"mood": 7})).await;
    assert_eq!((merged.status, &merged.json()["extensions"]), (201, &json!({"city": "x", "mood": "7"})));
    let changed = open(&alice, bob.id, json!({"city": "y"})).await;
    assert_eq!(changed.json()["extensions"], json!({"city": "y", "mood": "7"}));
    for extensions in [json!({"city": "y"}), json!({}), json!(null), json!({"other": 2})] {
        let again = open(&alice, bob.id, extensions).await;
        assert_eq!(
            (&again.body, again.header("log-position")),
            (&changed.body, changed.header("log-position"))
        );
    }
}

#[tokio::test]
async fn a_named_creation_is_made_once() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let body = json!({"type": 2, "name": "lobby", "occupants_ids": [bob.id]});
    let first = alice.with("idempotency-key", "k-1").post("/chat/Dialog", body.clone()).await;
    let second = alice.with("idempotency-key", "k-1").post("/chat/Dialog", body.clone()).await;
    let other = alice.with("idempotency-key", "k-2").post("/chat/Dialog", body.clone()).await;
    let bobs = bob.with("idempotency-key", "k-1").post("/chat/Dialog", body.clone()).await;
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_ne!(first.field("_id"), other.field("_id"));
    assert_ne!(first.field("_id"), bobs.field("_id"));
    assert_eq!(alice.get("/chat/Dialog?count=1").await.to_string(), r#"200 {"items":{"count":2}}"#);
    let long = "k".repeat(129);
    for key in ["", "a b", "é", &long] {
        let refused = alice.with("idempotency-key", key).post("/chat/Dialog", body.clone()).await;
        assert_eq!(refused.status, 400, "{key}");
    }
}

#[tokio::test]
async fn a_change_is_answered_with_the_dialog() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{dialog}");
    chat.hands.advance(std::time::Duration::from_secs(60));
    let changed = alice
        .put(
            &uri,
            json!({
                "name": "hall", "photo": "hall.png", "description": "for all", "type": 4, "user_id": 9,
                "extensions": {"city": "x"}, "permissions": {"allow_preview": true},
                "push_all": {"occupants_ids": [carol.id, bob.id]}, "pull_all": {"occupants_ids": [bob.id]},
            }),
        )
        .await;
    insta::assert_snapshot!(changed, @r#"200 {"_id":"6553f10000000000befba86a","type":2,"user_id":1,"name":"hall","photo":"hall.png","description":"for all","created_at":"2023-11-14T22:13:20Z","updated_at":"2023-11-14T22:14:20Z","xmpp_room_jid":"77_6553f10000000000befba86a@muc.chat.example","occupants_ids":[1,3],"occupants_count":2,"admins_ids":[],"pinned_messages_ids":[],"last_message":null,"last_message_date_sent":null,"last_message_id":null,"last_message_user_id":null,"last_message_status":null,"unread_messages_count":0,"extensions":{"city":"x"},"permissions":{"allow_preview":true}}"#);
    let cleared = alice.put(&uri, json!({"photo": "", "description": null, "extensions": null})).await.json();
    assert_eq!([&cleared["photo"], &cleared["description"], &cleared["extensions"]], [&json!(null); 3]);
    assert_eq!(cleared["name"], "hall");
    assert_eq!(bob.put(&uri, json!({"name": "mine"})).await.status, 404, "he was taken out");
}

#[tokio::test]
async fn who_takes_himself_out_sees_the_dialog_once_more() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    let uri = format!("/chat/Dialog/{dialog}");
    let left = alice.put(&uri, json!({"pull_all": {"occupants_ids": alice.id}})).await;
    assert_eq!((left.status, &left.json()["occupants_ids"]), (200, &json!([bob.id])));
    assert_eq!((&left.json()["user_id"], &left.json()["occupants_count"]), (&json!(alice.id), &json!(1)));
    assert_eq!(alice.put(&uri, json!({})).await.status, 404);
    let last = bob.put(&uri, json!({"pull_all": {"occupants_ids": bob.id}})).await;
    assert_eq!((last.status, &last.json()["occupants_ids"]), (200, &json!([])));
    assert_eq!(bob.put(&uri, json!({})).await.status, 404);
}

#[tokio::test]
async fn deleting_is_for_oneself_or_with_force_for_all() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let left = alice.group(&[&bob]).await;
    assert_eq!(bob.delete(&format!("/chat/Dialog/{left}")).await.to_string(), "200 ");
    assert_eq!(bob.delete(&format!("/chat/Dialog/{left}")).await.status, 404);
    assert_eq!(alice.get("/chat/Dialog").await.json()["items"][0]["occupants_ids"], json!([alice.id]));

    let gone = alice.group(&[&bob]).await;
    assert_eq!(bob.delete(&format!("/chat/Dialog/{gone}?force=1")).await.status, 403);
    let form = alice.send(http::Method::DELETE, &format!("/chat/Dialog/{gone}.json"), "force=true").await;
    assert_eq!(form.to_string(), "200 ");
    assert_eq!(alice.get(&format!("/chat/Message?chat_dialog_id={gone}")).await.status, 404);
}

#[tokio::test]
async fn deleting_several_answers_three_lists() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let (mine, his) = (alice.group(&[&bob]).await, bob.group(&[&alice]).await);
    let also_mine = alice.group(&[&bob]).await;
    let nobodys = "0".repeat(23) + "a";
    let uri = format!("/chat/Dialog/{mine},{his},{nobodys},no-id,{also_mine}.json?force=1");
    let deleted = alice.delete(&uri).await;
    assert_eq!(deleted.status, 200);
    assert_eq!(
        deleted.json(),
        json!({
            "SuccessfullyDeleted": {"ids": [mine, also_mine]},
            "NotFound": {"ids": [nobodys, "no-id"]},
            "WrongPermissions": {"ids": [his]},
        })
    );
    let rest = alice.get("/chat/Dialog").await.json();
    assert_eq!((&rest["total_entries"], &rest["items"][0]["_id"]), (&json!(1), &json!(his)));
    let one = alice.delete(&format!("/chat/Dialog/{his},")).await;
    assert_eq!(one.json()["SuccessfullyDeleted"]["ids"], json!([his]), "a list of one is a list");
}

#[tokio::test]
async fn extensions_are_those_that_the_application_allows_now() {
    let keys = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    let chat = Chat::with(1, |parts| parts.application.extension_keys = keys(&["c", "a"]));
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let body = json!({
        "type": 2, "name": "x", "occupants_ids": [bob.id], "extensions": {"c": true, "b": 1, "a": 1.5},
    });
    let made = alice.post("/chat/Dialog", body).await.json();
    assert_eq!(made["extensions"].to_string(), r#"{"a":"1.5","c":"true"}"#);
}
