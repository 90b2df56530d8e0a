//! Messages edited and deleted, one and several; and messages that are signals only.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{
    NOTHING, another_second, each_engines_with, id, ids, is_iso, message, messages, proved, seconds, seen,
};

#[tokio::test]
async fn messages_are_changed_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        editing(chat).await;
        editing_what_one_may_not(chat).await;
        known_and_unknown(chat).await;
        deleting(chat).await;
        deleting_for_all(chat).await;
        three_lists(chat).await;
        signals(chat).await;
    })
    .await;
}

async fn editing(chat: &Chat) {
    let [alice, bob] = chat.users(["edit-alice", "edit-bob"]).await;
    let dialog = alice.create_group("edit", [&bob]).await;
    let [first, last] = alice.post_each(&dialog, ["first", "last"]).await;
    let before = message(&bob, &dialog, &last).await;
    assert_eq!(before["edited_at"], Value::Null);
    another_second().await;
    let body = json!({ "chat_dialog_id": dialog, "message": "edited" });
    alice.put(&format!("chat/Message/{last}"), &body).await.is(200);
    let after = message(&bob, &dialog, &last).await;
    let mut expected = before.clone();
    expected["message"] = json!("edited");
    expected["edited_at"] = after["edited_at"].clone();
    expected["updated_at"] = after["updated_at"].clone();
    assert_eq!(after, expected);
    proved("MESSAGE", [145, 151]);
    assert!(is_iso(&after["edited_at"]), "{after}");
    proved("MESSAGE", [148]);
    assert!(seconds(&after["updated_at"]) > seconds(&before["updated_at"]));
    proved("MESSAGE", [149]);
    let shown = seen(&bob, &dialog).await;
    assert_eq!((&shown["last_message"], &shown["last_message_id"]), (&json!("edited"), &json!(last)));
    proved("MESSAGE", [150]);
    alice.put(&format!("chat/Message/{first}"), &json!({ "message": "one" })).await.is(200);
    assert_eq!(bob.texts(&dialog).await, ["one", "edited"]);
    assert_eq!(seen(&bob, &dialog).await["last_message"], "edited");

    let before = messages(&bob, &dialog, &[]).await;
    let refused = alice.put("chat/Message", &body).await;
    assert!([400, 422].contains(&refused.status), "{}", refused.text());
    assert_eq!(messages(&bob, &dialog, &[]).await, before);
    proved("MESSAGE", [152]);
}

async fn editing_what_one_may_not(chat: &Chat) {
    let [alice, bob, carol, dave] = chat.users(["no-alice", "no-bob", "no-carol", "no-dave"]).await;
    let occupants = [bob.id(), carol.id()];
    let body = json!({ "type": 2, "name": "no", "occupants_ids": occupants, "admins_ids": [bob.id()] });
    let dialog = alice.create(&body).await;
    let sent = carol.post(&dialog, "mine").await;
    let own = bob.post(&dialog, "his").await;
    let before = messages(&carol, &dialog, &[]).await;
    let edit = async |who: &Person, path: &str| {
        let body = json!({ "chat_dialog_id": dialog, "message": "not mine" });
        let status = who.put(&format!("chat/Message/{path}"), &body).await.status;
        assert_eq!(messages(&carol, &dialog, &[]).await, before);
        status
    };
    assert_eq!(edit(&carol, &own).await, 403);
    proved("MESSAGE", [146]);
    assert_eq!((edit(&alice, &sent).await, edit(&bob, &sent).await), (403, 403));
    // Nor is the own one edited in a call that also names another's.
    assert_eq!(edit(&bob, &format!("{own},{sent}")).await, 403);
    proved("MESSAGE", [147]);
    assert_eq!(edit(&dave, &sent).await, 404);
}

async fn known_and_unknown(chat: &Chat) {
    let [alice, bob] = chat.users(["known-alice", "known-bob"]).await;
    let dialog = alice.create_group("known", [&bob]).await;
    let sent = alice.post(&dialog, "one").await;
    let body = json!({ "chat_dialog_id": dialog, "message": "two" });
    alice.put(&format!("chat/Message/{NOTHING},{sent},nonsense"), &body).await.is(200);
    assert_eq!(bob.texts(&dialog).await, ["two"]);
    proved("MESSAGE", [154]);
    for path in [NOTHING, "nonsense", "0123456789abcdef01234567,nonsense"] {
        alice.put(&format!("chat/Message/{path}"), &body).await.is(404);
    }
    assert_eq!(bob.texts(&dialog).await, ["two"]);
    proved("MESSAGE", [155]);
}

/// The answer to deleting several.
fn deletion(done: &[&str], unknown: &[&str], denied: &[&str]) -> Value {
    json!({
        "SuccessfullyDeleted": { "ids": done }, "NotFound": { "ids": unknown },
        "WrongPermissions": { "ids": denied },
    })
}

async fn delete(person: &Person, path: &str, force: bool) -> Value {
    person.delete(&format!("chat/Message/{path}"), force).await.is(200).json()
}

async fn deleting(chat: &Chat) {
    let [alice, bob] = chat.users(["hide-alice", "hide-bob"]).await;
    let dialog = alice.create_group("hide", [&bob]).await;
    let [one, two] = alice.post_each(&dialog, ["one", "two"]).await;
    assert_eq!(delete(&bob, &one, false).await, deletion(&[&one], &[], &[]));
    proved("MESSAGE", [156, 157]);
    assert_eq!((bob.texts(&dialog).await, bob.unread(&dialog).await), (vec!["two".to_owned()], 1));
    assert_eq!(alice.texts(&dialog).await, ["one", "two"]);
    proved("MESSAGE", [162]);
    assert_eq!(delete(&bob, &one, false).await, deletion(&[], &[&one], &[]));
    proved("MESSAGE", [168]);
    let force = json!({ "force": 0 });
    let answer = alice.send(reqwest::Method::DELETE, &format!("chat/Message/{two}"), &force).await;
    assert_eq!(answer.is(200).json(), deletion(&[&two], &[], &[]));
    assert_eq!(
        (alice.texts(&dialog).await, bob.texts(&dialog).await),
        (vec!["one".to_owned()], vec!["two".to_owned()])
    );
}

async fn deleting_for_all(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["force-alice", "force-bob", "force-carol"]).await;
    let dialog = alice.create_group("force", [&bob, &carol]).await;
    let [one, two] = alice.post_each(&dialog, ["one", "two"]).await;
    carol.read(&dialog, [&two]).await;
    assert_eq!((bob.unread(&dialog).await, carol.unread(&dialog).await), (2, 1));
    assert_eq!(delete(&alice, &two, true).await, deletion(&[&two], &[], &[]));
    for who in [&alice, &bob, &carol] {
        assert_eq!(who.texts(&dialog).await, ["one"]);
        let shown = seen(who, &dialog).await;
        let last = json!([shown["last_message"], shown["last_message_id"], shown["last_message_user_id"]]);
        assert_eq!(last, json!(["one", one, alice.id()]));
    }
    proved("MESSAGE", [163, 166]);
    proved("CONSIST", [20]);
    assert_eq!((bob.unread(&dialog).await, carol.unread(&dialog).await), (1, 1));
    assert_eq!((bob.unread_total().await, carol.unread_total().await), (1, 1));
    proved("MESSAGE", [165]);
}

async fn three_lists(chat: &Chat) {
    let [alice, bob] = chat.users(["list-alice", "list-bob"]).await;
    let dialog = alice.create_group("lists", [&bob]).await;
    let other = alice.create_private(&bob).await;
    let [own, kept] = bob.post_each(&dialog, ["own", "kept"]).await;
    let foreign = alice.post(&dialog, "foreign").await;
    let private = bob.post(&other, "private").await;
    let path = format!("{NOTHING},{own},{foreign},nonsense,{private}");
    let answer = delete(&bob, &path, true).await;
    assert_eq!(answer, deletion(&[&own, &private], &[NOTHING, "nonsense"], &[&foreign]));
    proved("MESSAGE", [158, 159, 160]);
    assert_eq!(ids(&messages(&alice, &dialog, &[]).await), [kept, foreign]);
    assert_eq!(alice.texts(&other).await, [] as [&str; 0]);
    proved("MESSAGE", [161]);
}

async fn signals(chat: &Chat) {
    let [alice, bob] = chat.users(["sys-alice", "sys-bob"]).await;
    let dialog = alice.create_private(&bob).await;
    let tails = chat.tails().await;
    let extension =
        json!({ "userExt": { "name": "Smith", "n": [1] }, "nickname": "Awesome_smith", "friendId": "7" });
    let mut body = extension.clone();
    body["recipientId"] = json!(bob.id().to_string());
    let answer = alice.post_to("chat/Message/system", &body).await;
    assert!([200, 201].contains(&answer.status), "{}", answer.text());
    let answer = answer.json();
    let whole = json!({
        "messageId": answer["messageId"], "recipientId": bob.id(), "extensionParams": extension,
    });
    assert_eq!(answer, whole);
    proved("MESSAGE", [169, 170]);
    let name = answer["messageId"].as_str().expect("a text");
    assert!(name.len() == 24 && name.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{name}");
    assert!(answer["recipientId"].is_u64());
    proved("MESSAGE", [172]);
    let refused = alice.post_to("chat/Message/system", &extension).await.is(422).json();
    assert!(refused["errors"]["recipientId"][0].is_string(), "{refused}");
    proved("MESSAGE", [171]);
    for who in [&alice, &bob] {
        assert_eq!(who.texts(&dialog).await, [] as [&str; 0]);
        assert_eq!(ids(&who.dialogs().await), [&*dialog]);
        assert_eq!(
            (seen(who, &dialog).await["last_message"].clone(), who.unread_total().await),
            (Value::Null, 0)
        );
    }
    assert_eq!(chat.tails().await, tails, "signals never enter the log");
    proved("MESSAGE", [173]);
    assert_eq!(id(&seen(&bob, &dialog).await), dialog);
}
