//! `GET chat/Message?preview=1`: a look at a dialog that lets outsiders look.

use serde_json::{Value, json};
use tests::{Chat, Person};

use crate::ask::{change, each_engines_with, history, ids, items, lists, proved, seen, subscribe};

#[tokio::test]
async fn dialogs_are_previewed_by_their_rules() {
    each_engines_with(&[], async |chat: &Chat| {
        who_may_look(chat).await;
        what_is_shown(chat).await;
        a_private_one_is_never_shown(chat).await;
    })
    .await;
}

async fn permit(owner: &Person, dialog: &str, allow_preview: bool) {
    let body = json!({ "permissions": { "allow_preview": allow_preview } });
    change(owner, dialog, body).await.is(200);
}

async fn who_may_look(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["look-alice", "look-bob", "look-carol"]).await;
    for (kind, row) in [(2, 108), (4, 109)] {
        let body = json!({ "type": kind, "name": "look", "occupants_ids": [bob.id()] });
        let dialog = alice.create(&body).await;
        let sent = alice.post_each(&dialog, ["one", "two"]).await;
        let preview = async |who: &Person| history(who, &dialog, &[("preview", "1")]).await;
        preview(&carol).await.is(403);
        permit(&alice, &dialog, false).await;
        preview(&carol).await.is(403);
        permit(&alice, &dialog, true).await;
        let before = seen(&alice, &dialog).await;
        let shown = ids(&items(&preview(&carol).await));
        let mut sorted = shown.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, sent);
        proved("MESSAGE", [100, 101, row]);
        history(&carol, &dialog, &[]).await.is(403);
        history(&carol, &dialog, &[("preview", "0")]).await.is(403);
        proved("MESSAGE", [102]);
        assert!(!lists(&carol, &dialog).await);
        carol.post_message(&dialog, &json!({ "message": "me too" })).await.is(404);
        assert_eq!(seen(&alice, &dialog).await, before);
        proved("MESSAGE", [111]);
        permit(&alice, &dialog, false).await;
        preview(&carol).await.is(403);
        if kind == 4 {
            subscribe(&carol, &dialog).await.is(200);
            assert_eq!(carol.texts(&dialog).await, ["one", "two"]);
        }
    }
}

async fn what_is_shown(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["show-alice", "show-bob", "show-carol"]).await;
    let dialog = alice.create_group("show", [&bob]).await;
    permit(&alice, &dialog, true).await;
    let mut sent = vec![];
    for number in 0..23 {
        sent.push(alice.post(&dialog, &number.to_string()).await);
    }
    let preview = async |who: &Person, more: &[(&str, &str)]| {
        ids(&items(&history(who, &dialog, &[&[("preview", "1")], more].concat()).await))
    };
    let shown = preview(&carol, &[]).await;
    let mut sorted = shown.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, sent[3..]);
    proved("MESSAGE", [103]);
    assert_eq!(preview(&carol, &[("skip", "5")]).await, shown);
    proved("MESSAGE", [104]);
    assert_eq!(preview(&carol, &[("limit", "3")]).await, shown);
    proved("MESSAGE", [105]);
    for sort in ["sort_asc", "sort_desc"] {
        assert_eq!(preview(&carol, &[(sort, "date_sent")]).await, shown);
    }
    proved("MESSAGE", [106]);
    // Nor does it mark anything for a member.
    assert_eq!(preview(&bob, &[]).await, shown);
    assert_eq!(bob.unread(&dialog).await, 23);
    assert!(alice.read_ids(&dialog).await.iter().all(|readers| *readers == [alice.id()]));
    proved("MESSAGE", [107]);
}

async fn a_private_one_is_never_shown(chat: &Chat) {
    let [alice, bob, carol] = chat.users(["never-alice", "never-bob", "never-carol"]).await;
    let body = json!({ "type": 3, "occupants_ids": [bob.id()], "permissions": { "allow_preview": true } });
    let dialog = alice.create(&body).await;
    alice.post(&dialog, "between us").await;
    change(&alice, &dialog, json!({ "permissions": { "allow_preview": true } })).await;
    let refused = history(&carol, &dialog, &[("preview", "1")]).await;
    assert!([403, 404].contains(&refused.status), "{}", refused.text());
    assert_eq!(carol.dialogs().await, [] as [Value; 0]);
    proved("MESSAGE", [110]);
}
