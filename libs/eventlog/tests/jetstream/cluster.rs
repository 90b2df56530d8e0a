//! The contract on three nodes, and with a node killed, paused and restarted in the middle.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use engines::{Nats, Profile};
use eventlog::{
    AppendError, JetStreamLog, JetStreamSettings, Log, Partition, TakeoverError, Writer, conformance, verify,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    conformance::makes,
    world::{P0, as_log, create, everything, open, reader, settings, spec, writer},
};

/// How long a cluster may take to be of use again.
const RECOVERY: Duration = Duration::from_secs(90);

async fn three() -> Arc<Nats> {
    Arc::new(Nats::start(3, Profile::Durable).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_holds_on_three_nodes() {
    let nats = three().await;
    conformance::order(&makes(&nats)).await;
    conformance::fencing(&makes(&nats)).await;
    conformance::unknown_outcomes(&makes(&nats)).await;
    conformance::damage(&makes(&nats)).await;
    conformance::limits(&makes(&nats)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_on_two_nodes_fence_each_other() {
    let nats = three().await;
    let settings = settings(&nats);
    let on = |node: usize| JetStreamSettings { urls: vec![nats.urls()[node].clone()], ..settings.clone() };
    let one = create(&on(0), &spec(1)).await;
    let other = open(&on(1)).await;
    let mut first = writer(&one, "first").await;
    first.append(1, vec![Bytes::from("1")]).await.unwrap();
    let mut second = writer(&other, "second").await;
    // Whoever asks after that append sees it, on whichever node.
    assert_eq!(one.tail(P0).await.unwrap(), second.tail());
    second.append(1, vec![Bytes::from("2")]).await.unwrap();
    assert_eq!(open(&on(2)).await.tail(P0).await.unwrap(), second.tail());
    assert_eq!(first.append(1, vec![Bytes::from("lost")]).await, Err(AppendError::Fenced));
    let expected = ["opened", "started first", "1", "started second", "2"];
    assert_eq!(everything(&one).await, expected);
    assert_eq!(everything(&open(&on(2)).await).await, expected);
    let state = one.replicas(P0).await.unwrap();
    assert_eq!((state.wanted, state.others.len(), state.current()), (3, 2, 3));
    assert!(state.leader.is_some());
}

/// Growth made by one process is signalled to another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn growth_by_another_process_is_signalled() {
    let nats = three().await;
    let settings = settings(&nats);
    let log = create(&settings, &spec(2)).await;
    let other = open(&settings).await;
    let mut signal = other.watch(P0).unwrap();
    signal.mark_unchanged();
    let mut writer = writer(&log, "a").await;
    writer.append(1, vec![Bytes::from("x"); 3]).await.unwrap();
    let end = writer.tail().next;
    timeout(RECOVERY, signal.wait_for(|grown| *grown == end)).await.unwrap().unwrap();
    assert_eq!(other.tail(P0).await.unwrap(), writer.tail());
}

/// What one writer was told about each event that it tried to append, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Appended(u64),
    /// It is there or it is not.
    Unknown,
    Refused,
}

/// Append until told to stop, taking over again whenever that is needed; what was told.
async fn keep_writing(
    log: Arc<JetStreamLog>,
    partition: Partition,
    stop: watch::Receiver<bool>,
    done: watch::Sender<u64>,
) -> BTreeMap<String, Told> {
    let mut told = BTreeMap::new();
    let (mut writer, mut term) = (None, 0);
    for n in 0.. {
        if *stop.borrow() {
            break;
        }
        if writer.is_none() {
            term += 1;
            let started = Bytes::from(format!("started {partition} {term}"));
            match Writer::open(as_log(&log), partition, 1, started).await {
                Ok(opened) => writer = Some(opened),
                Err(TakeoverError::Append(AppendError::Rejected(why))) => panic!("{why}"),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
        let Some(open) = &mut writer else { continue };
        let event = format!("{partition} {n}");
        let outcome = match open.append(1, vec![Bytes::from(event.clone())]).await {
            Ok(appended) => {
                done.send_modify(|done| *done += 1);
                Told::Appended(appended.first.0)
            }
            Err(AppendError::Fenced | AppendError::Unknown) => {
                writer = None;
                Told::Unknown
            }
            Err(AppendError::Unavailable(_)) => Told::Refused,
            Err(error) => panic!("{error}"),
        };
        assert!(told.insert(event, outcome).is_none());
    }
    told
}

/// Read along until everything up to `end` was seen: every event with its offset.
async fn keep_reading(
    log: Arc<JetStreamLog>,
    partition: Partition,
    mut end: watch::Receiver<Option<u64>>,
) -> Vec<String> {
    let mut reader = reader(&log, partition).await;
    let mut seen = Vec::new();
    loop {
        if end.borrow().is_some_and(|end| seen.len() as u64 >= end) {
            return seen;
        }
        let frame = tokio::select! {
            frame = reader.next() => frame,
            _ = end.changed() => continue,
        };
        match frame {
            Ok(frame) => {
                assert_eq!(frame.first().0, seen.len() as u64);
                seen.extend(frame.events().iter().map(|event| String::from_utf8(event.to_vec()).unwrap()));
            }
            Err(eventlog::ReadError::Unavailable(_)) => sleep(Duration::from_millis(100)).await,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Wait until so many more events have been appended.
async fn progress(done: &mut [watch::Receiver<u64>], more: u64) {
    for done in done {
        let wanted = *done.borrow() + more;
        timeout(RECOVERY, done.wait_for(|done| *done >= wanted)).await.expect("writing goes on").unwrap();
    }
}

/// The node that leads the stream of partition 0.
async fn leader(log: &JetStreamLog) -> usize {
    let name = timeout(RECOVERY, async {
        loop {
            if let Ok(state) = log.replicas(P0).await
                && let Some(leader) = state.leader
            {
                return leader;
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    let name = name.await.unwrap();
    let number: usize = name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse().unwrap();
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_nodes_are_killed_paused_and_restarted() {
    let nats = three().await;
    let settings = settings(&nats);
    let log = create(&settings, &spec(2)).await;
    let beside = open(&settings).await;
    let stop = watch::Sender::new(false);
    let end = [watch::Sender::new(None), watch::Sender::new(None)];
    let (mut writers, mut readers, mut done) = (Vec::new(), Vec::new(), Vec::new());
    let mut tasks = JoinSet::new();
    for partition in [P0, Partition(1)] {
        let counted = watch::Sender::new(0);
        done.push(counted.subscribe());
        let (written, read) = (watch::Sender::new(None), watch::Sender::new(None));
        writers.push(written.subscribe());
        readers.push(read.subscribe());
        let writing = keep_writing(Arc::clone(&log), partition, stop.subscribe(), counted);
        tasks.spawn(async move { drop(written.send_replace(Some(writing.await))) });
        let reading = keep_reading(Arc::clone(&beside), partition, end[partition.0 as usize].subscribe());
        tasks.spawn(async move { drop(read.send_replace(Some(reading.await))) });
    }
    progress(&mut done, 20).await;
    let killed = leader(&log).await;
    nats.kill(killed);
    progress(&mut done, 20).await;
    nats.restart(killed);
    nats.wait_until_healthy().await;
    progress(&mut done, 20).await;
    let paused = leader(&log).await;
    nats.pause(paused);
    progress(&mut done, 20).await;
    nats.resume(paused);
    nats.wait_until_healthy().await;
    progress(&mut done, 20).await;
    let restarted = leader(&log).await;
    nats.restart(restarted);
    progress(&mut done, 20).await;
    nats.wait_until_healthy().await;
    stop.send_replace(true);

    for partition in [P0, Partition(1)] {
        let index = partition.0 as usize;
        let told = timeout(RECOVERY, writers[index].wait_for(Option::is_some)).await;
        let told = told.unwrap().unwrap().clone().unwrap();
        let tail = beside.tail(partition).await.unwrap();
        end[index].send_replace(Some(tail.next.0));
        let seen = timeout(RECOVERY, readers[index].wait_for(Option::is_some)).await;
        let seen = seen.unwrap().unwrap().clone().unwrap();
        let mut places = BTreeMap::new();
        for (offset, event) in seen.iter().enumerate() {
            assert_eq!(places.insert(event.clone(), offset as u64), None, "{event} is there twice");
        }
        for (event, told) in told {
            match told {
                Told::Appended(offset) => assert_eq!(places.get(&event), Some(&offset), "{event}"),
                Told::Refused => assert_eq!(places.get(&event), None, "{event} was refused"),
                Told::Unknown => {}
            }
        }
        assert_eq!(verify(&*beside, partition, &mut |_| ()).await.unwrap().next, tail.next);
    }
}
