//! The walk that every newcomer takes: sign-up, two users, a group, ten messages, unread,
//! read, edit and delete, spelt as the API document's `curl` lines spell them.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, each_topology};

const FORM: &str = "application/x-www-form-urlencoded";

/// `curl -X GET -d '<form>'`: parameters in the body of a GET.
async fn get_with_form(person: &Person, path: &str, form: &str) -> Answer {
    let request = person.request(Method::GET, path).header("Content-Type", FORM).body(form.to_owned());
    Answer::to(request).await
}

fn keys(object: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = object.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[tokio::test]
async fn two_users_a_group_and_ten_messages() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;

        let group = alice
            .post_to(
                "chat/Dialog",
                &json!({ "type": 2, "name": "Hawaii party", "occupants_ids": [bob.id()] }),
            )
            .await
            .is(201)
            .json();
        assert_eq!(group["type"], 2);
        assert_eq!(group["name"], "Hawaii party");
        assert_eq!(group["user_id"], alice.id());
        assert_eq!(group["occupants_ids"], json!([alice.id(), bob.id()]));
        assert_eq!(group["admins_ids"], json!([]));
        assert_eq!(group["last_message"], Value::Null);
        let dialog = group["_id"].as_str().unwrap().to_owned();
        assert_eq!(group["xmpp_room_jid"], format!("7_{dialog}@muc.localhost"));

        let mut ids = vec![];
        for number in 1..=10 {
            ids.push(alice.post(&dialog, &format!("message {number}")).await);
        }
        assert_eq!(bob.unread(&dialog).await, 10);
        assert_eq!(alice.unread(&dialog).await, 0);
        assert_eq!(bob.unread_total().await, 10);

        let seen = bob.dialog(&dialog).await.unwrap();
        assert_eq!(seen["unread_messages_count"], 10);
        assert_eq!(seen["last_message"], "message 10");
        assert_eq!(seen["last_message_id"], json!(ids[9]));
        assert_eq!(seen["last_message_user_id"], alice.id());
        assert_eq!(seen["last_message_status"], Value::Null);
        assert_eq!(alice.dialog(&dialog).await.unwrap()["last_message_status"], "sent");

        let listed =
            get_with_form(&bob, "chat/Message", &format!("chat_dialog_id={dialog}")).await.is(200).json();
        assert_eq!(keys(&listed), ["items", "limit", "skip"]);
        assert_eq!((&listed["skip"], &listed["limit"]), (&json!(0), &json!(100)));
        let items = listed["items"].as_array().unwrap();
        assert_eq!(items.iter().map(|message| message["_id"].as_str().unwrap()).collect::<Vec<_>>(), ids);
        assert_eq!(items[0]["read_ids"], json!([alice.id(), bob.id()]), "the page shows what it has marked");
        assert_eq!(bob.unread(&dialog).await, 0);
        assert_eq!(alice.dialog(&dialog).await.unwrap()["last_message_status"], "read");

        alice.edit(&dialog, &ids[9], "message ten").await;
        let last = bob.peek(&dialog).await.pop().unwrap();
        assert_eq!(last["message"], "message ten");
        assert!(last["edited_at"].is_string(), "{last}");
        assert_eq!(bob.dialog(&dialog).await.unwrap()["last_message"], "message ten");

        bob.hide(&ids[0]).await;
        alice.remove(&ids[9]).await;
        assert_eq!((bob.peek(&dialog).await.len(), alice.peek(&dialog).await.len()), (8, 9));
        assert_eq!(alice.dialog(&dialog).await.unwrap()["last_message"], "message 9");

        alice.delete(&format!("chat/Dialog/{dialog}"), true).await.is(200);
        assert_eq!((alice.dialogs().await.len(), bob.dialogs().await.len()), (0, 0));
        bob.get(&format!("chat/Message?chat_dialog_id={dialog}")).await.is(404);
        chat.verify().await;
    })
    .await;
}

#[tokio::test]
async fn every_spelling_of_a_path_and_its_parameters() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        // Ids as one string with blanks, numbers as strings, the suffix, lower case.
        let body = json!({ "type": "2", "name": "spellings", "occupants_ids": format!("{}, {}", alice.id(), bob.id()) });
        let dialog = alice.post_to("chat/dialog.json", &body).await.is(201).json();
        assert_eq!(dialog["occupants_ids"], json!([alice.id(), bob.id()]));
        let dialog = dialog["_id"].as_str().unwrap().to_owned();

        let form = format!("chat_dialog_id={dialog}&message=a+%26+b&send_to_chat=1&color=red");
        let request = alice.request(Method::POST, "chat/message.json").header("Content-Type", FORM).body(form);
        let message = Answer::to(request).await.is(201).json();
        assert_eq!((&message["message"], &message["color"]), (&json!("a & b"), &json!("red")));
        assert!(message["send_to_chat"].is_null(), "a switch is no custom parameter");

        for path in ["chat/Dialog", "chat/dialog", "chat/Dialog.json?", "chat/dialog.json?limit=5"] {
            let list = bob.get(path).await.is(200).json();
            assert_eq!(keys(&list), ["items", "limit", "skip", "total_entries"], "{path}");
            assert_eq!(list["total_entries"], 1, "{path}");
        }
        for filter in ["_id=", "_id[]=", "_id[in]=", "_id%5Bin%5D=0123456789abcdef01234567%2C"] {
            assert_eq!(bob.get(&format!("chat/Dialog?{filter}{dialog}")).await.is(200).json()["total_entries"], 1);
        }
        let count = get_with_form(&bob, "chat/Dialog", "count=1").await.is(200).json();
        assert_eq!(count, json!({ "items": { "count": 1 } }));
        let count = bob.get(&format!("chat/Message.json?chat_dialog_id={dialog}&count=true")).await.is(200).json();
        assert_eq!(count, json!({ "items": { "count": 1 } }));
        let unread = bob.get(&format!("chat/Message/unread.json?chat_dialog_ids={dialog}%2C%20{dialog}")).await;
        assert_eq!(unread.is(200).json(), json!({ "total": 1, dialog.clone(): 1 }));

        let id = message["_id"].as_str().unwrap();
        let request = alice.request(Method::DELETE, &format!("chat/Message/{id}.json"));
        let request = request.header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8").body("force=1");
        let deleted = Answer::to(request).await.is(200).json();
        assert_eq!(keys(&deleted), ["NotFound", "SuccessfullyDeleted", "WrongPermissions"]);
        assert_eq!(bob.peek(&dialog).await, Vec::<Value>::new());
    })
    .await;
}

#[tokio::test]
async fn sorts_pages_and_attachments() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_private(&bob).await;
        let photo = json!({ "type": "image", "id": "47863", "url": "https://example.org/a.png", "size": 12 });
        let parameters =
            json!({ "attachments": { "7": { "type": "video" }, "0": photo }, "deep": { "a": [1, "2"] } });
        let first = alice.post_message(&dialog, &parameters).await.is(201).json();
        assert_eq!(first["attachments"], json!([photo, { "type": "video" }]));
        assert_eq!(first["deep"], json!({ "a": [1, "2"] }));
        assert_eq!(first["recipient_id"], bob.id());
        assert_eq!(
            (&first["read_ids"], &first["delivered_ids"]),
            (&json!([alice.id()]), &json!([alice.id()]))
        );
        assert_eq!(
            (&first["read"], &first["reactions"], &first["edited_at"]),
            (&json!(0), &Value::Null, &Value::Null)
        );

        alice.post_each(&dialog, ["b", "c", "d"]).await;
        let page = async |order: &str| {
            let path = format!("chat/Message?chat_dialog_id={dialog}&mark_as_read=0&limit=2&skip=1&{order}");
            let list = alice.get(&path).await.is(200).json();
            let texts =
                list["items"].as_array().unwrap().iter().map(|item| item["message"].clone()).collect();
            Value::Array(texts)
        };
        assert_eq!(page("sort_asc=date_sent").await, json!(["b", "c"]));
        assert_eq!(page("sort_desc=date_sent").await, json!(["c", "b"]));

        bob.read_all(&dialog).await;
        let listed = alice.peek(&dialog).await;
        assert!(listed.iter().all(|message| message["read"] == 1), "{listed:?}");
        assert_eq!(
            alice.dialog(&dialog).await.unwrap()["name"],
            "bob",
            "a private dialog is named by the other"
        );
        assert_eq!(bob.dialog(&dialog).await.unwrap()["name"], "alice");
    })
    .await;
}

#[tokio::test]
async fn sessions_begin_and_end() {
    each_topology(async |chat: Chat| {
        let alice = chat.user("alice").await;
        let session = alice.get("session").await.is(200);
        assert!(!session.header("CB-Token-ExpirationDate").is_empty());
        assert_eq!(session.json()["session"]["user"]["login"], "alice");
        let user = alice.get(&format!("users/{}", alice.id())).await.is(200).json();
        assert_eq!(user["user"]["full_name"], "alice");

        let none = chat.api().get("chat/Dialog").await.is(401);
        assert_eq!(none.json(), json!({ "errors": ["Token is required"] }));
        let wrong = chat.try_sign_in("alice", "another password").await.is(401);
        assert_eq!(wrong.json(), json!({ "errors": ["Invalid password"] }));

        alice.delete("session", false).await.is(200);
        let ended = alice.get("chat/Dialog.json").await.is(401);
        assert_eq!(ended.json(), json!({ "errors": { "base": ["Required session does not exist"] } }));
        chat.sign_in("alice").await.get("chat/Dialog").await.is(200);
    })
    .await;
}

#[tokio::test]
async fn a_write_says_where_it_stands_and_a_read_can_wait_for_it() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("positions", [&bob]).await;
        let posted = alice.post_message(&dialog, &json!({ "message": "here" })).await.is(201);
        let position = posted.header("Log-Position").to_owned();
        assert!(!position.is_empty());
        let read = async |position: &str| {
            let path = format!("chat/Message?chat_dialog_id={dialog}");
            Answer::to(bob.request(Method::GET, &path).header("Min-Log-Position", position)).await
        };
        assert_eq!(read(&position).await.is(200).json()["items"].as_array().unwrap().len(), 1);
        read("nonsense").await.is(400);
        let elsewhere = Chat::start(chat.setup().clone()).await;
        let carol = elsewhere.user("carol").await;
        let foreign = carol.create(&json!({ "type": 4, "name": "other" })).await;
        let foreign = carol.post_message(&foreign, &json!({ "message": "there" })).await.is(201);
        read(foreign.header("Log-Position")).await.is(422);
    })
    .await;
}
