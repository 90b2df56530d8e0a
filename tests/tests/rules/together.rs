//! Many at once: nothing is lost, nothing is doubled, no limit is passed.

use std::future::Future;

use serde_json::{Value, json};
use tests::{Answer, Chat, Person, each_topology};

use crate::ask::{change, each, id, ids, message, messages, proved, seen, subscribe};

/// How many do the same at once.
const MANY: usize = 12;

#[tokio::test]
async fn what_many_do_at_once_is_done() {
    each_topology(async |chat: Chat| {
        one_dialog_for_two(&chat).await;
        first_messages(&chat).await;
        messages_of_many(&chat).await;
        occupants_and_admins(&chat).await;
        subscriptions_and_reactions(&chat).await;
        chat.verify().await;
    })
    .await;
}

/// All of them at once; their answers in order.
async fn together<F: Future<Output = Answer>>(calls: impl IntoIterator<Item = F>) -> Vec<Answer> {
    futures::future::join_all(calls).await
}

/// So many people, who are signed up one after another.
async fn crowd(chat: &Chat, name: &str) -> Vec<Person> {
    let mut people = vec![];
    for number in 0..MANY {
        people.push(chat.user(&format!("{name}-{number}")).await);
    }
    people
}

async fn one_dialog_for_two(chat: &Chat) {
    for round in 0..3 {
        let (alice, bob) = (format!("pair-alice-{round}"), format!("pair-bob-{round}"));
        let [alice, bob] = chat.users([&*alice, &*bob]).await;
        let open = async |by: &Person, with: &Person| {
            by.post_to("chat/Dialog", &json!({ "type": 3, "occupants_ids": [with.id()] })).await
        };
        let both = together([open(&alice, &bob), open(&bob, &alice)]).await;
        let first = id(&both[0].clone().is(201).json());
        assert_eq!(id(&both[1].clone().is(201).json()), first);
        proved("CONSIST", [5]);
        let calls = (0..MANY).map(|n| if n % 2 == 0 { open(&alice, &bob) } else { open(&bob, &alice) });
        for answer in together(calls).await {
            assert_eq!(id(&answer.is(201).json()), first);
        }
        for person in [&alice, &bob] {
            assert_eq!(ids(&person.dialogs().await), [&*first]);
        }
        proved("CONSIST", [6]);
    }
}

async fn first_messages(chat: &Chat) {
    let [alice, bob] = chat.users(["first-alice", "first-bob"]).await;
    let write = async |by: &Person, to: &Person| {
        by.post_to("chat/Message", &json!({ "recipient_id": to.id(), "message": by.login() })).await
    };
    let both = together([write(&alice, &bob), write(&bob, &alice)]).await;
    let sent: Vec<Value> = both.into_iter().map(|answer| answer.is(201).json()).collect();
    let dialog = sent[0]["chat_dialog_id"].as_str().expect("a text");
    assert_eq!(sent[1]["chat_dialog_id"], dialog);
    for person in [&alice, &bob] {
        assert_eq!(ids(&person.dialogs().await), [dialog]);
        let mut texts = person.texts(dialog).await;
        texts.sort_unstable();
        assert_eq!((texts.len(), &*texts[0], person.unread(dialog).await), (2, "first-alice", 1));
    }
    proved("CONSIST", [7]);
}

async fn messages_of_many(chat: &Chat) {
    let people = crowd(chat, "msg").await;
    let [alice, reader] = chat.users(["msg-alice", "msg-reader"]).await;
    let occupants: Vec<u64> = people.iter().chain([&reader]).map(Person::id).collect();
    let dialog = alice.create(&json!({ "type": 2, "name": "many", "occupants_ids": occupants })).await;
    let write = async |by: &Person, number: usize| {
        by.post_message(&dialog, &json!({ "message": number.to_string() })).await
    };
    let calls = people.iter().flat_map(|by| (0..3).map(move |number| (by, number)));
    let sent = together(calls.map(|(by, number)| write(by, number))).await;
    let mut sent: Vec<String> = sent.into_iter().map(|answer| id(&answer.is(201).json())).collect();
    let mut listed = ids(&messages(&reader, &dialog, &[]).await);
    sent.sort_unstable();
    listed.sort_unstable();
    assert_eq!((listed.len(), listed), (MANY * 3, sent));
    assert_eq!((reader.unread(&dialog).await, people[0].unread(&dialog).await), (36, 33));
    proved("CONSIST", [13]);
}

async fn occupants_and_admins(chat: &Chat) {
    let people = crowd(chat, "occ").await;
    let alice = chat.user("occ-alice").await;
    let dialog = alice.create_group("many", [&people[0]]).await;
    let push =
        async |list: &str, user: u64| change(&alice, &dialog, json!({ "push_all": { list: [user] } })).await;
    for answer in together(people.iter().map(|person| push("occupants_ids", person.id()))).await {
        answer.is(200);
    }
    let mut expected: Vec<u64> = people.iter().chain([&alice]).map(Person::id).collect();
    expected.sort_unstable();
    let shown = seen(&people[MANY - 1], &dialog).await;
    let mut occupants: Vec<u64> =
        shown["occupants_ids"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    occupants.sort_unstable();
    assert_eq!((occupants, &shown["occupants_count"]), (expected, &json!(MANY + 1)));
    proved("CONSIST", [15]);

    let path = format!("chat/Dialog/{dialog}/admins");
    let admin = async |user: u64| alice.put(&path, &json!({ "push_all": { "admins_ids": [user] } })).await;
    let answers = together(people.iter().map(|person| admin(person.id()))).await;
    let mut taken = vec![];
    for (person, answer) in people.iter().zip(&answers) {
        match answer.status {
            200 => taken.push(person.id()),
            other => assert_eq!(other, 422, "{}", answer.text()),
        }
    }
    let shown = seen(&alice, &dialog).await;
    let mut admins: Vec<u64> =
        shown["admins_ids"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    admins.sort_unstable();
    assert_eq!((admins.len(), admins), (5, taken));
    proved("CONSIST", [16]);
}

async fn subscriptions_and_reactions(chat: &Chat) {
    let people = crowd(chat, "sub").await;
    let alice = chat.user("sub-alice").await;
    let dialog = alice.create(&json!({ "type": 4, "name": "many" })).await;
    for answer in together((0..MANY).map(|_| subscribe(&people[0], &dialog))).await {
        answer.is(200);
    }
    assert_eq!(seen(&alice, &dialog).await["occupants_count"], 2);
    proved("CONSIST", [18]);
    for answer in together(people.iter().map(|person| subscribe(person, &dialog))).await {
        answer.is(200);
    }
    assert_eq!(seen(&alice, &dialog).await["occupants_count"], MANY + 1);

    let sent = alice.post(&dialog, "react").await;
    let path = format!("chat/Message/{sent}/reactions");
    let react = async |person: &Person, kind: &str| person.put(&path, &json!({ "add": kind })).await;
    let calls = people.iter().flat_map(|person| ["👍", "👌"].map(|kind| (person, kind)));
    for answer in together(calls.map(|(person, kind)| react(person, kind))).await {
        answer.is(200);
    }
    let total = json!({ "👍": MANY, "👌": MANY });
    let shown = message(&alice, &dialog, &sent).await;
    assert_eq!(shown["reactions"], json!({ "own": [], "total": total }));
    let reactors = alice.get(&path).await.is(200).json();
    assert_eq!(reactors["👍"].as_array().expect("a list").len(), MANY);
    assert_eq!(each(&[shown], "message"), json!(["react"]));
    proved("CONSIST", [22]);
}
