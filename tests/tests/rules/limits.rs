//! What is too much, and what of it is cut, refused or never there.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Chat, Ended, Person, Setup, each_topology};

use crate::ask::{change, dialogs, each, each_engines_with, items, lists, proved, seen, subscribe, with};
use crate::calls::error;

/// One more than a page holds.
const MANY: usize = 101;
const PAGE: usize = 100;

/// The pages of one list: how many items come, and which limit the answer tells if it does.
async fn pages(who: &Person, path: &str, parameters: &[(&str, &str)], rules: [u16; 3]) {
    let page = async |limit: Option<&str>| {
        let limit: Vec<_> = limit.into_iter().map(|limit| ("limit", limit)).collect();
        let answer = who.get(&with(path, &[parameters, limit.as_slice()].concat())).await;
        (items(&answer).len(), answer.json().get("limit").and_then(Value::as_u64))
    };
    let (count, told) = page(None).await;
    assert_eq!((count, told.unwrap_or(100)), (PAGE, 100), "{path}");
    proved("LIMIT", [rules[0]]);
    for limit in ["101", "1000", "99999999999999999999"] {
        let (count, told) = page(Some(limit)).await;
        assert_eq!((count, told.unwrap_or(100)), (PAGE, 100), "{path} {limit}");
    }
    proved("LIMIT", [rules[1]]);
    for limit in [100, 7, 1] {
        let (count, told) = page(Some(&limit.to_string())).await;
        assert_eq!((count, told.unwrap_or(limit)), (limit as usize, limit), "{path} {limit}");
    }
    for none in ["0", "-5"] {
        let (count, told) = page(Some(none)).await;
        assert_eq!((count, told.unwrap_or(1)), (1, 1), "{path} {none}");
    }
    proved("LIMIT", [rules[2]]);
}

#[tokio::test]
async fn no_page_has_more_than_a_hundred() {
    each_topology(async |chat: Chat| {
        let alice = chat.user("alice").await;
        let mut everybody = vec![alice.id()];
        for number in 1..MANY {
            let user = json!({ "login": format!("member{number}"), "password": Chat::secrets()[0] });
            let made = alice.post_to("users", &json!({ "user": user })).await.is(201).json();
            everybody.push(made["user"]["id"].as_u64().expect("a user has an id"));
        }
        for number in 1..MANY {
            alice.create_group(&format!("group {number}"), [&alice]).await;
        }
        let body = json!({ "type": 2, "name": "everybody", "occupants_ids": everybody });
        let crowd = alice.create(&body).await;
        for number in 0..MANY {
            alice.post(&crowd, &format!("needle {number}")).await;
        }
        pages(&alice, "chat/Dialog", &[], [1, 2, 3]).await;
        pages(&alice, "chat/Message", &[("chat_dialog_id", &crowd)], [4, 5, 6]).await;
        pages(&alice, &format!("chat/Dialog/{crowd}/occupants"), &[], [7, 8, 9]).await;
        hits(&alice).await;
    })
    .await;
}

async fn hits(alice: &Person) {
    let hits = async |limit: &[(&str, &str)]| {
        let path = with("chat/search", &[&[("search_text", "needle")], limit].concat());
        alice.get(&path).await.is(200).json()["results"]["messages"].as_array().expect("a list").len()
    };
    assert_eq!(hits(&[]).await, PAGE);
    proved("LIMIT", [14]);
    for limit in ["101", "5000"] {
        assert_eq!(hits(&[("limit", limit)]).await, PAGE);
    }
    assert_eq!(hits(&[("limit", "9")]).await, 9);
    proved("LIMIT", [13]);
}

#[tokio::test]
async fn five_admins_are_enough() {
    each_topology(async |chat: Chat| {
        let alice = chat.user("alice").await;
        let mut others = vec![];
        for number in 0..6 {
            others.push(chat.user(&format!("other{number}")).await.id());
        }
        let (five, sixth) = (&others[..5], others[5]);
        for kind in [2, 4] {
            let made = |admins: &[u64]| {
                json!({ "type": kind, "name": "admins", "occupants_ids": others, "admins_ids": admins })
            };
            let before = alice.dialogs().await;
            error(&alice.post_to("chat/Dialog", &made(&others)).await, 422);
            assert_eq!(alice.dialogs().await, before);
            proved("LIMIT", [18]);
            let full = alice.create(&made(five)).await;
            assert_eq!(seen(&alice, &full).await["admins_ids"], json!(five));
            proved("LIMIT", [17]);
            for (path, [accepted, refused]) in [("", [19, 20]), ("/admins", [21, 22])] {
                let dialog = alice.create(&made(&[])).await;
                let push = async |admins: &[u64]| {
                    let body = json!({ "push_all": { "admins_ids": admins } });
                    alice.put(&format!("chat/Dialog/{dialog}{path}"), &body).await
                };
                error(&push(&others).await, 422);
                assert_eq!(seen(&alice, &dialog).await["admins_ids"], json!([]));
                push(five).await.is(200);
                assert_eq!(seen(&alice, &dialog).await["admins_ids"], json!(five));
                proved("LIMIT", [accepted]);
                error(&push(&[sixth]).await, 422);
                assert_eq!(seen(&alice, &dialog).await["admins_ids"], json!(five));
                push(&five[..2]).await.is(200);
                proved("LIMIT", [refused]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn occupants_are_as_many_as_the_deployment_allows() {
    each_engines_with(&[("limits.occupants_max", "3")], async |chat: &Chat| {
        let [alice, bob, carol, dave] = chat.users(["alice", "bob", "carol", "dave"]).await;
        let others = [bob.id(), carol.id(), dave.id()];
        let made = |kind: u8, count: usize| {
            json!({ "type": kind, "name": "full", "occupants_ids": others[..count] })
        };
        for kind in [2, 4] {
            error(&alice.post_to("chat/Dialog", &made(kind, 3)).await, 422);
        }
        assert_eq!(alice.dialogs().await, [] as [Value; 0]);
        let group = alice.create(&made(2, 2)).await;
        proved("LIMIT", [23]);
        let push = json!({ "push_all": { "occupants_ids": [dave.id()] } });
        error(&change(&alice, &group, push).await, 422);
        assert_eq!(seen(&alice, &group).await["occupants_count"], 3);
        assert!(!lists(&dave, &group).await);
        proved("LIMIT", [25]);
        let square = alice.create(&made(4, 2)).await;
        error(&subscribe(&dave, &square).await, 422);
        assert_eq!(seen(&alice, &square).await["occupants_count"], 3);
        alice.send(Method::DELETE, &format!("chat/Dialog/{square}/subscribe"), &json!({})).await.is(200);
        subscribe(&dave, &square).await.is(200);
        proved("LIMIT", [24]);
        let news = alice.create(&json!({ "type": 1, "name": "news" })).await;
        for person in [&alice, &bob, &carol, &dave] {
            assert!(lists(person, &news).await);
        }
        alice.post(&news, "for all").await;
        assert_eq!(dave.texts(&news).await, ["for all"]);
        proved("LIMIT", [26]);
    })
    .await;
}

#[tokio::test]
async fn an_application_has_three_extension_keys() {
    each_engines_with(&[("app.extension_keys", "city,mood,place")], async |chat: &Chat| {
        let alice = chat.user("alice").await;
        let extensions = json!({ "city": "Kyiv", "mood": "calm", "place": "bar", "more": "dropped" });
        let body = json!({ "type": 2, "name": "k", "occupants_ids": [alice.id()], "extensions": extensions });
        let dialog = alice.create(&body).await;
        let three = json!({ "city": "Kyiv", "mood": "calm", "place": "bar" });
        assert_eq!(seen(&alice, &dialog).await["extensions"], three);
        let four = chat.setup().clone().with("app.extension_keys", "city,mood,place,more");
        let refused = begin(four).await;
        assert!(refused.code != Some(0) && refused.stderr.contains("at most 3 keys"), "{refused:?}");
        proved("LIMIT", [27]);
    })
    .await;
}

/// A server that does not start: how it ended.
async fn begin(setup: Setup) -> Ended {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    tests::Server::start(&folder.path().join("data"), &setup).await.expect_err("it does not start")
}

#[tokio::test]
async fn a_user_has_five_tags() {
    each_topology(async |chat: Chat| {
        let alice = chat.user("alice").await;
        let sign_up = async |login: &str, tags: Value| {
            let user = json!({ "login": login, "password": Chat::secrets()[0], "tag_list": tags });
            alice.post_to("users", &json!({ "user": user })).await
        };
        let made = sign_up("five", json!("a1, b2, c3, d4, e5")).await.is(201).json();
        assert_eq!(made["user"]["user_tags"], "a1,b2,c3,d4,e5");
        for six in [json!("a1,b2,c3,d4,e5,f6"), json!(["a1", "b2", "c3", "d4", "e5", "f6"])] {
            let refused = error(&sign_up("six", six).await, 422);
            assert!(refused["errors"].is_object(), "{refused}");
        }
        chat.try_sign_in("six", "another password").await.is(201);
        proved("LIMIT", [28]);
    })
    .await;
}

#[tokio::test]
async fn reactions_are_short_and_few() {
    each_topology(async |chat: Chat| {
        let alice = chat.user("alice").await;
        let dialog = alice.create_group("reactions", [&alice]).await;
        let message = alice.post(&dialog, "one").await;
        let path = format!("chat/Message/{message}/reactions");
        let add = async |kind: &str| alice.put(&path, &json!({ "add": kind })).await;
        let kinds = async || alice.get(&path).await.is(200).json().as_object().map(serde_json::Map::len);
        add(&"é".repeat(32)).await.is(200);
        let long = format!("{}x", "é".repeat(32));
        error(&add(&long).await, 422);
        assert_eq!(kinds().await, Some(1));
        proved("LIMIT", [39]);
        for number in 1..20 {
            add(&format!("kind {number}")).await.is(200);
        }
        error(&add("one more").await, 422);
        assert_eq!(kinds().await, Some(20));
        add("kind 1").await.is(200);
        let told = each(&dialogs(&alice, &[]).await, "_id");
        assert_eq!(told, json!([dialog]));
        proved("LIMIT", [40]);
    })
    .await;
}
