//! Making a log and opening it: repeated, by rivals, after a death in the middle, and what is refused.

use std::sync::Arc;

use async_nats::jetstream::stream::Config;
use bytes::Bytes;
use engines::{Nats, Profile};
use eventlog::{
    Done, Epoch, JetStreamError, JetStreamLog, JetStreamSettings, Log, Offset, OpenError, Partition,
    Position, ReadError, ReadLimit, Reader, Spec, verify,
};
use tokio::task::JoinSet;

use crate::world::{P0, admin, as_log, create, everything, open, reader, settings, spec, stream, writer};

async fn one() -> (Nats, JetStreamSettings) {
    let nats = Nats::start(1, Profile::Durable).await;
    let settings = settings(&nats);
    (nats, settings)
}

/// A spec that nobody else has, as a process makes one: random epoch, random key.
fn spec_of(process: u8, partitions: usize) -> Spec {
    let opened = Bytes::from(format!("opened, with the key of process {process}"));
    Spec { epoch: Epoch([process; 16]), time_ms: u64::from(process), opened: vec![opened; partitions] }
}

async fn refusal(settings: &JetStreamSettings, partitions: Option<u32>) -> JetStreamError {
    JetStreamLog::open(settings, partitions).await.err().unwrap()
}

/// The first frames of all partitions are of one log: one epoch, one time, one event.
async fn check_openings(log: &Arc<JetStreamLog>) {
    let mut openings = Vec::new();
    for partition in (0..log.partitions()).map(Partition) {
        let read = log.read(partition, Offset(0), ReadLimit::frames(1)).await.unwrap();
        assert_eq!((read[0].partition(), read[0].term()), (partition, 0));
        openings.push((read[0].epoch(), read[0].time_ms(), read[0].events().to_vec()));
    }
    assert!(openings.iter().all(|opening| *opening == openings[0]), "{openings:?}");
}

#[tokio::test]
async fn a_log_is_made_once_and_opened_often() {
    let (_nats, settings) = one().await;
    assert!(matches!(refusal(&settings, None).await, JetStreamError::Missing { .. }));
    let made = JetStreamLog::init(&settings, &spec_of(1, 4)).await.unwrap();
    assert_eq!((made.epoch, made.partitions), (Epoch([1; 16]), vec![Done::Created; 4]));
    let log = open(&settings).await;
    writer(&log, "a").await.append(1, vec![Bytes::from("x")]).await.unwrap();
    let again = JetStreamLog::init(&settings, &spec_of(2, 4)).await.unwrap();
    assert_eq!((again.epoch, again.partitions), (Epoch([1; 16]), vec![Done::Found; 4]));
    let opening = "opened, with the key of process 1";
    assert_eq!(everything(&open(&settings).await).await, [opening, "started a", "x"]);
    let error = refusal(&settings, Some(3)).await;
    assert!(matches!(error, JetStreamError::Log(OpenError::Partitions { found: 4, wanted: 3 })), "{error}");
    let error = JetStreamLog::init(&settings, &spec_of(2, 3)).await.unwrap_err();
    assert!(matches!(error, JetStreamError::Log(OpenError::Partitions { found: 4, wanted: 3 })), "{error}");
}

#[tokio::test]
async fn a_log_takes_the_size_that_the_settings_say() {
    let (_nats, mut settings) = one().await;
    let log = create(&settings, &spec(2)).await;
    settings.bytes_max *= 2;
    let made = JetStreamLog::init(&settings, &spec(2)).await.unwrap();
    assert_eq!(made.partitions, [Done::Changed; 2]);
    let state = log.replicas(P0).await.unwrap();
    assert_eq!((state.bytes_max, state.frames, state.current()), (Some(settings.bytes_max), 1, 1));
    assert_eq!(state.stream, stream(&settings, P0));
    assert!(state.bytes > 100);
}

#[tokio::test]
async fn more_space_or_copies_than_there_are_is_refused() {
    let (_nats, good) = one().await;
    for (replicas, bytes_max) in [(1, 1 << 50), (3, good.bytes_max)] {
        let settings = JetStreamSettings { replicas, bytes_max, ..good.clone() };
        let error = JetStreamLog::init(&settings, &spec(1)).await.unwrap_err();
        let known = matches!(error, JetStreamError::NoSpace { .. } | JetStreamError::Refused { .. });
        assert!(known, "{error}");
        assert!(error.to_string().contains(&stream(&settings, P0)), "{error}");
    }
    for (replicas, bytes_max) in [(2, good.bytes_max), (0, good.bytes_max), (1, 0)] {
        let settings = JetStreamSettings { replicas, bytes_max, ..good.clone() };
        let error = JetStreamLog::init(&settings, &spec(1)).await.unwrap_err();
        assert!(matches!(error, JetStreamError::Setting(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rivals_make_one_log_together() {
    let (_nats, settings) = one().await;
    let mut rivals = JoinSet::new();
    for process in 1..=4 {
        let settings = settings.clone();
        rivals.spawn(async move { JetStreamLog::init(&settings, &spec_of(process, 5)).await.unwrap().epoch });
    }
    let epochs = rivals.join_all().await;
    let log = open(&settings).await;
    assert_eq!(epochs, [log.epoch(); 4]);
    assert_eq!(log.partitions(), 5);
    check_openings(&log).await;
}

/// Killed after any of its steps, and repeated by another process with another key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_made_log_is_no_log_and_is_completed() {
    let (nats, whole) = one().await;
    JetStreamLog::init(&whole, &spec_of(1, 3)).await.unwrap();
    let admin = admin(&whole).await;
    // As steps: the streams that exist, and those of them that have their first frame.
    for (streams, frames) in [(1, 0), (1, 1), (2, 1), (2, 2), (3, 1), (3, 2)] {
        let settings = settings(&nats);
        for partition in (0..streams).map(Partition) {
            let from = admin.get_stream(stream(&whole, partition)).await.unwrap();
            let mut config = from.cached_info().config.clone();
            let subject = format!("{}.log.{partition}", settings.namespace);
            config.name = stream(&settings, partition);
            config.subjects = vec![subject.clone()];
            let to = config.republish.as_mut().unwrap();
            to.source = subject.clone();
            to.destination = format!("{}.grown.{partition}", settings.namespace);
            admin.create_stream(config).await.unwrap();
            if partition.0 < frames {
                let first = from.get_raw_message(1).await.unwrap();
                let ack = admin.publish_with_headers(subject, first.headers, first.payload).await.unwrap();
                ack.await.unwrap();
            }
        }
        let error = refusal(&settings, None).await;
        assert!(matches!(error, JetStreamError::Unfinished { .. }), "{streams}, {frames}: {error}");
        let made = JetStreamLog::init(&settings, &spec_of(2, 3)).await.unwrap();
        let expected: Vec<Done> = (0..3)
            .map(|partition| match partition {
                found if found < frames => Done::Found,
                empty if empty < streams => Done::Completed,
                _ => Done::Created,
            })
            .collect();
        assert_eq!(made.partitions, expected);
        let log = open(&settings).await;
        assert_eq!(log.epoch(), if frames == 0 { Epoch([2; 16]) } else { Epoch([1; 16]) });
        check_openings(&log).await;
    }
}

#[tokio::test]
async fn a_stream_that_got_lost_is_never_made_again() {
    let (_nats, settings) = one().await;
    let log = create(&settings, &spec(3)).await;
    writer(&log, "a").await;
    let admin = admin(&settings).await;
    admin.delete_stream(stream(&settings, Partition(2))).await.unwrap();
    let error = refusal(&settings, None).await;
    assert!(matches!(error, JetStreamError::Unfinished { .. }), "{error}");
    let error = JetStreamLog::init(&settings, &spec(3)).await.unwrap_err();
    assert!(matches!(&error, JetStreamError::Lost { stream, .. } if stream.ends_with("-log-2")), "{error}");
    assert!(admin.get_stream(stream(&settings, Partition(2))).await.is_err());
}

#[tokio::test]
async fn streams_of_others_are_refused() {
    let (nats, settings) = one().await;
    let admin = admin(&settings).await;
    let name = stream(&settings, P0);
    let foreign = Config { name, subjects: vec!["other".to_owned()], ..Config::default() };
    admin.create_stream(foreign).await.unwrap();
    assert!(matches!(refusal(&settings, None).await, JetStreamError::Foreign { .. }));
    let error = JetStreamLog::init(&settings, &spec(1)).await.unwrap_err();
    assert!(matches!(error, JetStreamError::Foreign { .. }), "{error}");

    // A stream of another log under this one's name.
    let [one, other] = [1, 2].map(|_| crate::world::settings(&nats));
    let mixed = JetStreamSettings { namespace: one.namespace.clone(), ..one.clone() };
    JetStreamLog::init(&one, &spec_of(1, 2)).await.unwrap();
    JetStreamLog::init(&other, &spec_of(2, 2)).await.unwrap();
    let from = admin.get_stream(stream(&other, Partition(1))).await.unwrap();
    let first = from.get_raw_message(1).await.unwrap();
    let config = admin.get_stream(stream(&one, Partition(1))).await.unwrap().cached_info().config.clone();
    admin.delete_stream(&config.name).await.unwrap();
    let subject = config.subjects[0].clone();
    admin.create_stream(config).await.unwrap();
    admin.publish_with_headers(subject, first.headers, first.payload).await.unwrap().await.unwrap();
    let error = refusal(&mixed, None).await.to_string();
    assert!(error.contains("log-1 is not a Hansard log's: it has epoch 0202"), "{error}");
}

#[tokio::test]
async fn a_stream_that_would_forget_is_refused() {
    let (_nats, settings) = one().await;
    create(&settings, &spec(2)).await;
    let admin = admin(&settings).await;
    let mut stream = admin.get_stream(stream(&settings, Partition(1))).await.unwrap();
    let mut config = stream.info().await.unwrap().config.clone();
    config.max_age = std::time::Duration::from_secs(86_400);
    admin.update_stream(config).await.unwrap();
    let error = refusal(&settings, None).await.to_string();
    assert!(error.contains("log-1 has max_age 86400s"), "{error}");
    let error = JetStreamLog::init(&settings, &spec(2)).await.unwrap_err().to_string();
    assert!(error.contains("log-1 has max_age 86400s"), "{error}");
}

#[tokio::test]
async fn a_recreated_stream_is_refused_by_its_readers() {
    let (_nats, settings) = one().await;
    let log = create(&settings, &spec(1)).await;
    writer(&log, "a").await.append(1, vec![Bytes::from("x"); 5]).await.unwrap();
    let mut running = reader(&log, P0).await;
    let mut last = None;
    while let Some(frame) = running.try_next().await.unwrap() {
        last = Some(frame);
    }
    let (checkpoint, hash) = (running.position(), last.unwrap().hash());
    admin(&settings).await.delete_stream(stream(&settings, P0)).await.unwrap();
    // The same namespace, another log.
    JetStreamLog::init(&settings, &spec_of(9, 1)).await.unwrap();
    assert!(matches!(running.next().await.unwrap_err(), ReadError::EndsBefore { tail: Offset(1) }));
    let new = open(&settings).await;
    let error = Reader::open(as_log(&new), checkpoint, Some(hash)).await.err().unwrap();
    assert!(matches!(error, ReadError::ForeignEpoch { .. }), "{error}");
    // Of the same epoch, as after a restore, and grown to the same length.
    let from = Position { epoch: new.epoch(), ..checkpoint };
    let mut other = writer(&new, "b").await;
    other.append(1, vec![Bytes::from("y"); 5]).await.unwrap();
    let error = Reader::open(as_log(&new), from, Some(hash)).await.err().unwrap();
    assert!(matches!(error, ReadError::Corrupt { .. }), "{error}");
    other.append(1, vec![Bytes::from("z")]).await.unwrap();
    let error = running.next().await.unwrap_err();
    assert!(matches!(error, ReadError::Corrupt { offset: Offset(7), .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_offset_of_a_long_log_is_found() {
    let (_nats, settings) = one().await;
    let log = create(&settings, &spec(1)).await;
    let mut writer = writer(&log, "a").await;
    let mut firsts = vec![0, 1];
    for n in 0..1_500_u64 {
        let events = vec![Bytes::from(n.to_string()); 1 + (n * n % 40) as usize];
        firsts.push(writer.append(1, events).await.unwrap().first.0);
    }
    let end = writer.tail().next;
    // Another process, which has seen nothing yet.
    let fresh = open(&settings).await;
    for at in (0..end.0).step_by(379) {
        let expected = firsts[firsts.partition_point(|first| *first <= at) - 1];
        let read = fresh.read(P0, Offset(at), ReadLimit::frames(1)).await.unwrap();
        assert_eq!(read[0].first(), Offset(expected), "from {at}");
        let back = fresh.read_back(P0, Offset(at), ReadLimit::frames(1)).await.unwrap();
        assert_eq!(back.first().map_or(Offset(0), eventlog::Frame::next), Offset(expected), "before {at}");
    }
    let back = fresh.read_back(P0, end, ReadLimit::default()).await.unwrap();
    assert_eq!((back.len(), back[1_023].first().0), (1_024, firsts[1_502 - 1_024]));
    assert_eq!(verify(&*fresh, P0, &mut |_| ()).await.unwrap().next, end);
}
