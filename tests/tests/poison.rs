//! An event that this version cannot read: its partition stops, loudly and alone.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{Durability, JetStreamLog, JetStreamSettings, Log, Offset, Partition, ReadLimit, Writer};
use serde_json::{Value, json};
use tests::{Answer, Chat, Person, Setup};
use tokio::time::{sleep, timeout};

const PARTITIONS: u32 = 4;
/// Much longer than anything here may take; what hangs fails instead of hanging the tests.
const AMPLE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Requests one after another that would take minutes if each waited out its bound.
const MANY: usize = 40;
/// A type of event, and one as long that nobody knows.
const KNOWN: &[u8] = b"writer.started";
const UNKNOWN: &[u8] = b"writer.sneezed";

/// Put an event of an unknown type at the end of a partition, as a newer version would; its offset.
async fn poison(chat: &Chat, partition: Partition) -> u64 {
    let settings = JetStreamSettings {
        urls: chat.nats().urls(),
        namespace: chat.namespace().to_owned(),
        replicas: 1,
        durability: Durability::Attested,
        ..JetStreamSettings::default()
    };
    let log: Arc<dyn Log> = Arc::new(JetStreamLog::open(&settings, None).await.expect("the log opens"));
    let frames = log.read(partition, Offset(0), ReadLimit::default()).await.expect("the log can be read");
    let events = frames.iter().flat_map(|frame| frame.events());
    let poisoned = events.into_iter().find_map(|event| replaced(event)).expect("somebody has written here");
    let writer = Writer::open(log, partition, 0, poisoned.into()).await.expect("nobody else writes now");
    writer.tail().next.0 - 1
}

/// The event with its type changed, if it is of the known one.
fn replaced(event: &[u8]) -> Option<Vec<u8>> {
    let at = event.windows(KNOWN.len()).position(|window| window == KNOWN)?;
    let mut event = event.to_vec();
    event[at..at + KNOWN.len()].copy_from_slice(UNKNOWN);
    Some(event)
}

/// Two dialogs of different partitions, and where they are.
async fn dialogs_apart(chat: &Chat, [alice, bob]: [&Person; 2]) -> [(String, u64); 2] {
    let mut found: Vec<(String, u64)> = vec![];
    while found.len() < 2 {
        let dialog = alice.create_group("somewhere", [bob]).await;
        alice.post(&dialog, "before").await;
        let partition = chat.log(&["--dialog", &dialog, "--limit", "1"]).await[0]["partition"].clone();
        let partition = partition.as_u64().expect("a partition is a number");
        if found.iter().all(|(_, other)| *other != partition) {
            found.push((dialog, partition));
        }
    }
    found.try_into().expect("two were looked for")
}

async fn post(person: &Person, dialog: &str) -> Answer {
    person.post_message(dialog, &json!({ "message": "after" })).await
}

/// What `hansard status` says of a partition once that holds.
async fn status(chat: &Chat, partition: u64, holds: impl Fn(&Value) -> bool) -> Value {
    let looking = async {
        loop {
            let lines = chat.operator(&["status", "--json"]).await.well().json_lines();
            let line = lines.into_iter().find(|line| line["partition"] == partition);
            let line = line.expect("every partition has its line");
            if holds(&line) {
                return line;
            }
        }
    };
    timeout(AMPLE, looking).await.expect("the status comes to say so")
}

#[tokio::test]
async fn a_poisoned_partition_stops_alone() {
    let chat = Chat::start(Setup::cluster(PARTITIONS).twice()).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let [(poisoned, partition), (sound, _)] = dialogs_apart(&chat, [&alice, &bob]).await;
    let offset = poison(&chat, Partition(u32::try_from(partition).unwrap())).await;

    let stops = async {
        while post(&alice, &poisoned).await.status != 503 {
            sleep(LOOK_EVERY).await;
        }
        for _ in 0..MANY {
            let refused = post(&alice, &poisoned).await.is(503);
            assert!(!refused.header("Retry-After").is_empty(), "{:?}", refused.headers);
        }
    };
    timeout(AMPLE, stops).await.expect("its writes come to be refused, and at once");
    let shown = bob.texts(&poisoned).await;
    assert_eq!(shown[0], "before", "its reads are answered from what is there");
    bob.list(&poisoned).await;
    assert_eq!(bob.unread(&poisoned).await, shown.len() as u64);
    for number in 2..6 {
        alice.post(&sound, "after").await;
        assert_eq!(bob.unread(&sound).await, number, "the others go on");
    }

    let line = status(&chat, partition, |line| !line["stopped"].is_null()).await;
    let why = line["stopped"].as_str().unwrap();
    assert!(why.starts_with(&format!("stopped at offset {offset}, event ")), "{why}");
    assert!(why.contains("writer.sneezed") && !why.contains("event unknown"), "{why}");
    let table = chat.operator(&["status"]).await.well().stdout;
    assert!(table.contains(&format!("partition {partition}: {why}")), "{table}");
    let sound = status(&chat, (partition + 1) % u64::from(PARTITIONS), |_| true).await;
    assert_eq!(sound["stopped"], Value::Null);

    let mut holders = vec![];
    for projector in chat.each("projector") {
        if projector.api().metric("projector_poisoned").await > 0.0 {
            holders.push(projector);
        }
    }
    let [holder] = holders[..] else { panic!("one projector is poisoned: {holders:?}") };
    assert!(holder.api().comes_to_be_ready(false).await);
    let health = holder.api().get("health/ready").await.is(503).text();
    assert!(health.contains(&format!("partition {partition} is stopped at offset {offset}")), "{health}");
    let said = holder.stderr().text();
    assert!(said.lines().any(|line| line.contains("ERROR") && line.contains("writer.sneezed")), "{said}");
    for gateway in chat.each("gateway") {
        assert!(gateway.api().comes_to_be_ready(true).await, "it serves the others");
    }
}

/// What `hansard status` shows is what the processes' figures say.
#[tokio::test]
async fn the_status_of_a_cluster_and_its_figures_agree() {
    let chat = Chat::start(Setup::cluster(PARTITIONS).twice()).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    dialogs_apart(&chat, [&alice, &bob]).await;
    let tails = chat.tails().await;
    for (partition, tail) in (0..).zip(tails) {
        let settled =
            |line: &Value| line["tail"] == tail && line["checkpoint"] == tail && line["writer"].is_string();
        let line = status(&chat, partition, settled).await;
        assert_eq!((&line["lag_events"], &line["lag_seconds"]), (&json!(0), &json!(0.0)), "{line}");
        assert!(line["writer"].is_string() && line["projector"].is_string(), "{line}");
        assert_eq!((&line["replicas"], &line["replicas_current"]), (&json!(1), &json!(1)), "{line}");
        let figures = async {
            loop {
                let figures = chat.figures().await;
                let sum = |name: &str| {
                    let series = format!("{name}{{partition=\"{partition}\"}} ");
                    let values = figures.lines().filter_map(|line| line.strip_prefix(&series));
                    values.map(|value| value.parse::<f64>().expect("a figure")).sum::<f64>()
                };
                let told = ["writer_term", "writer_tail", "projector_checkpoint"].map(sum);
                let known = ["term", "tail", "checkpoint"].map(|key| line[key].as_f64().expect("a number"));
                // Both processes that write look at the streams.
                if told == known && sum("log_replicas") == 2.0 && sum("log_replicas_current") == 2.0 {
                    return;
                }
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(AMPLE, figures).await.expect("the figures come to agree");
    }
    let table = chat.operator(&["status"]).await.well().stdout;
    assert_eq!(table.lines().count(), 1 + PARTITIONS as usize, "{table}");
    for column in ["writer", "term", "tail", "projector", "checkpoint", "lag", "replicas"] {
        assert!(table.lines().next().unwrap().contains(column), "{table}");
    }
}
