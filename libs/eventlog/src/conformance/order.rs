//! Every event once, in order, for every reader, wherever it starts and however slow it is.

use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinSet;

use super::{Make, P0, event, events, everything, reader, spec, writer};
use crate::{
    frame::Frame,
    ids::{Offset, Partition},
    log::{Log, ReadLimit},
};

const FRAMES: u64 = 120;

/// Order and contiguity.
pub async fn order(make: Make<'_>) {
    for partitions in [1, 4] {
        concurrent_readers_see_every_event_once(make, partitions).await;
    }
    reading_starts_anywhere(make).await;
    reading_backwards_ends_where_it_should(make).await;
    a_dropped_read_loses_nothing(make).await;
    growth_is_signalled(make).await;
}

/// Frame `n` of the tests below: 1 to 7 events.
fn batch(n: u64) -> Vec<Bytes> {
    (0..=n % 7).map(|i| event(format!("{n}.{i}"))).collect()
}

async fn concurrent_readers_see_every_event_once(make: Make<'_>, partitions: u32) {
    let subject = make(&spec(partitions)).await;
    let log = subject.log();
    let end = 2 + (0..FRAMES).map(|n| batch(n).len() as u64).sum::<u64>();
    let mut writers = JoinSet::new();
    let mut readers = JoinSet::new();
    for partition in (0..partitions).map(Partition) {
        for pace in [0, 1, 50] {
            readers.spawn(read_to(Arc::clone(&log), partition, Offset(end), pace));
        }
        let log = Arc::clone(&log);
        writers.spawn(async move {
            let mut writer = writer(&log, partition, "a").await;
            for n in 0..FRAMES {
                let next = writer.tail().next;
                let appended = writer.append(1_000 + n, batch(n)).await.unwrap();
                assert_eq!((appended.first, appended.next), (next, next.plus(batch(n).len() as u64)));
            }
        });
    }
    writers.join_all().await;
    let expected: Vec<Bytes> = (0..FRAMES).flat_map(batch).collect();
    for read in readers.join_all().await {
        assert_eq!(read[2..], expected[..]);
    }
}

/// Read frame by frame (`pace` 0: in batches) up to `end`, giving way `pace` times after each.
async fn read_to(log: Arc<dyn Log>, partition: Partition, end: Offset, pace: usize) -> Vec<Bytes> {
    let mut reader = reader(&log, partition, 0).await;
    let mut read = Vec::new();
    while reader.position().offset < end {
        let frames: Vec<Frame> =
            if pace == 0 { reader.next_batch(5).await.unwrap() } else { vec![reader.next().await.unwrap()] };
        for frame in frames {
            assert_eq!(frame.first(), Offset(read.len() as u64));
            read.extend_from_slice(frame.events());
        }
        for _ in 0..pace.max(1) {
            tokio::task::yield_now().await;
        }
    }
    read
}

async fn reading_starts_anywhere(make: Make<'_>) {
    let subject = make(&spec(2)).await;
    let log = subject.log();
    let mut writer = writer(&log, Partition(1), "a").await;
    writer.append(0, events(&["c", "d", "e"])).await.unwrap();
    writer.append(0, events(&["f"])).await.unwrap();
    for (from, first) in [(0, 0), (1, 1), (2, 2), (3, 2), (4, 2), (5, 5)] {
        let frame = reader(&log, Partition(1), from).await.next().await.unwrap();
        assert_eq!(frame.first(), Offset(first), "from {from}");
    }
    assert_eq!(reader(&log, Partition(1), 6).await.try_next().await.unwrap(), None);
    let limit = ReadLimit { frames: 10, bytes: 1 };
    assert_eq!(log.read(Partition(1), Offset(0), limit).await.unwrap().len(), 1, "one frame always fits");
    assert_eq!(log.read(Partition(1), Offset(0), ReadLimit::frames(3)).await.unwrap().len(), 3);
    assert_eq!(everything(&log, P0).await, ["opened 0"], "the other partition is untouched");
    assert!(log.read(Partition(2), Offset(0), limit).await.is_err());
    assert!(log.tail(Partition(2)).await.is_err() && log.watch(Partition(2)).is_err());
}

async fn reading_backwards_ends_where_it_should(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut writer = writer(&log, P0, "a").await;
    for texts in [&["c", "d", "e"][..], &["f"], &["g", "h"]] {
        writer.append(0, events(texts)).await.unwrap();
    }
    // Frames begin at 0, 1, 2, 5 and 6; the log ends at 8.
    for (before, frames, expected) in [
        (8, 10, &[6, 5, 2, 1, 0][..]),
        (8, 2, &[6, 5]),
        (7, 2, &[5, 2]),
        (4, 10, &[1, 0]),
        (1, 10, &[0]),
        (0, 10, &[]),
    ] {
        let read = log.read_back(P0, Offset(before), ReadLimit::frames(frames)).await.unwrap();
        let firsts: Vec<u64> = read.iter().map(|frame| frame.first().0).collect();
        assert_eq!(firsts, expected, "before {before}");
    }
    assert!(log.read_back(P0, Offset(9), ReadLimit::frames(1)).await.is_err());
}

async fn a_dropped_read_loses_nothing(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut writer = writer(&log, P0, "a").await;
    let mut reader = reader(&log, P0, 0).await;
    let mut read = Vec::new();
    for n in 0..50 {
        writer.append(0, batch(n)).await.unwrap();
        // Dropped at another point of its way each time.
        for polls in 0..=n % 5 {
            let gave_up = async {
                for _ in 0..polls {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                biased;
                frame = reader.next() => read.extend_from_slice(frame.unwrap().events()),
                () = gave_up => {}
            }
        }
    }
    while let Some(frame) = reader.try_next().await.unwrap() {
        read.extend_from_slice(frame.events());
    }
    assert_eq!(read[2..], (0..50).flat_map(batch).collect::<Vec<_>>()[..]);
}

async fn growth_is_signalled(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut signal = log.watch(P0).unwrap();
    assert_eq!(*signal.borrow_and_update(), Offset(1));
    let mut writer = writer(&log, P0, "a").await;
    signal.changed().await.unwrap();
    assert_eq!(*signal.borrow_and_update(), Offset(2));
    writer.append(0, events(&["c", "d"])).await.unwrap();
    signal.changed().await.unwrap();
    assert_eq!(*signal.borrow_and_update(), Offset(4));
    assert_eq!(log.tail(P0).await.unwrap(), writer.tail());
}
