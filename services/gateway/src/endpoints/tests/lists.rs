//! Lists of dialogs.

use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

async fn ids(person: &Person, query: &str) -> Vec<String> {
    let listed = person.get(&format!("/chat/Dialog?{query}")).await;
    assert_eq!(listed.status, 200, "{listed}");
    let items = listed.json()["items"].as_array().unwrap().clone();
    items.iter().map(|item| item["_id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_list_shows_what_the_viewer_has() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    assert_eq!(
        alice.get("/chat/Dialog.json?").await.to_string(),
        r#"200 {"total_entries":0,"skip":0,"limit":100,"items":[]}"#
    );
    let private =
        alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": [bob.id]})).await.field("_id");
    chat.hands.advance(std::time::Duration::from_secs(10));
    bob.write(&private, "hello").await;
    insta::assert_snapshot!(alice.get("/chat/Dialog?limit=5").await.pretty(), @r#"
    200 {
      "total_entries": 1,
      "skip": 0,
      "limit": 5,
      "items": [
        {
          "_id": "c8aa8562dbdbf68b439d7778",
          "type": 3,
          "user_id": 1,
          "name": "Bob",
          "photo": "bob.png",
          "description": null,
          "created_at": "2023-11-14T22:13:20Z",
          "updated_at": "2023-11-14T22:13:30Z",
          "xmpp_room_jid": null,
          "occupants_ids": [
            1,
            2
          ],
          "occupants_count": 2,
          "admins_ids": [],
          "pinned_messages_ids": [],
          "last_message": "hello",
          "last_message_date_sent": 1700000010,
          "last_message_id": "6553f10a00000000befba86a",
          "last_message_user_id": 2,
          "last_message_status": null,
          "unread_messages_count": 1,
          "extensions": null,
          "permissions": null
        }
      ]
    }
    "#);
    let his = bob.get("/chat/Dialog").await.json()["items"][0].clone();
    assert_eq!((&his["unread_messages_count"], &his["last_message_status"]), (&json!(0), &json!("sent")));
    alice.get(&format!("/chat/Message?chat_dialog_id={private}")).await;
    let his = bob.get("/chat/Dialog").await.json()["items"][0].clone();
    assert_eq!(his["last_message_status"], "read");
}

#[tokio::test]
async fn the_liveliest_is_first_and_pages_cover_all_once() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let mut made = vec![];
    for _ in 0..4 {
        chat.hands.advance(std::time::Duration::from_secs(10));
        made.push(alice.group(&[&bob]).await);
    }
    chat.hands.advance(std::time::Duration::from_secs(10));
    alice.write(&made[1], "here").await;
    let order = [1, 3, 2, 0].map(|place| made[place].clone());
    for query in ["", "sort_desc=last_message_date_sent", "sort_desc=date_sent", "unknown=1&limit=1000"] {
        assert_eq!(ids(&alice, query).await, order, "{query}");
    }
    let paged = [ids(&alice, "limit=3").await, ids(&alice, "limit=3&skip=3").await].concat();
    assert_eq!(paged, order);
    assert!(ids(&alice, "skip=99999999999999999999").await.is_empty());
    let clamped = alice.get("/chat/Dialog?limit=500").await.json();
    assert_eq!((&clamped["limit"], &clamped["total_entries"]), (&json!(100), &json!(4)));
    assert_eq!(alice.get("/chat/Dialog?count=1").await.to_string(), r#"200 {"items":{"count":4}}"#);
}

#[tokio::test]
async fn dialogs_are_found_by_their_ids_in_every_spelling() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let mut made = vec![];
    for other in [&bob, &bob, &carol] {
        chat.hands.advance(std::time::Duration::from_secs(10));
        made.push(alice.group(&[other]).await);
    }
    let (a, b, c) = (&made[0], &made[1], &made[2]);
    for query in [
        format!("_id={a},{b}"),
        format!("_id={a}%2C%20{b},no-id"),
        format!("_id[]={a}&_id[]={b}"),
        format!("_id[in]={b},{a}"),
        format!("_id[in][]={b}&_id[in][]={a}"),
    ] {
        assert_eq!(ids(&alice, &query).await, [b.clone(), a.clone()], "{query}");
    }
    let his = ids(&bob, &format!("_id={a},{c}")).await;
    assert_eq!(his, [a.as_str()], "he is not in the other one");
    let one = alice.get(&format!("/chat/Dialog?_id={a},{b}&limit=1&skip=1")).await.json();
    assert_eq!((&one["total_entries"], &one["items"][0]["_id"]), (&json!(2), &json!(a)));
    let counted = alice.get(&format!("/chat/Dialog?_id={c}&count=true")).await;
    assert_eq!(counted.to_string(), r#"200 {"items":{"count":1}}"#);
    assert!(ids(&alice, "_id[]=").await.is_empty());
}

#[tokio::test]
async fn what_a_list_does_not_know_yet_it_says() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let mut shown = String::new();
    for query in [
        "type=2",
        "type[in]=2,3",
        "name[ctn]=x",
        "updated_at[gt]=5",
        "extensions[city]=x",
        "occupants_ids[all]=1,2",
        "_id[gt]=5",
        "_id[in]=5&_id[ne]=6",
        "sort_asc=last_message_date_sent",
        "sort_desc=created_at",
        "limit=ten",
        "skip[]=1",
        "count=2",
        "_id[x][y]=1",
    ] {
        shown.push_str(&format!("{query}: {}\n", alice.get(&format!("/chat/Dialog?{query}")).await));
    }
    insta::assert_snapshot!(shown, @r#"
    type=2: 422 {"errors":{"type":["is not supported yet"]}}
    type[in]=2,3: 422 {"errors":{"type":["is not supported yet"]}}
    name[ctn]=x: 422 {"errors":{"name":["is not supported yet"]}}
    updated_at[gt]=5: 422 {"errors":{"updated_at":["is not supported yet"]}}
    extensions[city]=x: 422 {"errors":{"extensions":["is not supported yet"]}}
    occupants_ids[all]=1,2: 422 {"errors":{"occupants_ids":["is not supported yet"]}}
    _id[gt]=5: 422 {"errors":{"_id":["is not supported yet"]}}
    _id[in]=5&_id[ne]=6: 422 {"errors":{"_id":["is not supported yet"]}}
    sort_asc=last_message_date_sent: 422 {"errors":{"sort_asc":["is not supported yet"]}}
    sort_desc=created_at: 422 {"errors":{"sort_desc":["is not supported yet"]}}
    limit=ten: 422 {"errors":{"limit":["must be an integer"]}}
    skip[]=1: 422 {"errors":{"skip":["must be an integer"]}}
    count=2: 422 {"errors":{"count":["must be true or false"]}}
    _id[x][y]=1: 422 {"errors":{"_id":["is not supported yet"]}}
    "#);
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    let refused = alice.get(&format!("/chat/Dialog?_id={}", many.join(","))).await;
    assert_eq!(refused.status, 422);
}

#[tokio::test]
async fn a_list_can_be_asked_for_with_a_body() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.group(&[&bob]).await;
    alice.group(&[&bob]).await;
    let listed = alice.send(http::Method::GET, "/chat/Dialog?limit=7", format!("limit=3&_id={dialog}")).await;
    let listed: Value = listed.json();
    assert_eq!((&listed["limit"], &listed["total_entries"]), (&json!(3), &json!(1)));
}
