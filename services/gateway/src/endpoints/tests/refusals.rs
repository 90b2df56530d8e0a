//! What is malformed or not allowed: 4xx in the API's shape, and nothing changes.

use http::Method;
use serde_json::{Value, json};

use crate::testing::chat::{Chat, Person};

/// Every endpoint that needs a user, by method and path.
const OF_USERS: [(Method, &str); 23] = [
    (Method::POST, "/chat/Dialog"),
    (Method::GET, "/chat/Dialog"),
    (Method::PUT, "/chat/Dialog/5c094c0ce588ce6856f87422"),
    (Method::DELETE, "/chat/Dialog/5c094c0ce588ce6856f87422"),
    (Method::DELETE, "/chat/Dialog/5c094c0ce588ce6856f87422,5c094c0ce588ce6856f87423"),
    (Method::DELETE, "/chat/Dialog/clearHistory/5c094c0ce588ce6856f87422"),
    (Method::POST, "/chat/Dialog/5c094c0ce588ce6856f87422/subscribe"),
    (Method::DELETE, "/chat/Dialog/5c094c0ce588ce6856f87422/subscribe"),
    (Method::PUT, "/chat/Dialog/5c094c0ce588ce6856f87422/admins"),
    (Method::PUT, "/chat/Dialog/5c094c0ce588ce6856f87422/notifications"),
    (Method::POST, "/chat/Dialog/5c094c0ce588ce6856f87422/block"),
    (Method::DELETE, "/chat/Dialog/5c094c0ce588ce6856f87422/block"),
    (Method::POST, "/chat/Message"),
    (Method::POST, "/chat/Message/system"),
    (Method::PUT, "/chat/Message/5c094c0ce588ce6856f87422/reactions"),
    (Method::GET, "/chat/Message"),
    (Method::GET, "/chat/Message/unread"),
    (Method::GET, "/chat/Message/5c094c0ce588ce6856f87422/reactions"),
    (Method::GET, "/chat/search"),
    (Method::PUT, "/chat/Message"),
    (Method::PUT, "/chat/Message/5c094c0ce588ce6856f87422"),
    (Method::DELETE, "/chat/Message/5c094c0ce588ce6856f87422"),
    (Method::DELETE, "/chat/Message/5c094c0ce588ce6856f87422,5c094c0ce588ce6856f87423"),
];

#[tokio::test]
async fn every_endpoint_of_users_asks_who_it_is_first() {
    let chat = Chat::new();
    let app = chat.session(None).await;
    for (method, uri) in OF_USERS {
        for (person, expected) in [
            (chat.stranger(""), r#"401 {"errors":["Token is required"]}"#),
            (chat.stranger("x"), r#"401 {"errors":{"base":["Required session does not exist"]}}"#),
            (
                chat.stranger(&"0".repeat(40)),
                r#"401 {"errors":{"base":["Required session does not exist"]}}"#,
            ),
            (app.clone(), r#"403 {"errors":{"base":["Forbidden. Need user."]}}"#),
        ] {
            let refused = person.send(method.clone(), uri, "{broken").await;
            assert_eq!(refused.to_string(), expected, "{method} {uri}");
        }
    }
}

#[tokio::test]
async fn every_endpoint_refuses_what_is_no_request() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    for (method, uri) in OF_USERS {
        for (body, expected) in [
            (&b"{\"a\":"[..], 400),
            (b"[]", 400),
            (b"a=%ff", 400),
            (b"{\"a\":\"\\u0000\"}", 422),
            (b"a=%00", 422),
            (b"a=1&a[b]=2", 422),
        ] {
            let refused = alice.send(method.clone(), uri, body.to_vec()).await;
            assert_eq!(refused.status, expected, "{method} {uri} {refused}");
            assert!(refused.json()["errors"].is_array() || refused.json()["errors"].is_object());
        }
        let long = alice.send(method.clone(), uri, " ".repeat(crate::testing::BODY_BYTES_MAX + 1)).await;
        assert_eq!(long.status, 413, "{method} {uri}");
    }
    assert_eq!(
        alice.get("/chat/Dialog/5c094c0ce588ce6856f87422").await.to_string(),
        r#"404 {"errors":["Not found"]}"#
    );
}

/// What each of `bodies` is answered, a line each; afterwards nothing has changed.
async fn refused(person: &Person, method: Method, uri: &str, bodies: Vec<Value>) -> String {
    let before = person.get("/chat/Dialog").await.body;
    let mut shown = String::new();
    for body in bodies {
        let answer = person.send(method.clone(), uri, body.to_string()).await;
        assert!((400..500).contains(&answer.status), "{body} {answer}");
        shown.push_str(&format!("{answer}\n"));
    }
    assert_eq!(person.get("/chat/Dialog").await.body, before);
    shown
}

#[tokio::test]
async fn a_dialog_that_may_not_be_made_is_refused() {
    let chat = Chat::with(1, |parts| {
        parts.limits.occupants_max = 2;
        parts.limits.occupants_per_call_max = 10;
    });
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let (b, c) = (bob.id, carol.id);
    let shown = refused(
        &alice,
        Method::POST,
        "/chat/Dialog",
        vec![
            json!({}),
            json!({"type": 5, "name": "x"}),
            json!({"type": "two", "name": "x"}),
            json!({"type": 2, "occupants_ids": [b]}),
            json!({"type": 4, "name": "  "}),
            json!({"type": 1, "name": ["x"]}),
            json!({"type": 2, "name": "x"}),
            json!({"type": 2, "name": "x", "occupants_ids": []}),
            json!({"type": 2, "name": "x", "occupants_ids": [b, "b"]}),
            json!({"type": 2, "name": "x", "occupants_ids": [-1]}),
            json!({"type": 2, "name": "x", "occupants_ids": {"x": 1}}),
            json!({"type": 2, "name": "x", "occupants_ids": [b, 999]}),
            json!({"type": 2, "name": "x", "occupants_ids": "1,2,3,4,5,6,7,8,9,10,11"}),
            json!({"type": 2, "name": "x", "occupants_ids": [b, c]}),
            json!({"type": 2, "name": "x", "occupants_ids": [b], "admins_ids": [c]}),
            json!({"type": 4, "name": "x", "admins_ids": [999]}),
            json!({"type": 2, "name": "x".repeat(201), "occupants_ids": [b]}),
            json!({"type": 4, "name": "x", "photo": "x".repeat(1_001)}),
            json!({"type": 4, "name": "x", "description": "x".repeat(2_001)}),
            json!({"type": 4, "name": "x", "extensions": {"city": "x".repeat(501)}}),
            json!({"type": 4, "name": "x", "extensions": "x"}),
            json!({"type": 4, "name": "x", "permissions": {"allow_preview": "maybe"}}),
        ],
    )
    .await;
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"type":["is required"]}}
    422 {"errors":{"type":["must be 1, 2, 3 or 4"]}}
    422 {"errors":{"type":["must be an integer"]}}
    422 {"errors":{"name":["is required"]}}
    422 {"errors":{"name":["can't be blank"]}}
    422 {"errors":{"name":["must be text"]}}
    422 {"errors":{"occupants_ids":["is required"]}}
    422 {"errors":{"occupants_ids":["is required"]}}
    422 {"errors":{"occupants_ids":["must be a list of user ids"]}}
    422 {"errors":{"occupants_ids":["must be a list of user ids"]}}
    422 {"errors":{"occupants_ids":["must be a list"]}}
    422 {"errors":{"occupants_ids":["Occupants with these IDs do not exist."]}}
    422 {"errors":{"occupants_ids":["has too many entries (maximum is 10)"]}}
    422 {"errors":{"occupants_ids":["has too many entries (maximum is 2)"]}}
    422 {"errors":{"admins_ids":["must be occupants of the dialog"]}}
    422 {"errors":{"occupants_ids":["Occupants with these IDs do not exist."]}}
    422 {"errors":{"name":["is too long (maximum is 200 characters)"]}}
    422 {"errors":{"photo":["is too long (maximum is 1000 characters)"]}}
    422 {"errors":{"description":["is too long (maximum is 2000 characters)"]}}
    422 {"errors":{"extensions":["is too long (maximum is 500 characters)"]}}
    422 {"errors":{"extensions":["must be an object"]}}
    422 {"errors":{"allow_preview":["must be true or false"]}}
    "#);
}

#[tokio::test]
async fn a_private_dialog_or_broadcast_that_may_not_be_made_is_refused() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let bodies = vec![
        json!({"type": 3}),
        json!({"type": 3, "occupants_ids": [alice.id]}),
        json!({"type": 3, "occupants_ids": [bob.id, carol.id]}),
        json!({"type": 3, "occupants_ids": [999]}),
    ];
    insta::assert_snapshot!(refused(&alice, Method::POST, "/chat/Dialog", bodies).await, @r#"
    422 {"errors":{"occupants_ids":["Occupants_ids is missing opponent ID."]}}
    422 {"errors":{"occupants_ids":["occupants_ids field must contain an opponent user id"]}}
    422 {"errors":{"occupants_ids":["Too many occupants for Private Dialog."]}}
    422 {"errors":{"occupants_ids":["Occupants with these IDs do not exist."]}}
    "#);
    let chat = Chat::ruled(|rules| rules.broadcast_creation = false);
    let alice = chat.user("alice").await;
    let shown = refused(&alice, Method::POST, "/chat/Dialog", vec![json!({"type": 1, "name": "x"})]).await;
    insta::assert_snapshot!(shown, @r#"403 {"errors":["You do not have appropriate permissions. Broadcast dialogs can be created only via Admin panel."]}"#);
}

#[tokio::test]
async fn a_change_that_may_not_be_is_refused() {
    let chat = Chat::with(1, |parts| parts.limits.occupants_max = 2);
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = alice.group(&[&bob]).await;
    let private =
        alice.post("/chat/Dialog", json!({"type": 3, "occupants_ids": [bob.id]})).await.field("_id");
    let shown = refused(
        &alice,
        Method::PUT,
        &format!("/chat/Dialog/{dialog}"),
        vec![
            json!({"name": ""}),
            json!({"name": null}),
            json!({"name": "x", "push_all": {"occupants_ids": [999]}}),
            json!({"name": "x", "push_all": {"occupants_ids": [carol.id]}}),
            json!({"name": "x", "push_all": {"admins_ids": [carol.id]}}),
            json!({"name": "x", "pull_all": {"pinned_messages_ids": ["a"]}}),
            json!({"name": "x", "push_all": [1]}),
            json!({"name": "x", "pull_all": {"occupants_ids": ["x"]}}),
            json!({"name": "x", "photo": {}}),
            json!({"name": "x", "extensions": [1]}),
        ],
    )
    .await;
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"name":["can't be blank"]}}
    422 {"errors":{"name":["can't be blank"]}}
    422 {"errors":{"occupants_ids":["Occupants with these IDs do not exist."]}}
    422 {"errors":{"occupants_ids":["has too many entries (maximum is 2)"]}}
    422 {"errors":{"admins_ids":["must be occupants of the dialog"]}}
    422 {"errors":{"pinned_messages_ids":["must be messages of the dialog"]}}
    422 {"errors":{"push_all":["must be an object"]}}
    422 {"errors":{"occupants_ids":["must be a list of user ids"]}}
    422 {"errors":{"photo":["must be text"]}}
    422 {"errors":{"extensions":["must be an object"]}}
    "#);
    let shown = refused(
        &alice,
        Method::PUT,
        &format!("/chat/Dialog/{private}"),
        vec![
            json!({"push_all": {"occupants_ids": [carol.id]}}),
            json!({"pull_all": {"occupants_ids": [alice.id]}}),
        ],
    )
    .await;
    insta::assert_snapshot!(shown, @r#"
    403 {"errors":["Updating occupants_ids is possible only for 'group' and 'public' chat dialogs"]}
    403 {"errors":["Updating occupants_ids is possible only for 'group' and 'public' chat dialogs"]}
    "#);
    for id in ["x", "5c094c0ce588ce6856f87422", "012345678901234567890123"] {
        let shown =
            refused(&alice, Method::PUT, &format!("/chat/Dialog/{id}"), vec![json!({"name": "x"})]).await;
        assert_eq!(shown, "404 {\"errors\":[\"The resource wasn't found\"]}\n", "{id}");
    }
}

#[tokio::test]
async fn a_message_that_may_not_be_is_refused() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let d = alice.group(&[&bob]).await;
    let many: Vec<_> = (0..21).map(|_| json!({"type": "x"})).collect();
    let shown = refused(
        &alice,
        Method::POST,
        "/chat/Message",
        vec![
            json!({"message": "x"}),
            json!({"chat_dialog_id": "x", "message": "x"}),
            json!({"chat_dialog_id": [d], "message": "x"}),
            json!({"chat_dialog_id": "5c094c0ce588ce6856f87422", "message": "x"}),
            json!({"recipient_id": 999, "message": "x"}),
            json!({"recipient_id": "x", "message": "x"}),
            json!({"recipient_id": alice.id, "message": "x"}),
            json!({"chat_dialog_id": d}),
            json!({"chat_dialog_id": d, "message": "", "attachments": [], "markable": 1}),
            json!({"chat_dialog_id": d, "message": {"a": 1}}),
            json!({"chat_dialog_id": d, "message": "x".repeat(10_001)}),
            json!({"chat_dialog_id": d, "attachments": "x"}),
            json!({"chat_dialog_id": d, "attachments": ["x"]}),
            json!({"chat_dialog_id": d, "attachments": {"x": {}}}),
            json!({"chat_dialog_id": d, "attachments": many}),
            json!({"chat_dialog_id": d, "attachments": [{"x": "x".repeat(10_240)}]}),
            json!({"chat_dialog_id": d, "x": "x".repeat(10_240)}),
            json!({"chat_dialog_id": d, "x": [[[[[[1]]]]]]}),
            json!({"chat_dialog_id": d, "message": "x", "markable": "maybe"}),
            json!({"chat_dialog_id": d, "message": "x", "_id": "x".repeat(256)}),
            json!({"chat_dialog_id": d, "message": "x", "_id": ["x"]}),
        ],
    )
    .await;
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"chat_dialog_id":["is required"]}}
    422 {"errors":{"chat_dialog_id":["is not the id of a dialog"]}}
    422 {"errors":{"chat_dialog_id":["must be text"]}}
    404 {"errors":["The resource wasn't found"]}
    422 {"errors":{"recipient_id":["is not the id of a user"]}}
    422 {"errors":{"recipient_id":["is not the id of a user"]}}
    422 {"errors":{"recipient_id":["must be another user"]}}
    422 {"errors":{"message":["can't be blank"]}}
    422 {"errors":{"message":["can't be blank"]}}
    422 {"errors":{"message":["must be text"]}}
    422 {"errors":{"message":["is too long (maximum is 10000 characters)"]}}
    422 {"errors":{"attachments":["must be a list"]}}
    422 {"errors":{"attachments":["must be a list of objects"]}}
    422 {"errors":{"attachments":["must be a list"]}}
    422 {"errors":{"attachments":["has too many entries (maximum is 20)"]}}
    422 {"errors":{"attachments":["is too large (maximum is 10240 bytes)"]}}
    422 {"errors":{"custom_parameters":["is too large (maximum is 10240 bytes)"]}}
    422 {"errors":{"custom_parameters":["is nested too deeply (maximum is 5 levels)"]}}
    422 {"errors":{"markable":["must be true or false"]}}
    422 {"errors":{"_id":["is too long (maximum is 255 characters)"]}}
    422 {"errors":{"_id":["must be text"]}}
    "#);
}

#[tokio::test]
async fn an_update_that_may_not_be_is_refused() {
    let chat = Chat::new();
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let d = alice.group(&[&bob]).await;
    let shown = refused(
        &alice,
        Method::PUT,
        "/chat/Message",
        vec![
            json!({}),
            json!({"read": 1}),
            json!({"chat_dialog_id": d}),
            json!({"chat_dialog_id": d, "read": 0, "delivered": "0"}),
            json!({"chat_dialog_id": d, "read": "maybe"}),
            json!({"chat_dialog_id": "x", "read": 1}),
            json!({"chat_dialog_id": "5c094c0ce588ce6856f87422", "read": 1}),
        ],
    )
    .await;
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"base":["At least one of message, read and delivered is required"]}}
    422 {"errors":{"chat_dialog_id":["is required"]}}
    422 {"errors":{"base":["At least one of message, read and delivered is required"]}}
    422 {"errors":{"base":["At least one of message, read and delivered is required"]}}
    422 {"errors":{"read":["must be true or false"]}}
    422 {"errors":{"chat_dialog_id":["is not the id of a dialog"]}}
    404 {"errors":["The resource wasn't found"]}
    "#);
    let message = alice.write(&d, "hi").await;
    let shown = refused(
        &alice,
        Method::PUT,
        &format!("/chat/Message/{message}"),
        vec![
            json!({}),
            json!({"message": "", "read": 1}),
            json!({"message": "x".repeat(10_001)}),
            json!({"message": ["x"]}),
            json!({"read": 2}),
        ],
    )
    .await;
    insta::assert_snapshot!(shown, @r#"
    422 {"errors":{"base":["At least one of message, read and delivered is required"]}}
    422 {"errors":{"message":["can't be blank"]}}
    422 {"errors":{"message":["is too long (maximum is 10000 characters)"]}}
    422 {"errors":{"message":["must be text"]}}
    422 {"errors":{"read":["must be true or false"]}}
    "#);
}

#[tokio::test]
async fn a_history_that_cannot_be_had_is_refused() {
    let chat = Chat::new();
    let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
    let dialog = bob.group(&[&carol]).await;
    let own = alice.group(&[&bob]).await;
    let mut shown = String::new();
    for query in [
        String::new(),
        "chat_dialog_id=".to_owned(),
        "chat_dialog_id=x".to_owned(),
        "chat_dialog_id=5c094c0ce588ce6856f87422".to_owned(),
        format!("chat_dialog_id={dialog}"),
        format!("chat_dialog_id={dialog}&count=1"),
        format!("chat_dialog_id[in]={own}"),
        format!("chat_dialog_id={dialog}&preview=1"),
        "chat_dialog_id=5c094c0ce588ce6856f87422&preview=1".to_owned(),
        "chat_dialog_id=x&preview=1".to_owned(),
        format!("chat_dialog_id={dialog}&sender_id=1&sort_asc=_id"),
        format!("chat_dialog_id={own}&sort_desc=last_message_date_sent"),
        format!("chat_dialog_id={own}&sort_asc[]=_id"),
        format!("chat_dialog_id={own}&preview=maybe"),
        format!("chat_dialog_id={own}&limit=1.5"),
        format!("chat_dialog_id={own}&count=maybe"),
    ] {
        let query = query.replace(&dialog, "OTHERS").replace(&own, "OWN");
        let asked = query.replace("OTHERS", &dialog).replace("OWN", &own);
        shown.push_str(&format!("{query}: {}\n", alice.get(&format!("/chat/Message?{asked}")).await));
    }
    insta::assert_snapshot!(shown, @r#"
    : 422 {"errors":{"chat_dialog_id":["is required"]}}
    chat_dialog_id=: 422 {"errors":{"chat_dialog_id":["is required"]}}
    chat_dialog_id=x: 404 {"errors":["The resource wasn't found"]}
    chat_dialog_id=5c094c0ce588ce6856f87422: 404 {"errors":["The resource wasn't found"]}
    chat_dialog_id=OTHERS: 403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    chat_dialog_id=OTHERS&count=1: 403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    chat_dialog_id[in]=OWN: 422 {"errors":{"chat_dialog_id":["must be text"]}}
    chat_dialog_id=OTHERS&preview=1: 403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    chat_dialog_id=5c094c0ce588ce6856f87422&preview=1: 404 {"errors":["The resource wasn't found"]}
    chat_dialog_id=x&preview=1: 404 {"errors":["The resource wasn't found"]}
    chat_dialog_id=OTHERS&sender_id=1&sort_asc=_id: 403 {"errors":{"base":["You don't have appropriate permissions to perform this operation"]}}
    chat_dialog_id=OWN&sort_desc=last_message_date_sent: 422 {"errors":{"sort_desc":["must be date_sent, created_at, updated_at or _id"]}}
    chat_dialog_id=OWN&sort_asc[]=_id: 422 {"errors":{"sort_asc":["must be the name of a field"]}}
    chat_dialog_id=OWN&preview=maybe: 422 {"errors":{"preview":["must be true or false"]}}
    chat_dialog_id=OWN&limit=1.5: 422 {"errors":{"limit":["must be an integer"]}}
    chat_dialog_id=OWN&count=maybe: 422 {"errors":{"count":["must be true or false"]}}
    "#);
}

#[tokio::test]
async fn ids_in_a_path_are_counted() {
    let chat = Chat::new();
    let alice = chat.user("alice").await;
    let many: Vec<_> = (0..101).map(|number| number.to_string()).collect();
    let many = many.join(",");
    let expected = r#"422 {"errors":{"ids":["has too many entries (maximum is 100)"]}}"#;
    assert_eq!(alice.delete(&format!("/chat/Message/{many}")).await.to_string(), expected);
    assert_eq!(alice.delete(&format!("/chat/Dialog/{many}")).await.to_string(), expected);
    assert_eq!(alice.put(&format!("/chat/Message/{many}"), json!({"read": 1})).await.to_string(), expected);
    let unread = alice.get(&format!("/chat/Message/unread?chat_dialog_ids={many}")).await;
    assert_eq!(unread.status, 422);
    assert_eq!(alice.delete("/chat/Dialog/%20,").await.status, 404);
    assert_eq!(alice.delete("/chat/Message/x?force=maybe").await.status, 422);
}
