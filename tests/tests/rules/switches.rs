//! What a deployment can set: the same story with other settings. And two deployments, each
//! with an application of its own, know nothing of each other.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Setup, each_engines};

use crate::ask::{each_engines_with, history, id, lists, proved, seen, subscribe};

#[tokio::test]
async fn broadcasts_can_be_left_to_others() {
    each_engines_with(&[("app.broadcast_by_api", "false")], async |chat: &Chat| {
        let alice = chat.user("alice").await;
        let refused =
            alice.post_to("chat/Dialog", &json!({ "type": 1, "name": "news" })).await.is(403).json();
        let words =
            "You do not have appropriate permissions. Broadcast dialogs can be created only via Admin panel.";
        assert_eq!(refused, json!({ "errors": [words] }));
        assert_eq!(alice.dialogs().await, [] as [Value; 0]);
        // That creation is allowed otherwise is what every other story relies on.
        proved("DIALOG", [161]);
        let [bob, carol] = chat.users(["bob", "carol"]).await;
        let group = alice.create_group("group", [&bob]).await;
        let refused = subscribe(&carol, &group).await;
        assert!([403, 404, 422].contains(&refused.status), "{}", refused.text());
        assert!(!lists(&carol, &group).await);
        assert_eq!(seen(&alice, &group).await["occupants_count"], 2);
    })
    .await;
}

#[tokio::test]
async fn groups_can_be_joined_and_reactions_can_be_single() {
    let settings = [("app.subscribe_to_groups", "true"), ("app.single_reaction", "true")];
    each_engines_with(&settings, async |chat: &Chat| {
        let [alice, bob, carol] = chat.users(["alice", "bob", "carol"]).await;
        let group = alice.create_group("group", [&bob]).await;
        let sent = alice.post(&group, "one").await;
        let joined = subscribe(&carol, &group).await.is(200).json();
        assert_eq!(joined["occupants_ids"], json!([alice.id(), bob.id(), carol.id()]));
        assert_eq!((lists(&carol, &group).await, carol.texts(&group).await), (true, vec!["one".to_owned()]));
        subscribe(&carol, &group).await.is(200);
        assert_eq!(seen(&alice, &group).await["occupants_count"], 3);
        proved("DIALOG", [227]);

        let path = format!("chat/Message/{sent}/reactions");
        let reactors = async || alice.get(&path).await.is(200).json();
        bob.put(&path, &json!({ "add": "👍" })).await.is(200);
        carol.put(&path, &json!({ "add": "👍" })).await.is(200);
        bob.put(&path, &json!({ "add": "👎" })).await.is(200);
        assert_eq!(reactors().await, json!({ "👍": [carol.id()], "👎": [bob.id()] }));
        bob.put(&path, &json!({ "remove": "👎" })).await.is(200);
        assert_eq!(reactors().await, json!({ "👍": [carol.id()] }));
        proved("REACTION", [8]);
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_no_longer_allowed_is_gone() {
    let setup = |topology| Setup::of(topology).with("app.extension_keys", "mood,place");
    each_engines(setup, async |mut chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let extensions = json!({ "mood": "calm", "place": "bar" });
        let body =
            json!({ "type": 2, "name": "keys", "occupants_ids": [bob.id()], "extensions": extensions });
        let both = alice.create(&body).await;
        let body = json!({ "type": 3, "occupants_ids": [bob.id()], "extensions": { "place": "bar" } });
        let one = alice.create(&body).await;
        assert_eq!(seen(&bob, &both).await["extensions"], extensions);
        chat.stop().await;
        let fewer = chat.setup().clone().with("app.extension_keys", "mood");
        chat.start_again_as(fewer).await;
        let bob = chat.sign_in("bob").await;
        assert_eq!(seen(&bob, &both).await["extensions"], json!({ "mood": "calm" }));
        assert_eq!(seen(&bob, &one).await["extensions"], Value::Null);
        proved("DIALOG", [158]);
    })
    .await;
}

#[tokio::test]
async fn applications_know_nothing_of_each_other() {
    each_engines(Setup::of, async |chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let elsewhere = Chat::start(chat.setup().clone()).await;
        let [_, _, carol] = elsewhere.users(["alice", "bob", "carol"]).await;
        let square = carol.create(&json!({ "type": 4, "name": "elsewhere" })).await;
        let news = carol.create(&json!({ "type": 1, "name": "elsewhere" })).await;
        for dialog in [&square, &news] {
            assert!(!lists(&alice, dialog).await);
            history(&alice, dialog, &[]).await.is(404);
            subscribe(&alice, dialog).await.is(404);
        }
        proved("DIALOG", [55]);
        for body in [
            json!({ "type": 3, "occupants_ids": [carol.id()] }),
            json!({ "type": 2, "name": "both", "occupants_ids": [bob.id(), carol.id()] }),
        ] {
            let refused = alice.post_to("chat/Dialog", &body).await.is(422).json();
            assert_eq!(
                refused,
                json!({ "errors": { "occupants_ids": ["Occupants with these IDs do not exist."] } })
            );
        }
        assert_eq!([alice.dialogs().await, bob.dialogs().await], [[] as [Value; 0], []]);
        proved("DIALOG", [136]);
        for path in ["admin/chat/list", "admin/chat/messages/list", "admin/users"] {
            let keyed = alice.request(Method::GET, path).header("CB-Administration-API-Key", "x");
            for answer in [alice.get(path).await, Answer::to(keyed).await, chat.api().get(path).await] {
                assert_eq!(answer.is(404).json(), json!({ "errors": ["Not found"] }));
            }
        }
        // Nobody administers an application over the API.
        proved("DIALOG", [268, 271]);
        let foreign = carol.at(chat.api());
        foreign.get("chat/Dialog").await.is(401);
        assert_eq!(id(&seen(&carol, &square).await), square);
    })
    .await;
}
