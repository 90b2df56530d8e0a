//! Two writers may both believe in themselves; they never both succeed.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{Make, P0, event, events, everything, spec, writer};
use crate::{
    error::{AppendError, Rejection, TakeoverError},
    frame::{Frame, Header},
    ids::{Epoch, FrameHash, Partition},
    writer::Writer,
};

/// One writer at a time.
pub async fn fencing(make: Make<'_>) {
    a_takeover_fences_the_writer_before(make).await;
    of_many_rivals_each_frame_is_appended_once(make).await;
    only_what_continues_the_tail_is_appended(make).await;
}

async fn a_takeover_fences_the_writer_before(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut first = writer(&log, P0, "first").await;
    first.append(0, events(&["1"])).await.unwrap();
    let mut second = writer(&log, P0, "second").await;
    assert_eq!((first.term(), second.term()), (1, 2));
    assert_eq!(first.append(0, events(&["lost"])).await, Err(AppendError::Fenced));
    second.append(0, events(&["2"])).await.unwrap();
    assert_eq!(first.append(0, events(&["lost"])).await, Err(AppendError::Fenced), "for good");
    assert_eq!(everything(&log, P0).await, ["opened 0", "started first", "1", "started second", "2"]);
}

async fn of_many_rivals_each_frame_is_appended_once(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut rivals = JoinSet::new();
    for rival in 0..6 {
        let log = Arc::clone(&log);
        rivals.spawn(async move {
            let mut acknowledged = Vec::new();
            for round in 0..15 {
                let name = format!("{rival}.{round}");
                let started = event(format!("started {name}"));
                let mut writer = match Writer::open(Arc::clone(&log), P0, 0, started).await {
                    Ok(writer) => writer,
                    Err(TakeoverError::Append(AppendError::Fenced)) => continue,
                    Err(error) => panic!("{error}"),
                };
                acknowledged.push(format!("started {name}"));
                for n in 0..3 {
                    match writer.append(0, vec![event(format!("{name}.{n}"))]).await {
                        Ok(_) => acknowledged.push(format!("{name}.{n}")),
                        Err(AppendError::Fenced) => break,
                        Err(error) => panic!("{error}"),
                    }
                    tokio::task::yield_now().await;
                }
            }
            acknowledged
        });
    }
    let mut acknowledged = rivals.join_all().await.concat();
    acknowledged.push("opened 0".to_owned());
    let mut stored = everything(&log, P0).await;
    acknowledged.sort();
    stored.sort();
    assert_eq!(stored, acknowledged);
}

async fn only_what_continues_the_tail_is_appended(make: Make<'_>) {
    let subject = make(&spec(2)).await;
    let log = subject.log();
    let tail = log.tail(P0).await.unwrap();
    let good = Header {
        epoch: log.epoch(),
        partition: P0,
        term: 1,
        first: tail.next,
        time_ms: tail.time_ms,
        previous: tail.hash,
    };
    let rejected = |why| Err(AppendError::Rejected(why));
    for (header, outcome) in [
        (Header { first: tail.next.plus(1), ..good }, Err(AppendError::Fenced)),
        (Header { previous: FrameHash([1; 32]), ..good }, Err(AppendError::Fenced)),
        (Header { time_ms: tail.time_ms - 1, ..good }, rejected(Rejection::Time)),
        (Header { epoch: Epoch([9; 16]), ..good }, rejected(Rejection::ForeignEpoch)),
        (Header { partition: Partition(2), ..good }, rejected(Rejection::NoSuchPartition(Partition(2)))),
        (good, Ok(())),
        (good, Err(AppendError::Fenced)),
    ] {
        let frame = Frame::seal(header, &events(&["x"])).unwrap();
        assert_eq!(log.append(&frame).await, outcome, "{header:?}");
    }
    assert_eq!(everything(&log, P0).await, ["opened 0", "x"]);
}
