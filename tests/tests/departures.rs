//! Somebody deletes himself: he is gone at once, and leaves his dialogs one by one, wherever the server
//! ends in the middle.

use std::collections::HashMap;
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;
use tests::{Chat, Person, each_topology};
use tokio::time::timeout;

/// How many groups he is in: more than a page, and more than are left before a kill.
const GROUPS: usize = 130;
/// How often the server is killed meanwhile.
const KILLS: usize = 3;
/// How long the departure may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Those of `dialogs` in which `other` sees `gone`.
async fn still_in(other: &Person, dialogs: &[String], gone: &Person) -> usize {
    let mut still = 0;
    for some in dialogs.chunks(100) {
        let page =
            other.get(&format!("chat/Dialog?limit=100&_id[in]={}", some.join(","))).await.is(200).json();
        let items = page["items"].as_array().expect("a page has items");
        assert_eq!(items.len(), some.len(), "the dialogs stay");
        let holds =
            |ids: &serde_json::Value| ids.as_array().is_some_and(|ids| ids.contains(&json!(gone.id())));
        still += items.iter().filter(|dialog| holds(&dialog["occupants_ids"])).count();
    }
    still
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_user_leaves_every_dialog_once_whenever_the_server_is_killed() {
    each_topology(async |mut chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let mut groups = vec![];
        for some in (0..GROUPS).collect::<Vec<_>>().chunks(10) {
            let made = some.iter().map(async |number| match number % 2 {
                0 => alice.create_group("hers", [&bob]).await,
                _ => bob.create_group("his", [&alice]).await,
            });
            groups.extend(join_all(made).await);
        }
        let square = bob.create(&json!({ "type": 4, "name": "square" })).await;
        alice.post_to(&format!("chat/Dialog/{square}/subscribe"), &json!({})).await.is(200);
        let private = alice.create_private(&bob).await;
        alice.post(&private, "hello").await;
        alice.post(&groups[0], "hello, all").await;

        alice.delete(&format!("users/{}", alice.id()), false).await.is(200);
        alice.get("chat/Dialog").await.is(401);
        for _ in 0..KILLS {
            chat.kill().await;
            chat.start_again().await;
        }
        alice.get("session").await.is(401);
        bob.get(&format!("users/{}", alice.id())).await.is(404);
        let naming = json!({ "type": 2, "name": "new", "occupants_ids": [alice.id()] });
        bob.post_to("chat/Dialog", &naming).await.is(422);
        let naming = json!({ "type": 3, "occupants_ids": [alice.id()] });
        let other = chat.user("carol").await;
        other.post_to("chat/Dialog", &naming).await.is(422);

        let left = async {
            while still_in(&bob, &groups, &alice).await > 0 {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(PATIENCE, left).await.expect("she leaves all groups");
        let count = async || bob.dialog(&square).await.expect("it stays")["occupants_count"].clone();
        while count().await != 1 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(bob.texts(&private).await, ["hello"], "the other one keeps his history");
        assert_eq!(bob.texts(&groups[0]).await, ["hello, all"]);

        let mut events = HashMap::<String, usize>::new();
        for event in chat.log(&["--type", "occupant.left"]).await {
            assert_eq!(event["actor"], json!(alice.id()));
            let dialog = event["stream"]["id"].as_str().expect("a stream has an id");
            *events.entry(dialog.to_owned()).or_default() += 1;
        }
        for dialog in groups.iter().chain([&square]) {
            assert_eq!(events.remove(dialog), Some(1), "one departure of {dialog}");
        }
        assert!(events.is_empty(), "and no other: {events:?}");

        let again = chat.user("alice").await;
        assert!(again.id() > other.id(), "her login is free, her number is not");
        assert!(again.dialogs().await.is_empty());
        chat.verify().await;
    })
    .await;
}
