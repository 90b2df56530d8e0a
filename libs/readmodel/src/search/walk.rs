//! One search: from the rows to the index and back.
//!
//! Two ways lead to the messages that hold a text. Whoever may read few messages has them
//! all read. For the others the index names, the newest first, messages with the trigrams of
//! the text, until enough of them are really seen. The first way costs as much as there are
//! messages that he may read, the second one as much as there are candidates before enough of
//! them are his; both are bounded.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::{DialogId, Sequence, UserId};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::error::{Error, OpenError};
use super::place::Place as IndexPlace;
use super::reader::{Place, Reader, Step};
use super::scope::{Scope, Wanted};
use crate::queries::{DialogView, Folded, MessageView, Queries};

/// How long a search waits until its index has what the rows had when it was asked.
const BEHIND_MAX: Duration = Duration::from_millis(300);
/// How often to look meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// Candidates of the index looked at for one search; then likewise.
const LOOKED_MAX: usize = 100_000;
/// Candidates that are checked at once, at least: some are hidden, or were edited since.
const CHECKED_MIN: usize = 32;
/// Candidates of one second that are checked at once, at most.
const CHECKED_MAX: usize = 1_000;

/// How much searching there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Searches at once, each on a connection to the index.
    pub readers: usize,
    /// Searches that may wait for one; one more is refused with [`Error::Busy`].
    pub queue_max: usize,
    /// Up to how many messages that somebody may read are read for him instead of asking the
    /// index.
    pub scan_max: u64,
    /// How long to look for candidates; then what was found by then is the answer.
    pub time_max: Duration,
}

impl Default for Settings {
    /// Two at once; and messages that are read in about 20 ms.
    fn default() -> Self {
        Self { readers: 2, queue_max: 64, scan_max: 20_000, time_max: Duration::from_millis(300) }
    }
}

/// The way to search. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Search(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    queries: Queries,
    index: Reader,
    settings: Settings,
    places: Semaphore,
    waiting: AtomicUsize,
}

/// Candidates, the newest first.
enum Source {
    /// All of them.
    Read(Vec<Place>),
    /// What the index names before that date.
    Index { before: u64, looked: usize },
}

impl Search {
    /// Over the rows that `queries` asks and the index at `place`, which need not be there yet.
    pub fn new(queries: Queries, place: &IndexPlace, settings: Settings) -> Result<Self, OpenError> {
        let index = place.reader(&settings)?;
        let places = Semaphore::new(settings.readers.max(1));
        Ok(Self(Arc::new(Parts { queries, index, settings, places, waiting: AtomicUsize::new(0) })))
    }

    /// Where somebody may read, and in which of these dialogs the name holds the text.
    pub async fn scope(&self, wanted: &Wanted) -> Result<Scope, Error> {
        let queries = &self.0.queries;
        let folded = queries.checkpoints().await?;
        let text = wanted.needle.as_str().to_owned();
        let dialogs = queries.reachable(wanted.viewer, text, wanted.dialogs.clone()).await?;
        Ok(Scope { folded, dialogs })
    }

    /// The dialogs in his list whose name holds the text, and his private dialogs with one of
    /// `opponents`; the youngest first.
    pub async fn dialogs(
        &self,
        wanted: &Wanted,
        scope: &Scope,
        opponents: &HashSet<UserId>,
    ) -> Result<Vec<DialogView>, Error> {
        let mut found = vec![];
        for dialogs in scope.named(wanted, opponents).chunks(wanted.limit.max(1)) {
            let mut views = self.0.queries.found_dialogs(wanted.viewer, dialogs.to_vec()).await?;
            views.retain(|view| {
                let of_opponent = view.opponent.is_some_and(|opponent| opponents.contains(&opponent));
                of_opponent || view.name.as_ref().is_some_and(|name| wanted.needle.is_in(name))
            });
            found.extend(views);
            if found.len() >= wanted.limit {
                break;
            }
        }
        found.truncate(wanted.limit);
        Ok(found)
    }

    /// The messages that hold the text, the newest first.
    pub async fn messages(&self, wanted: &Wanted, scope: &Scope) -> Result<Vec<MessageView>, Error> {
        let _place = self.place().await?;
        let until = Instant::now() + self.0.settings.time_max;
        let mut source = if scope.messages() <= self.0.settings.scan_max {
            self.read(wanted, scope).await?
        } else {
            self.catch_up(&scope.folded).await?;
            Source::Index { before: wanted.newest.saturating_add(1), looked: 0 }
        };
        let reach = Arc::new(scope.reach());
        let mut found = vec![];
        loop {
            let (places, ended) = match &mut source {
                Source::Read(places) => (std::mem::take(places), true),
                Source::Index { before, looked } => {
                    let step = Step {
                        needle: Arc::new(wanted.needle.clone()),
                        scope: Arc::clone(&reach),
                        before: *before,
                        from: wanted.oldest,
                        wanted: wanted.limit.max(CHECKED_MIN),
                        looked_max: LOOKED_MAX.saturating_sub(*looked),
                        until,
                    };
                    let seen = self.0.index.look(step).await?;
                    *before = seen.before;
                    *looked += seen.looked;
                    let over = *looked >= LOOKED_MAX || Instant::now() >= until;
                    (seen.places, seen.ended || over)
                }
            };
            self.check(wanted, &places, &mut found).await?;
            if ended || found.len() >= wanted.limit {
                return Ok(found);
            }
        }
    }

    /// Every message that he may read, read.
    async fn read(&self, wanted: &Wanted, scope: &Scope) -> Result<Source, Error> {
        let floors = scope.dialogs.iter().map(|found| (found.dialog, found.floor)).collect();
        let (text, dates) = (wanted.needle.as_str().to_owned(), (wanted.oldest, wanted.newest));
        let holding = self.0.queries.holding(text, dates, floors).await?;
        let place = |(dialog, sequence, date_sent)| Place { date_sent, dialog, sequence };
        let mut places: Vec<_> = holding.into_iter().map(place).collect();
        places.sort_unstable_by(|one, other| other.cmp(one));
        Ok(Source::Read(places))
    }

    /// Adds those of `places` that he sees and that hold the text, up to the limit.
    async fn check(
        &self,
        wanted: &Wanted,
        places: &[Place],
        found: &mut Vec<MessageView>,
    ) -> Result<(), Error> {
        let mut rest = places;
        while !rest.is_empty() {
            let mut end = rest.len().min(wanted.limit.max(CHECKED_MIN));
            // Which of one second are the newest, only their rows say.
            while end < rest.len().min(CHECKED_MAX) && rest[end].date_sent == rest[end - 1].date_sent {
                end += 1;
            }
            let (places, behind) = rest.split_at(end);
            rest = behind;
            let mut by_dialog: BTreeMap<DialogId, Vec<Sequence>> = BTreeMap::new();
            for place in places {
                by_dialog.entry(place.dialog).or_default().push(place.sequence);
            }
            let mut views = self.0.queries.found(wanted.viewer, by_dialog.into_iter().collect()).await?;
            views.retain(|view| {
                let holds = view.text.as_ref().is_some_and(|text| wanted.needle.is_in(text));
                holds && wanted.is_within(view.date_sent)
            });
            views.sort_unstable_by(|one, other| {
                let key = |view: &MessageView| (view.date_sent, view.created_at, view.dialog, view.sequence);
                key(other).cmp(&key(one))
            });
            found.extend(views);
            if found.len() >= wanted.limit {
                found.truncate(wanted.limit);
                break;
            }
        }
        Ok(())
    }

    /// Waits until the index has what the rows had.
    async fn catch_up(&self, rows: &[Folded]) -> Result<(), Error> {
        let until = Instant::now() + BEHIND_MAX;
        loop {
            let late = match self.0.index.checkpoints().await {
                Ok(index) => {
                    let has = |row: &Folded| {
                        let found = index.iter().find(|(partition, _)| *partition == row.partition);
                        found.is_some_and(|(_, at)| at.next >= row.next && at.epoch == row.epoch)
                    };
                    if rows.iter().all(has) {
                        return Ok(());
                    }
                    Error::Behind
                }
                // Perhaps it is being made anew.
                Err(error @ (Error::Missing | Error::Behind)) => error,
                Err(error) => return Err(error),
            };
            if Instant::now() + LOOK_EVERY >= until {
                return Err(late);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, Error> {
        let Parts { places, waiting, settings, .. } = &*self.0;
        if let Ok(place) = places.try_acquire() {
            return Ok(place);
        }
        let _waiting = Waiting(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= settings.queue_max {
            return Err(Error::Busy);
        }
        places.acquire().await.map_err(|_| Error::Busy)
    }
}

/// Counts somebody as waiting until it is dropped.
struct Waiting<'s>(&'s AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
