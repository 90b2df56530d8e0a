//! The fold of those partitions of a log that this process has, into one store. Which they
//! are is decided elsewhere.
//!
//! Whatever the partitions have is folded in one transaction. A partition whose events
//! cannot be folded stops, loudly, and the others go on. What was lost with a store that
//! crashed is folded again: checkpoints are read anew whenever the store was away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use bus::leases::Standing;
use bus::{Progress, Reached, Stopped};
use eventlog::{Log, Offset, Partition};
use futures::future::FutureExt as _;
use futures::stream::{AbortHandle, BoxStream, SelectAll, StreamExt as _, abortable};
use readmodel::rows::Checkpoint;
use readmodel::{Error, Store};
use runtime::Clock;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::feed::{Word, feed};
use crate::gathered::Gathered;

/// Events folded together while catching up: a dialog's newest page is written once a batch,
/// so large batches fold several times faster than small ones.
pub const CATCH_UP_EVENTS: usize = 20_000;
/// The same while other partitions are up to date: they wait for each transaction.
const CATCH_UP_EVENTS_BESIDE: usize = 5_000;
/// Bytes of frames folded together.
const BATCH_BYTES_MAX: usize = 32 * 1024 * 1024;
/// How long to wait for more from a partition that is known to have more.
const GATHER_TIME_MAX: Duration = Duration::from_millis(20);
/// Dead rows deleted after a batch: a few milliseconds beside a fold that others wait for.
const SWEEP_ROWS_MAX: usize = 200;
/// How long to wait between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_millis(20);
/// How often to look whether the store is still there and where it was left.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long to wait for a store that is away; it doubles up to the second.
const TRY_AGAIN: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));
/// How long one transaction may take before nobody is let in to wait for it.
const STALLED_AFTER: Duration = Duration::from_secs(3);

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
    checkpoint: Option<Checkpoint>,
    state: State,
    behind: bool,
    grown: watch::Receiver<Offset>,
    feed: AbortHandle,
}

/// Whether a partition is folded.
enum State {
    /// Not yet, or not now: its log cannot be read.
    Waiting,
    Folding,
    /// Never again, before somebody has mended it.
    Stopped(Stopped),
}

/// Whether the store takes what is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    There,
    /// It did not; look again then, and after so long if it still does not.
    Away(Instant, Duration),
    /// It is there again, but has not taken anything yet.
    Back(Duration),
}

/// The partitions that are folded here, and the store.
pub(crate) struct Folder {
    parts: Parts,
    places: BTreeMap<u32, Place>,
    /// To be folded too, once it is known from where.
    wanted: BTreeSet<u32>,
    feeds: SelectAll<BoxStream<'static, (Partition, Word)>>,
    rows: Rows,
    dead_rows: bool,
    swept: Instant,
    looked: Instant,
}

impl Folder {
    /// Of no partition yet.
    pub(crate) fn new(parts: Parts) -> Self {
        let now = Instant::now();
        Self {
            parts,
            places: BTreeMap::new(),
            wanted: BTreeSet::new(),
            feeds: SelectAll::new(),
            rows: Rows::There,
            dead_rows: true,
            swept: now,
            looked: now,
        }
    }

    /// How far the rows of each partition are.
    pub(crate) async fn stored(&mut self) -> Result<Stored, Error> {
        stored(&mut self.parts.store).await
    }

    /// How many partitions the log has.
    pub(crate) fn partitions(&self) -> u32 {
        self.parts.log.partitions()
    }

    /// Fold this partition too, from where its rows stand.
    ///
    /// # Errors
    /// The log has no such partition.
    pub(crate) fn take_on(
        &mut self,
        partition: Partition,
        checkpoint: Option<Checkpoint>,
    ) -> anyhow::Result<()> {
        let grown = self.parts.log.watch(partition)?;
        let (words, feed) = abortable(feed(Arc::clone(&self.parts.log), partition, checkpoint)?);
        self.feeds.push(words.boxed());
        let place = Place { checkpoint, state: State::Waiting, behind: false, grown, feed };
        if let Some(before) = self.places.insert(partition.0, place) {
            before.feed.abort();
        }
        self.report(partition.0);
        Ok(())
    }

    /// Fold this partition too, as soon as the store says from where.
    pub(crate) fn want(&mut self, partition: Partition) {
        self.wanted.insert(partition.0);
    }

    /// Fold this partition no more; another does.
    pub(crate) fn let_go(&mut self, partition: Partition) {
        self.wanted.remove(&partition.0);
        self.parts.progress.hand_over(partition.0);
        if let Some(place) = self.places.remove(&partition.0) {
            place.feed.abort();
            not_here(partition.0);
        }
    }

    /// What others are to know of a partition.
    pub(crate) fn standing(&self, partition: Partition) -> Option<Standing> {
        let place = self.places.get(&partition.0)?;
        let time_ms = place.checkpoint.map_or(0, |checkpoint| checkpoint.time.0);
        let stopped = if let State::Stopped(stopped) = &place.state { Some(stopped.clone()) } else { None };
        Some(Standing { term: 0, next: place.next(), time_ms, stopped })
    }

    /// Say that nothing is folded here any more, and close the store.
    pub(crate) async fn close(mut self) -> Result<(), Error> {
        for place in self.places.values_mut() {
            place.state = State::Waiting;
        }
        self.report_all();
        self.parts.store.close().await
    }

    /// The next word of any partition; none while the store is away. May be dropped.
    pub(crate) async fn hear(&mut self) -> (Partition, Word) {
        if !matches!(self.rows, Rows::Away(..))
            && let Some(word) = self.feeds.next().await
        {
            return word;
        }
        std::future::pending().await
    }

    /// How long to wait for a word before working without one.
    pub(crate) fn patience(&self) -> Duration {
        match self.rows {
            Rows::Away(until, _) => until.saturating_duration_since(Instant::now()),
            Rows::There if !self.wanted.is_empty() => Duration::ZERO,
            Rows::There if self.dead_rows => SWEEP_EVERY,
            Rows::There | Rows::Back(_) => LOOK_EVERY,
        }
    }

    /// Do what is to be done after that word, or without one: fold what there is, look after
    /// the store. The partitions that turned out to be folded by somebody else.
    ///
    /// # Errors
    /// What no waiting mends, and concerns the whole store.
    pub(crate) async fn work(&mut self, word: Option<(Partition, Word)>) -> anyhow::Result<Vec<Partition>> {
        if let Rows::Away(until, _) = self.rows {
            return if Instant::now() < until { Ok(vec![]) } else { self.look().await };
        }
        let mut overtaken = vec![];
        match word {
            None if matches!(self.rows, Rows::Back(_)) => self.is_back(),
            None => {}
            Some(word) => {
                let gathered = self.gather(word).await;
                overtaken = self.apply(gathered).await?;
            }
        }
        self.sweep().await?;
        let due = !self.wanted.is_empty() || self.looked.elapsed() >= LOOK_EVERY;
        if due && !matches!(self.rows, Rows::Away(..)) {
            overtaken.extend(self.look().await?);
        }
        Ok(overtaken)
    }

    /// What the partitions have, up to a transaction's worth; more is waited for only
    /// where it is known to be there.
    async fn gather(&mut self, first: (Partition, Word)) -> Gathered {
        let mut gathered = Gathered::default();
        let mut next = Some(first);
        while let Some((partition, word)) = next {
            self.take_in(partition, word, &mut gathered);
            let (behind, all) = (self.behind(), self.places.len());
            let events_max = if behind == all { CATCH_UP_EVENTS } else { CATCH_UP_EVENTS_BESIDE };
            if gathered.events() >= events_max || gathered.bytes() >= BATCH_BYTES_MAX {
                break;
            }
            next = if behind > 0 {
                tokio::time::timeout(GATHER_TIME_MAX, self.feeds.next()).await.ok().flatten()
            } else {
                self.feeds.next().now_or_never().flatten()
            };
        }
        gathered
    }

    fn behind(&self) -> usize {
        self.places.values().filter(|place| place.behind).count()
    }

    fn take_in(&mut self, partition: Partition, word: Word, gathered: &mut Gathered) {
        let Some(place) = self.places.get_mut(&partition.0) else { return };
        match word {
            Word::Events { batch, more } => {
                place.behind = more;
                gathered.add(batch);
            }
            Word::Going => {
                place.state = State::Folding;
                self.report(partition.0);
            }
            Word::Stalled(why) => {
                (place.state, place.behind) = (State::Waiting, false);
                tracing::warn!(partition = partition.0, why, "the partition cannot be read for now");
                self.report(partition.0);
            }
            Word::Stopped(stopped) => {
                place.behind = false;
                gathered.stop_at(partition, stopped);
            }
        }
    }

    /// Fold a partition no further, and say so for everybody to hear.
    fn stop_at(&mut self, partition: Partition, stopped: Stopped) {
        let Some(place) = self.places.get_mut(&partition.0) else { return };
        let event = stopped.event_id.map(|id| format!("{:032x}", u128::from_be_bytes(id)));
        tracing::error!(
            partition = partition.0,
            offset = stopped.offset,
            event.id = event,
            reason = stopped.reason,
            "the partition is folded no further and takes no writes until somebody has mended it \
             and started the projector anew"
        );
        place.feed.abort();
        (place.state, place.behind) = (State::Stopped(stopped), false);
        self.report(partition.0);
    }

    /// Apply what was gathered. A partition that refuses it is left out, and stops; the whole
    /// is dropped if the store is away, and read again once it is back.
    async fn apply(&mut self, mut gathered: Gathered) -> anyhow::Result<Vec<Partition>> {
        let mut overtaken = vec![];
        while !gathered.is_empty() {
            let started = Instant::now();
            match self.transact(&gathered).await {
                Ok(()) => {
                    self.applied(&gathered, started.elapsed());
                    break;
                }
                Err(Error::Fold { partition, index, source }) => {
                    gathered.cut(partition, index, &source);
                }
                Err(Error::Moved { partition }) => {
                    gathered.remove(partition);
                    overtaken.push(partition);
                    self.let_go(partition);
                }
                Err(error) if error.is_passing() => {
                    self.went_away(&error);
                    return Ok(overtaken);
                }
                Err(error) => return Err(error.into()),
            }
        }
        for (partition, stopped) in gathered.into_stopped() {
            self.stop_at(partition, stopped);
        }
        Ok(overtaken)
    }

    /// One transaction. If it takes very long, nobody is let in to wait for it.
    async fn transact(&mut self, gathered: &Gathered) -> Result<(), Error> {
        let Self { parts, places, rows, .. } = self;
        let Parts { store, progress, .. } = parts;
        let apply = store.apply(gathered.applied());
        tokio::pin!(apply);
        if let Ok(outcome) = tokio::time::timeout(STALLED_AFTER, &mut apply).await {
            return outcome;
        }
        for (partition, place) in places.iter().filter(|(_, place)| matches!(place.state, State::Folding)) {
            progress.report(*partition, Reached { next: place.next(), folding: false });
        }
        *rows = Rows::Back(TRY_AGAIN.0);
        apply.await
    }

    fn applied(&mut self, gathered: &Gathered, took: Duration) {
        metrics::histogram!("projector_fold_seconds").record(took.as_secs_f64());
        metrics::histogram!("projector_batch_events").record(gathered.events() as f64);
        metrics::counter!("projector_events_total").increment(gathered.events() as u64);
        metrics::counter!("projector_rows_total").absolute(self.parts.store.rows_written());
        for applied in gathered.applied() {
            let Some(place) = self.places.get_mut(&applied.partition.0) else { continue };
            place.checkpoint = Some(applied.checkpoint);
        }
        self.dead_rows = true;
        if self.rows != Rows::There {
            return self.is_back();
        }
        for applied in gathered.applied() {
            self.report(applied.partition.0);
        }
    }

    fn is_back(&mut self) {
        tracing::info!("the read models are written again");
        self.rows = Rows::There;
        self.report_all();
    }

    /// The store did not do what was asked. Nothing is folded before it does.
    fn went_away(&mut self, error: &Error) {
        let pause = match self.rows {
            Rows::There => TRY_AGAIN.0,
            Rows::Away(_, pause) | Rows::Back(pause) => (pause * 2).min(TRY_AGAIN.1),
        };
        if self.rows == Rows::There {
            tracing::warn!(
                %error,
                "the read models cannot be written; folding goes on once they can: free some space if there is none"
            );
        }
        self.rows = Rows::Away(Instant::now() + pause, pause);
        self.report_all();
    }

    /// Look whether the store is there, and has everything as it was left. What a crash took
    /// from it is folded again.
    async fn look(&mut self) -> anyhow::Result<Vec<Partition>> {
        self.looked = Instant::now();
        let stored = match self.stored().await {
            Ok(stored) => stored,
            Err(error) if error.is_passing() => {
                self.went_away(&error);
                return Ok(vec![]);
            }
            Err(error) => return Err(error.into()),
        };
        let was_away = if let Rows::Away(_, pause) = self.rows { Some(pause) } else { None };
        if let Some(pause) = was_away {
            self.rows = Rows::Back(pause);
        }
        for partition in std::mem::take(&mut self.wanted) {
            self.take_on(Partition(partition), stored.get(&partition).copied())?;
        }
        let mut overtaken = vec![];
        for partition in self.places.keys().copied().collect::<Vec<_>>() {
            let Some(place) = self.places.get(&partition) else { continue };
            let (stored, known) = (stored.get(&partition).copied(), place.checkpoint);
            let went_back = stored.map_or(0, |stored| stored.next.0) < place.next();
            if went_back {
                let stored = stored.map_or(0, |stored| stored.next.0);
                tracing::warn!(
                    partition,
                    stored,
                    known = place.next(),
                    "the read models went back; folding again from there"
                );
            }
            let stopped = matches!(place.state, State::Stopped(_));
            if stored == known && (stopped || was_away.is_none()) {
                continue;
            }
            if went_back || was_away.is_some() {
                self.take_on(Partition(partition), stored)?;
            } else {
                overtaken.push(Partition(partition));
                self.let_go(Partition(partition));
            }
        }
        Ok(overtaken)
    }

    async fn sweep(&mut self) -> anyhow::Result<()> {
        if self.dead_rows && self.rows == Rows::There && self.swept.elapsed() >= SWEEP_EVERY {
            self.swept = Instant::now();
            self.dead_rows = match self.parts.store.sweep(SWEEP_ROWS_MAX).await {
                // Deleting can wait for space, or the store, like everything else.
                Err(error) if error.is_passing() => true,
                other => other?,
            };
        }
        Ok(())
    }

    fn report_all(&self) {
        for partition in self.places.keys() {
            self.report(*partition);
        }
    }

    /// Say where a partition stands.
    fn report(&self, partition: u32) {
        let Some(place) = self.places.get(&partition) else { return };
        let folding = matches!(place.state, State::Folding) && self.rows == Rows::There;
        let progress = &self.parts.progress;
        progress.report(partition, Reached { next: place.next(), folding });
        if let State::Stopped(stopped) = &place.state {
            progress.stop_at(partition, stopped.clone());
        }
        self.measure(partition, place);
    }

    /// How far the rows are behind.
    fn measure(&self, partition: u32, place: &Place) {
        let label = partition.to_string();
        let behind = place.grown.borrow().0.saturating_sub(place.next());
        metrics::gauge!("projector_lag_events", "partition" => label.clone()).set(behind as f64);
        let time = place.checkpoint.map(|checkpoint| checkpoint.time.0);
        let late = time.map_or(0, |time| self.parts.clock.now().0.saturating_sub(time));
        metrics::gauge!("projector_lag_seconds", "partition" => label.clone()).set(late as f64 / 1000.0);
        metrics::gauge!("projector_checkpoint", "partition" => label).set(place.next() as f64);
        poisoned(partition, matches!(place.state, State::Stopped(_)));
    }
}

/// Checkpoints by partition.
pub(crate) type Stored = BTreeMap<u32, Checkpoint>;

/// How far the rows of each partition are.
pub(crate) async fn stored(store: &mut Store) -> Result<Stored, Error> {
    let stored = store.checkpoints().await?;
    Ok(stored.into_iter().map(|(partition, checkpoint)| (partition.0, checkpoint)).collect())
}

/// Whoever folds the partition now tells its figures.
fn not_here(partition: u32) {
    for figure in ["projector_lag_events", "projector_lag_seconds", "projector_checkpoint"] {
        metrics::gauge!(figure, "partition" => partition.to_string()).set(0);
    }
    poisoned(partition, false);
}

fn poisoned(partition: u32, is: bool) {
    metrics::gauge!("projector_poisoned", "partition" => partition.to_string()).set(u8::from(is));
}

impl Place {
    /// The offset of the next event to fold.
    fn next(&self) -> u64 {
        self.checkpoint.map_or(0, |checkpoint| checkpoint.next.0)
    }
}
