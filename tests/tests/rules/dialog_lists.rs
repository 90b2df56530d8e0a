//! `GET chat/Dialog`: who finds which dialogs, in which order, page by page.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{
    NOTHING, another_second, dialogs, each, each_engines_with, id, ids, keys, lists, proved, seconds, seen,
    subscribe, with,
};

#[tokio::test]
async fn dialogs_are_listed_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        who_finds_what(chat).await;
        what_was_deleted(chat).await;
        pages_and_totals(chat).await;
        orders(chat).await;
    })
    .await;
}

async fn who_finds_what(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["find-alice", "find-bob", "find-carol"]).await;
    let nobody = alice.get("chat/Dialog").await.is(200).json();
    assert_eq!(nobody, json!({ "total_entries": 0, "skip": 0, "limit": 100, "items": [] }));
    proved("DIALOG", [113, 114]);

    let group = alice.create_group("find", [&bob]).await;
    let private = alice.create_private(&bob).await;
    let square = alice.create(&json!({ "type": 4, "name": "find" })).await;
    subscribe(&bob, &square).await.is(200);
    let news = alice.create(&json!({ "type": 1, "name": "find" })).await;
    let of = async |person: &Person| {
        let mut found = ids(&dialogs(person, &[]).await);
        found.sort_unstable();
        found
    };
    let mut all = vec![group.clone(), private, square, news.clone()];
    all.sort_unstable();
    assert_eq!(of(&alice).await, all);
    assert_eq!(of(&bob).await, all);
    assert_eq!(of(&carol).await, std::slice::from_ref(&news), "nothing but what is for everybody");
    proved("DIALOG", [48, 49, 50, 51, 52, 53, 54]);

    // No filter widens that.
    for filter in [("_id", &*group), ("type[in]", "1,2,3,4"), ("name[ctn]", ""), ("name", "find")] {
        assert!(!ids(&dialogs(&carol, &[filter]).await).contains(&group), "{filter:?}");
    }
    let b = bob.id().to_string();
    assert_eq!(dialogs(&carol, &[("occupants_ids", &b)]).await, [] as [Value; 0]);
    proved("DIALOG", [107]);
    let unknown = alice.get(&with("chat/Dialog", &[("_id", NOTHING)])).await.is(200).json();
    assert_eq!(unknown, json!({ "total_entries": 0, "skip": 0, "limit": 100, "items": [] }));
    proved("DIALOG", [108]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
}

async fn what_was_deleted(chat: &Chat) {
    let [alice, bob] = chat.users(["gone-alice", "gone-bob"]).await;
    let group = alice.create_group("gone", [&bob]).await;
    let private = alice.create_private(&bob).await;
    let square = alice.create(&json!({ "type": 4, "name": "gone" })).await;
    subscribe(&bob, &square).await.is(200);
    let news = alice.create(&json!({ "type": 1, "name": "gone" })).await;
    for dialog in [&group, &private, &square, &news] {
        assert!(lists(&bob, dialog).await);
        bob.leave(dialog).await;
        assert!(!lists(&bob, dialog).await && bob.dialog(dialog).await.is_none());
        assert!(lists(&alice, dialog).await);
    }
    proved("DIALOG", [56, 57]);
    proved("DIALOG", [196, 206]);
    alice.delete(&format!("chat/Dialog/{news}"), true).await.is(200);
}

async fn pages_and_totals(chat: &Chat) {
    let [alice, bob] = chat.users(["page-alice", "page-bob"]).await;
    for number in 0..7 {
        let kind = if number % 2 == 0 { 2 } else { 4 };
        let body = json!({ "type": kind, "name": format!("page {number}"), "occupants_ids": [bob.id()] });
        alice.create(&body).await;
    }
    let all = ids(&dialogs(&alice, &[]).await);
    assert_eq!(all.len(), 7);
    let mut collected = vec![];
    for skip in ["0", "3", "6", "9"] {
        let path = with("chat/Dialog", &[("limit", "3"), ("skip", skip)]);
        let page = alice.get(&path).await.is(200).json();
        assert_eq!(keys(&page), ["items", "limit", "skip", "total_entries"]);
        let skipped: usize = skip.parse().expect("a number");
        assert_eq!(page["items"].as_array().expect("a list").len(), 7_usize.saturating_sub(skipped).min(3));
        assert_eq!((&page["limit"], &page["skip"]), (&json!(3), &json!(skipped)));
        assert_eq!(page["total_entries"], 7);
        collected.extend(ids(page["items"].as_array().expect("a list")));
    }
    assert_eq!(collected, all, "the pages are the list, each dialog once");
    proved("DIALOG", [109, 110, 111, 112]);

    let filtered = alice.get(&with("chat/Dialog", &[("type", "2"), ("limit", "1")])).await.is(200).json();
    assert_eq!(
        (&filtered["total_entries"], filtered["items"].as_array().expect("a list").len()),
        (&json!(4), 1)
    );
    let count = alice.get(&with("chat/Dialog", &[("count", "1")])).await.is(200).json();
    assert_eq!(count, json!({ "items": { "count": 7 } }));
    proved("DIALOG", [115]);
    let parameters = [("count", "1"), ("type", "2"), ("name[ctn]", "page"), ("limit", "1"), ("skip", "2")];
    let count = alice.get(&with("chat/Dialog", &parameters)).await.is(200).json();
    assert_eq!(count, json!({ "items": { "count": 4 } }));
    proved("DIALOG", [116]);
}

async fn orders(chat: &Chat) {
    let [alice, bob] = chat.users(["order-alice", "order-bob"]).await;
    let mut made = vec![];
    for name in ["a", "b", "c"] {
        made.push(alice.create_group(name, [&bob]).await);
        another_second().await;
    }
    let [a, b, c] = made.try_into().expect("three were made");
    // Written to in another order than made, and changed in a third one.
    alice.post(&c, "first").await;
    another_second().await;
    alice.post(&a, "second").await;
    another_second().await;
    alice.post(&b, "third").await;
    another_second().await;
    crate::ask::change(&alice, &c, json!({ "description": "changed" })).await.is(200);
    let listed = async |sort: &str, field: &str| ids(&dialogs(&alice, &[(sort, field)]).await);

    let by = async |field: &str, oldest: [&String; 3]| {
        assert_eq!(listed("sort_asc", field).await.iter().collect::<Vec<_>>(), oldest, "{field}");
        let newest: Vec<&String> = oldest.into_iter().rev().collect();
        assert_eq!(listed("sort_desc", field).await.iter().collect::<Vec<_>>(), newest, "{field}");
    };
    by("last_message_date_sent", [&c, &a, &b]).await;
    by("date_sent", [&c, &a, &b]).await;
    by("updated_at", [&a, &b, &c]).await;
    by("created_at", [&a, &b, &c]).await;
    proved("DIALOG", [117, 118, 119, 120, 121, 122, 123, 124]);

    // By default the liveliest first, where what was never written to has its creation.
    another_second().await;
    let empty = alice.create_group("empty", [&bob]).await;
    assert_eq!(listed("limit", "100").await, [&empty, &b, &a, &c].map(Clone::clone));
    another_second().await;
    alice.post(&a, "fourth").await;
    let newest = dialogs(&alice, &[]).await;
    assert_eq!(ids(&newest), [&a, &empty, &b, &c].map(Clone::clone));
    assert!(
        newest[0]["last_message_date_sent"].as_i64().expect("a number") > seconds(&newest[1]["created_at"])
    );
    assert_eq!(each(&newest, "last_message"), json!(["fourth", null, "third", "first"]));
    proved("DIALOG", [125]);
    assert_eq!(id(&seen(&alice, &a).await), a);
}
