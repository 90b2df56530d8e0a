//! The fold of all partitions of a log into one store, for as long as the process lives.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bus::{Progress, Reached};
use eventlog::{Frame, Log, Offset, Partition, Position, READ_FRAMES_MAX, Reader};
use futures::future::select_all;
use readmodel::rows::Checkpoint;
use readmodel::{Applied, Error, Store};
use runtime::{Clock, Stop};
use tokio::sync::watch;

use crate::decode;

/// Events folded together while catching up: a dialog's newest page is written once a batch,
/// so large batches fold several times faster than small ones.
pub const CATCH_UP_EVENTS: usize = 20_000;
/// Events in one read that say that more are waiting: a frame or a few are today's.
const BEHIND_EVENTS: usize = 4_096;
/// Dead rows deleted after a batch: a few milliseconds beside a fold that others wait for.
const SWEEP_ROWS_MAX: usize = 200;
/// How long to wait between two sweeps while nothing else is to be done.
const SWEEP_EVERY: Duration = Duration::from_millis(20);
/// How long to wait for a signal that the log has grown before looking without one.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long to wait after the store had no space.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// What a projector works with.
pub struct Parts {
    /// The log.
    pub log: Arc<dyn Log>,
    /// Where the rows are.
    pub store: Store,
    /// Where progress is told.
    pub progress: Progress,
    /// The time, for the lag.
    pub clock: Clock,
}

/// One partition's place in the log.
struct Place {
    partition: Partition,
    checkpoint: Option<Checkpoint>,
    reader: Reader,
    grown: watch::Receiver<Offset>,
}

/// Fold until `stop`, then put everything into the store's one file and close it.
///
/// # Errors
/// What no waiting mends: a damaged log or store, an unknown event, a log that is not the
/// one the rows were folded from. Then nothing is folded any more, and progress says so.
pub async fn run(mut parts: Parts, stop: Stop) -> anyhow::Result<()> {
    let mut places = places(&parts.log, &mut parts.store).await?;
    parts.report(&places, true);
    let outcome = parts.fold(&mut places, &stop).await;
    parts.report(&places, false);
    drop(places);
    outcome?;
    match parts.store.close().await {
        // What is in its write-ahead log is not lost: the next start reads it from there.
        Err(Error::Full(error)) => {
            tracing::warn!(%error, "no space to put the read models into their one file");
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Whether rows and log belong together, so that folding can go on where it ended.
///
/// # Errors
/// The rows were folded from another log, or this one ends before them.
pub async fn check(log: &Arc<dyn Log>, store: &mut Store) -> anyhow::Result<()> {
    places(log, store).await.map(|_| ())
}

/// Where each partition's rows stand, and a reader from there.
async fn places(log: &Arc<dyn Log>, store: &mut Store) -> anyhow::Result<Vec<Place>> {
    let mut places = vec![];
    for partition in (0..log.partitions()).map(Partition) {
        let checkpoint = store.checkpoint(partition).await?;
        let from = Position {
            epoch: checkpoint.map_or(log.epoch(), |checkpoint| checkpoint.epoch),
            partition,
            offset: checkpoint.map_or(Offset(0), |checkpoint| checkpoint.next),
        };
        let previous = checkpoint.map(|checkpoint| checkpoint.frame_hash);
        let reader = Reader::open(Arc::clone(log), from, previous).await?;
        places.push(Place { partition, checkpoint, reader, grown: log.watch(partition)? });
    }
    Ok(places)
}

impl Parts {
    fn report(&self, places: &[Place], folding: bool) {
        for place in places {
            let next = place.checkpoint.map_or(0, |checkpoint| checkpoint.next.0);
            self.progress.report(place.partition.0, Reached { next, folding });
        }
    }

    async fn fold(&mut self, places: &mut [Place], stop: &Stop) -> anyhow::Result<()> {
        let mut dead_rows = true;
        while !stop.is_stopping() {
            let batch = next_batch(places).await?;
            if batch.is_empty() {
                if dead_rows {
                    dead_rows = self.sweep().await?;
                }
                let patience = if dead_rows { SWEEP_EVERY } else { LOOK_EVERY };
                grown(places, patience, stop).await;
                continue;
            }
            self.apply(&batch, places, stop).await?;
            dead_rows = self.sweep().await?;
        }
        Ok(())
    }

    /// Apply a batch, again and again while there is no space; progress says that nothing
    /// is folded meanwhile, so that no writes are taken.
    async fn apply(&mut self, batch: &[Applied], places: &mut [Place], stop: &Stop) -> anyhow::Result<()> {
        let started = Instant::now();
        while let Err(error) = self.store.apply(batch).await {
            if !error.is_passing() {
                return Err(error.into());
            }
            tracing::warn!(%error, "the read models cannot be written; folding goes on once they can: free some space if there is none");
            self.report(places, false);
            for place in &*places {
                self.measure(place);
            }
            tokio::select! {
                () = tokio::time::sleep(TRY_AGAIN) => {}
                () = stop.stopped() => return Ok(()),
            }
        }
        let events: usize = batch.iter().map(|applied| applied.records.len()).sum();
        metrics::histogram!("projector_fold_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("projector_batch_events").record(events as f64);
        metrics::counter!("projector_events_total").increment(events as u64);
        metrics::counter!("projector_rows_total").absolute(self.store.rows_written());
        for applied in batch {
            let Some(place) = places.get_mut(applied.partition.0 as usize) else { continue };
            place.checkpoint = Some(applied.checkpoint);
            self.measure(place);
        }
        self.report(places, true);
        Ok(())
    }

    /// How far the rows are behind: after each batch, and while none can be applied.
    fn measure(&self, place: &Place) {
        let label = place.partition.0.to_string();
        let (next, time) = place.checkpoint.map_or((0, None), |at| (at.next.0, Some(at.time.0)));
        let behind = place.grown.borrow().0.saturating_sub(next);
        metrics::gauge!("projector_lag_events", "partition" => label.clone()).set(behind as f64);
        let late = time.map_or(0, |time| self.clock.now().0.saturating_sub(time));
        metrics::gauge!("projector_lag_seconds", "partition" => label).set(late as f64 / 1000.0);
    }

    async fn sweep(&mut self) -> anyhow::Result<bool> {
        match self.store.sweep(SWEEP_ROWS_MAX).await {
            // Deleting can wait like everything else.
            Err(error) if error.is_passing() => Ok(true),
            other => Ok(other?),
        }
    }
}

/// What one read of each partition gives; several, where it is far behind.
async fn next_batch(places: &mut [Place]) -> anyhow::Result<Vec<Applied>> {
    let mut batch = vec![];
    for place in places {
        place.grown.mark_unchanged();
        let mut frames = vec![];
        let mut events = 0;
        loop {
            let read = place.reader.next_batch(READ_FRAMES_MAX).await?;
            let count = read.iter().map(Frame::count).sum::<usize>();
            frames.extend(read);
            events += count;
            if count < BEHIND_EVENTS || events >= CATCH_UP_EVENTS {
                break;
            }
        }
        batch.extend(decode(&frames, place.checkpoint)?);
    }
    Ok(batch)
}

/// Wait until a partition has grown, or for as long as `patience`, or until it is time to stop.
async fn grown(places: &mut [Place], patience: Duration, stop: &Stop) {
    let signals = places.iter_mut().map(|place| Box::pin(place.grown.changed()));
    tokio::select! {
        _ = select_all(signals) => {}
        () = tokio::time::sleep(patience) => {}
        () = stop.stopped() => {}
    }
}
