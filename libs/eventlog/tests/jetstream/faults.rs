//! Outcomes that the network leaves open: a writer finds them out, and an event is there once or not at all.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use engines::{Nats, Profile, Proxy};
use eventlog::{AppendError, Frame, Header, JetStreamLog, JetStreamSettings, Log, ReadError, Rejection};
use tokio::time::{sleep, timeout};

use crate::world::{P0, admin, create, everything, open, settings, spec, writer};

const RECOVERY: Duration = Duration::from_secs(60);
/// Longer than an append waits for its answer.
const CUT: Duration = Duration::from_secs(7);

/// A log whose one connection leads through a proxy, and one beside it that is never cut.
async fn cuttable() -> (Nats, Proxy, Arc<JetStreamLog>, Arc<JetStreamLog>) {
    let nats = Nats::start(1, Profile::Durable).await;
    let settings = settings(&nats);
    let direct = create(&settings, &spec(1)).await;
    let proxy = Proxy::to(nats.address(0)).await;
    let cut = JetStreamSettings {
        urls: vec![format!("nats://{}", proxy.address())],
        patience: Duration::from_secs(3),
        ..settings
    };
    (nats, proxy, open(&cut).await, direct)
}

/// Cut for longer than an answer is waited for. What was sent meanwhile arrives afterwards, as late as that.
async fn cut_while(proxy: &Proxy, write: impl Future<Output = ()>) {
    proxy.cut();
    let mend = async {
        sleep(CUT).await;
        proxy.mend();
    };
    timeout(RECOVERY, async { tokio::join!(mend, write) }).await.expect("it goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_while_publishing_loses_and_repeats_nothing() {
    let (_nats, proxy, log, direct) = cuttable().await;
    let mut writer = writer(&log, "a").await;
    let mut expected = vec!["opened".to_owned(), "started a".to_owned()];
    for round in 0..2 {
        let event = format!("{round} {}", "x".repeat(20_000));
        cut_while(&proxy, async {
            let appended = writer.append(1, vec![Bytes::from(event.clone())]).await.unwrap();
            assert_eq!(appended.first.0, expected.len() as u64);
        })
        .await;
        expected.push(event);
        let event = format!("{round}, after the cut");
        writer.append(1, vec![Bytes::from(event.clone())]).await.unwrap();
        expected.push(event);
    }
    assert_eq!(everything(&direct).await, expected);
    assert_eq!(writer.term(), 1, "nobody had to take over");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_publish_behind_a_takeover_is_fenced() {
    let (_nats, proxy, log, direct) = cuttable().await;
    let mut old = writer(&log, "old").await;
    let event = Bytes::from("late");
    cut_while(&proxy, async {
        let take_over = async {
            sleep(Duration::from_millis(200)).await;
            let mut new = writer(&direct, "new").await;
            new.append(1, vec![Bytes::from("kept")]).await.unwrap();
        };
        let (late, ()) = tokio::join!(old.append(1, vec![event]), take_over);
        assert_eq!(late, Err(AppendError::Fenced));
    })
    .await;
    assert_eq!(everything(&direct).await, ["opened", "started old", "started new", "kept"]);
    assert_eq!(everything(&log).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_connection_nothing_is_sent_later() {
    let nats = Nats::start(1, Profile::Durable).await;
    let settings = JetStreamSettings { patience: Duration::from_secs(1), ..settings(&nats) };
    let log = create(&settings, &spec(1)).await;
    let mut writer = writer(&log, "a").await;
    nats.kill(0);
    // What is sent before the client notices has an unknown outcome: the writer finds it out later, or is done for.
    let outcome = writer.append(1, vec![Bytes::from("refused")]).await;
    let refused = match outcome {
        Err(AppendError::Unavailable(why)) => Some(why),
        Err(AppendError::Unknown) => None,
        outcome => panic!("{outcome:?}"),
    };
    assert!(matches!(log.tail(P0).await, Err(ReadError::Unavailable(_))));
    nats.restart(0);
    nats.wait_until_healthy().await;
    assert_eq!(everything(&open(&settings).await).await, ["opened", "started a"], "{refused:?}");
    if refused.is_some() {
        let appended = writer.append(1, vec![Bytes::from("mended")]).await.unwrap();
        assert_eq!(appended.first.0, 2, "what was refused never landed");
    }
}

/// A frame that got in by an earlier publish is recognised, and another's is not.
#[tokio::test]
async fn a_refusal_by_sequence_is_looked_into() {
    let nats = Nats::start(1, Profile::Durable).await;
    let settings = settings(&nats);
    let log = create(&settings, &spec(1)).await;
    let stale = open(&settings).await;
    let header = |term| {
        let log = Arc::clone(&log);
        async move {
            let tail = log.tail(P0).await.unwrap();
            let (first, time_ms, previous) = (tail.next, tail.time_ms, tail.hash);
            Header { epoch: log.epoch(), partition: P0, term, first, time_ms, previous }
        }
    };
    let ours = Frame::seal(header(1).await, &[Bytes::from("ours")]).unwrap();
    let theirs = Frame::seal(header(1).await, &[Bytes::from("theirs")]).unwrap();
    // Published by hand, past the log: as a publish whose answer got lost.
    let publish = |frame: &Frame, label: String| {
        let (subject, payload) = (format!("{}.log.0", settings.namespace), frame.encoded().clone());
        let settings = settings.clone();
        async move {
            let mut headers = async_nats::HeaderMap::new();
            headers.insert("Hansard-Frame", label);
            let admin = admin(&settings).await;
            admin.publish_with_headers(subject, headers, payload).await.unwrap().await.unwrap();
        }
    };
    let label = |frame: &Frame| {
        let (first, count, hash) = (frame.first(), frame.count(), frame.hash());
        format!("{first} {count} {} {} {hash}", frame.term(), frame.time_ms())
    };
    publish(&ours, label(&ours)).await;
    assert_eq!(stale.append(&ours).await.or_else(fenced_late), Ok(()));
    assert_eq!(stale.append(&theirs).await, Err(AppendError::Fenced));
    assert_eq!(everything(&log).await, ["opened", "ours"]);
    // What is no frame is no reason to go on.
    publish(&theirs, "garbage".to_owned()).await;
    let next =
        Frame::seal(Header { first: ours.next(), previous: ours.hash(), ..*ours.header() }, &[Bytes::new()]);
    let outcome = log.append(&next.unwrap()).await;
    assert!(outcome.is_err() && outcome != Err(AppendError::Rejected(Rejection::Time)), "{outcome:?}");
}

/// The notice of growth may have come first: then the frame is refused as one that is there.
fn fenced_late(error: AppendError) -> Result<(), AppendError> {
    if error == AppendError::Fenced { Ok(()) } else { Err(error) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_comes_back_goes_on() {
    let nats = Nats::start(1, Profile::Durable).await;
    let settings = settings(&nats);
    let log = create(&settings, &spec(1)).await;
    let mut writer = writer(&log, "a").await;
    let mut acknowledged = Vec::new();
    for round in 0..3 {
        for n in 0..5 {
            let event = format!("{round}.{n}");
            match writer.append(1, vec![Bytes::from(event.clone())]).await {
                Ok(_) => acknowledged.push(event),
                Err(AppendError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        nats.kill(0);
        nats.restart(0);
        nats.wait_until_healthy().await;
    }
    let found = everything(&log).await;
    assert_eq!(found[2..], acknowledged);
    assert_eq!(acknowledged.len(), 15);
}
