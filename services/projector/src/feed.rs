//! What one partition of the log has for its fold, read ahead by one read and no further.
//!
//! Each feed is on its own: a partition that cannot be read for a while, or for good, holds
//! no other one back.

use std::sync::Arc;
use std::time::Duration;

use bus::Stopped;
use eventlog::{Frame, Log, Offset, Partition, Position, READ_FRAMES_MAX, ReadError, Reader};
use futures::stream::{self, Stream};
use readmodel::rows::Checkpoint;
use tokio::sync::watch;

use crate::batch::Batch;

/// How long to wait for a signal that the log has grown before looking without one.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long to wait before reading again what could not be read; it doubles up to the second.
const READ_AGAIN: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// What a feed says.
pub(crate) enum Word {
    /// The partition can be read.
    Going,
    /// These events are next.
    Events {
        /// They.
        batch: Batch,
        /// Whether it is known that there are more behind them.
        more: bool,
    },
    /// The partition cannot be read for a while.
    Stalled(String),
    /// Nothing behind this place can be folded. The last word.
    Stopped(Stopped),
}

/// Where a feed is.
struct Feed {
    log: Arc<dyn Log>,
    partition: Partition,
    checkpoint: Option<Checkpoint>,
    reader: Option<Reader>,
    grown: watch::Receiver<Offset>,
    going: bool,
    /// Whether all that the log is known to have was read: then a signal says that there is more.
    at_end: bool,
    pause: Duration,
    last: Option<Stopped>,
    ended: bool,
}

/// The words of a partition whose rows stand at `checkpoint`.
///
/// # Errors
/// The log has no such partition.
pub(crate) fn feed(
    log: Arc<dyn Log>,
    partition: Partition,
    checkpoint: Option<Checkpoint>,
) -> Result<impl Stream<Item = (Partition, Word)> + Send, ReadError> {
    let grown = log.watch(partition)?;
    let feed = Feed {
        log,
        partition,
        checkpoint,
        reader: None,
        grown,
        going: false,
        at_end: false,
        pause: READ_AGAIN.0,
        last: None,
        ended: false,
    };
    Ok(stream::unfold(feed, async |mut feed: Feed| {
        let word = feed.next().await?;
        Some(((feed.partition, word), feed))
    }))
}

/// A reader of `partition` from where the rows stand.
///
/// # Errors
/// The rows were folded from another log, or this one ends before them, or cannot be read.
pub(crate) async fn open(
    log: &Arc<dyn Log>,
    partition: Partition,
    checkpoint: Option<Checkpoint>,
) -> Result<Reader, ReadError> {
    let from = Position {
        epoch: checkpoint.map_or(log.epoch(), |checkpoint| checkpoint.epoch),
        partition,
        offset: checkpoint.map_or(Offset(0), |checkpoint| checkpoint.next),
    };
    Reader::open(Arc::clone(log), from, checkpoint.map(|checkpoint| checkpoint.frame_hash)).await
}

impl Feed {
    async fn next(&mut self) -> Option<Word> {
        while !self.ended {
            if let Some(stopped) = self.last.take() {
                self.ended = true;
                return Some(Word::Stopped(stopped));
            }
            if std::mem::take(&mut self.at_end) {
                self.growth().await;
            }
            match self.read().await {
                Ok(_) if !self.going => {
                    (self.going, self.pause) = (true, READ_AGAIN.0);
                    return Some(Word::Going);
                }
                Ok(frames) if frames.is_empty() => self.at_end = true,
                Ok(frames) => {
                    let (batch, last) = Batch::decode(&frames, self.checkpoint);
                    self.last = last;
                    if let Some(batch) = batch {
                        self.checkpoint = Some(batch.applied.checkpoint);
                        let more = self.last.is_none() && self.next_offset() < *self.grown.borrow();
                        self.at_end = !more;
                        return Some(Word::Events { batch, more });
                    }
                }
                Err(ReadError::Unavailable(why)) => {
                    if std::mem::take(&mut self.going) {
                        return Some(Word::Stalled(why));
                    }
                    tokio::time::sleep(self.pause).await;
                    self.pause = (self.pause * 2).min(READ_AGAIN.1);
                }
                Err(error) => {
                    let offset = self.next_offset().0;
                    self.last = Some(Stopped { offset, event_id: None, reason: error.to_string() });
                }
            }
        }
        None
    }

    /// Wait until the log is known to have more, or until it is time to look without a signal.
    async fn growth(&mut self) {
        let next = self.next_offset();
        let more = async { self.grown.wait_for(|end| *end > next).await.is_ok() };
        if let Ok(false) = tokio::time::timeout(LOOK_EVERY, more).await {
            // There will be no more signals.
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    fn next_offset(&self) -> Offset {
        self.checkpoint.map_or(Offset(0), |checkpoint| checkpoint.next)
    }

    /// Read on; or, before anything was read, see whether that is possible.
    async fn read(&mut self) -> Result<Vec<Frame>, ReadError> {
        if !self.going {
            if self.reader.is_none() {
                self.reader = Some(open(&self.log, self.partition, self.checkpoint).await?);
            } else {
                self.log.tail(self.partition).await?;
            }
            return Ok(vec![]);
        }
        match &mut self.reader {
            Some(reader) => reader.next_batch(READ_FRAMES_MAX).await,
            None => Ok(vec![]),
        }
    }
}
