//! An append of unknown outcome is resolved by reading back: it is there once or not at all.

use std::sync::Arc;

use super::{Make, P0, event, events, everything, spec, writer};
use crate::{
    error::AppendError,
    faulty::{Fault, FaultyLog},
    log::Log,
};

/// Landed, lost, late, overtaken, given up.
pub async fn unknown_outcomes(make: Make<'_>) {
    every_sequence_of_faults_appends_once(make).await;
    a_lost_frame_behind_a_takeover_is_fenced(make).await;
    a_writer_that_cannot_find_out_is_dead(make).await;
    a_dropped_append_is_settled_by_the_next_takeover(make).await;
}

async fn every_sequence_of_faults_appends_once(make: Make<'_>) {
    use Fault::{Full, LandsLate, LandsUnknown, LostUnknown, Unavailable};
    let subject = make(&spec(1)).await;
    let log = Arc::new(FaultyLog::new(subject.log()));
    let dyn_log: Arc<dyn Log> = Arc::clone(&log) as _;
    let mut writer = writer(&dyn_log, P0, "a").await;
    let mut expected = vec!["opened 0".to_owned(), "started a".to_owned()];
    for (n, faults) in [
        &[LandsUnknown][..],
        &[LostUnknown],
        &[LandsLate],
        &[LostUnknown, LostUnknown],
        &[LostUnknown, LandsUnknown],
        &[LostUnknown, LandsLate],
        &[LandsLate, LostUnknown],
        &[LandsLate, LandsLate],
        &[LostUnknown, Full],
        &[LandsLate, Unavailable],
        &[],
    ]
    .into_iter()
    .enumerate()
    {
        log.inject(faults);
        let appended = writer.append(0, events(&[&format!("{n}.0"), &format!("{n}.1")])).await.unwrap();
        assert_eq!(appended.first.0, expected.len() as u64, "{faults:?}");
        expected.extend([format!("{n}.0"), format!("{n}.1")]);
    }
    for (refusal, error) in [(Full, AppendError::Full), (Unavailable, unavailable())] {
        log.inject(&[refusal]);
        assert_eq!(
            writer.append(0, events(&["refused"])).await,
            Err(error),
            "a certain refusal is passed on"
        );
    }
    assert_eq!(everything(&subject.log(), P0).await, expected);
}

fn unavailable() -> AppendError {
    AppendError::Unavailable("a fault was injected".to_owned())
}

async fn a_lost_frame_behind_a_takeover_is_fenced(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = Arc::new(FaultyLog::new(subject.log()));
    let mut old = writer(&(Arc::clone(&log) as _), P0, "old").await;
    let mut new = writer(&subject.log(), P0, "new").await;
    log.inject(&[Fault::LostUnknown]);
    assert_eq!(old.append(0, events(&["lost"])).await, Err(AppendError::Fenced));
    new.append(0, events(&["kept"])).await.unwrap();
    // The late frame is refused by the log itself.
    let mut late = writer(&(Arc::clone(&log) as _), P0, "late").await;
    let mut last = writer(&subject.log(), P0, "last").await;
    log.inject(&[Fault::LandsLate]);
    assert_eq!(late.append(0, events(&["lost"])).await, Err(AppendError::Fenced));
    last.append(0, events(&["kept too"])).await.unwrap();
    let expected =
        ["opened 0", "started old", "started new", "kept", "started late", "started last", "kept too"];
    assert_eq!(everything(&subject.log(), P0).await, expected);
}

async fn a_writer_that_cannot_find_out_is_dead(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = Arc::new(FaultyLog::new(subject.log()));
    let mut writer = writer(&(Arc::clone(&log) as _), P0, "a").await;
    log.inject(&[Fault::LostUnknown; 6]);
    assert_eq!(writer.append(0, events(&["lost"])).await, Err(AppendError::Unknown));
    assert_eq!(writer.append(0, events(&["never"])).await, Err(AppendError::Unknown), "for good");
    assert_eq!(everything(&subject.log(), P0).await, ["opened 0", "started a"]);
}

async fn a_dropped_append_is_settled_by_the_next_takeover(make: Make<'_>) {
    let subject = make(&spec(1)).await;
    let log = Arc::new(FaultyLog::new(subject.log()));
    let mut dropped = writer(&(Arc::clone(&log) as _), P0, "a").await;
    log.inject(&[Fault::Hangs]);
    let mut signal = log.watch(P0).unwrap();
    signal.mark_unchanged();
    tokio::select! {
        _ = dropped.append(0, vec![event("landed")]) => unreachable!("it hangs"),
        changed = signal.changed() => changed.unwrap(),
    }
    assert_eq!(dropped.append(0, events(&["never"])).await, Err(AppendError::Unknown));
    writer(&subject.log(), P0, "b").await.append(0, events(&["x"])).await.unwrap();
    assert_eq!(everything(&subject.log(), P0).await, ["opened 0", "started a", "landed", "started b", "x"]);
}
