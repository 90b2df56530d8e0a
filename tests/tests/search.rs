//! Searching: what is found, what is not any more, and an index that is away.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Chat, Engines, Person, Setup, each_topology};

/// How long an index may be behind on a machine that does much else.
const BEHIND_MAX: Duration = Duration::from_secs(60);
/// How long to wait before asking again.
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// The answer to a search, once its index has caught up.
async fn searched(person: &Person, query: &str) -> Answer {
    let asking = async {
        loop {
            let answer = person.get(&format!("chat/search?{query}")).await;
            if answer.status != 503 {
                return answer;
            }
            assert_ne!(answer.header("retry-after"), "", "{}", answer.text());
            tokio::time::sleep(ASK_AGAIN).await;
        }
    };
    tokio::time::timeout(BEHIND_MAX, asking).await.expect("the index catches up")
}

/// What a search finds; both spellings of the answer say the same.
async fn found(person: &Person, query: &str) -> Value {
    let answer = searched(person, query).await.is(200).json();
    for list in ["dialogs", "messages", "users"] {
        assert!(answer["results"][list].is_array(), "{answer}");
        assert_eq!(answer[list], answer["results"][list]);
    }
    assert_eq!(answer["users"], json!([]));
    answer["results"].clone()
}

/// The texts of the messages that are found.
async fn texts(person: &Person, query: &str) -> Vec<String> {
    let found = found(person, query).await;
    let messages = found["messages"].as_array().expect("the answer has its shape").iter();
    messages
        .map(|message| message["message"].as_str().expect("the answer has its shape").to_owned())
        .collect()
}

/// The names of the dialogs that are found.
async fn names(person: &Person, query: &str) -> Vec<String> {
    let found = found(person, query).await;
    let dialogs = found["dialogs"].as_array().expect("the answer has its shape").iter();
    dialogs.map(|dialog| dialog["name"].as_str().expect("the answer has its shape").to_owned()).collect()
}

/// The chat once more, with every search by the index.
async fn by_the_index(chat: &mut Chat) {
    chat.stop().await.well();
    let setup = chat.setup().clone().with("search.scan_max", 0);
    chat.start_again_as(setup).await;
}

#[tokio::test]
async fn what_leaves_the_sight_leaves_the_results() {
    each_topology(async |mut chat: Chat| {
        by_the_index(&mut chat).await;
        let [alice, bob] = chat.users(["alice", "bobby"]).await;
        let group = alice.create_group("the weekly lunch", [&bob]).await;
        let private = bob.create_private(&alice).await;
        let [edited, removed, hidden] =
            alice.post_each(&group, ["lunch at noon", "lunch at one", "lunch at two"]).await;
        bob.post(&private, "lunch without the others").await;
        assert_eq!(
            texts(&alice, "search_text=lunch").await,
            ["lunch without the others", "lunch at two", "lunch at one", "lunch at noon"]
        );
        assert_eq!(texts(&alice, "search_text=Lunch").await, [] as [&str; 0], "letter case matters");
        assert_eq!(texts(&alice, "search_text=lunch&limit=2").await.len(), 2);
        assert_eq!(texts(&bob, &format!("search_text=lunch&chat_dialog_ids={private}")).await.len(), 1);
        assert_eq!(bob.unread(&group).await, 3, "searching marks nothing");

        alice.edit(&group, &edited, "dinner at eight").await;
        alice.remove(&removed).await;
        bob.hide(&hidden).await;
        assert_eq!(texts(&alice, "search_text=lunch").await, ["lunch without the others", "lunch at two"]);
        assert_eq!(texts(&bob, "search_text=lunch").await, ["lunch without the others"]);
        assert_eq!(texts(&bob, "search_text=dinner").await, ["dinner at eight"]);
        bob.leave(&private).await;
        assert_eq!(texts(&bob, "search_text=lunch").await, [] as [&str; 0]);
        assert_eq!(texts(&alice, "search_text=lunch").await.len(), 2);

        // A dialog is called what its viewer sees: a private one is called like the other one.
        assert_eq!(names(&alice, "search_text=lunch").await, ["the weekly lunch"]);
        assert_eq!(names(&alice, "search_text=bobby").await, ["bobby"]);
        assert_eq!(names(&bob, "search_text=alice").await, [] as [&str; 0], "he has put it away");
        let clear = format!("chat/Dialog/clearHistory/{group}");
        bob.delete(&clear, false).await.is(200);
        assert_eq!(texts(&bob, "search_text=dinner").await, [] as [&str; 0]);
        assert_eq!(texts(&alice, "search_text=dinner").await, ["dinner at eight"]);
        alice.delete(&clear, true).await.is(200);
        assert_eq!(texts(&alice, "search_text=dinner").await, [] as [&str; 0]);
        alice.post(&group, "dinner once more").await;
        assert_eq!(texts(&bob, "search_text=dinner").await, ["dinner once more"]);
        bob.leave(&group).await;
        assert_eq!(names(&bob, "search_text=lunch").await, [] as [&str; 0]);
        assert_eq!(texts(&bob, "search_text=dinner").await, [] as [&str; 0]);
        alice.delete(&format!("chat/Dialog/{group}"), true).await.is(200);
        assert_eq!(texts(&alice, "search_text=lunch").await, ["lunch without the others"]);
    })
    .await;
}

#[tokio::test]
async fn nobody_finds_what_he_may_not_read() {
    each_topology(async |mut chat: Chat| {
        by_the_index(&mut chat).await;
        let [alice, bob, mallory] = chat.users(["alice", "bobby", "mallory"]).await;
        let group = alice.create_group("secret garden", [&bob]).await;
        alice.post(&group, "the secret of the garden").await;
        let broadcast = alice.create(&json!({ "type": 1, "name": "garden news" })).await;
        alice.post(&broadcast, "the garden is open").await;
        let public = alice.create(&json!({ "type": 4, "name": "garden party" })).await;
        alice.post(&public, "a garden for all who come").await;
        for query in [
            "search_text=garden".to_owned(),
            format!("search_text=garden&chat_dialog_ids={broadcast},{group},{public}"),
        ] {
            assert_eq!(texts(&mallory, &query).await, ["the garden is open"]);
            assert_eq!(names(&mallory, &query).await, ["garden news"]);
            assert_eq!(texts(&bob, &query).await, ["the garden is open", "the secret of the garden"]);
            assert_eq!(texts(&alice, &query).await.len(), 3);
        }
        assert_eq!(
            texts(&mallory, &format!("search_text=garden&chat_dialog_ids={group}")).await,
            [] as [&str; 0]
        );
        alice.expel(&group, &bob).await;
        assert_eq!(texts(&bob, "search_text=garden").await, ["the garden is open"]);
    })
    .await;
}

#[tokio::test]
async fn an_index_that_was_lost_is_folded_again() {
    each_topology(async |mut chat: Chat| {
        by_the_index(&mut chat).await;
        let [alice, bob] = chat.users(["alice", "bobby"]).await;
        let group = alice.create_group("a group", [&bob]).await;
        alice.post_each(&group, ["needle one", "needle two", "hay"]).await;
        assert_eq!(texts(&bob, "search_text=needle").await, ["needle two", "needle one"]);
        chat.operator(&["readmodel", "verify", "--search"]).await.well();
        chat.stop().await.well();
        chat.operator(&["readmodel", "rebuild", "--search"]).await.well();
        if chat.setup().engines() == Engines::Embedded {
            let folder = fs::read_dir(chat.data()).unwrap();
            let left = folder.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
            assert_eq!(left.filter(|name| name.starts_with("search-")).count(), 0);
        }
        // Nothing but searches waits for the index.
        chat.start_again().await;
        assert!(chat.api().comes_to_be_ready(true).await);
        assert_eq!(texts(&bob, "search_text=needle").await, ["needle two", "needle one"]);
        chat.operator(&["readmodel", "verify", "--search"]).await.well();
        chat.verify().await;
    })
    .await;
}

#[tokio::test]
async fn searching_can_be_switched_off() {
    each_topology(async |mut chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bobby"]).await;
        chat.stop().await.well();
        let setup = chat.setup().clone().with("search.enabled", false);
        chat.start_again_as(setup).await;
        let refused = alice.get("chat/search?search_text=needle").await.is(503);
        assert_eq!(refused.json(), json!({ "errors": ["Search is switched off"] }));
        let group = alice.create_group("a group", [&bob]).await;
        alice.post(&group, "needle in between").await;
        // What was written meanwhile is found once it is on again.
        chat.stop().await.well();
        let setup = chat.setup().clone().with("search.enabled", true).with("search.scan_max", 0);
        chat.start_again_as(setup).await;
        assert_eq!(texts(&alice, "search_text=needle").await, ["needle in between"]);
    })
    .await;
}

#[tokio::test]
async fn several_projectors_share_the_index() {
    let mut chat = Chat::start(Setup::cluster(4).twice().with("search.scan_max", 0)).await;
    let [alice, bob] = chat.users(["alice", "bobby"]).await;
    let mut groups = vec![];
    for number in 0..8 {
        let group = alice.create_group("a group", [&bob]).await;
        alice.post(&group, &format!("needle number {number}")).await;
        groups.push(group);
    }
    assert_eq!(texts(&bob, "search_text=needle").await.len(), 8);
    chat.kill_one("projector", 0).await;
    for group in &groups {
        alice.post(group, "needle after that").await;
    }
    assert_eq!(texts(&bob, "search_text=needle").await.len(), 16);
    chat.operator(&["readmodel", "verify", "--search"]).await.well();
}
