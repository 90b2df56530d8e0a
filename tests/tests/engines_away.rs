//! NATS or PostgreSQL goes away under a running cluster: what can be answered is, what cannot
//! is refused at once, and what was acknowledged is there when it is back.

use std::time::Duration;

use serde_json::json;
use tests::{Answer, Chat, Person, Setup, proves};
use tokio::time::{sleep, timeout};

/// Much longer than anything here may take; what hangs fails instead of hanging the tests.
const AMPLE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Requests one after another that would take minutes if each waited out its bound.
const MANY: usize = 40;

/// A chat on engines of its own, with two people, their dialog, and what was posted to it.
async fn furnish() -> (Chat, [Person; 2], String) {
    let chat = Chat::start(Setup::cluster(2).on_own_engines()).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.create_group("furnished", [&bob]).await;
    for number in 0..20 {
        alice.post(&dialog, &number.to_string()).await;
    }
    (chat, [alice, bob], dialog)
}

/// What somebody asks for.
#[derive(Clone, Copy)]
enum Ask<'a> {
    Post(&'a str),
    Read(&'a str),
    List,
    Unread,
}

impl Ask<'_> {
    async fn by(self, person: &Person) -> Answer {
        match self {
            Self::Post(dialog) => post(person, dialog).await,
            Self::Read(dialog) => read(person, dialog).await,
            Self::List => person.get("chat/Dialog").await,
            Self::Unread => person.get("chat/Message/unread").await,
        }
    }
}

async fn post(person: &Person, dialog: &str) -> Answer {
    person.post_message(dialog, &json!({ "message": "hello" })).await
}

async fn read(person: &Person, dialog: &str) -> Answer {
    person.get(&format!("chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await
}

/// Ask until the answer has that status.
async fn until(status: u16, ask: impl AsyncFn() -> Answer) -> Answer {
    let asking = async {
        loop {
            let answer = ask().await;
            if answer.status == status {
                return answer;
            }
            assert!([200, 201, 503].contains(&answer.status), "{}: {}", answer.status, answer.text());
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(AMPLE, asking).await.unwrap_or_else(|_| panic!("it comes to be answered with {status}"))
}

/// Every answer is 503 with `Retry-After`, and none of them waits for long.
async fn refused_at_once(ask: impl AsyncFn() -> Answer) {
    let all = async {
        for _ in 0..MANY {
            let refused = ask().await.is(503);
            assert!(!refused.header("Retry-After").is_empty(), "{:?}", refused.headers);
            assert_eq!(refused.json(), json!({ "errors": ["Service temporarily unavailable"] }));
        }
    };
    timeout(AMPLE, all).await.expect("no request waits out its bound");
    proves("R-ERROR-023");
}

#[tokio::test]
async fn without_nats_reads_go_on_and_writes_are_refused() {
    let (chat, [alice, bob], dialog) = furnish().await;
    let before = bob.texts(&dialog).await;
    chat.nats().kill(0);
    until(503, async || post(&alice, &dialog).await).await;
    refused_at_once(async || post(&alice, &dialog).await).await;
    refused_at_once(async || {
        let body = json!({ "chat_dialog_id": dialog, "read": 1 });
        bob.put("chat/Message", &body).await
    })
    .await;
    for _ in 0..5 {
        let shown = bob.texts(&dialog).await;
        assert_eq!(shown[..before.len()], before);
        assert_eq!(bob.unread(&dialog).await, shown.len() as u64);
        // Opening it shows it, too; that it was read is told another time.
        assert!(!bob.list(&dialog).await.is_empty());
        assert_eq!(bob.dialogs().await.len(), 1);
    }
    chat.api().get("health/live").await.is(200);
    assert!(chat.api().comes_to_be_ready(true).await, "a gateway that can be read from is of use");
    for role in ["command", "projector"] {
        assert!(chat.each(role)[0].api().comes_to_be_ready(false).await, "the {role} cannot work");
    }

    chat.nats().restart(0);
    let posted = until(201, async || post(&alice, &dialog).await).await.json();
    let shown = bob.texts(&dialog).await;
    assert_eq!(shown[..before.len()], before, "nothing that was acknowledged is lost");
    assert_eq!(shown.last().unwrap(), "hello");
    assert_eq!(bob.peek(&dialog).await.last().unwrap()["_id"], posted["_id"]);
    for process in chat.processes() {
        assert!(process.api().comes_to_be_ready(true).await, "{} gets well", process.role());
    }
    chat.verify().await;
}

#[tokio::test]
async fn without_postgresql_everything_is_refused_until_it_is_back() {
    let (chat, [alice, bob], dialog) = furnish().await;
    let acknowledged = bob.texts(&dialog).await;
    // It answers no more; then it is gone; then it comes back without what it had not written.
    chat.postgres().pause();
    for ask in [Ask::Post(&dialog), Ask::Read(&dialog), Ask::List, Ask::Unread] {
        until(503, async || ask.by(&bob).await).await;
        refused_at_once(async || ask.by(&bob).await).await;
    }
    for process in chat.processes() {
        process.api().get("health/live").await.is(200);
        assert!(process.api().comes_to_be_ready(false).await, "{} cannot work", process.role());
    }
    chat.postgres().resume();
    until(200, async || read(&bob, &dialog).await).await;
    until(201, async || post(&alice, &dialog).await).await;
    let acknowledged_too = bob.texts(&dialog).await;
    assert_eq!(acknowledged_too[..acknowledged.len()], acknowledged);

    chat.postgres().stop_immediately();
    for ask in [Ask::Post(&dialog), Ask::Read(&dialog), Ask::List, Ask::Unread] {
        until(503, async || ask.by(&bob).await).await;
        refused_at_once(async || ask.by(&bob).await).await;
    }
    chat.postgres().restart().await;
    until(200, async || read(&bob, &dialog).await).await;
    let shown = bob.texts(&dialog).await;
    assert_eq!(shown[..acknowledged_too.len()], acknowledged_too, "what was acknowledged is there");
    until(201, async || post(&alice, &dialog).await).await;
    assert_eq!(bob.texts(&dialog).await.last().unwrap(), "hello");
    for process in chat.processes() {
        assert!(process.api().comes_to_be_ready(true).await, "{} gets well", process.role());
    }
    chat.verify().await;
}
