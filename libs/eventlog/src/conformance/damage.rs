//! What was stored is what is read, or the error names the place.

use std::sync::Arc;

use super::{Damage, Make, P0, Subject, at, event, events, everything, reader, spec, writer};
use crate::{
    error::ReadError,
    ids::{Epoch, FrameHash, Offset, Partition, Position},
    log::{Log, ReadLimit},
    reader::Reader,
    verify::verify,
};

/// Flipped bytes, logs that went back, logs that were trimmed.
pub async fn damage(make: Make<'_>) {
    a_good_log_verifies(make).await;
    a_flipped_bit_is_found_and_named(make).await;
    a_log_that_ends_before_its_reader_is_refused(make).await;
    a_log_that_went_back_and_grew_again_is_refused(make).await;
    what_was_trimmed_is_said_to_be(make).await;
    another_logs_position_is_refused(make).await;
}

/// Ten frames of three events: the first at 0 (one event), `started` at 1, then 2, 5, 8, … 29.
async fn filled(subject: &dyn Subject) -> Arc<dyn Log> {
    let log = subject.log();
    let mut writer = writer(&log, P0, "a").await;
    for n in 0..10 {
        writer.append(0, events(&[&format!("{n}.0"), &format!("{n}.1"), &format!("{n}.2")])).await.unwrap();
    }
    log
}

async fn a_good_log_verifies(make: Make<'_>) {
    let subject = make(&spec(2)).await;
    let log = filled(&*subject).await;
    let mut reports = 0;
    let found = verify(&*log, P0, &mut |_| reports += 1).await.unwrap();
    assert_eq!((found.frames, found.events, found.next, found.end), (12, 32, Offset(32), Offset(32)));
    assert!(reports > 0 && found.bytes > 12 * 111);
    assert_eq!(verify(&*log, Partition(1), &mut |_| ()).await.unwrap().events, 1);
}

async fn a_flipped_bit_is_found_and_named(make: Make<'_>) {
    for (flipped, first) in [(0, 0), (1, 1), (15, 14), (31, 29)] {
        let subject = make(&spec(1)).await;
        let log = filled(&*subject).await;
        if !subject.damage(Damage::Flip(P0, Offset(flipped))).await {
            return;
        }
        let named = |outcome: &ReadError| matches!(outcome, ReadError::Corrupt { partition: P0, offset, .. } if offset.0 == first);
        let error = verify(&*log, P0, &mut |_| ()).await.unwrap_err();
        assert!(named(&error), "{error}");
        let mut reader = reader(&log, P0, 0).await;
        let error = loop {
            match reader.next().await {
                Ok(frame) => assert!(frame.next().0 <= first, "only what is good is given"),
                Err(error) => break error,
            }
        };
        assert!(named(&error), "{error}");
        assert_eq!(reader.position().offset, Offset(first));
        assert!(named(&reader.next().await.unwrap_err()), "asking again does not help");
        let back = log.read_back(P0, Offset(32), ReadLimit::default()).await;
        match back {
            Ok(frames) => assert!(frames.iter().all(|frame| frame.first().0 > first)),
            Err(error) => assert!(first == 29 && named(&error), "{error}"),
        }
    }
}

async fn a_log_that_ends_before_its_reader_is_refused(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = filled(&*subject).await;
    let mut running = reader(&log, P0, 32).await;
    let checkpoint = at(&log, P0, 32);
    if !subject.damage(Damage::Truncate(P0, Offset(20))).await {
        return;
    }
    let ends_before = ReadError::EndsBefore { tail: Offset(20) };
    assert_eq!(running.next().await.unwrap_err(), ends_before);
    assert_eq!(Reader::open(Arc::clone(&log), checkpoint, None).await.err(), Some(ends_before));
    assert_eq!(everything(&log, P0).await.len(), 20, "what is left can be read");
}

async fn a_log_that_went_back_and_grew_again_is_refused(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = filled(&*subject).await;
    let read = log.read(P0, Offset(17), ReadLimit::frames(2)).await.unwrap();
    let [before, after] = [0, 1].map(|n: usize| (at(&log, P0, read[n].next().0), read[n].hash()));
    let mut running = reader(&log, P0, 17).await;
    let last = log.read(P0, Offset(29), ReadLimit::frames(1)).await.unwrap()[0].hash();
    if !subject.damage(Damage::Truncate(P0, Offset(20))).await {
        return;
    }
    let mut again = writer(&log, P0, "again").await;
    again.append(0, events(&["x", "y"])).await.unwrap();
    let open = |(position, hash): (Position, FrameHash)| Reader::open(Arc::clone(&log), position, Some(hash));
    assert_eq!(running.next().await.unwrap().next(), Offset(20));
    assert_eq!(
        open(before).await.unwrap().next().await.unwrap().first(),
        Offset(20),
        "the part in common is good"
    );
    assert!(
        matches!(open(after).await.err(), Some(ReadError::Corrupt { offset: Offset(23), .. })),
        "at the tail"
    );
    again.append(0, vec![event("z"); 9]).await.unwrap();
    let error = open(after).await.unwrap().next().await.unwrap_err();
    assert!(matches!(error, ReadError::Corrupt { offset: Offset(23), .. }), "inside the log: {error}");
    let error = open((at(&log, P0, 32), last)).await.err();
    assert!(
        matches!(error, Some(ReadError::Corrupt { offset: Offset(32), .. })),
        "of the same length: {error:?}"
    );
}

async fn what_was_trimmed_is_said_to_be(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = filled(&*subject).await;
    if !subject.damage(Damage::Trim(P0, Offset(16))).await {
        return;
    }
    let trimmed = ReadError::Trimmed { first_kept: Offset(14) };
    for from in [0, 5, 13] {
        assert_eq!(reader(&log, P0, from).await.next().await.unwrap_err(), trimmed, "from {from}");
    }
    assert_eq!(reader(&log, P0, 14).await.next().await.unwrap().first(), Offset(14));
    assert_eq!(reader(&log, P0, 16).await.next().await.unwrap().first(), Offset(14));
    let back = log.read_back(P0, Offset(32), ReadLimit::default()).await.unwrap();
    assert_eq!((back.len(), back[5].first()), (6, Offset(14)));
    assert!(log.read_back(P0, Offset(14), ReadLimit::default()).await.unwrap().is_empty());
    let found = verify(&*log, P0, &mut |_| ()).await.unwrap();
    assert_eq!((found.first_kept, found.frames, found.next), (Offset(14), 6, Offset(32)));
    writer(&log, P0, "b").await;
}

async fn another_logs_position_is_refused(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = subject.log();
    let position = Position { epoch: Epoch([7; 16]), partition: P0, offset: Offset(0) };
    let error = Reader::open(Arc::clone(&log), position, None).await.err();
    assert_eq!(error, Some(ReadError::ForeignEpoch { found: log.epoch() }));
    let wrong_start = Reader::open(Arc::clone(&log), at(&log, P0, 1), Some(FrameHash([3; 32]))).await.err();
    assert!(matches!(wrong_start, Some(ReadError::Corrupt { .. })));
    assert_eq!(everything(&log, P0).await, ["opened 0"]);
}
