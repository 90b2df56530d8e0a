//! `DELETE chat/Dialog/{ids}` and `clearHistory`: what goes for one, what goes for all.

use serde_json::{Value, json};
use tests::{Answer, Chat, Person};

use crate::ask::{
    NOTHING, change, each_engines_with, history, ids, lists, messages, proved, seen, subscribe,
};

#[tokio::test]
async fn dialogs_are_deleted_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        a_private_one_comes_back(chat).await;
        a_group_is_left(chat).await;
        a_public_one_and_a_broadcast(chat).await;
        for_everybody(chat).await;
        several(chat).await;
        its_history_for_oneself(chat).await;
        its_history_for_all(chat).await;
    })
    .await;
}

async fn delete(person: &Person, dialogs: &str, force: bool) -> Answer {
    person.delete(&format!("chat/Dialog/{dialogs}"), force).await
}

async fn clear(person: &Person, dialog: &str, force: bool) -> Answer {
    person.delete(&format!("chat/Dialog/clearHistory/{dialog}"), force).await
}

async fn a_private_one_comes_back(chat: &Chat) {
    let [alice, bob] = chat.users(["back-alice", "back-bob"]).await;
    let dialog = alice.create_private(&bob).await;
    alice.post_each(&dialog, ["one", "two"]).await;
    bob.post(&dialog, "three").await;
    let before = seen(&alice, &dialog).await;
    delete(&bob, &dialog, false).await.is(200);
    proved("DIALOG", [195]);
    assert!(!lists(&bob, &dialog).await);
    assert_eq!(bob.unread_total().await, 0);
    proved("DIALOG", [197]);
    assert_eq!(seen(&alice, &dialog).await, before);
    assert_eq!(alice.texts(&dialog).await, ["one", "two", "three"]);

    let fourth = alice.post(&dialog, "four").await;
    assert!(lists(&bob, &dialog).await);
    assert_eq!((seen(&bob, &dialog).await["_id"].clone(), bob.unread(&dialog).await), (json!(dialog), 1));
    proved("DIALOG", [199]);
    assert_eq!(ids(&messages(&bob, &dialog, &[]).await), [fourth]);
    assert_eq!(alice.texts(&dialog).await, ["one", "two", "three", "four"]);
    proved("DIALOG", [198, 200]);
    proved("MESSAGE", [139]);
    bob.leave(&dialog).await;
    bob.post(&dialog, "five").await;
    assert!(lists(&bob, &dialog).await);
    assert_eq!(bob.texts(&dialog).await, ["five"]);
    proved("MESSAGE", [140]);
}

async fn a_group_is_left(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["leave-alice", "leave-bob", "leave-carol"]).await;
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    let dialog = alice.create_group("leave", [&bob, &carol]).await;
    alice.post(&dialog, "one").await;
    bob.leave(&dialog).await;
    assert_eq!(seen(&alice, &dialog).await["occupants_ids"], json!([a, c]));
    proved("DIALOG", [201]);
    alice.post(&dialog, "two").await;
    assert!(!lists(&bob, &dialog).await);
    history(&bob, &dialog, &[]).await.is(403);
    assert_eq!(bob.unread_total().await, 0);
    proved("DIALOG", [202]);
    alice.leave(&dialog).await;
    let now = seen(&carol, &dialog).await;
    assert_eq!((&now["user_id"], &now["occupants_ids"]), (&json!(a), &json!([c])));
    assert_eq!(carol.texts(&dialog).await, ["one", "two"]);
    proved("DIALOG", [204]);
    carol.leave(&dialog).await;
    for who in [&alice, &bob, &carol] {
        history(who, &dialog, &[]).await.is(404);
        change(who, &dialog, json!({ "push_all": { "occupants_ids": [b] } })).await.is(404);
        assert!(!lists(who, &dialog).await);
    }
    proved("DIALOG", [203]);
}

async fn a_public_one_and_a_broadcast(chat: &Chat) {
    let [alice, bob] = chat.users(["leave2-alice", "leave2-bob"]).await;
    let square = alice.create(&json!({ "type": 4, "name": "square" })).await;
    subscribe(&bob, &square).await.is(200);
    assert_eq!(seen(&alice, &square).await["occupants_count"], 2);
    delete(&bob, &square, false).await.is(200);
    assert_eq!(seen(&alice, &square).await["occupants_count"], 1);
    assert!(!lists(&bob, &square).await);
    delete(&bob, &square, false).await.is(404);
    assert_eq!(seen(&alice, &square).await["occupants_count"], 1);
    proved("DIALOG", [205]);

    let news = alice.create(&json!({ "type": 1, "name": "news" })).await;
    delete(&bob, &news, false).await.is(200);
    assert!(!lists(&bob, &news).await && lists(&alice, &news).await);
    proved("DIALOG", [206]);
    delete(&bob, &news, true).await.is(403);
    delete(&alice, &news, true).await.is(200);
    assert!(!lists(&alice, &news).await);
}

async fn for_everybody(chat: &Chat) {
    let [alice, bob] = chat.users(["force-alice", "force-bob"]).await;
    for kind in [2, 3, 4] {
        let body = json!({ "type": kind, "name": "force", "occupants_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        let message = alice.post(&dialog, "one").await;
        delete(&bob, &dialog, true).await.is(403);
        assert_eq!(bob.texts(&dialog).await, ["one"], "refused, it deleted nothing");
        delete(&alice, &dialog, true).await.is(200);
        for who in [&alice, &bob] {
            assert!(!lists(who, &dialog).await);
            history(who, &dialog, &[]).await.is(404);
            who.put(&format!("chat/Message/{message}"), &json!({ "read": 1 })).await.is(404);
            who.post_message(&dialog, &json!({ "message": "two" })).await.is(404);
        }
        assert_eq!(bob.unread_total().await, 0);
    }
    proved("DIALOG", [207, 208]);
    proved("CONSIST", [19]);
}

async fn several(chat: &Chat) {
    let [alice, bob] = chat.users(["many-alice", "many-bob"]).await;
    let own = alice.create_group("own", [&bob]).await;
    let square = alice.create(&json!({ "type": 4, "name": "own" })).await;
    let theirs = bob.create_group("theirs", [&alice]).await;
    let foreign = bob.create(&json!({ "type": 4, "name": "foreign" })).await;
    let deletion = |done: &[&str], unknown: &[&str], denied: &[&str]| {
        json!({
            "SuccessfullyDeleted": { "ids": done }, "NotFound": { "ids": unknown },
            "WrongPermissions": { "ids": denied },
        })
    };
    let path = format!("{NOTHING},{own},{theirs},{foreign},nonsense,{square}");
    let answer = delete(&alice, &path, true).await.is(200).json();
    assert_eq!(answer, deletion(&[&own, &square], &[NOTHING, &foreign, "nonsense"], &[&theirs]));
    assert!(!lists(&bob, &own).await && !lists(&alice, &square).await, "force counts for each of them");
    assert!(lists(&alice, &theirs).await && lists(&bob, &theirs).await && lists(&bob, &foreign).await);
    proved("DIALOG", [211, 212, 213, 214, 215]);
    let none = delete(&alice, &format!("{own},{square}"), false).await.is(200).json();
    assert_eq!(none, deletion(&[], &[&own, &square], &[]));
    let another = alice.create_group("another", [&bob]).await;
    let all = delete(&alice, &format!("{theirs},{another}"), false).await.is(200).json();
    assert_eq!(all, deletion(&[&theirs, &another], &[], &[]));
    assert_eq!(alice.dialogs().await, [] as [Value; 0]);
    assert!(lists(&bob, &theirs).await && lists(&bob, &another).await);
    proved("DIALOG", [210]);
}

async fn its_history_for_oneself(chat: &Chat) {
    let [alice, bob] = chat.users(["clear-alice", "clear-bob"]).await;
    for kind in [1, 2, 3, 4] {
        let body = json!({ "type": kind, "name": "clear", "occupants_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        alice.post_each(&dialog, ["one", "two"]).await;
        let (unread, total) = (bob.unread(&dialog).await, bob.unread_total().await);
        assert_eq!(unread, if [2, 3].contains(&kind) { 2 } else { 0 });
        clear(&bob, &dialog, false).await.is(200);
        assert_eq!((bob.texts(&dialog).await.len(), alice.texts(&dialog).await.len()), (0, 2));
        assert_eq!((bob.unread(&dialog).await, bob.unread_total().await), (0, total - unread));
        assert!(lists(&bob, &dialog).await);
        assert_eq!(seen(&bob, &dialog).await["unread_messages_count"], 0);
        alice.post(&dialog, "three").await;
        assert_eq!(bob.texts(&dialog).await, ["three"]);
        assert_eq!(alice.texts(&dialog).await, ["one", "two", "three"]);
        if kind == 1 {
            delete(&alice, &dialog, true).await.is(200);
        }
    }
    proved("DIALOG", [216, 217, 218, 219, 220, 221]);
    proved("MESSAGE", [94]);
    proved("MARK", [46]);
}

async fn its_history_for_all(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["clear2-alice", "clear2-bob", "clear2-carol"]).await;
    let dialog = alice.create_group("clear", [&bob]).await;
    alice.post_each(&dialog, ["one", "two"]).await;
    clear(&bob, &dialog, true).await.is(403);
    clear(&carol, &dialog, true).await.is(404);
    clear(&carol, &dialog, false).await.is(404);
    assert_eq!((bob.texts(&dialog).await.len(), bob.unread(&dialog).await), (2, 2));
    clear(&alice, &dialog, true).await.is(200);
    for who in [&alice, &bob] {
        assert_eq!(who.texts(&dialog).await, [] as [&str; 0]);
        assert_eq!(
            (who.unread(&dialog).await, seen(who, &dialog).await["last_message"].clone()),
            (0, Value::Null)
        );
    }
    bob.post(&dialog, "three").await;
    assert_eq!((alice.texts(&dialog).await, alice.unread(&dialog).await), (vec!["three".to_owned()], 1));
    proved("DIALOG", [222]);
}
