//! Two gateways, one chat: what was answered at one of them is what the other shows.

use std::time::Duration;

use engines::{Postgres, Proxy};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup};
use tokio::time::{sleep, timeout};

const PARTITIONS: u32 = 4;
/// Much longer than anything here may take; what hangs fails instead of hanging the tests.
const AMPLE: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A chat with two gateways, and people as they are at the first one.
async fn furnish<const N: usize>(logins: [&str; N]) -> (Chat, [Person; N]) {
    let chat = Chat::start(Setup::cluster(PARTITIONS).twice()).await;
    let people = chat.users(logins).await;
    (chat, people)
}

/// The same person at the second gateway.
fn elsewhere(person: &Person, chat: &Chat) -> Person {
    person.at(&chat.each("gateway")[1].api())
}

#[tokio::test]
async fn what_one_gateway_has_answered_every_other_shows_at_once() {
    let (chat, [alice, bob]) = furnish(["alice", "bob"]).await;
    let [alice_there, bob_there] = [&alice, &bob].map(|person| elsewhere(person, &chat));
    for round in 0..5_u64 {
        let dialog = alice.create_group(&format!("round {round}"), [&bob]).await;
        assert!(bob_there.dialog(&dialog).await.is_some(), "a new dialog is in the list");
        assert_eq!(bob_there.unread(&dialog).await, 0);
        for number in 1..=4 {
            let here = if number % 2 == 0 { &alice } else { &alice_there };
            let message = here.post(&dialog, &format!("{number}")).await;
            let there = if number % 2 == 0 { &bob_there } else { &bob };
            assert_eq!(there.unread(&dialog).await, number, "a count is exact at once");
            let shown = there.dialog(&dialog).await.unwrap();
            assert_eq!(
                (&shown["last_message"], &shown["last_message_id"]),
                (&json!(number.to_string()), &json!(message))
            );
            assert_eq!(there.texts(&dialog).await.len() as u64, number);
        }
        bob.read_all(&dialog).await;
        assert_eq!(bob_there.unread(&dialog).await, 0);
        assert!(alice_there.read_ids(&dialog).await.iter().all(|readers| readers.contains(&bob.id())));
        let [first, ..] = &alice.peek(&dialog).await[..] else { panic!("there are messages") };
        let first = first["_id"].as_str().unwrap();
        alice.edit(&dialog, first, "edited").await;
        assert_eq!(alice_there.texts(&dialog).await[0], "edited");
        alice_there.remove(first).await;
        assert_eq!(bob.texts(&dialog).await.len(), 3);
    }
    chat.verify().await;
}

#[tokio::test]
async fn a_position_is_good_at_every_gateway() {
    let (chat, [alice, bob]) = furnish(["alice", "bob"]).await;
    let dialog = alice.create_group("positions", [&bob]).await;
    let posted = alice.post_message(&dialog, &json!({ "message": "hello" })).await.is(201);
    let position = posted.header("Log-Position").to_owned();
    let bob = elsewhere(&bob, &chat);
    let listing = format!("chat/Message?chat_dialog_id={dialog}");
    let ask = async |position: &str| {
        Answer::to(bob.request(Method::GET, &listing).header("Min-Log-Position", position)).await
    };
    assert_eq!(ask(&position).await.is(200).json()["items"][0]["message"], "hello");

    // What nobody has written yet cannot be shown, and what is there is not passed off as it.
    let (place, next) = position.rsplit_once('.').expect("a partition and its next offset");
    let future = format!("{place}.{}", next.parse::<u64>().unwrap() + 1_000);
    let refused = ask(&future).await.is(503);
    assert!(!refused.header("Retry-After").is_empty(), "{:?}", refused.headers);
    assert!(!refused.text().contains("hello"));
    ask(&position).await.is(200);
}

#[tokio::test]
async fn a_revoked_token_is_good_nowhere() {
    let (chat, [alice]) = furnish(["alice"]).await;
    let again = chat.sign_in("alice").await;
    let [alice_there, again_there] = [&alice, &again].map(|person| elsewhere(person, &chat));
    for person in [&alice, &alice_there, &again_there] {
        person.get("chat/Dialog").await.is(200);
    }
    alice.delete("session", false).await.is(200);
    alice.get("chat/Dialog").await.is(401);
    // Within a second, says identity, and its own tests prove how: what it knows counts for 900 ms.
    let refused = async {
        while alice_there.get("chat/Dialog").await.status != 401 {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(AMPLE, refused).await.expect("the other gateway hears of it");
    for _ in 0..10 {
        alice_there.get("chat/Dialog").await.is(401);
    }
    again_there.get("chat/Dialog").await.is(200);
}

#[tokio::test]
async fn a_session_is_whose_it_has_become_at_every_gateway() {
    let (chat, [alice, bob]) = furnish(["alice", "bob"]).await;
    let session = chat.application().await;
    let there = elsewhere(&session, &chat);
    let proof = |person: &Person| json!({ "login": person.login(), "password": Chat::secrets()[0] });
    // The other gateway knows the session as one of nobody's.
    there.get("chat/Dialog").await.is(403);
    session.post_to("login", &proof(&alice)).await.is(202);
    let dialog = there.create_group("at once", [&bob]).await;
    assert!(alice.dialog(&dialog).await.is_some());
    // From one user to another, and to none, within a second.
    there.post_to("login", &proof(&bob)).await.is(202);
    comes_to(&session, json!(bob.id())).await;
    session.delete("login", false).await.is(200);
    comes_to(&there, json!(null)).await;
    there.get("chat/Dialog").await.is(403);

    // Who was signed in at one of them is somebody at the other, at once, again and again.
    for _ in 0..5 {
        let alice_there = elsewhere(&chat.sign_in("alice").await, &chat);
        alice_there.get("chat/Dialog").await.is(200);
        alice_there.delete("session", false).await.is(200);
    }
}

/// The session comes to be that user's.
async fn comes_to(session: &Person, user: Value) {
    let seen = async {
        while session.get("session").await.is(200).json()["session"]["user_id"] != user {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(AMPLE, seen).await.expect("the other gateway hears of it");
}

#[tokio::test]
async fn whoever_was_deleted_is_nobody_anywhere() {
    let (chat, [alice, bob]) = furnish(["alice", "bob"]).await;
    let again = chat.sign_in("alice").await;
    let there = [&alice, &again].map(|person| elsewhere(person, &chat));
    for person in &there {
        person.get("chat/Dialog").await.is(200);
    }
    alice.delete("users", false).await.is(200);
    for person in [&alice, &again] {
        person.get("chat/Dialog").await.is(401);
    }
    for person in &there {
        let refused = async {
            while person.get("chat/Dialog").await.status != 401 {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(AMPLE, refused).await.expect("the other gateway hears of it");
    }
    elsewhere(&bob, &chat).get(&format!("users/{}", alice.id())).await.is(404);
}

/// What a gateway remembers counts only for as long as it hears of what has ended.
#[tokio::test]
async fn a_revoked_token_is_not_good_at_a_gateway_that_is_cut_off() {
    let (chat, [alice]) = furnish(["alice"]).await;
    let address = Postgres::shared().await.address();
    let proxy = Proxy::to(address).await;
    let url = chat.database_url().replace(&address.to_string(), &proxy.address().to_string());
    let cut_off = chat.begin_one("gateway", |setup| setup.with("postgres.url", url));
    let cut_off = cut_off.serving().await.expect("the process serves");
    let alice_there = alice.at(&cut_off.api());
    // Once more than enough: it remembers her, and she is let through without a question.
    for _ in 0..3 {
        alice_there.get("session").await.is(200);
    }
    proxy.cut();
    alice.delete("session", false).await.is(200);
    let refused = async {
        while alice_there.get("session").await.status == 200 {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(AMPLE, refused).await.expect("what it remembers comes to be too old");
    for _ in 0..5 {
        alice_there.get("session").await.is(503);
    }
    proxy.mend();
    let back = async {
        while alice_there.get("session").await.status == 503 {
            sleep(LOOK_EVERY).await;
        }
    };
    timeout(AMPLE, back).await.expect("it gets through again");
    alice_there.get("session").await.is(401);
}

#[tokio::test]
async fn whoever_was_taken_out_gets_through_nowhere() {
    let (chat, [alice, bob]) = furnish(["alice", "bob"]).await;
    let bob_there = elsewhere(&bob, &chat);
    for round in 0..5 {
        let dialog = alice.create_group(&format!("round {round}"), [&bob]).await;
        bob_there.post(&dialog, "still here").await;
        bob_there.list(&dialog).await;
        alice.expel(&dialog, &bob).await;
        // Not within a second: at once, as all rights are rows that everybody reads.
        for bob in [&bob_there, &bob] {
            let listed = bob.get(&format!("chat/Message?chat_dialog_id={dialog}")).await;
            assert!([403, 404].contains(&listed.status), "{}: {}", listed.status, listed.text());
            let posted = bob.post_message(&dialog, &json!({ "message": "let me in" })).await;
            assert!([403, 404].contains(&posted.status), "{}: {}", posted.status, posted.text());
            assert!(bob.dialog(&dialog).await.is_none());
        }
        assert_eq!(alice.texts(&dialog).await, ["still here"]);
    }
}
