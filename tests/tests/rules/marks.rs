//! Marks by listing, and the unread counts that follow.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{
    NOTHING, another_second, each, each_engines_with, history, items, keys, message, messages, proved,
    seconds, seen, subscribe,
};

#[tokio::test]
async fn listing_marks_and_counts_follow() {
    each_engines_with(&[], async |chat: &Chat| {
        a_page_is_marked(chat).await;
        what_does_not_mark(chat).await;
        its_time_moves(chat).await;
        totals(chat).await;
        what_is_not_counted(chat).await;
    })
    .await;
}

async fn a_page_is_marked(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["page-alice", "page-bob", "page-carol"]).await;
    let (a, b) = (alice.id(), bob.id());
    for kind in [2, 3] {
        let body = if kind == 2 {
            json!({ "type": 2, "name": "page", "occupants_ids": [b, carol.id()] })
        } else {
            json!({ "type": 3, "occupants_ids": [b] })
        };
        let dialog = alice.create(&body).await;
        alice.post_each(&dialog, ["1", "2", "3"]).await;
        let (others, total) = (carol.unread_total().await, bob.unread_total().await);
        let status = async || seen(&alice, &dialog).await["last_message_status"].clone();
        let page = items(&history(&bob, &dialog, &[("limit", "2")]).await);
        assert_eq!(each(&page, "read_ids"), json!([[a, b], [a, b]]));
        let listed = messages(&alice, &dialog, &[]).await;
        assert_eq!(each(&listed, "read_ids"), json!([[a, b], [a, b], [a]]));
        proved("MARK", [1, 3]);
        assert_eq!(each(&listed, "delivered_ids"), json!([[a, b], [a, b], [a]]));
        proved("MARK", [2]);
        assert_eq!(seen(&bob, &dialog).await["unread_messages_count"], 1);
        proved("MARK", [7]);
        assert_eq!(bob.unread_total().await, total - 2);
        proved("MARK", [8]);
        assert_eq!((others, carol.unread_total().await), (3, 3), "he is only in the first");
        proved("MARK", [9]);
        assert_eq!(status().await, "sent");
        for _ in 0..2 {
            history(&bob, &dialog, &[]).await.is(200);
            let listed = messages(&alice, &dialog, &[]).await;
            assert_eq!(each(&listed, "read_ids"), json!([[a, b], [a, b], [a, b]]));
            assert_eq!(each(&listed, "delivered_ids"), json!([[a, b], [a, b], [a, b]]));
        }
        proved("MARK", [12]);
        assert_eq!(bob.unread(&dialog).await, 0);
        // In the group one of two has read it.
        assert_eq!(status().await, if kind == 2 { "sent" } else { "read" });
        proved("MARK", [10]);
    }
}

async fn what_does_not_mark(chat: &Chat) {
    let [alice, bob] = chat.users(["not-alice", "not-bob"]).await;
    let dialog = alice.create_group("not", [&bob]).await;
    let list = async |parameters: &[(&str, &str)]| {
        alice.post(&dialog, "new").await;
        let before = bob.unread(&dialog).await;
        history(&bob, &dialog, parameters).await.is(200);
        let after = bob.unread(&dialog).await;
        let last = messages(&alice, &dialog, &[]).await.pop().expect("there is one");
        assert_eq!(last["read_ids"].as_array().expect("a list").len(), if after == 0 { 2 } else { 1 });
        (before, after)
    };
    for value in ["0", "false"] {
        let (before, after) = list(&[("mark_as_read", value)]).await;
        assert_eq!(before, after);
    }
    proved("MARK", [4]);
    let (before, after) = list(&[("count", "1")]).await;
    assert_eq!(before, after);
    proved("MARK", [13]);
    let (before, after) = list(&[("mark_as_read", "1")]).await;
    assert_eq!((before, after), (4, 0));
    proved("MARK", [5]);
    for value in ["true", "2", "yes", "", "null"] {
        assert_eq!(list(&[("mark_as_read", value)]).await, (1, 0), "{value:?}");
    }
    proved("MARK", [6]);
}

async fn its_time_moves(chat: &Chat) {
    let [alice, bob] = chat.users(["time-alice", "time-bob"]).await;
    let dialog = alice.create_private(&bob).await;
    let sent = alice.post(&dialog, "1").await;
    let before = message(&alice, &dialog, &sent).await;
    another_second().await;
    bob.list(&dialog).await;
    let after = message(&alice, &dialog, &sent).await;
    assert!(seconds(&after["updated_at"]) > seconds(&before["updated_at"]), "{after}");
    assert_eq!((&after["created_at"], &after["edited_at"]), (&before["created_at"], &Value::Null));
    proved("MARK", [11]);
}

async fn counts(person: &Person, parameters: &str) -> Value {
    person.get(&format!("chat/Message/unread?{parameters}")).await.is(200).json()
}

async fn totals(chat: &Chat) {
    let [alice, bob] = chat.users(["total-alice", "total-bob"]).await;
    let group = alice.create_group("total", [&bob]).await;
    let private = alice.create_private(&bob).await;
    let quiet = alice.create_group("quiet", [&bob]).await;
    alice.post_each(&group, ["1", "2", "3"]).await;
    alice.post_each(&private, ["1", "2"]).await;
    bob.post(&group, "4").await;
    assert_eq!(counts(&bob, "").await, json!({ "total": 5 }));
    assert_eq!(counts(&alice, "").await, json!({ "total": 1 }));
    proved("MARK", [33, 34, 42]);
    let asked = counts(&bob, &format!("chat_dialog_ids={group},%20{quiet}")).await;
    assert_eq!(asked, json!({ "total": 3, group.as_str(): 3, quiet.as_str(): 0 }));
    proved("MARK", [35, 36, 37]);
    assert!(asked.as_object().expect("an object").values().all(Value::is_u64));
    proved("MARK", [38]);
    let asked = counts(&bob, &format!("dialogs_ids={group},{private}")).await;
    assert_eq!(asked, json!({ "total": 5, group.as_str(): 3, private.as_str(): 2 }));
    proved("MARK", [41]);
    for (dialog, number) in [(&group, 3), (&private, 2), (&quiet, 0)] {
        assert_eq!(seen(&bob, dialog).await["unread_messages_count"], number);
        let read = messages(&bob, dialog, &[]).await;
        let own = json!(bob.id());
        let unread =
            read.iter().filter(|message| !message["read_ids"].as_array().expect("a list").contains(&own));
        assert_eq!(unread.count(), number);
    }
    proved("MARK", [45]);
    proved("CONSIST", [27]);
}

async fn what_is_not_counted(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["not2-alice", "not2-bob", "not2-carol"]).await;
    let group = alice.create_group("not", [&bob]).await;
    let square = alice.create(&json!({ "type": 4, "name": "not" })).await;
    subscribe(&bob, &square).await.is(200);
    let news = alice.create(&json!({ "type": 1, "name": "not" })).await;
    let [one, _, _] = alice.post_each(&group, ["1", "2", "3"]).await;
    for dialog in [&square, &news] {
        alice.post_each(dialog, ["1", "2"]).await;
    }
    let asked = counts(&bob, &format!("chat_dialog_ids={group},{square},{news}")).await;
    let public = [&asked[&square], &asked[&news]];
    assert!(public.iter().all(|count| count.is_null() || **count == 0), "{asked}");
    assert_eq!((&asked["total"], &asked[&group]), (&json!(3), &json!(3)));
    assert_eq!(counts(&bob, "").await, json!({ "total": 3 }));
    proved("MARK", [39, 40]);
    let foreign = counts(&carol, &format!("chat_dialog_ids={group},{square},{NOTHING},nonsense")).await;
    assert!(foreign.as_object().expect("an object").values().all(|count| *count == 0), "{foreign}");
    assert!(keys(&foreign).contains(&"total"));
    proved("MARK", [43]);
    bob.hide(&one).await;
    assert_eq!((bob.unread(&group).await, bob.unread_total().await), (2, 2));
    bob.delete(&format!("chat/Dialog/clearHistory/{group}"), false).await.is(200);
    assert_eq!((bob.unread(&group).await, bob.unread_total().await), (0, 0));
    proved("MARK", [44]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
}
