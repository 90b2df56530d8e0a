//! Writing, listing, editing and deleting messages.

use serde_json::json;

use crate::testing::chat::Chat;

const NAME: &str = "5c094c0ce588ce6856f87422";

/// The answer to a post is made from its events, the list from rows: they are one thing.
#[tokio::test]
async fn what_a_post_answers_is_what_is_listed() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let group = alice.group(&[&bob]).await;
    let bodies = [
        json!({"chat_dialog_id": group, "message": "plain"}),
        json!({"chat_dialog_id": group, "_id": "of another form", "attachments": [{"type": "image"}]}),
        json!({"recipient_id": bob.id, "message": "\u{1f44b}\n", "city": {"a": [1.50, null]}}),
    ];
    for body in bodies {
        let posted = alice.post("/chat/Message", body).await.json();
        let dialog = posted["chat_dialog_id"].as_str().unwrap();
        let listed = alice
            .get(&format!("/chat/Message?chat_dialog_id={dialog}&sort_desc=date_sent&limit=1&mark_as_read=0"))
            .await
            .json();
        assert_eq!(listed["items"][0], posted);
    }
}

#[tokio::test]
async fn a_message_is_shown_with_every_key_and_its_own() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    let posted = alice
        .post(
            "/chat/Message",
            json!({
                "chat_dialog_id": dialog, "message": "hi <b>&amp; 👋", "recipient_id": bob.id,
                "attachments": {"7": {"type": "video"}, "0": {"type": "image", "size": 5, "x": [1.50]}},
                "send_to_chat": "1", "markable": 1, "silent": false, "save_to_history": 1, "dialog_id": 1,
                "message_id": "m", "date_sent": 5, "sender_id": 99, "read_ids": [99], "created_at": "x",
                "colour": "red", "nested": {"a": [1, {"b": null}]},
            }),
        )
        .await;
    insta::assert_snapshot!(posted.pretty(), @r#"
    201 {
      "colour": "red",
      "nested": {
        "a": [
          1,
          {
            "b": null
          }
        ]
      },
      "_id": "6553f10000000001befba86a",
      "chat_dialog_id": "6553f10000000000befba86a",
      "message": "hi <b>&amp; 👋",
      "date_sent": 1700000000,
      "sender_id": 1,
      "recipient_id": 0,
      "attachments": [
        {
          "type": "image",
          "size": 5,
          "x": [
            1.5
          ]
        },
        {
          "type": "video"
        }
      ],
      "read_ids": [
        1
      ],
      "delivered_ids": [
        1
      ],
      "created_at": "2023-11-14T22:13:20Z",
      "updated_at": "2023-11-14T22:13:20Z",
      "edited_at": null,
      "reactions": null,
      "views_count": 0,
      "read": 0
    }
    "#);
    let page = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await;
    assert_eq!(page.body, format!(r#"{{"skip":0,"limit":100,"items":[{}]}}"#, posted.body));
}

#[tokio::test]
async fn a_message_to_a_user_makes_the_private_dialog() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let first = alice.post("/chat/Message", json!({"recipient_id": bob.id, "message": "one"})).await;
    let second =
        bob.post("/chat/Message", json!({"recipient_id": alice.id.to_string(), "message": "two"})).await;
    assert_eq!(first.field("chat_dialog_id"), second.field("chat_dialog_id"));
    assert_eq!((first.status, &first.json()["recipient_id"]), (201, &json!(bob.id)));
    assert_eq!(second.json()["recipient_id"], alice.id);
    assert_eq!(bob.texts(&first.field("chat_dialog_id")).await, ["one", "two"]);
}

#[tokio::test]
async fn a_message_of_a_name_is_posted_once() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    let elsewhere = alice.group(&[&bob]).await;
    for (name, id) in [(NAME, Some(NAME)), ("stanza-1", None)] {
        let post = |dialog: &str| json!({"chat_dialog_id": dialog, "_id": name, "message": "hi"});
        let first = alice.post("/chat/Message", post(&dialog)).await;
        let second = alice.post("/chat/Message", post(&dialog)).await;
        assert_eq!((first.status, first.body.as_str()), (201, second.body.as_str()));
        assert!(id.is_none_or(|id| first.field("_id") == id), "{first}");
        let there = alice.post("/chat/Message", post(&elsewhere)).await;
        assert_eq!(there.to_string(), r#"422 {"errors":{"_id":["has already been taken."]}}"#);
    }
    let his =
        bob.post("/chat/Message", json!({"chat_dialog_id": dialog, "_id": NAME, "message": "me"})).await;
    assert_eq!(his.to_string(), r#"422 {"errors":{"_id":["has already been taken."]}}"#);
    let named_so =
        bob.post("/chat/Message", json!({"chat_dialog_id": dialog, "_id": "stanza-1", "message": "me"}));
    assert_eq!(named_so.await.status, 201, "another's stanza may be called the same");
    assert_eq!(bob.texts(&dialog).await, ["hi", "hi", "me"]);
    assert_eq!(bob.unread(&dialog).await, 2);
}

#[tokio::test]
async fn a_named_call_posts_once() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    let body = json!({"chat_dialog_id": dialog, "message": "hi"});
    let first = alice.with("idempotency-key", "k").post("/chat/Message", body.clone()).await;
    let second = alice.with("idempotency-key", "k").post("/chat/Message", body.clone()).await;
    assert_eq!((first.status, &first.body), (201, &second.body));
    alice.post("/chat/Message", body).await;
    assert_eq!(bob.texts(&dialog).await.len(), 2);
}

#[tokio::test]
async fn a_history_has_pages_from_both_ends() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    for number in 0..5 {
        alice.write(&dialog, &number.to_string()).await;
    }
    let texts = async |query: &str| {
        let page = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&{query}")).await.json();
        let items = page["items"].as_array().unwrap().clone();
        items.iter().map(|item| item["message"].as_str().unwrap().to_owned()).collect::<String>()
    };
    for (query, expected) in [
        ("", "01234"),
        ("sort_asc=date_sent", "01234"),
        ("sort_asc=created_at&limit=2", "01"),
        ("sort_desc=date_sent", "43210"),
        ("sort_desc=created_at&limit=2&skip=1", "32"),
        ("limit=2&skip=4", "4"),
        ("skip=5", ""),
        ("skip=-1&limit=-1", "0"),
        ("skip=99999999999999999999", ""),
        ("colour=red", "01234"),
    ] {
        assert_eq!(texts(query).await, expected, "{query}");
    }
    let counted = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&count=1")).await;
    assert_eq!(counted.to_string(), r#"200 {"items":{"count":5}}"#);
    let echoed = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}&limit=500&skip=5")).await;
    assert_eq!(echoed.to_string(), r#"200 {"skip":5,"limit":100,"items":[]}"#);
}

#[tokio::test]
async fn an_author_edits_his_message() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    let message = alice.write(&dialog, "helo").await;
    chat.hands.advance(std::time::Duration::from_secs(5));
    let uri = format!("/chat/Message/{message}");
    let nobodys = "0".repeat(24);
    let edited = alice.put(&format!("{uri},{nobodys},no-id"), json!({"message": "hello"})).await;
    assert_eq!(edited.to_string(), "200 ");
    let shown = bob.get(&format!("/chat/Message?chat_dialog_id={dialog}")).await.json()["items"][0].clone();
    assert_eq!((&shown["message"], &shown["edited_at"]), (&json!("hello"), &shown["updated_at"]));
    assert_ne!(shown["created_at"], shown["updated_at"]);
    assert_eq!(bob.put(&uri, json!({"message": "mine"})).await.status, 403);
    assert_eq!(alice.put(&format!("/chat/Message/{nobodys}"), json!({"message": "x"})).await.status, 404);
    assert_eq!(alice.put("/chat/Message/no-id", json!({"message": "x"})).await.status, 404);
    let without = alice.put("/chat/Message", json!({"message": "x", "chat_dialog_id": dialog})).await;
    assert_eq!(without.to_string(), r#"422 {"errors":{"message":["needs the ids of messages"]}}"#);
    assert_eq!(bob.texts(&dialog).await, ["hello"]);
}

#[tokio::test]
async fn an_edit_of_several_dialogs_is_of_ones_own_messages_or_none() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let (one, two) = (alice.group(&[&bob]).await, alice.group(&[&bob]).await);
    let (hers, there, his) =
        (alice.write(&one, "a").await, alice.write(&two, "b").await, bob.write(&two, "c").await);
    let edit =
        async |ids: &str| alice.put(&format!("/chat/Message/{ids}"), json!({"message": "x"})).await.status;
    assert_eq!(edit(&format!("{hers},{his}")).await, 403);
    assert_eq!(
        (alice.texts(&one).await, alice.texts(&two).await.concat()),
        (vec!["a".to_owned()], "bc".to_owned())
    );
    assert_eq!(edit(&format!("{hers},{there}")).await, 200);
    assert_eq!(
        (alice.texts(&one).await, alice.texts(&two).await.concat()),
        (vec!["x".to_owned()], "xc".to_owned())
    );
}

#[tokio::test]
async fn an_edit_stays_within_the_dialog_that_it_names() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let (dialog, other, hers) =
        (alice.group(&[&bob]).await, alice.group(&[&bob]).await, bob.group(&[&carol]).await);
    let message = alice.write(&dialog, "hi").await;
    let uri = format!("/chat/Message/{message}");
    let edit =
        async |within: &str| alice.put(&uri, json!({"message": "ho", "chat_dialog_id": within})).await.status;
    assert_eq!([edit(&other).await, edit(&hers).await, edit("no-id").await], [404, 404, 422]);
    assert_eq!(alice.texts(&dialog).await, ["hi"]);
    assert_eq!(edit(&dialog).await, 200);
    assert_eq!(alice.texts(&dialog).await, ["ho"]);
}

#[tokio::test]
async fn deleting_answers_three_lists() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let (dialog, other) = (alice.group(&[&bob]).await, bob.group(&[&alice]).await);
    let (hers, his) = (alice.write(&dialog, "hers").await, bob.write(&dialog, "his").await);
    let there = alice.write(&other, "there").await;
    let nobodys = "0".repeat(24);
    let uri = format!("/chat/Message/{hers},{his},{there},{nobodys},No-Id");
    let forced = bob.delete(&format!("{uri}?force=1")).await;
    assert_eq!(
        (forced.status, forced.json()),
        (
            200,
            json!({
                "SuccessfullyDeleted": {"ids": [his, there]},
                "NotFound": {"ids": [nobodys, "No-Id"]},
                "WrongPermissions": {"ids": [hers]},
            })
        )
    );
    assert_eq!((alice.texts(&dialog).await, alice.texts(&other).await), (vec!["hers".to_owned()], vec![]));
    let hidden = bob.delete(&format!("/chat/Message/{hers}.json?force=0")).await;
    assert_eq!(hidden.json()["SuccessfullyDeleted"]["ids"], json!([hers]));
    let again = bob.delete(&format!("/chat/Message/{hers}")).await;
    assert_eq!(again.json()["NotFound"]["ids"], json!([hers]));
    assert_eq!((alice.texts(&dialog).await.len(), bob.texts(&dialog).await.len()), (1, 0));
}

#[tokio::test]
async fn no_id_reaches_into_a_dialog_of_others() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.group(&[&bob]).await;
    let message = alice.write(&dialog, "secret").await;
    let uri = format!("/chat/Message/{message}");
    assert_eq!(carol.put(&uri, json!({"message": "x"})).await.status, 404);
    assert_eq!(carol.put(&uri, json!({"read": 1})).await.status, 404);
    assert_eq!(carol.put("/chat/Message", json!({"read": 1, "chat_dialog_id": dialog})).await.status, 404);
    assert_eq!(carol.delete(&uri).await.json()["NotFound"]["ids"], json!([message]));
    assert_eq!(carol.get(&format!("/chat/Message?chat_dialog_id={dialog}")).await.status, 403);
    assert_eq!(carol.get(&format!("/chat/Dialog?_id={dialog}")).await.json()["total_entries"], 0);
    assert_eq!(
        carol.post("/chat/Message", json!({"chat_dialog_id": dialog, "message": "x"})).await.status,
        404
    );
    assert_eq!(carol.put(&format!("/chat/Dialog/{dialog}"), json!({"name": "x"})).await.status, 404);
    assert_eq!(carol.delete(&format!("/chat/Dialog/{dialog}?force=1")).await.status, 404);
    let own = carol.group(&[&bob]).await;
    let named = json!({"chat_dialog_id": own, "_id": message, "message": "mine"});
    assert_eq!(carol.post("/chat/Message", named).await.status, 201, "she cannot know that it is taken");
    assert_eq!(bob.texts(&dialog).await, ["secret"]);
}
