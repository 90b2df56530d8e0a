//! A process of a cluster that cannot start: it says what is wrong, where, and what to do;
//! it waits for what may come, and never starts on what it cannot trust.

use std::time::Duration;

use engines::{Nats, Profile, free_port};
use tests::{Answer, Chat, Ended, Setup, Starting};

/// How long a start is tried here: long enough to ask it meanwhile on a busy machine.
const PATIENCE: Duration = Duration::from_secs(6);

/// A start that was refused: the exit code says so, and the last line why.
fn refused(ended: &Ended, why: &[&str]) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("hansard: "), "{last:?}");
    for why in why {
        assert!(last.contains(why), "{why:?} is not in {last:?}");
    }
}

/// It listens, is not ready, refuses what it is asked, and says for what it waits; in the end
/// it gives up and says the same.
async fn tries_and_gives_up(starting: Starting, address: &str) {
    let api = starting.listening().await;
    assert!(api.comes_to_be_ready(false).await);
    api.get("health/live").await.is(200);
    let early: Answer = api.get("chat/Dialog").await.is(503);
    assert!(!early.header("Retry-After").is_empty(), "{:?}", early.headers);
    let ended = starting.gives_up().await;
    let tries = ended.stderr.lines().filter(|line| line.contains("WARN") && line.contains(address)).count();
    assert!(tries > 1, "it says each time where nobody answers: {}", ended.stderr);
    let bound = format!("{} s (server.start_time_max)", PATIENCE.as_secs());
    refused(&ended, &["gave up after", &bound, address]);
}

#[tokio::test]
async fn an_engine_that_is_not_there_is_waited_for_and_named() {
    let chat = Chat::start(Setup::cluster(1)).await;
    let patience = format!("{}s", PATIENCE.as_secs());
    let address = format!("127.0.0.1:{}", free_port());
    let without_nats = |role| {
        let nats = format!("nats://{address}");
        chat.begin_one(role, |setup| setup.with("nats.urls", nats).with("server.start_time_max", &patience))
    };
    let without_postgresql = |role| {
        let postgresql = format!("postgres://hansard:secret@{address}/chat");
        chat.begin_one(role, |setup| {
            setup.with("postgres.url", postgresql).with("server.start_time_max", &patience)
        })
    };
    tokio::join!(
        tries_and_gives_up(without_nats("gateway"), &address),
        tries_and_gives_up(without_nats("command"), &address),
        tries_and_gives_up(without_postgresql("gateway"), &address),
        tries_and_gives_up(without_postgresql("projector"), &address),
    );
}

#[tokio::test]
async fn an_engine_that_comes_late_is_not_too_late() {
    let mut chat = Chat::start(Setup::cluster(2).on_own_engines()).await;
    let alice = chat.user("alice").await;
    let bob = chat.user("bob").await;
    let dialog = alice.create_group("late", [&bob]).await;
    alice.post(&dialog, "before").await;
    chat.stop().await;
    chat.nats().kill(0);
    chat.postgres().stop_immediately();
    let waits = |line: &str| line.contains("waiting for an engine").then_some(());
    let starting: Vec<Starting> =
        ["gateway", "command", "projector"].map(|role| chat.begin_one(role, |setup| setup)).into();
    for starting in &starting {
        assert!(starting.stderr().find(waits).await.is_some());
    }
    chat.nats().restart(0);
    chat.postgres().restart().await;
    for starting in starting {
        starting.serving().await.expect("it serves once everything is there").stop().await;
    }
    chat.start_again().await;
    assert_eq!(bob.texts(&dialog).await, ["before"]);
    alice.post(&dialog, "after").await;
}

#[tokio::test]
async fn a_log_that_is_not_the_chats_is_refused_at_once() {
    let chat = Chat::start(Setup::cluster(2)).await;
    for role in ["gateway", "command", "projector"] {
        let ended = chat.begin_one(role, |setup| setup.with("nats.namespace", "nowhere")).gives_up().await;
        refused(&ended, &["there is no log", "`hansard log init`", "nats.namespace"]);
        let ended = chat.begin_one(role, |setup| setup.with("app.id", 8)).gives_up().await;
        refused(&ended, &["belongs to application 7, not 8", "app.id"]);
        let ended = chat.begin_one(role, |setup| setup.with("log.partitions", 3)).gives_up().await;
        refused(&ended, &["2 partitions", "3"]);
    }
    chat.verify().await;
}

#[tokio::test]
async fn a_nats_that_may_lose_writes_is_refused_unless_that_is_accepted() {
    let nats = Nats::start(1, Profile::Relaxed).await;
    let setup = Setup::cluster(1)
        .with("nats.urls", nats.url())
        .with("log.monitor_urls", nats.monitor_urls().join(","))
        .with("log.durability", "relaxed");
    // Who accepts it is served.
    let chat = Chat::start(setup).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.create_group("relaxed", [&bob]).await;
    alice.post(&dialog, "hello").await;
    for role in ["gateway", "command", "projector"] {
        let checked = chat.begin_one(role, |setup| setup.with("log.durability", "checked"));
        let why = ["may lose acknowledged writes", "`sync_interval: always`", "log.durability = \"relaxed\""];
        let ended = checked.gives_up().await;
        refused(&ended, &why);
        refused(&ended, &[&nats.monitor_urls()[0], "it syncs every 120 s"]);
    }
    let blind = chat
        .begin_one("command", |setup| setup.with("log.durability", "checked").with("log.monitor_urls", ""));
    let ended = blind.gives_up().await;
    refused(&ended, &["it cannot be seen whether acknowledged writes are on a disk", "log.monitor_urls"]);
    let attested = chat.begin_one("command", |setup| setup.with("log.durability", "attested"));
    attested.serving().await.expect("the operator's word counts").stop().await;
}
