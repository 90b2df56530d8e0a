//! Folds the search index: of the partitions whose rows this process folds, on its own and
//! with nobody waiting.
//!
//! The index is never worth a failure of anything else. While it cannot be folded, searches
//! say so, and it is tried again; damaged, or folded from another log, it is thrown away and
//! folded from the log's beginning. While the log grows it takes a small part of a processor
//! only: those who write come first.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bus::Progress;
use eventlog::{Log, Offset, Partition, ReadError};
use futures::stream::{AbortHandle, BoxStream, SelectAll, StreamExt as _, abortable};
use readmodel::rows::Checkpoint;
use readmodel::search::{OpenError, Place, Store};
use readmodel::{Applied, Error};
use runtime::Stop;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::feed::{Word, feed, open};
use crate::gathered::Gathered;

/// Events folded together at most, and bytes of their frames.
const EVENTS_MAX: usize = 5_000;
const BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long to wait for more before folding: an index is made of many small pieces, and
/// larger batches make fewer. Less than a search waits.
const GATHER_TIME: Duration = Duration::from_millis(50);
/// How long to wait then for what the partitions have.
const READ_TIME: Duration = Duration::from_millis(10);
/// How many times as long as a batch took to rest while the log grows.
const REST: u32 = 6;
/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(2);
/// Rows of gone messages deleted at once while nothing else is to be done.
const SWEEP_ROWS_MAX: usize = 500;
/// How often to see which partitions are folded here, and whether something is to be swept.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long to wait before trying again what failed; it doubles up to the second.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What folding the index takes.
pub struct IndexParts {
    /// The log.
    pub log: Arc<dyn Log>,
    /// Where the index is.
    pub place: Place,
    /// Which partitions are folded here.
    pub progress: Progress,
}

/// Fold the index until `stop`. Never fails.
///
/// # Errors
/// None: whatever goes wrong is told in the log, and tried again.
pub async fn index(parts: IndexParts, stop: Stop) -> anyhow::Result<()> {
    let mut pause = TRY_AGAIN.0;
    while !stop.is_stopping() {
        let started = Instant::now();
        let Err(why) = fold(&parts, &stop).await else { break };
        let why = anyhow::Error::from(why);
        tracing::warn!(
            error = %format!("{why:#}"),
            index = parts.place.name(),
            "the search index is not folded for now; searches are refused until it is"
        );
        pause = if started.elapsed() > TRY_AGAIN.1 { TRY_AGAIN.0 } else { (pause * 2).min(TRY_AGAIN.1) };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stop.stopped() => {}
        }
    }
    Ok(())
}

/// Why folding ended.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the search index cannot be written")]
    Store(#[from] Error),
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
}

async fn fold(parts: &IndexParts, stop: &Stop) -> Result<(), Fault> {
    let mut store = parts.place.open().await?;
    match Folding::of(parts, &mut store).run(stop).await {
        Ok(()) => {
            if let Err(error) = store.close().await {
                tracing::warn!(%error, "the search index was not closed in order");
            }
            Ok(())
        }
        Err(Fault::Store(Error::Damaged(why))) => {
            tracing::warn!(why, "the search index is damaged; folding it again from the log's beginning");
            Ok(renew(store, parts, stop).await?)
        }
        Err(fault) => Err(fault),
    }
}

/// Begin again with an empty index.
async fn renew(store: Store, parts: &IndexParts, stop: &Stop) -> Result<(), Fault> {
    let mut store = store.renew().await?;
    Folding::of(parts, &mut store).run(stop).await
}

/// The partitions under way.
struct Folding<'f> {
    parts: &'f IndexParts,
    store: &'f mut Store,
    places: BTreeMap<u32, Under>,
    words: SelectAll<BoxStream<'static, (Partition, Word)>>,
}

/// One of them.
struct Under {
    feed: AbortHandle,
    grown: watch::Receiver<Offset>,
    next: u64,
}

impl<'f> Folding<'f> {
    fn of(parts: &'f IndexParts, store: &'f mut Store) -> Self {
        Self { parts, store, places: BTreeMap::new(), words: SelectAll::new() }
    }

    async fn run(&mut self, stop: &Stop) -> Result<(), Fault> {
        let mut looked = Instant::now();
        self.share().await?;
        while !stop.is_stopping() {
            let word = tokio::select! {
                biased;
                () = stop.stopped() => break,
                word = next(&mut self.words) => Some(word),
                () = tokio::time::sleep(LOOK_EVERY) => None,
            };
            match word {
                Some(word) => self.take(word, stop).await?,
                None => while self.store.sweep(SWEEP_ROWS_MAX).await? && !stop.is_stopping() {},
            }
            if looked.elapsed() >= LOOK_EVERY {
                looked = Instant::now();
                self.share().await?;
            }
        }
        Ok(())
    }

    /// Take on the partitions that are folded here now, and let go of the others.
    async fn share(&mut self) -> Result<(), Fault> {
        let here = self.parts.progress.folded_here();
        self.places.retain(|partition, under| {
            let stays = here.contains(partition);
            if !stays {
                under.feed.abort();
                measure(*partition, 0);
            }
            stays
        });
        let new: Vec<u32> =
            here.into_iter().filter(|partition| !self.places.contains_key(partition)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let stored: BTreeMap<_, _> = self.store.checkpoints().await?.into_iter().collect();
        for partition in new.into_iter().map(Partition) {
            self.take_on(partition, stored.get(&partition).copied()).await?;
        }
        Ok(())
    }

    async fn take_on(&mut self, partition: Partition, at: Option<Checkpoint>) -> Result<(), Fault> {
        let log = &self.parts.log;
        match open(log, partition, at).await {
            Ok(_) => {}
            Err(ReadError::Unavailable(why)) => return Err(ReadError::Unavailable(why).into()),
            // It was folded from another log, or farther than this one goes.
            Err(error) if at.is_some() => return Err(Error::Damaged(error.to_string()).into()),
            Err(error) => return Err(error.into()),
        }
        let (words, handle) = abortable(feed(Arc::clone(log), partition, at)?);
        self.words.push(words.boxed());
        let next = at.map_or(0, |at| at.next.0);
        self.places.insert(partition.0, Under { feed: handle, grown: log.watch(partition)?, next });
        Ok(())
    }

    /// Fold what there is, and rest.
    async fn take(&mut self, first: (Partition, Word), stop: &Stop) -> Result<(), Fault> {
        let mut gathered = Gathered::default();
        if !matches!(first.1, Word::Events { more: true, .. }) {
            // Meanwhile nothing is read: what has piled up by then is read at once.
            tokio::time::sleep(GATHER_TIME).await;
        }
        let until = Instant::now() + READ_TIME;
        let mut word = Some(first);
        while let Some((partition, said)) = word {
            match said {
                Word::Events { batch, .. } if self.places.contains_key(&partition.0) => gathered.add(batch),
                Word::Events { .. } | Word::Going => {}
                Word::Stalled(why) => {
                    tracing::debug!(
                        partition = partition.0,
                        why,
                        "the log cannot be read for the search index"
                    );
                }
                // The rows stop there, too, and say so.
                Word::Stopped(stopped) => {
                    tracing::debug!(
                        partition = partition.0,
                        offset = stopped.offset,
                        "the search index stops"
                    );
                }
            }
            if gathered.events() >= EVENTS_MAX || gathered.bytes() >= BYTES_MAX {
                break;
            }
            word = tokio::time::timeout_at(until, next(&mut self.words)).await.ok();
        }
        if gathered.is_empty() {
            return Ok(());
        }
        let grown = self.ends();
        let started = Instant::now();
        self.apply(&mut gathered).await?;
        let took = started.elapsed();
        metrics::histogram!("search_fold_seconds").record(took.as_secs_f64());
        if self.ends() != grown {
            tokio::select! {
                () = tokio::time::sleep((took * REST).min(REST_MAX)) => {}
                () = stop.stopped() => {}
            }
        }
        Ok(())
    }

    async fn apply(&mut self, gathered: &mut Gathered) -> Result<(), Fault> {
        while !gathered.is_empty() {
            match self.store.apply(gathered.applied()).await {
                Ok(()) => break,
                // Another process folds it, or did: see where it is at the next look.
                Err(Error::Moved { partition }) => {
                    gathered.remove(partition);
                    if let Some(under) = self.places.remove(&partition.0) {
                        under.feed.abort();
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        metrics::counter!("search_events_total").increment(gathered.events() as u64);
        for Applied { partition, checkpoint, .. } in gathered.applied() {
            let Some(under) = self.places.get_mut(&partition.0) else { continue };
            under.next = checkpoint.next.0;
            measure(partition.0, under.grown.borrow().0.saturating_sub(under.next));
        }
        Ok(())
    }

    fn ends(&self) -> Vec<Offset> {
        self.places.values().map(|under| *under.grown.borrow()).collect()
    }
}

/// The next word; never, while there is no feed.
async fn next(words: &mut SelectAll<BoxStream<'static, (Partition, Word)>>) -> (Partition, Word) {
    match words.next().await {
        Some(word) => word,
        None => std::future::pending().await,
    }
}

fn measure(partition: u32, lag: u64) {
    metrics::gauge!("search_lag_events", "partition" => partition.to_string()).set(lag as f64);
}
