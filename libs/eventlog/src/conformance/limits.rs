//! Limits at their edge and over it, time that would go back, and a log without space.

use bytes::Bytes;

use super::{Make, P0, event, events, everything, reader, spec, writer};
use crate::{
    batch::Batch,
    error::{AppendError, Rejection},
    frame::{EVENT_BYTES_MAX, FRAME_BYTES_MAX, FRAME_EVENTS_MAX},
    log::{READ_BYTES_MAX, READ_FRAMES_MAX, ReadLimit},
};

/// Sizes, counts, time and space.
pub async fn limits(make: Make<'_>) {
    the_largest_frames_fit_and_larger_ones_do_not(make).await;
    a_read_is_bounded(make).await;
    time_never_goes_back(make).await;
    a_full_log_refuses_and_recovers(make).await;
}

async fn the_largest_frames_fit_and_larger_ones_do_not(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut writer = writer(&log, P0, "a").await;
    let mut batch = Batch::new();
    while batch.push(Bytes::from(vec![7; EVENT_BYTES_MAX])).is_ok() {}
    while batch.push(Bytes::from_static(b"rest")).is_ok() {}
    while batch.push(Bytes::new()).is_ok() {}
    assert!(batch.encoded_len() > FRAME_BYTES_MAX - 8 || batch.count() == FRAME_EVENTS_MAX);
    let largest = batch.take();
    let many = vec![event("x"); FRAME_EVENTS_MAX];
    for good in [largest.clone(), many.clone()] {
        let appended = writer.append(0, good.clone()).await.unwrap();
        let frame = reader(&log, P0, appended.first.0).await.next().await.unwrap();
        assert_eq!(frame.events(), good);
    }
    let tail = log.tail(P0).await.unwrap();
    let too_large = vec![Bytes::from(vec![0; EVENT_BYTES_MAX]); 5];
    let size = 79 + 5 * 4 + 5 * EVENT_BYTES_MAX + 32;
    for (bad, why) in [
        (vec![], Rejection::NoEvents),
        (vec![event("x"); FRAME_EVENTS_MAX + 1], Rejection::Events(FRAME_EVENTS_MAX + 1)),
        (vec![Bytes::from(vec![0; EVENT_BYTES_MAX + 1])], Rejection::EventBytes(EVENT_BYTES_MAX + 1)),
        (too_large, Rejection::FrameBytes(size)),
    ] {
        assert_eq!(writer.append(0, bad).await, Err(AppendError::Rejected(why)));
    }
    assert_eq!(log.tail(P0).await.unwrap(), tail, "nothing was written");
    writer.append(0, many).await.unwrap();
}

async fn a_read_is_bounded(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut writer = writer(&log, P0, "a").await;
    let large = vec![Bytes::from(vec![1; EVENT_BYTES_MAX]); 3];
    for _ in 0..30 {
        writer.append(0, large.clone()).await.unwrap();
    }
    let everything = ReadLimit { frames: usize::MAX, bytes: usize::MAX };
    let next = log.tail(P0).await.unwrap().next;
    for read in [log.read(P0, crate::Offset(0), everything).await, log.read_back(P0, next, everything).await]
    {
        let read = read.unwrap();
        let bytes: usize = read.iter().map(|frame| frame.encoded().len()).sum();
        assert!(bytes <= READ_BYTES_MAX && bytes > READ_BYTES_MAX / 2 && read.len() <= READ_FRAMES_MAX);
    }
}

async fn time_never_goes_back(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut times = Vec::new();
    let mut old = writer(&log, P0, "a").await;
    for time_ms in [5_000, 4_000, 0, 6_000, 5_999] {
        times.push(old.append(time_ms, events(&["x"])).await.unwrap().time_ms);
    }
    let mut new = writer(&log, P0, "b").await;
    times.push(new.append(10, events(&["x"])).await.unwrap().time_ms);
    assert_eq!(times, [5_000, 5_000, 5_000, 6_000, 6_000, 6_000]);
    assert_eq!(log.tail(P0).await.unwrap().time_ms, 6_000);
}

async fn a_full_log_refuses_and_recovers(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let mut writer = writer(&log, P0, "a").await;
    writer.append(0, events(&["before"])).await.unwrap();
    if !subject.set_full(true).await {
        return;
    }
    let large = vec![Bytes::from(vec![1; EVENT_BYTES_MAX]); 3];
    let tail = log.tail(P0).await.unwrap();
    for _ in 0..3 {
        assert_eq!(writer.append(0, large.clone()).await, Err(AppendError::Full));
    }
    assert_eq!(log.tail(P0).await.unwrap(), tail, "nothing was written");
    assert!(subject.set_full(false).await);
    writer.append(0, large).await.unwrap();
    writer.append(0, events(&["after"])).await.unwrap();
    let found = everything(&log, P0).await;
    assert_eq!((found.len(), &found[2], &found[6]), (7, &"before".to_owned(), &"after".to_owned()));
}
