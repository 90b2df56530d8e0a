//! `hansard copy`: a chat goes on elsewhere as if nothing had happened.

use std::fs;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Ended, Person, Setup};

/// The part of a configuration that says where its stores are.
fn embedded(data: &Path, partitions: u32) -> String {
    format!("[data]\nfolder = {:?}\n[log]\npartitions = {partitions}\n", data.display().to_string())
}

/// Copy the chat, which has ended, into `partitions` partitions beside it.
async fn copy(chat: &Chat, to: &Path, partitions: u32) -> Ended {
    copy_by(chat, &embedded(&chat.data(), 0), &embedded(to, partitions)).await
}

/// Copy what one configuration names to where another one does.
async fn copy_by(chat: &Chat, from: &str, to: &str) -> Ended {
    let file = |name: &str, stores: &str| {
        let path = chat.folder().join(name);
        let application = "[app]\nid = 7\nauth_key = \"any\"\n";
        fs::write(&path, format!("{stores}{application}")).expect("the settings are written");
        path.display().to_string()
    };
    let (from, to) = (file("from.toml", from), file("to.toml", to));
    chat.operator(&["copy", "--from", &from, "--to", &to]).await
}

/// Move the chat into `partitions` partitions and let it go on there.
async fn move_to(chat: &mut Chat, partitions: u32) -> Ended {
    let setup: Setup = chat.setup().clone().with("log.partitions", partitions);
    chat.stop().await;
    let place: PathBuf = chat.folder().join(format!("copy-{partitions}"));
    let said = copy(chat, &place, partitions).await.well();
    fs::rename(chat.data(), chat.folder().join(format!("before-{partitions}")))
        .expect("the old data goes aside");
    fs::rename(place, chat.data()).expect("the copy takes its place");
    chat.start_again_as(setup).await;
    said
}

/// How many events there are beside the log's own.
async fn events(chat: &Chat) -> usize {
    let own = ["log.opened", "writer.started"];
    let is_own = |line: &Value| own.iter().any(|own| line["type"] == *own);
    chat.log(&[]).await.iter().filter(|line| !is_own(line)).count()
}

/// Everything that somebody sees, without looking in a way that marks it.
async fn sight(person: &Person) -> Value {
    let mut dialogs = vec![];
    for dialog in person.dialogs().await {
        let id = dialog["_id"].as_str().expect("a dialog has an id").to_owned();
        let messages = person.peek(&id).await;
        let unread = person.unread(&id).await;
        dialogs.push(json!({ "dialog": dialog, "messages": messages, "unread": unread }));
    }
    let total = person.unread_total().await;
    json!({ "dialogs": dialogs, "total": total })
}

#[tokio::test]
async fn a_chat_goes_on_in_other_partitions_with_every_count_the_same() {
    let mut chat = Chat::start(Setup::embedded(1)).await;
    let people = chat.users(["alice", "bob", "carol"]).await;
    let [alice, bob, carol] = &people;
    let private = alice.create_private(bob).await;
    alice.post_each(&private, ["one", "two", "three"]).await;
    let mut groups = vec![];
    for n in 0..6 {
        let group = alice.create_group(&format!("group {n}"), [bob, carol]).await;
        let [first, second, third] = alice.post_each(&group, ["first", "second", "third"]).await;
        bob.read(&group, [&first, &third]).await;
        carol.read_all(&group).await;
        alice.edit(&group, &second, "changed").await;
        bob.post(&group, "fourth").await;
        carol.hide(&first).await;
        alice.remove(&third).await;
        groups.push(group);
    }
    alice.expel(&groups[0], carol).await;
    bob.leave(&groups[1]).await;
    let answer = alice.post_message(&private, &json!({ "message": "four" })).await.is(201);
    let position = answer.header("Log-Position").to_owned();

    for (partitions, newcomers) in [(4, 0), (3, 1), (1, 2)] {
        let before = sights(&people).await;
        let before_events = events(&chat).await;
        let said = move_to(&mut chat, partitions).await;
        let people_said = format!(" streams, {} users and 3 sessions;", 3 + newcomers);
        assert!(said.stdout.contains(&people_said), "{said:?}");
        assert_eq!(chat.tails().await.len(), partitions as usize);
        // With the sessions of before.
        assert_eq!(sights(&people).await, before);
        assert_eq!(events(&chat).await, before_events, "nothing is lost, nothing there twice");
        // A place in the old log means nothing here.
        let path = format!("chat/Message?chat_dialog_id={private}&mark_as_read=0");
        let old = alice.request(Method::GET, &path).header("Min-Log-Position", &position);
        Answer::to(old).await.is(422);
        // It goes on: sequences, counts, the private dialog of two, ids of users.
        assert_eq!(bob.create_private(alice).await, private);
        let unread = bob.unread(&groups[3]).await;
        alice.post(&groups[3], "and on").await;
        assert_eq!(bob.unread(&groups[3]).await, unread + 1);
        let newcomer = chat.user(&format!("newcomer{partitions}")).await;
        assert!(newcomer.id() > carol.id());
        chat.stop().await;
        chat.start_again().await;
        chat.verify().await;
        Answer::to(newcomer.request(Method::DELETE, "session")).await.is(200);
    }
}

#[tokio::test]
async fn only_a_resting_chat_is_copied_and_only_into_an_empty_place() {
    let mut chat = Chat::start(Setup::embedded(1)).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lobby", [&bob]).await;
    alice.post(&dialog, "hello").await;
    let place = chat.folder().join("copy");
    let refused = copy(&chat, &place, 2).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    chat.stop().await;
    copy(&chat, &place, 2).await.well();
    let again = copy(&chat, &place, 2).await;
    assert!(again.code == Some(1) && again.stderr.contains("copy into an empty place"), "{again:?}");
    assert!(!chat.folder().join("copy-3").exists());
}

/// The part of a configuration that leads to the engines of the chat's cluster.
fn cluster(chat: &Chat, partitions: u32) -> String {
    format!(
        "[log]\nbackend = \"jetstream\"\npartitions = {partitions}\nreplicas = 1\npartition_bytes_max = 16777216\n\
         monitor_urls = {:?}\n[nats]\nurls = {:?}\nnamespace = {:?}\n[postgres]\nurl = {:?}\n",
        chat.nats().monitor_urls(),
        chat.nats().urls(),
        chat.namespace(),
        chat.database_url()
    )
}

#[tokio::test]
async fn a_chat_goes_on_in_a_cluster_and_comes_back_whole() {
    let mut chat = Chat::start(Setup::embedded(2)).await;
    let people = chat.users(["alice", "bob", "carol"]).await;
    let [alice, bob, carol] = &people;
    let private = alice.create_private(bob).await;
    let mut groups = vec![];
    for n in 0..4 {
        let group = alice.create_group(&format!("group {n}"), [bob, carol]).await;
        let [first, second, third] = alice.post_each(&group, ["first", "second", "third"]).await;
        bob.read(&group, [&first, &third]).await;
        carol.hide(&first).await;
        alice.remove(&second).await;
        groups.push(group);
    }
    let answer = alice.post_message(&private, &json!({ "message": "one" })).await.is(201);
    let position = answer.header("Log-Position").to_owned();
    let embedded_setup = chat.setup().clone();
    let before = sights(&people).await;

    chat.stop().await;
    chat.found_cluster().await;
    let place = embedded(&chat.data(), 0);
    copy_by(&chat, &place, &cluster(&chat, 5)).await.well();
    let again = copy_by(&chat, &place, &cluster(&chat, 5)).await;
    assert!(again.code == Some(1) && again.stderr.contains("copy into an empty place"), "{again:?}");
    chat.start_again_as(embedded_setup.clone().in_cluster().with("log.partitions", 5)).await;
    // With the sessions of before; a place in the old log means nothing here.
    assert_eq!(sights(&people).await, before);
    let path = format!("chat/Message?chat_dialog_id={private}&mark_as_read=0");
    let old = alice.request(Method::GET, &path).header("Min-Log-Position", &position);
    Answer::to(old).await.is(422);
    // It goes on: sequences, counts, the private dialog of two, ids of users.
    assert_eq!(bob.create_private(alice).await, private);
    let unread = bob.unread(&groups[3]).await;
    alice.post(&groups[3], "and on").await;
    assert_eq!(bob.unread(&groups[3]).await, unread + 1);
    assert!(chat.user("newcomer").await.id() > carol.id());
    chat.verify().await;
    let before = sights(&people).await;

    chat.stop().await;
    let place = chat.folder().join("back");
    copy_by(&chat, &cluster(&chat, 5), &embedded(&place, 3)).await.well();
    fs::rename(chat.data(), chat.folder().join("before")).expect("the old data goes aside");
    fs::rename(place, chat.data()).expect("the copy takes its place");
    chat.leave_cluster();
    chat.start_again_as(embedded_setup.with("log.partitions", 3)).await;
    assert_eq!(sights(&people).await, before);
    chat.verify().await;
}

/// What each of them sees.
async fn sights(people: &[Person]) -> Vec<Value> {
    let mut sights = vec![];
    for person in people {
        sights.push(sight(person).await);
    }
    sights
}
