//! `kill -9`, again and again, while people write: what was acknowledged is there, once, in
//! one order for everybody, and every count is right. Keeps invariant 7.

use std::collections::HashMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    Answer, Chat, EMBEDDED, Person, Server, Setup, TOPOLOGIES, each_embedded, each_topology, operator,
};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How often the server is killed in each topology.
const ROUNDS: u32 = 10;
/// Acknowledged messages between two kills, at most.
const ACKNOWLEDGED_MAX: u64 = 60;
/// One unknown outcome in so many is left unknown; the others are asked again.
const LEFT_UNKNOWN: u32 = 4;
/// A connection fails because of a kill, and after a kill comes a start.
const START_TIME_MAX: Duration = Duration::from_secs(120);

/// Where the server is in its lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    number: u32,
    last: bool,
}

/// A message that somebody has sent, and what he knows of it.
#[derive(Clone, Debug)]
struct Sent {
    dialog: String,
    id: String,
    text: String,
    acknowledged: bool,
}

/// One of those who write all the time.
struct Writer {
    person: Person,
    number: u64,
    dialogs: Vec<String>,
    life: watch::Receiver<Life>,
    acknowledged: watch::Sender<u64>,
    chance: StdRng,
    sent: Vec<Sent>,
}

impl Writer {
    /// Write until the server's last life is over.
    async fn write(mut self) -> Vec<Sent> {
        while !self.life.borrow().last {
            let serial = self.sent.len() as u64;
            let dialog = self.dialogs[self.chance.random_range(0..self.dialogs.len())].clone();
            let id = format!("5f{:010x}{:012x}", self.number, serial);
            let text = format!("{} {serial}", self.person.login());
            self.sent.push(Sent { dialog, id, text, acknowledged: false });
            self.send().await;
            if self.chance.random_ratio(1, 8) {
                self.read().await;
            }
        }
        self.sent
    }

    /// Send the newest message, again after each unknown outcome unless it is left unknown.
    async fn send(&mut self) {
        loop {
            let life = *self.life.borrow();
            let Some(sent) = self.sent.last_mut() else { return };
            let body = json!({ "chat_dialog_id": sent.dialog, "_id": sent.id, "message": sent.text });
            match Answer::try_to(self.person.request(Method::POST, "chat/Message").json(&body)).await {
                Ok(answer) => {
                    // A server that was just killed or started may be busy, and says so.
                    if answer.status != 503 {
                        assert_eq!(answer.is(201).json()["_id"], json!(sent.id));
                        sent.acknowledged = true;
                        self.acknowledged.send_modify(|count| *count += 1);
                        return;
                    }
                }
                Err(_) => {
                    self.next_life(life).await;
                    if self.chance.random_ratio(1, LEFT_UNKNOWN) {
                        return;
                    }
                }
            }
        }
    }

    /// Read something, whatever comes of it.
    async fn read(&mut self) {
        let life = *self.life.borrow();
        let dialog = &self.dialogs[self.chance.random_range(0..self.dialogs.len())];
        let path = format!("chat/Message?chat_dialog_id={dialog}&limit=10&sort_desc=date_sent");
        if Answer::try_to(self.person.request(Method::GET, &path)).await.is_err() {
            self.next_life(life).await;
        }
    }

    async fn next_life(&mut self, over: Life) {
        let next = timeout(START_TIME_MAX, self.life.wait_for(|life| life.number != over.number)).await;
        next.expect("connections fail only when the server was killed").expect("the server lives on");
    }
}

/// A seed that differs from run to run, and is shown so that a run can be told again.
fn seed() -> u64 {
    let given = std::env::var_os("HANSARD_TEST_SEED").and_then(|seed| seed.to_str()?.parse().ok());
    given.unwrap_or_else(|| rand::rng().random())
}

/// Every message of the dialog by its id; no id twice.
fn by_id(messages: &[Value]) -> HashMap<&str, &Value> {
    let by_id: HashMap<&str, &Value> =
        messages.iter().map(|message| (message["_id"].as_str().unwrap_or_default(), message)).collect();
    assert_eq!(by_id.len(), messages.len(), "a message is there once");
    by_id
}

/// Everybody sees the same, his unread count is a recount's, and what was sent is there.
async fn check(people: &[Person], dialogs: &[(String, Vec<usize>)], sent: &[Sent]) {
    let mut there = 0;
    for (dialog, members) in dialogs {
        let seen = people[members[0]].peek(dialog).await;
        let seen_by_id = by_id(&seen);
        for sent in sent.iter().filter(|sent| sent.dialog == *dialog) {
            match seen_by_id.get(sent.id.as_str()) {
                Some(message) => assert_eq!(message["message"], json!(sent.text)),
                None => assert!(!sent.acknowledged, "{sent:?} is lost"),
            }
        }
        let sent_ids = sent.iter().filter(|sent| sent.dialog == *dialog).map(|sent| sent.id.as_str());
        let known: Vec<&str> = sent_ids.filter(|id| seen_by_id.contains_key(id)).collect();
        assert_eq!(known.len(), seen.len(), "nothing is there that nobody has sent");
        there += seen.len();
        for member in members {
            let person = &people[*member];
            assert_eq!(person.peek(dialog).await, seen, "one order for everybody");
            let id = json!(person.id());
            let unread = seen.iter().filter(|message| {
                message["sender_id"] != id
                    && !message["read_ids"].as_array().is_some_and(|ids| ids.contains(&id))
            });
            assert_eq!(person.unread(dialog).await, unread.count() as u64, "unread of {}", person.login());
        }
    }
    assert!(there >= sent.iter().filter(|sent| sent.acknowledged).count());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments() {
    for topology in TOPOLOGIES {
        let seed = seed();
        println!("{topology:?}, HANSARD_TEST_SEED={seed}");
        let mut chance = StdRng::seed_from_u64(seed);
        let mut chat = Chat::start(Setup::of(topology)).await;
        let people = chat.users(["ann", "bill", "cleo", "dave"]).await;
        let [ann, bill, cleo, dave] = &people;
        let dialogs = [
            (ann.create_group("all", [bill, cleo, dave]).await, vec![0, 1, 2, 3]),
            (bill.create_group("some", [cleo]).await, vec![1, 2]),
            (cleo.create_private(dave).await, vec![2, 3]),
        ];
        let (living, life) = watch::channel(Life { number: 0, last: false });
        let (counting, mut acknowledged) = watch::channel(0);
        let mut writers = JoinSet::new();
        // Two of each: a person may well write from two places at once.
        for number in 0..8 {
            let person = number as usize % people.len();
            let dialogs = dialogs.iter().filter(|(_, members)| members.contains(&person));
            let writer = Writer {
                person: people[person].clone(),
                number,
                dialogs: dialogs.map(|(dialog, _)| dialog.clone()).collect(),
                life: life.clone(),
                acknowledged: counting.clone(),
                chance: StdRng::seed_from_u64(chance.random()),
                sent: vec![],
            };
            writers.spawn(writer.write());
        }
        for number in 1..=ROUNDS {
            let enough = *acknowledged.borrow() + chance.random_range(1..=ACKNOWLEDGED_MAX);
            acknowledged.wait_for(|count| *count >= enough).await.unwrap();
            chat.kill().await;
            chat.start_again().await;
            living.send_replace(Life { number, last: number == ROUNDS });
        }
        let sent: Vec<Sent> = writers.join_all().await.into_iter().flatten().collect();
        check(&people, &dialogs, &sent).await;
        let events = chat.log(&["--type", "message.posted"]).await.len();
        let mut seen = 0;
        for (dialog, members) in &dialogs {
            seen += people[members[0]].peek(dialog).await.len();
        }
        assert_eq!(events, seen, "a retry is no second event");
        chat.verify().await;
    }
}

/// Killed while it starts, again and again: also while the stores are made for the first time.
#[tokio::test]
async fn killed_while_starting() {
    const START_TIMES: std::ops::Range<u64> = 0..120;
    for topology in EMBEDDED {
        let seed = seed();
        println!("{topology:?}, HANSARD_TEST_SEED={seed}");
        let mut chance = StdRng::seed_from_u64(seed);
        let folder = tempfile::tempdir().unwrap();
        for _ in 0..10 {
            let data = folder.path().join(format!("data-{}", chance.random_range(0..2)));
            let starting = Server::begin(&data, &Setup::of(topology));
            // The moment is the point: nothing is waited for.
            tokio::time::sleep(Duration::from_millis(chance.random_range(START_TIMES))).await;
            let ended = starting.kill().await;
            assert_eq!(ended.code, None, "it starts after any end: {}", ended.stderr);
        }
        for number in 0..2 {
            let data = folder.path().join(format!("data-{number}"));
            let server = Server::start(&data, &Setup::of(topology)).await.expect("it starts after any end");
            assert_eq!(server.stop().await.code, Some(0));
            operator(&data, &["log", "verify"]).await.well();
            operator(&data, &["readmodel", "verify"]).await.well();
        }
    }
}

#[tokio::test]
async fn what_else_was_acknowledged_survives() {
    each_topology(async |mut chat: Chat| {
        let [alice, bob] = chat.users(["alice", "bob"]).await;
        let dialog = alice.create_group("survivors", [&bob]).await;
        let [first, second, third] = alice.post_each(&dialog, ["1", "2", "3"]).await;
        chat.kill().await;
        chat.start_again().await;
        assert_eq!((bob.unread(&dialog).await, bob.texts(&dialog).await.len()), (3, 3), "sessions survive");

        bob.read(&dialog, [&second]).await;
        chat.kill().await;
        chat.start_again().await;
        let (a, b) = (alice.id(), bob.id());
        assert_eq!(alice.read_ids(&dialog).await, [vec![a], vec![a, b], vec![a]], "marks survive");

        let carol = chat.user("carol").await;
        chat.kill().await;
        chat.start_again().await;
        alice.add(&dialog, &carol).await;
        chat.kill().await;
        chat.start_again().await;
        let carol = chat.sign_in(carol.login()).await;
        assert_eq!(carol.texts(&dialog).await, ["1", "2", "3"], "sign-up and membership survive");

        alice.edit(&dialog, &first, "one").await;
        bob.hide(&second).await;
        alice.remove(&third).await;
        chat.kill().await;
        chat.start_again().await;
        assert_eq!(carol.texts(&dialog).await, ["one", "2"], "edits and removals survive");
        assert_eq!(bob.texts(&dialog).await, ["one"], "what was hidden stays hidden");

        alice.expel(&dialog, &bob).await;
        carol.leave(&dialog).await;
        carol.delete("session", false).await.is(200);
        chat.kill().await;
        chat.start_again().await;
        assert_eq!(bob.dialog(&dialog).await, None);
        assert_eq!(alice.dialog(&dialog).await.unwrap()["occupants_ids"], json!([a]));
        carol.get("chat/Dialog").await.is(401);
        let dave = chat.user("dave").await;
        assert!(dave.id() > carol.id(), "a user's number is never issued twice");
        chat.verify().await;
    })
    .await;
}

/// One at a time, so that each message is a frame of its own: each must have been synced.
#[tokio::test]
async fn each_acknowledged_frame_was_synced() {
    const MESSAGES: u64 = 25;
    each_embedded(async |chat: Chat| {
        let alice = chat.user("alice").await;
        let dialog = alice.create(&json!({ "type": 4, "name": "alone" })).await;
        let before = frames(&chat).await;
        for number in 0..MESSAGES {
            alice.post(&dialog, &number.to_string()).await;
        }
        let made = frames(&chat).await - before;
        assert_eq!(made, MESSAGES, "a frame for each answer");
        let synced = chat.api().metric_reaches("log_commits_total", made as f64).await;
        assert!(synced, "fewer syncs than frames");
        assert!(chat.api().metric_reaches("log_frames_total", made as f64).await);
    })
    .await;
}

async fn frames(chat: &Chat) -> u64 {
    let lines = chat.operator(&["log", "verify"]).await.well().json_lines();
    lines.iter().filter_map(|line| line["frames"].as_u64()).sum()
}
