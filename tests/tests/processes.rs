//! Two processes for each role, and one of them goes: killed in the middle of everything, or
//! told to stop. Whoever is left does the work, and nothing that was answered is lost.

use engines::Proxy;
use tests::{Answer, Chat, Load, Person, Setup, Story};

const PARTITIONS: u32 = 4;
/// So many dialogs are in several partitions.
const DIALOGS: usize = 6;

/// Two processes for each role, each with something to do, and people who have a dialog each.
async fn furnish() -> (Chat, Vec<(Person, String)>) {
    let chat = Chat::start(Setup::cluster(PARTITIONS).twice()).await;
    let listener = chat.user("listener").await;
    let mut people = vec![];
    for number in 0..DIALOGS {
        let person = chat.user(&format!("person-{number}")).await;
        let dialog = person.create_group("a dialog of his own", [&listener]).await;
        people.push((person, dialog));
    }
    (chat, people)
}

/// The load of those people at every gateway, well under way.
async fn load(chat: &Chat, people: Vec<(Person, String)>) -> Load {
    let gateways: Vec<_> = chat.each("gateway").into_iter().map(|gateway| gateway.api()).collect();
    let mut load = Load::of(people, &gateways);
    load.goes_on().await;
    load
}

/// Let everybody get on for a while, then compare what he was told with what there is.
async fn judge(chat: &Chat, mut load: Load) -> Vec<Story> {
    load.goes_on().await;
    let stories = load.end().await;
    for story in &stories {
        story.holds(&chat.each("gateway")[0].api()).await;
    }
    chat.verify().await;
    stories
}

/// No connection broke, and whoever was refused was told when to ask again: for a moment nobody may
/// have folded his partition.
fn only_put_off(stories: &[Story]) {
    for story in stories {
        let told = |answer: &Answer| answer.status == 503 && !answer.header("retry-after").is_empty();
        assert!(story.refused.iter().all(told) && story.broken == 0, "{story:?}");
    }
}

/// Nobody was refused anything, and no connection broke.
fn unnoticed(stories: &[Story]) {
    for story in stories {
        assert!(story.refused.is_empty() && story.broken == 0, "{story:?}");
    }
}

#[tokio::test]
async fn a_killed_writer_is_replaced() {
    let (mut chat, people) = furnish().await;
    let load = load(&chat, people).await;
    assert_eq!(chat.kill_one("command", 0).await.code, None);
    let stories = judge(&chat, load).await;
    assert!(stories.iter().all(|story| story.broken == 0), "the gateways go on");
    let left = &chat.each("command")[0];
    assert!(left.api().metric_reaches("writer_leases", PARTITIONS.into()).await, "it writes everything");
}

#[tokio::test]
async fn a_writer_that_is_told_to_stop_refuses_nothing() {
    let (mut chat, people) = furnish().await;
    let load = load(&chat, people).await;
    assert_eq!(chat.stop_one("command", 0).await.code, Some(0));
    unnoticed(&judge(&chat, load).await);
}

#[tokio::test]
async fn a_writer_that_joins_takes_its_share_unnoticed() {
    let (mut chat, people) = furnish().await;
    chat.kill_one("command", 1).await;
    let alone = chat.each("command")[0].api();
    assert!(alone.metric_reaches("writer_leases", PARTITIONS.into()).await);
    let load = load(&chat, people).await;
    chat.start_one("command").await;
    let joined = chat.each("command")[1].api();
    assert!(joined.metric_reaches("writer_leases", (PARTITIONS / 2).into()).await, "it gets half of them");
    unnoticed(&judge(&chat, load).await);
}

/// It goes on believing in itself for a moment, and comes back with what it had under way.
#[tokio::test]
async fn a_writer_that_is_cut_off_is_replaced_until_it_is_back() {
    let (chat, people) = furnish().await;
    let proxy = Proxy::to(chat.nats().address(0)).await;
    let nats = format!("nats://{}", proxy.address());
    let third = chat.begin_one("command", |setup| setup.with("nats.urls", nats));
    let third = third.serving().await.expect("the process serves");
    assert!(third.api().metric_reaches("writer_leases", 1.0).await, "it gets its share");
    let mut load = load(&chat, people).await;
    proxy.cut();
    assert!(third.api().comes_to_be_ready(false).await, "it knows that it is of no use");
    load.goes_on().await;
    proxy.mend();
    assert!(third.api().comes_to_be_ready(true).await);
    assert!(third.api().metric_reaches("writer_leases", 1.0).await, "it gets its share again");
    judge(&chat, load).await;
    assert_eq!(third.stop().await.code, Some(0));
}

#[tokio::test]
async fn a_killed_projector_is_replaced() {
    let (mut chat, people) = furnish().await;
    let load = load(&chat, people).await;
    assert_eq!(chat.kill_one("projector", 0).await.code, None);
    judge(&chat, load).await;
    let left = &chat.each("projector")[0];
    assert!(left.api().metric_reaches("projector_leases", PARTITIONS.into()).await, "it folds everything");
}

#[tokio::test]
async fn a_projector_that_is_told_to_stop_keeps_nobody_waiting_in_vain() {
    let (mut chat, people) = furnish().await;
    let load = load(&chat, people).await;
    assert_eq!(chat.stop_one("projector", 0).await.code, Some(0));
    only_put_off(&judge(&chat, load).await);
}

#[tokio::test]
async fn a_killed_gateway_is_not_needed() {
    let (mut chat, people) = furnish().await;
    let load = load(&chat, people).await;
    assert_eq!(chat.kill_one("gateway", 0).await.code, None);
    let stories = judge(&chat, load).await;
    assert!(stories.iter().all(|story| story.refused.is_empty()), "the other one is as good");
    assert!(stories.iter().any(|story| story.broken > 0), "half of the requests went there");
}

#[tokio::test]
async fn a_gateway_that_is_told_to_stop_finishes_what_it_has_begun() {
    let (mut chat, people) = furnish().await;
    let load = load(&chat, people).await;
    assert_eq!(chat.stop_one("gateway", 1).await.code, Some(0));
    let stories = judge(&chat, load).await;
    assert!(stories.iter().all(|story| story.refused.is_empty()), "{stories:?}");
}
