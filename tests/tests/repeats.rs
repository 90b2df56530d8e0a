//! Asking twice is doing once: repeated ids, named calls, lost answers, and two people who
//! open the same private dialog at once. And a name gives no right: no request by id touches a
//! message of a dialog that the caller is not in. Keeps invariant 6.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup, TOPOLOGIES, each_topology};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const NAME: &str = "5f0c8e7a1b2c3d4e5f607182";

fn named(text: &str) -> Value {
    json!({ "_id": NAME, "message": text })
}

/// The calls at once; their answers, in order.
async fn at_once(requests: Vec<reqwest::RequestBuilder>) -> Vec<Answer> {
    let mut calls = JoinSet::new();
    for (index, request) in requests.into_iter().enumerate() {
        calls.spawn(async move { (index, Answer::to(request).await) });
    }
    let mut answers = calls.join_all().await;
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

#[tokio::test]
async fn the_same_id_by_the_same_author_is_the_same_message() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("again", [&bob]).await;
        let first = alice.post_message(&dialog, &named("once")).await.is(201).json();
        assert_eq!(first["_id"], NAME);
        let tails = chat.tails().await;
        let again = alice.post_message(&dialog, &named("twice")).await.is(201).json();
        assert_eq!(again, first, "the thing as it is");
        let other = bob.post_message(&dialog, &named("mine")).await.is(422).json();
        assert_eq!(other, json!({ "errors": { "_id": ["has already been taken."] } }));
        assert_eq!(chat.tails().await, tails, "a repeated command appends nothing");

        let many = (0..16).map(|_| {
            let body = json!({ "chat_dialog_id": dialog, "_id": "5f0c8e7a1b2c3d4e5f607183", "message": "x" });
            alice.request(Method::POST, "chat/Message").json(&body)
        });
        for answer in at_once(many.collect()).await {
            assert_eq!(answer.is(201).json()["message"], "x");
        }
        assert_eq!(bob.texts(&dialog).await, ["once", "x"]);
        assert_eq!(bob.unread(&dialog).await, 2);
    })
    .await;
}

#[tokio::test]
async fn an_id_of_another_form_is_the_authors_own() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("stanzas", [&bob]).await;
        let stanza = json!({ "_id": "purple-7f3", "message": "from a stanza" });
        let first = alice.post_message(&dialog, &stanza).await.is(201).json();
        assert_eq!(first["_id"].as_str().unwrap().len(), 24);
        assert_eq!(alice.post_message(&dialog, &stanza).await.is(201).json()["_id"], first["_id"]);
        let theirs = bob.post_message(&dialog, &stanza).await.is(201).json();
        assert_ne!(theirs["_id"], first["_id"]);
        assert_eq!(alice.peek(&dialog).await.len(), 2);
    })
    .await;
}

/// The same new id in two dialogs at the same time: neither writer can know of the other.
#[tokio::test]
async fn the_same_id_into_two_dialogs_at_once_stops_nothing() {
    for topology in TOPOLOGIES {
        let chat = Chat::start(Setup::of(topology)).await;
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let mut dialogs = vec![];
        for number in 0..8 {
            dialogs.push(alice.create_group(&format!("group {number}"), [&bob]).await);
        }
        let post = |dialog: &String| {
            let body = json!({ "chat_dialog_id": dialog, "_id": NAME, "message": dialog });
            alice.request(Method::POST, "chat/Message").json(&body)
        };
        let answers = at_once(dialogs.iter().map(post).collect()).await;
        let mut kept = 0;
        for (dialog, answer) in dialogs.iter().zip(answers) {
            // Whoever comes after another is seen may be told that the name is taken.
            assert!([201, 422].contains(&answer.status), "{answer:?}");
            let expected: &[&String] = if answer.status == 201 { &[dialog] } else { &[] };
            assert_eq!(bob.texts(dialog).await.iter().collect::<Vec<_>>(), expected);
            kept += expected.len();
        }
        assert!(kept >= 1);

        // Named without its dialog, the oldest is meant; with it, that one and no other.
        let kept: Vec<&String> = {
            let mut kept = vec![];
            for dialog in &dialogs {
                if !alice.peek(dialog).await.is_empty() {
                    kept.push(dialog);
                }
            }
            kept
        };
        for dialog in &kept {
            alice.edit(dialog, NAME, &format!("edited {dialog}")).await;
        }
        for dialog in &kept {
            assert_eq!(bob.texts(dialog).await, [format!("edited {dialog}")]);
        }
        alice.post(&dialogs[0], "it goes on").await;
        chat.verify().await;
    }
}

#[tokio::test]
async fn a_named_call_is_done_once() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let create = |person: &Person, key: &str| {
            let body = json!({ "type": 2, "name": "once", "occupants_ids": [alice.id(), bob.id()] });
            person.request(Method::POST, "chat/Dialog").header("Idempotency-Key", key).json(&body)
        };
        let answers = at_once((0..8).map(|_| create(&alice, "make-it")).collect()).await;
        let ids: Vec<Value> =
            answers.into_iter().map(|answer| answer.is(201).json()["_id"].clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_ne!(
            Answer::to(create(&bob, "make-it")).await.is(201).json()["_id"],
            ids[0],
            "a name is its caller's"
        );
        assert_eq!(alice.dialogs().await.len(), 2);
        let dialog = ids[0].as_str().unwrap();

        let post = |key: &str| {
            let body = json!({ "chat_dialog_id": dialog, "message": "hello" });
            alice.request(Method::POST, "chat/Message").header("Idempotency-Key", key).json(&body)
        };
        let answers = at_once((0..8).map(|_| post("say-it")).collect()).await;
        let ids: Vec<Value> =
            answers.into_iter().map(|answer| answer.is(201).json()["_id"].clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(bob.unread(dialog).await, 1);
        assert_ne!(Answer::to(post("say-it-again")).await.is(201).json()["_id"], ids[0]);
        assert_eq!(bob.unread(dialog).await, 2);
        Answer::to(post("not a key")).await.is(400);
        Answer::to(post(&"k".repeat(129))).await.is(400);
    })
    .await;
}

/// A named call survives the server's end: what it remembers is read back from the log.
#[tokio::test]
async fn a_named_call_is_done_once_over_a_crash() {
    each_topology(async |mut chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("crash", [&bob]).await;
        let post = || {
            let body = json!({ "chat_dialog_id": dialog, "message": "hello" });
            alice.request(Method::POST, "chat/Message").header("Idempotency-Key", "say-it").json(&body)
        };
        let first = Answer::to(post()).await.is(201).json();
        chat.kill().await;
        chat.start_again().await;
        assert_eq!(Answer::to(post()).await.is(201).json()["_id"], first["_id"]);
        assert_eq!(bob.unread(&dialog).await, 1);
    })
    .await;
}

/// Write a whole request and go away without reading the answer.
async fn post_and_vanish(chat: &Chat, person: &Person, headers: &str, body: &Value) {
    let mut stream = TcpStream::connect(chat.api().address()).await.expect("the server accepts");
    let body = body.to_string();
    let request = format!(
        "POST /chat/Message HTTP/1.1\r\nHost: h\r\nCB-Token: {}\r\nContent-Type: application/json\r\n{headers}\
         Content-Length: {}\r\n\r\n{body}",
        person.token(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.expect("the server accepts");
}

#[tokio::test]
async fn a_retry_after_a_lost_answer_is_the_same_message() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("lost", [&bob]).await;
        for number in 0..10 {
            let mut body = json!({ "chat_dialog_id": dialog, "message": format!("text {number}") });
            let key = format!("Idempotency-Key: lost-{number}\r\n");
            let headers = if number % 2 == 0 { &key } else { "" };
            if number % 2 == 1 {
                body["_id"] = json!(format!("5f0c8e7a1b2c3d4e5f60718{number}"));
            }
            post_and_vanish(&chat, &alice, headers, &body).await;
            let mut retry = alice.request(Method::POST, "chat/Message").json(&body);
            if number % 2 == 0 {
                retry = retry.header("Idempotency-Key", format!("lost-{number}"));
            }
            Answer::to(retry).await.is(201);
        }
        let expected: Vec<String> = (0..10).map(|number| format!("text {number}")).collect();
        assert_eq!(bob.texts(&dialog).await, expected);
        assert_eq!(bob.unread(&dialog).await, 10);
    })
    .await;
}

#[tokio::test]
async fn two_people_who_meet_at_once_meet_in_one_dialog() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let open = |from: &Person, to: &Person| {
            from.request(Method::POST, "chat/Dialog")
                .json(&json!({ "type": 3, "occupants_ids": to.id().to_string() }))
        };
        let calls = (0..8).flat_map(|_| [open(&alice, &bob), open(&bob, &alice)]).collect();
        let ids: Vec<Value> =
            at_once(calls).await.iter().map(|answer| answer.json()["_id"].clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0] && id.is_string()), "{ids:?}");
        assert_eq!((alice.dialogs().await.len(), bob.dialogs().await.len()), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn first_messages_to_each_other_meet_in_one_dialog() {
    each_topology(async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let write = |from: &Person, to: &Person, number: usize| {
            let body = json!({ "recipient_id": to.id(), "message": format!("{} {number}", from.login()) });
            from.request(Method::POST, "chat/Message").json(&body)
        };
        let calls =
            (0..8).flat_map(|number| [write(&alice, &bob, number), write(&bob, &alice, number)]).collect();
        let messages: Vec<Value> =
            at_once(calls).await.into_iter().map(|answer| answer.is(201).json()).collect();
        let dialog = messages[0]["chat_dialog_id"].as_str().unwrap();
        assert!(messages.iter().all(|message| message["chat_dialog_id"] == dialog), "{messages:?}");
        assert_eq!((alice.unread(dialog).await, bob.unread(dialog).await), (8, 8));
        let seen = alice.texts(dialog).await;
        assert_eq!((seen.len(), &seen), (16, &bob.texts(dialog).await));
        assert_eq!(bob.create_private(&alice).await, dialog);
        let nobody = json!({ "recipient_id": 999_999, "message": "hello?" });
        alice.post_to("chat/Message", &nobody).await.is(422);
        let oneself = json!({ "recipient_id": alice.id(), "message": "note" });
        alice.post_to("chat/Message", &oneself).await.is(422);
    })
    .await;
}

/// Mallory knows every id and is in neither dialog; she has a group of her own in which she
/// uses the same message id.
#[tokio::test]
async fn an_id_gives_no_right() {
    each_topology(async |chat: Chat| {
        let [alice, bob, mallory] = chat.users(["alice", "bob", "mallory"]).await;
        let dialog = alice.create_group("inside", [&bob]).await;
        let message = alice.post_message(&dialog, &named("inside")).await.is(201).json();
        let own = mallory.create_group("outside", [&bob]).await;
        let before = (alice.peek(&dialog).await, alice.dialogs().await, chat.tails().await);

        mallory.get(&format!("chat/Message?chat_dialog_id={dialog}")).await.is(403);
        mallory.post_message(&dialog, &json!({ "message": "let me in" })).await.is(404);
        for body in [json!({ "read": 1 }), json!({ "delivered": 1 }), json!({ "message": "mine now" })] {
            mallory.put(&format!("chat/Message/{NAME}"), &body).await.is(404);
            for named in [&dialog, &own] {
                let mut body = body.clone();
                body["chat_dialog_id"] = json!(named);
                mallory.put(&format!("chat/Message/{NAME}"), &body).await.is(404);
            }
        }
        mallory.put("chat/Message", &json!({ "chat_dialog_id": dialog, "read": 1 })).await.is(404);
        for force in [false, true] {
            let answer = mallory.delete(&format!("chat/Message/{NAME}"), force).await.is(200).json();
            assert_eq!(answer["NotFound"]["ids"], json!([NAME]), "{answer}");
            mallory.delete(&format!("chat/Dialog/{dialog}"), force).await.is(404);
            let answer = mallory.delete(&format!("chat/Dialog/{dialog},{NAME}"), force).await.is(200).json();
            assert_eq!(answer["NotFound"]["ids"], json!([dialog, NAME]), "{answer}");
        }
        mallory.put(&format!("chat/Dialog/{dialog}"), &json!({ "name": "mine" })).await.is(404);
        let push = json!({ "push_all": { "occupants_ids": [mallory.id()] } });
        mallory.put(&format!("chat/Dialog/{dialog}"), &push).await.is(404);
        assert_eq!(mallory.dialog(&dialog).await, None);
        assert_eq!(mallory.unread(&dialog).await, 0);
        assert_eq!((alice.peek(&dialog).await, alice.dialogs().await, chat.tails().await), before);

        // The same name in a dialog of hers: another message, and each keeps to its own. Bob,
        // who sees both, names the oldest.
        mallory.post_message(&own, &named("outside")).await.is(201);
        mallory.remove(NAME).await;
        assert_eq!(
            (alice.texts(&dialog).await, mallory.texts(&own).await.len()),
            (vec!["inside".to_owned()], 0)
        );
        assert_eq!(message["_id"], NAME);
    })
    .await;
}
