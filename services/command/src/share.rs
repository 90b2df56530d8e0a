//! The writers of one process among many: it writes those partitions that it holds by
//! lease, each for as long as it holds it.
//!
//! A lease is no proof. A writer that lost its lease without knowing is stopped by the log,
//! whose compare-and-set lets one through; it answers nothing then, and who asked it asks
//! again, under the same command id, wherever the partition is written by then.

use std::sync::Arc;

use bus::leases::{Hold, Leases};
use bus::nats::{Bus, serve};
use bus::{Capacity, Inbox, Progress};
use eventlog::{FRAME_EVENTS_MAX, Log, Partition};
use runtime::{Clock, Ids, Tasks};
use tokio::task::JoinSet;

use crate::office::{Rows, Settings};
use crate::refuse::is_fenced;
use crate::writer::{Parts, Tenure, measure};

/// What the writers of one process work with.
pub struct Shared<F> {
    /// The log.
    pub log: Arc<dyn Log>,
    /// Where commands come from.
    pub bus: Bus,
    /// The rows of a partition.
    pub rows: F,
    /// How far the read models have come.
    pub progress: Progress,
    /// The time.
    pub clock: Clock,
    /// Event ids.
    pub ids: Ids,
    /// Commands that may wait for one partition.
    pub capacity: Capacity,
    /// What the deployment chose.
    pub settings: Settings,
}

/// Write each partition that comes to be held, until no more will come: once the member has
/// left. A partition that is asked for, or left, is given back when everything is answered
/// that was taken for it.
///
/// # Errors
/// A writer panicked.
pub async fn share<R, F>(shared: Shared<F>, mut leases: Leases) -> anyhow::Result<()>
where
    R: Rows + 'static,
    F: Fn(Partition) -> R,
{
    let mut writers = JoinSet::new();
    let held = metrics::gauge!("writer_leases");
    loop {
        held.set(writers.len() as f64);
        tokio::select! {
            hold = leases.next() => match hold {
                Some(hold) => {
                    let parts = shared.parts(Partition(hold.partition()));
                    writers.spawn(write(parts, shared.bus.clone(), hold));
                }
                None => break,
            },
            Some(ended) = writers.join_next() => ended?,
        }
    }
    while let Some(ended) = writers.join_next().await {
        ended?;
    }
    held.set(0);
    Ok(())
}

impl<R: Rows, F: Fn(Partition) -> R> Shared<F> {
    fn parts(&self, partition: Partition) -> Parts<R> {
        Parts {
            log: Arc::clone(&self.log),
            partition,
            inbox: Inbox::new(self.capacity),
            rows: (self.rows)(partition),
            progress: self.progress.clone(),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            settings: self.settings,
        }
    }
}

/// How the time with a partition ended.
#[derive(Debug)]
enum End {
    /// Another may hold it by now.
    Lost,
    /// Another has appended.
    Fenced,
    /// It was asked for, and everything is answered.
    Finished,
    /// Its commands could not be listened to.
    Deaf(bus::nats::Error),
}

impl End {
    fn name(&self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Fenced => "fenced",
            Self::Finished => "given back",
            Self::Deaf(_) => "deaf",
        }
    }
}

/// Write one partition for as long as it is held, then give it back.
async fn write<R: Rows>(parts: Parts<R>, bus: Bus, hold: Hold) {
    let partition = hold.partition();
    changed("gained");
    tracing::info!(partition, "holding the partition");
    let end = until_the_end(parts, &bus, &hold).await;
    measure(Partition(partition), 0, 0);
    changed(end.name());
    match &end {
        End::Finished => tracing::info!(partition, "giving the partition back; everything is answered"),
        End::Lost => tracing::warn!(partition, "lost the partition: another may write it by now"),
        End::Fenced => {
            tracing::warn!(partition, "another process has written the partition; leaving it to that one");
        }
        End::Deaf(error) => {
            tracing::warn!(partition, %error, "cannot listen to the partition's commands; leaving it to others");
        }
    }
    hold.release().await;
}

/// Take commands and write until that ends; then nobody waits here any more.
async fn until_the_end<R: Rows>(parts: Parts<R>, bus: &Bus, hold: &Hold) -> End {
    let inbox = parts.inbox.clone();
    let serving = serve(bus, hold, &inbox);
    tokio::pin!(serving);
    let end = tokio::select! {
        biased;
        () = hold.lost() => End::Lost,
        // By then everything is answered, and the writer idle.
        ended = &mut serving => return ended.map_or_else(End::Deaf, |()| End::Finished),
        () = until_fenced(parts, hold) => End::Fenced,
    };
    // What the writer had in its hands was dropped with it; so is what it had not taken yet.
    inbox.close();
    while !inbox.is_empty() {
        drop(inbox.take(FRAME_EVENTS_MAX).await);
    }
    match serving.await {
        Ok(()) => end,
        Err(error) => End::Deaf(error),
    }
}

fn changed(change: &'static str) {
    metrics::counter!("writer_lease_changes_total", "change" => change).increment(1);
}

/// Write until another does. What nothing mends here is said, and everything refused, for as
/// long as the partition is held: others could do no better.
async fn until_fenced<R: Rows>(mut parts: Parts<R>, hold: &Hold) {
    // Nobody stops it; it is dropped.
    let tasks = Tasks::new();
    let stop = tasks.stop();
    let tenure = Tenure { stop: &stop, hold: Some(hold) };
    if let Err(error) = parts.write(tenure).await
        && !is_fenced(&error)
    {
        parts.refuse_for_good(&error, [], tenure).await;
    }
}
