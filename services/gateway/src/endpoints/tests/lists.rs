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

/// Alice's dialogs: a group of the two named "lobby" in Rome, one of all three named "Tea, or
/// coffee?", a private one with Bob in which he has written, and a public one named "lobby 2".
/// Ten seconds lie between each of them.
async fn some(chat: &Chat, [alice, bob, carol]: [&Person; 3]) -> [String; 4] {
    let made = [
        json!({"type": 2, "name": "lobby", "occupants_ids": [bob.id], "extensions": {"city": "Rome"}}),
        json!({"type": 2, "name": "Tea, or coffee?", "occupants_ids": [bob.id, carol.id],
            "extensions": {"city": "Paris", "mood": "50% a_b"}}),
        json!({"type": 3, "occupants_ids": [bob.id]}),
        json!({"type": 4, "name": "lobby 2"}),
    ];
    let mut ids = vec![];
    for dialog in made {
        ids.push(alice.post("/chat/Dialog", dialog).await.field("_id"));
        chat.hands.advance(std::time::Duration::from_secs(10));
    }
    bob.write(&ids[2], "hello").await;
    ids.try_into().unwrap()
}

/// Which of `all` the list holds, in its order: the first one is `a`.
async fn letters(person: &Person, all: &[String], query: &str) -> String {
    let letter = |id: String| (b'a' + all.iter().position(|one| *one == id).unwrap() as u8) as char;
    ids(person, query).await.into_iter().map(letter).collect()
}

/// What Alice asks of the dialogs of [`some`], and what she gets.
const FILTERED: &[(&str, &str)] = &[
    ("", "cdba"),
    ("type=2", "ba"),
    ("type[in]=2,3", "cba"),
    ("type[in]=2%2C3", "cba"),
    ("type[in][]=2&type[in][]=3", "cba"),
    ("type%5Bnin%5D=2,3", "d"),
    ("type[gt]=2&type[lt]=4", "c"),
    ("type[ne]=2&unknown[gt]=5&other=x", "cd"),
    ("type[all]=2", "ba"),
    ("type[all]=2,3", ""),
    ("type[ctn]=4", "d"),
    ("type=null&name=undefined", "cdba"),
    ("type[gt]=&updated_at[lt]=null&name[ctn]=", "cdba"),
    ("name=lobby", "a"),
    ("name[ctn]=lobby", "da"),
    ("name[ctn]=Lobby", ""),
    ("name=Tea, or coffee?", "b"),
    ("name[in]=lobby,lobby 2", "da"),
    ("name[ctn]=%25", ""),
    ("name[ctn]=_", ""),
    ("name[ctn]=.*", ""),
    ("name[ctn]=' OR '1'='1", ""),
    ("name=Bob", "c"),
    ("name[ctn]=o", "cdba"),
    ("name[nin]=lobby,Bob", "db"),
    ("name[gt]=C&name[lt]=m", "dba"),
    ("extensions[city]=Rome", "a"),
    ("extensions[city][in]=Rome,Paris", "ba"),
    ("extensions[city][ne]=Rome", "cdb"),
    ("extensions[city][gte]=Q", "a"),
    ("extensions[mood][ctn]=%25 a_", "b"),
    ("extensions[mood][ctn]=%25b", ""),
    ("extensions[other]=x", ""),
    ("extensions[other][ne]=x", "cdba"),
    ("created_at[gt]=1700000000", "cdb"),
    ("created_at[gte]=1700000000000", "cdba"),
    ("created_at[lt]=2023-11-14T22:13:30Z", "a"),
    ("created_at[lte]=2023-11-14T22:13:30.000Z", "ba"),
    ("created_at[ctn]=22:13:3", "b"),
    ("created_at=Tue Nov 14 2023 22:13:40 GMT%2B0000 (Coordinated Universal Time)", "c"),
    ("updated_at[gt]=1700000030", "c"),
    ("last_message_date_sent=1700000040", "c"),
    ("last_message_date_sent[ne]=1700000040", "dba"),
    ("last_message_date_sent[ctn]=0004", "c"),
    ("last_message_date_sent[gt]=0", "c"),
    ("sort_asc=last_message_date_sent", "abdc"),
    ("sort_desc=date_sent", "cdba"),
    ("sort_asc=created_at", "abcd"),
    ("sort_desc=created_at", "dcba"),
    ("sort_asc=updated_at", "abdc"),
    ("sort_asc=created_at&skip=1&limit=2&type[ne]=9", "bc"),
];

#[tokio::test]
async fn a_list_is_filtered_by_every_field() {
    let chat = Chat::with(4, |_| {});
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let all = some(&chat, [&alice, &bob, &carol]).await;
    let (bob_id, carol_id) = (bob.id, carol.id);
    for (query, expected) in FILTERED {
        let query = query.replace(' ', "%20");
        assert_eq!(letters(&alice, &all, &query).await, *expected, "{query}");
    }
    for (query, expected) in [
        (format!("occupants_ids={bob_id}"), "cba"),
        (format!("occupants_ids={carol_id}"), "b"),
        (format!("occupants_ids[in]={carol_id},999"), "b"),
        (format!("occupants_ids[all]={bob_id},{carol_id}"), "b"),
        (format!("occupants_ids[all]={bob_id},0"), ""),
        (format!("occupants_ids[ne]={carol_id}"), "cda"),
        (format!("occupants_ids[nin]={bob_id},{carol_id}"), "d"),
        (format!("_id[gt]={}&_id[lte]={}", "0".repeat(24), "f".repeat(24)), "cdba"),
        (format!("_id[ne]={}", all[2]), "dba"),
        (format!("_id[nin]={},{}", all[2], all[0]), "db"),
        (format!("_id[ctn]={}", &all[2][4..]), "c"),
        (format!("_id={},{}&type=2", all[2], all[0]), "a"),
        (format!("_id[all]={0},{0}", all[1]), "b"),
        (format!("_id[all]={},{}", all[1], all[0]), ""),
    ] {
        assert_eq!(letters(&alice, &all, &query).await, expected, "{query}");
    }
    let counted = alice.get("/chat/Dialog?type[in]=2,3&count=1&limit=1").await;
    assert_eq!(counted.to_string(), r#"200 {"items":{"count":3}}"#);
    let part = alice.get("/chat/Dialog?type[in]=2,3&limit=1&skip=1").await.json();
    assert_eq!((&part["total_entries"], &part["items"][0]["_id"]), (&json!(3), &json!(all[1])));
    assert_eq!(letters(&carol, &all, "").await, "b", "a filter shows nobody more");
    assert_eq!(letters(&carol, &all, &format!("_id={}", all.join(","))).await, "b");
    assert_eq!(letters(&bob, &all, "name=Alice").await, "c", "each sees the other's name");
}

#[tokio::test]
async fn a_filter_that_means_nothing_is_refused() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let mut shown = String::new();
    for query in [
        "type=two",
        "type[in]=2,x",
        "type[like]=2",
        "type[in][x]=2",
        "created_at=yesterday",
        "updated_at[gt]=2018-02-30",
        "last_message_date_sent[lt][]=5",
        "occupants_ids[gt]=5",
        "occupants_ids[ctn]=5",
        "occupants_ids=x",
        "extensions=x",
        "extensions[city][like]=x",
        "_id[x][y]=1",
        "_id=a&_id[in]=b",
        "name[ctn]=a%00b",
        "sort_asc=name",
        "sort_desc[]=created_at",
        "limit=ten",
        "skip[]=1",
        "count=2",
    ] {
        shown.push_str(&format!("{query}: {}\n", alice.get(&format!("/chat/Dialog?{query}")).await));
    }
    insta::assert_snapshot!(shown, @r#"
    type=two: 422 {"errors":{"type":["must be an integer"]}}
    type[in]=2,x: 422 {"errors":{"type":["must be an integer"]}}
    type[like]=2: 422 {"errors":{"type":["has an unknown operator"]}}
    type[in][x]=2: 422 {"errors":{"type":["must be a value or a list of values"]}}
    created_at=yesterday: 422 {"errors":{"created_at":["must be unix seconds or an ISO-8601 date"]}}
    updated_at[gt]=2018-02-30: 422 {"errors":{"updated_at":["must be unix seconds or an ISO-8601 date"]}}
    last_message_date_sent[lt][]=5: 422 {"errors":{"last_message_date_sent":["must be a single value"]}}
    occupants_ids[gt]=5: 422 {"errors":{"occupants_ids":["can only be tested with in, nin, ne and all"]}}
    occupants_ids[ctn]=5: 422 {"errors":{"occupants_ids":["can only be tested with in, nin, ne and all"]}}
    occupants_ids=x: 422 {"errors":{"occupants_ids":["must be an integer"]}}
    extensions=x: 422 {"errors":{"extensions":["must be an object"]}}
    extensions[city][like]=x: 422 {"errors":{"extensions":["has an unknown operator"]}}
    _id[x][y]=1: 422 {"errors":{"_id":["has an unknown operator"]}}
    _id=a&_id[in]=b: 422 {"errors":{"_id":["is given in two ways that exclude each other"]}}
    name[ctn]=a%00b: 422 {"errors":{"name":["must not contain a NUL character"]}}
    sort_asc=name: 422 {"errors":{"sort_asc":["is not a field that dialogs are sorted by"]}}
    sort_desc[]=created_at: 422 {"errors":{"sort_desc":["must be the name of a field"]}}
    limit=ten: 422 {"errors":{"limit":["must be an integer"]}}
    skip[]=1: 422 {"errors":{"skip":["must be an integer"]}}
    count=2: 422 {"errors":{"count":["must be true or false"]}}
    "#);
    let many = |name: &str| {
        let numbers: Vec<_> = (1..=101).map(|number| number.to_string()).collect();
        format!("/chat/Dialog?{name}={}", numbers.join(","))
    };
    for name in ["_id", "_id[nin]", "type", "type[in]", "occupants_ids[all]", "name[in]", "created_at[in]"] {
        assert_eq!(alice.get(&many(name)).await.status, 422, "{name}");
    }
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
