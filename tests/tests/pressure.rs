//! Too much at once, no space, no progress, and the end of the process: what cannot be done is
//! refused in time and in words, reads go on, and nothing accepted is lost.

use std::fs;
use std::time::Duration;

use reqwest::Method;
use rusqlite::Connection;
use serde_json::{Value, json};
use tests::{Answer, Chat, EMBEDDED, Person, Setup, each_topology, proves};
use tokio::task::JoinSet;

/// The connection holds the database's write lock: whoever else writes has to wait.
fn hold(chat: &Chat, name: &str) -> Connection {
    let db = Connection::open(chat.data().join(name)).expect("the database can be opened");
    db.busy_timeout(Duration::from_secs(5)).expect("the connection can wait");
    db.execute_batch("BEGIN IMMEDIATE").expect("the lock can be had");
    db
}

fn release(db: &Connection) {
    db.execute_batch("ROLLBACK").expect("the lock can be given back");
}

fn readmodel(chat: &Chat) -> String {
    let files = fs::read_dir(chat.data()).expect("the data folder can be read");
    let mut names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    names.find(|name| name.starts_with("readmodel-") && name.ends_with(".db")).expect("there is a read model")
}

fn post(person: &Person, dialog: &str, id: u64) -> reqwest::RequestBuilder {
    let body = json!({ "chat_dialog_id": dialog, "_id": format!("5f{id:022x}"), "message": id.to_string() });
    person.request(Method::POST, "chat/Message").json(&body)
}

/// A 503 or 507 as the API words it, with the time to ask again.
fn is_refused_for_now(answer: &Answer) -> bool {
    if ![503, 507].contains(&answer.status) {
        return false;
    }
    assert!(answer.json()["errors"].is_array(), "{}", answer.text());
    assert!(
        answer.header("Retry-After").parse::<u64>().is_ok_and(|seconds| seconds >= 1),
        "{:?}",
        answer.headers
    );
    true
}

/// While the writer cannot write, its queue fills; whoever finds it full is told so at once,
/// and those who wait get their answers.
#[tokio::test]
async fn a_full_queue_refuses_and_loses_nothing() {
    const QUEUE: usize = 8;
    for topology in EMBEDDED {
        let chat = Chat::start(Setup::of(topology).with("writer.queue_max", QUEUE)).await;
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let mut dialogs = vec![];
        for number in 0..8 {
            dialogs.push(alice.create_group(&format!("group {number}"), [&bob]).await);
        }
        let log = hold(&chat, "log.db");
        let mut calls = JoinSet::new();
        for id in 0..200 {
            let dialog = dialogs[id as usize % dialogs.len()].clone();
            let call = post(&alice, &dialog, id);
            calls.spawn(async move { (id, dialog, Answer::to(call).await) });
        }
        // The first answers are refusals: nothing else can be answered yet.
        let (_, _, first) = calls.join_next().await.unwrap().unwrap();
        assert_eq!(first.status, 503, "{}", first.text());
        assert!(is_refused_for_now(&first));
        proves("R-ERROR-023");
        chat.api().get("health/live").await.is(200);
        assert_eq!(alice.dialogs().await.len(), 8, "reads go on");
        release(&log);
        let (mut accepted, mut refused) = (vec![], vec![]);
        for (id, dialog, answer) in calls.join_all().await {
            match answer.status {
                201 => accepted.push((id, dialog)),
                _ if is_refused_for_now(&answer) => refused.push((id, dialog)),
                _ => panic!("{}", answer.text()),
            }
        }
        assert!(!accepted.is_empty() && !refused.is_empty());
        for (id, dialog) in &refused {
            Answer::to(post(&alice, dialog, *id)).await.is(201);
        }
        let mut seen = vec![];
        for dialog in &dialogs {
            seen.extend(bob.texts(dialog).await.iter().map(|text| text.parse::<u64>().unwrap_or(u64::MAX)));
            assert_eq!(bob.unread(dialog).await as usize, bob.peek(dialog).await.len());
        }
        seen.sort_unstable();
        // The one that was looked at first is known to be refused; it was not asked again.
        assert_eq!(seen.len(), 199);
        seen.dedup();
        assert_eq!(seen.len(), 199, "each is there once");
        chat.verify().await;
    }
}

/// While the read models stand still, a few writes are answered without being visible, then
/// the brake takes hold: before anything is appended.
#[tokio::test]
async fn the_brake_comes_before_the_append() {
    for topology in EMBEDDED {
        let setup = Setup::of(topology).with("writer.lag_max", 2).with("server.visible_within", "50ms");
        let chat = Chat::start(setup).await;
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("brake", [&bob]).await;
        alice.post(&dialog, "visible").await;
        let rows = hold(&chat, &readmodel(&chat));
        let mut late = vec![];
        let refused = loop {
            let answer = Answer::to(post(&alice, &dialog, late.len() as u64)).await;
            if answer.status != 201 {
                break answer;
            }
            assert_eq!(answer.header("Log-Visible"), "0");
            assert!(!answer.header("Log-Position").is_empty());
            late.push(answer.json());
            assert!(late.len() < 10, "the brake does not take hold");
        };
        assert_eq!(refused.status, 503);
        assert!(is_refused_for_now(&refused));
        let tails = chat.tails().await;
        Answer::to(post(&alice, &dialog, 99)).await.is(503);
        assert_eq!(chat.tails().await, tails, "nothing was appended");
        assert_eq!(bob.texts(&dialog).await, ["visible"], "reads go on");
        release(&rows);
        let position =
            alice.request(Method::GET, &format!("chat/Message?chat_dialog_id={dialog}&mark_as_read=0"));
        Answer::to(position).await.is(200);
        // It lets go as soon as the rows have caught up; a client asks again.
        while Answer::to(post(&alice, &dialog, 99)).await.status == 503 {
            tokio::task::yield_now().await;
        }
        assert!(!late.is_empty());
        let seen = bob.peek(&dialog).await;
        assert_eq!(seen.len(), late.len() + 2);
        for (late, seen) in late.iter().zip(&seen[1..]) {
            assert_eq!(late, seen, "what was answered before it was visible is what became visible");
        }
        chat.verify().await;
    }
}

/// Another program, such as a backup, holds the read models for longer than anybody waits.
#[tokio::test]
async fn a_long_lock_on_the_read_models_stops_nothing_for_good() {
    let chat = Chat::start(Setup::embedded(1).with("server.visible_within", "50ms")).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.create_group("lock", [&bob]).await;
    let rows = hold(&chat, &readmodel(&chat));
    let late = Answer::to(post(&alice, &dialog, 0)).await.is(201);
    assert_eq!(late.header("Log-Visible"), "0");
    let said = |line: &str| line.contains("the read models cannot be written").then_some(());
    assert!(chat.server().stderr().find(said).await.is_some());
    assert!(is_refused_for_now(&Answer::to(post(&alice, &dialog, 1)).await));
    assert!(chat.api().comes_to_be_ready(false).await);
    assert_eq!(bob.dialogs().await.len(), 1, "reads go on");
    release(&rows);
    while is_refused_for_now(&Answer::to(post(&alice, &dialog, 1)).await) {
        tokio::task::yield_now().await;
    }
    assert_eq!(bob.texts(&dialog).await, ["0", "1"]);
    assert!(chat.api().comes_to_be_ready(true).await);
    chat.verify().await;
}

#[tokio::test]
async fn a_full_disk_refuses_writes_and_recovers() {
    for topology in EMBEDDED {
        let mut chat = Chat::start(Setup::of(topology)).await;
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("disk", [&bob]).await;
        let kept = std::cell::Cell::new(0);
        let write = async |alice: &Person| {
            let answer = Answer::to(post(alice, &dialog, kept.get())).await;
            kept.set(kept.get() + u64::from(answer.status == 201));
            answer
        };
        assert_eq!(write(&alice).await.status, 201);
        let longest =
            fs::read_dir(chat.data()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).max();
        chat.server().limit_files(Some(longest.unwrap() + 50_000));
        let refused = loop {
            let answer = write(&alice).await;
            if answer.status != 201 {
                break answer;
            }
        };
        assert!(is_refused_for_now(&refused), "{} {}", refused.status, refused.text());
        for _ in 0..3 {
            let again = write(&alice).await;
            assert!(is_refused_for_now(&again), "{} {}", again.status, again.text());
        }
        let said = chat
            .server()
            .stderr()
            .find(|line| line.contains("space").then(|| line.to_owned()))
            .await
            .unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(said["level"], "WARN", "{said}");
        assert!(!bob.peek(&dialog).await.is_empty(), "reads go on");
        bob.list(&dialog).await;
        chat.api().get("health/live").await.is(200);

        chat.server().limit_files(None);
        let mut patience = 1_000;
        while write(&alice).await.status != 201 {
            patience -= 1;
            assert!(patience > 0, "it does not recover: {}", chat.server().stderr().text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(bob.peek(&dialog).await.len() as u64, kept.get());
        chat.verify().await;
        // Told to stop without space, it ends in order too, and loses nothing.
        chat.server().limit_files(Some(0));
        let again = write(&alice).await;
        assert!(is_refused_for_now(&again), "{} {}", again.status, again.text());
        let ended = chat.stop().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        chat.start_again().await;
        let expected: Vec<String> = (0..kept.get()).map(|number| number.to_string()).collect();
        assert_eq!(bob.texts(&dialog).await, expected, "once each, and in order");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_finishes_what_it_accepted() {
    each_topology(async |mut chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("end", [&bob]).await;
        let mut writers = JoinSet::new();
        let (counting, mut acknowledged) = tokio::sync::watch::channel(0);
        for number in 0..16_u64 {
            let (alice, dialog, counting) = (alice.clone(), dialog.clone(), counting.clone());
            writers.spawn(async move {
                let mut accepted = vec![];
                for id in number * 100_000.. {
                    match Answer::try_to(post(&alice, &dialog, id)).await {
                        Ok(answer) if answer.status == 201 => accepted.push(id),
                        // It serves no more.
                        _ => break,
                    }
                    counting.send_modify(|count| *count += 1);
                }
                accepted
            });
        }
        acknowledged.wait_for(|count| *count >= 100).await.unwrap();
        let ended = chat.stop().await;
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains("\"stopped\""), "{}", ended.stderr);
        let mut accepted: Vec<u64> = writers.join_all().await.into_iter().flatten().collect();
        chat.start_again().await;
        let mut seen: Vec<u64> = bob.texts(&dialog).await.iter().map(|text| text.parse().unwrap()).collect();
        seen.sort_unstable();
        accepted.sort_unstable();
        let lost: Vec<u64> = accepted.iter().copied().filter(|id| seen.binary_search(id).is_err()).collect();
        assert_eq!(lost, Vec::<u64>::new());
        let twice = seen.windows(2).any(|pair| pair[0] == pair[1]);
        assert!(!twice && bob.unread(&dialog).await as usize == seen.len());
        chat.verify().await;
    })
    .await;
}
