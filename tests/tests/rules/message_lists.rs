//! `GET chat/Message`: one dialog's history, its order, its pages, and who has viewed what.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{
    NOTHING, another_second, each, each_engines_with, history, id, ids, keys, message, messages, proved,
    subscribe,
};

#[tokio::test]
async fn histories_are_listed_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        of_one_dialog(chat).await;
        pages(chat).await;
        orders(chat).await;
        what_one_no_longer_sees(chat).await;
        read_by_all(chat).await;
        views(chat).await;
    })
    .await;
}

async fn of_one_dialog(chat: &Chat) {
    let [alice, bob] = chat.users(["one-alice", "one-bob"]).await;
    let dialog = alice.create_group("one", [&bob]).await;
    let other = alice.create_private(&bob).await;
    let sent = alice.post_each(&dialog, ["a", "b"]).await;
    alice.post(&other, "c").await;
    let list = history(&bob, &dialog, &[("mark_as_read", "0")]).await.is(200).json();
    assert_eq!(keys(&list), ["items", "limit", "skip"]);
    assert_eq!((&list["skip"], &list["limit"]), (&json!(0), &json!(100)));
    proved("MESSAGE", [30]);
    assert_eq!(ids(list["items"].as_array().expect("a list")), sent);
    assert_eq!(each(list["items"].as_array().expect("a list"), "chat_dialog_id"), json!([dialog, dialog]));
    proved("MESSAGE", [29]);
    let refused = bob.get("chat/Message?mark_as_read=0").await.is(422).json();
    assert!(refused["errors"]["chat_dialog_id"][0].is_string(), "{refused}");
    proved("MESSAGE", [28]);
    let count = history(&bob, &dialog, &[("count", "1")]).await.is(200).json();
    assert_eq!(count, json!({ "items": { "count": 2 } }));
    assert_eq!(bob.unread(&dialog).await, 2);
    proved("MESSAGE", [91]);
    proved("MARK", [13]);
    history(&bob, NOTHING, &[]).await.is(404);
}

async fn pages(chat: &Chat) {
    let [alice, bob] = chat.users(["pages-alice", "pages-bob"]).await;
    let dialog = alice.create_group("pages", [&bob]).await;
    let sent = alice.post_each(&dialog, ["1", "2", "3", "4", "5", "6", "7"]).await;
    for order in ["sort_asc", "sort_desc"] {
        let mut collected = vec![];
        for skip in ["0", "3", "6", "9"] {
            let parameters = [("mark_as_read", "0"), ("limit", "3"), ("skip", skip), (order, "date_sent")];
            let page = history(&bob, &dialog, &parameters).await.is(200).json();
            let skipped: usize = skip.parse().expect("a number");
            assert_eq!((&page["limit"], &page["skip"]), (&json!(3), &json!(skipped)));
            assert_eq!(
                page["items"].as_array().expect("a list").len(),
                7_usize.saturating_sub(skipped).min(3)
            );
            collected.extend(ids(page["items"].as_array().expect("a list")));
        }
        if order == "sort_desc" {
            collected.reverse();
        }
        assert_eq!(collected, sent, "the pages are the history, each message once");
    }
    proved("MESSAGE", [77, 78, 79]);
    let newest = messages(&bob, &dialog, &[("sort_desc", "date_sent"), ("limit", "2")]).await;
    assert_eq!(ids(&newest), [sent[6].clone(), sent[5].clone()]);
    proved("MESSAGE", [89]);
}

async fn orders(chat: &Chat) {
    let [alice, bob] = chat.users(["sort-alice", "sort-bob"]).await;
    let dialog = alice.create_group("sort", [&bob]).await;
    let [one, two] = alice.post_each(&dialog, ["1", "2"]).await;
    another_second().await;
    let [three, four] = bob.post_each(&dialog, ["3", "4"]).await;
    another_second().await;
    // Within a second it is the order of arrival, and an edit moves nothing but `updated_at`.
    alice.edit(&dialog, &one, "one").await;
    let arrival = [&one, &two, &three, &four];
    let edited = [&two, &three, &four, &one];
    let listed = async |parameters: &[(&str, &str)]| ids(&messages(&bob, &dialog, parameters).await);
    let copied = |wanted: &[&String]| wanted.iter().map(|id| (*id).clone()).collect::<Vec<_>>();
    let reversed = |wanted: &[&String]| wanted.iter().rev().map(|id| (*id).clone()).collect::<Vec<_>>();
    assert_eq!(listed(&[]).await, copied(&arrival));
    proved("MESSAGE", [80, 90]);
    for (field, rows) in [("date_sent", [81, 82]), ("_id", [83, 84]), ("created_at", [85, 86])] {
        assert_eq!(listed(&[("sort_asc", field)]).await, copied(&arrival), "{field}");
        assert_eq!(listed(&[("sort_desc", field)]).await, reversed(&arrival), "{field}");
        proved("MESSAGE", rows);
    }
    assert_eq!(listed(&[("sort_asc", "updated_at")]).await, copied(&edited));
    assert_eq!(listed(&[("sort_desc", "updated_at")]).await, reversed(&edited));
    proved("MESSAGE", [87, 88]);
}

async fn what_one_no_longer_sees(chat: &Chat) {
    let [alice, bob] = chat.users(["hide-alice", "hide-bob"]).await;
    let dialog = alice.create_group("hide", [&bob]).await;
    let [one, two, three] = alice.post_each(&dialog, ["1", "2", "3"]).await;
    bob.hide(&two).await;
    assert_eq!(ids(&messages(&bob, &dialog, &[]).await), [one.clone(), three.clone()]);
    assert_eq!(messages(&bob, &dialog, &[("_id", &two)]).await, [] as [Value; 0]);
    assert_eq!(ids(&messages(&alice, &dialog, &[]).await), [one, two, three.clone()]);
    proved("MESSAGE", [93]);
    bob.delete(&format!("chat/Dialog/clearHistory/{dialog}"), false).await.is(200);
    let four = alice.post(&dialog, "4").await;
    assert_eq!(ids(&messages(&bob, &dialog, &[]).await), [four]);
    assert_eq!(messages(&bob, &dialog, &[("_id", &three)]).await, [] as [Value; 0]);
    proved("MESSAGE", [94]);
}

async fn read_by_all(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["read-alice", "read-bob", "read-carol"]).await;
    let group = alice.create_group("read", [&bob, &carol]).await;
    let sent = alice.post(&group, "1").await;
    let shown = async |who: &Person, dialog: &str, sent: &str| {
        let message = message(who, dialog, sent).await;
        json!([message["read"], message["read_ids"]])
    };
    let (a, b, c) = (alice.id(), bob.id(), carol.id());
    bob.list(&group).await;
    assert_eq!(shown(&alice, &group, &sent).await, json!([0, [a, b]]));
    proved("MESSAGE", [10]);
    carol.list(&group).await;
    assert_eq!(shown(&alice, &group, &sent).await, json!([1, [a, b, c]]));
    proved("MESSAGE", [11]);
    let private = alice.create_private(&bob).await;
    let sent = alice.post(&private, "1").await;
    assert_eq!(shown(&alice, &private, &sent).await, json!([0, [a]]));
    bob.list(&private).await;
    assert_eq!(shown(&alice, &private, &sent).await, json!([1, [a, b]]));
    proved("MESSAGE", [12]);
}

async fn views(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["view-alice", "view-bob", "view-carol"]).await;
    let views = async |dialog: &str| each(&messages(&alice, dialog, &[]).await, "views_count");
    let square = alice.create(&json!({ "type": 4, "name": "views" })).await;
    for person in [&bob, &carol] {
        subscribe(person, &square).await.is(200);
    }
    let news = alice.create(&json!({ "type": 1, "name": "views" })).await;
    for dialog in [&square, &news] {
        alice.post_each(dialog, ["1", "2"]).await;
        let before = views(dialog).await;
        history(&bob, dialog, &[("sort_desc", "date_sent"), ("limit", "1")]).await.is(200);
        let one = views(dialog).await;
        assert_eq!((&one[0], one[1].as_u64()), (&before[0], before[1].as_u64().map(|views| views + 1)));
        carol.list(dialog).await;
        let two = views(dialog).await;
        assert_eq!(
            (two[0].as_u64(), two[1].as_u64()),
            (one[0].as_u64().map(|n| n + 1), one[1].as_u64().map(|n| n + 1))
        );
        for _ in 0..2 {
            carol.list(dialog).await;
        }
        assert_eq!(views(dialog).await, two, "each viewer counts once");
        for message in messages(&alice, dialog, &[]).await {
            assert_eq!(message["read_ids"], json!([alice.id()]), "views are no reads");
        }
    }
    proved("MESSAGE", [95, 96, 97, 99]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);

    for dialog in [alice.create_group("views", [&bob]).await, alice.create_private(&bob).await] {
        let sent = alice.post(&dialog, "1").await;
        let listed = bob.list(&dialog).await;
        assert_eq!((id(&listed[0]), &listed[0]["views_count"]), (sent, &json!(0)));
        assert_eq!(views(&dialog).await, json!([0]));
    }
    proved("MESSAGE", [98]);
}
