//! Reactions: put on, taken off, counted, and listed by who put them.

use serde_json::{Value, json};
use tests::{Answer, Chat, Person};

use crate::ask::{NOTHING, each_engines_with, message, proved, seen};

#[tokio::test]
async fn reactions_go_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        put_on_and_taken_off(chat).await;
        what_each_sees(chat).await;
        what_changes_nothing(chat).await;
        who_may(chat).await;
        what_they_leave_alone(chat).await;
    })
    .await;
}

async fn react(person: &Person, message: &str, body: Value) -> Answer {
    person.put(&format!("chat/Message/{message}/reactions"), &body).await
}

async fn reactors(person: &Person, message: &str) -> Value {
    person.get(&format!("chat/Message/{message}/reactions")).await.is(200).json()
}

async fn put_on_and_taken_off(chat: &Chat) {
    let [alice, bob] = chat.users(["on-alice", "on-bob"]).await;
    let (a, b) = (alice.id(), bob.id());
    let dialog = alice.create_group("on", [&bob]).await;
    let sent = alice.post(&dialog, "one").await;
    assert_eq!(reactors(&bob, &sent).await, json!({}));
    proved("REACTION", [21]);
    react(&alice, &sent, json!({ "add": "👍" })).await.is(200);
    react(&bob, &sent, json!({ "add": "👍" })).await.is(200);
    assert_eq!(reactors(&bob, &sent).await, json!({ "👍": [a, b] }));
    proved("REACTION", [1, 20, 23]);
    react(&bob, &sent, json!({ "add": "👎" })).await.is(200);
    assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [a, b], "👎": [b] }));
    proved("REACTION", [7]);
    react(&alice, &sent, json!({ "remove": "👍" })).await.is(200);
    assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [b], "👎": [b] }));
    proved("REACTION", [2, 9]);
    react(&bob, &sent, json!({ "add": "👩‍👩‍👧‍👦", "remove": "👎" })).await.is(200);
    assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [b], "👩‍👩‍👧‍👦": [b] }));
    proved("REACTION", [3, 22]);
    for kind in ["like", "a b&c=d", "é日", "\"<'%_\\"] {
        react(&alice, &sent, json!({ "add": kind })).await.is(200);
        assert_eq!(reactors(&bob, &sent).await[kind], json!([a]));
        react(&alice, &sent, json!({ "remove": kind })).await.is(200);
    }
    proved("REACTION", [10]);
}

async fn what_each_sees(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["sees-alice", "sees-bob", "sees-carol"]).await;
    let dialog = alice.create_group("sees", [&bob, &carol]).await;
    let sent = alice.post(&dialog, "one").await;
    let of = async |person: &Person| message(person, &dialog, &sent).await["reactions"].clone();
    assert_eq!(of(&alice).await, Value::Null);
    react(&alice, &sent, json!({ "add": "👍" })).await.is(200);
    react(&bob, &sent, json!({ "add": "👍" })).await.is(200);
    react(&bob, &sent, json!({ "add": "👌" })).await.is(200);
    let total = json!({ "👍": 2, "👌": 1 });
    assert_eq!(of(&alice).await, json!({ "own": ["👍"], "total": total }));
    let bobs = of(&bob).await;
    let mut own: Vec<&str> =
        bobs["own"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    own.sort_unstable();
    assert_eq!((own, &bobs["total"]), (vec!["👌", "👍"], &total));
    proved("REACTION", [25, 26]);
    proved("MESSAGE", [14]);
    assert_eq!(of(&carol).await, json!({ "own": [], "total": total }));
    proved("REACTION", [27]);
    for (who, kind) in [(&alice, "👍"), (&bob, "👍"), (&bob, "👌")] {
        react(who, &sent, json!({ "remove": kind })).await.is(200);
    }
    assert_eq!([of(&alice).await, of(&bob).await, of(&carol).await], [Value::Null, Value::Null, Value::Null]);
    proved("REACTION", [28]);
}

async fn what_changes_nothing(chat: &Chat) {
    let [alice, bob] = chat.users(["same-alice", "same-bob"]).await;
    let dialog = alice.create_group("same", [&bob]).await;
    let sent = alice.post(&dialog, "one").await;
    react(&bob, &sent, json!({ "add": "👍" })).await.is(200);
    let tails = chat.tails().await;
    react(&bob, &sent, json!({ "add": "👍" })).await.is(200);
    assert_eq!(
        message(&alice, &dialog, &sent).await["reactions"],
        json!({ "own": [], "total": { "👍": 1 } })
    );
    proved("REACTION", [5]);
    react(&bob, &sent, json!({ "remove": "👎" })).await.is(200);
    react(&alice, &sent, json!({ "remove": "👍" })).await.is(200);
    assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [bob.id()] }));
    proved("REACTION", [6]);
    for body in [
        json!({}),
        json!({ "add": null }),
        json!({ "add": "", "remove": "" }),
        json!({ "chat_dialog_id": dialog }),
    ] {
        let refused = react(&bob, &sent, body).await.is(422).json();
        assert!(refused["errors"].is_object(), "{refused}");
    }
    assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [bob.id()] }));
    proved("REACTION", [4]);
    react(&bob, NOTHING, json!({ "add": "👍" })).await.is(404);
    bob.get("chat/Message/_/reactions").await.is(404);
    assert_eq!(chat.tails().await, tails, "what changes nothing is no event");
}

async fn who_may(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["may-alice", "may-bob", "may-carol"]).await;
    for (kind, member, outsider) in [(3, 11, 15), (2, 12, 16), (4, 13, 17)] {
        let body = json!({ "type": kind, "name": "may", "occupants_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        let sent = alice.post(&dialog, "one").await;
        react(&bob, &sent, json!({ "add": "👍" })).await.is(200);
        assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [bob.id()] }));
        proved("REACTION", [member]);
        for body in [json!({ "add": "👎" }), json!({ "add": "👍" }), json!({ "remove": "👍" })] {
            let refused = react(&carol, &sent, body).await;
            assert!([403, 404].contains(&refused.status), "{}", refused.text());
            assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [bob.id()] }));
        }
        proved("REACTION", [outsider]);
        let refused = carol.get(&format!("chat/Message/{sent}/reactions")).await;
        assert!([403, 404].contains(&refused.status), "{}", refused.text());
    }
    proved("REACTION", [24]);
    let news = alice.create(&json!({ "type": 1, "name": "may" })).await;
    let sent = alice.post(&news, "one").await;
    react(&carol, &sent, json!({ "add": "👍" })).await.is(200);
    assert_eq!(reactors(&alice, &sent).await, json!({ "👍": [carol.id()] }));
    proved("REACTION", [14]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
}

async fn what_they_leave_alone(chat: &Chat) {
    let [alice, bob] = chat.users(["alone-alice", "alone-bob"]).await;
    let dialog = alice.create_group("alone", [&bob]).await;
    let [first, _] = alice.post_each(&dialog, ["one", "two"]).await;
    let state = async || {
        let mut shown = message(&bob, &dialog, &first).await;
        shown["reactions"] = Value::Null;
        shown["updated_at"] = Value::Null;
        let mut of_dialog = seen(&bob, &dialog).await;
        of_dialog["updated_at"] = Value::Null;
        json!([shown, of_dialog, bob.unread(&dialog).await, alice.unread(&dialog).await])
    };
    let before = state().await;
    react(&bob, &first, json!({ "add": "👍" })).await.is(200);
    assert_eq!(state().await, before);
    react(&bob, &first, json!({ "add": "👎", "remove": "👍" })).await.is(200);
    assert_eq!(state().await, before);
    proved("REACTION", [19]);
}
