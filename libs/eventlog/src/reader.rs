//! A reader of a partition: every frame once, in order, contiguous, with its chain checked, or a loud error.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    chain::Chain,
    error::ReadError,
    frame::Frame,
    ids::{FrameHash, Offset, Partition, Position},
    log::{Log, ReadLimit},
};

/// How long a reader waits at the tail before it looks by itself: growth by another process makes no signal here.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// A place in a partition that moves on with every frame.
///
/// An error leaves it where it was: asking again gives the rest, or the same error. It keeps at most one read's frames
/// ([`crate::READ_BYTES_MAX`]) in memory.
pub struct Reader {
    log: Arc<dyn Log>,
    /// Up to where frames were taken from the log.
    chain: Chain,
    /// Up to where frames were given to the caller.
    next: Offset,
    waiting: VecDeque<Frame>,
    tail: watch::Receiver<Offset>,
}

impl Reader {
    /// Start at `from`. If it lies inside a frame, that frame comes first, whole.
    ///
    /// `previous` is the hash of the frame that ends at `from`, where a checkpoint has kept it: a log that was
    /// replaced by another with the same name and length is found out by it.
    ///
    /// # Errors
    /// [`ReadError::ForeignEpoch`], [`ReadError::EndsBefore`], [`ReadError::Corrupt`] when `previous` is not what lies there
    /// (at the tail; elsewhere the first read says so).
    pub async fn open(
        log: Arc<dyn Log>,
        from: Position,
        previous: Option<FrameHash>,
    ) -> Result<Self, ReadError> {
        let found = log.epoch();
        if from.epoch != found {
            return Err(ReadError::ForeignEpoch { found });
        }
        // Taken before the tail is read: growth in between is then seen as a change.
        let signal = log.watch(from.partition)?;
        let tail = log.tail(from.partition).await?;
        if from.offset > tail.next {
            return Err(ReadError::EndsBefore { tail: tail.next });
        }
        let chain = Chain::new(found, from.partition, from.offset, previous);
        chain.ends_at(&tail)?;
        Ok(Self { log, chain, next: from.offset, waiting: VecDeque::new(), tail: signal })
    }

    /// The next frame; waits for it at the tail. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ReadError`]; the reader stays where it is.
    pub async fn next(&mut self) -> Result<Frame, ReadError> {
        loop {
            self.tail.mark_unchanged();
            if let Some(frame) = self.try_next().await? {
                return Ok(frame);
            }
            // Whether it was a signal, its end (a closed log answers the next read) or the time: look again.
            if let Ok(Err(_)) = tokio::time::timeout(LOOK_EVERY, self.tail.changed()).await {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }

    /// The next frame, or nothing at the tail. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`ReadError`]; the reader stays where it is.
    pub async fn try_next(&mut self) -> Result<Option<Frame>, ReadError> {
        self.fill().await?;
        Ok(self.pop())
    }

    /// The frames that are there now, at most `frames_max`; none at the tail. Dropping the future loses nothing.
    ///
    /// It gives what one read of the log gives: fewer than `frames_max` does not mean that the tail was reached.
    ///
    /// # Errors
    /// [`ReadError`]; the reader stays where it is.
    pub async fn next_batch(&mut self, frames_max: usize) -> Result<Vec<Frame>, ReadError> {
        self.fill().await?;
        let count = frames_max.min(self.waiting.len());
        let mut frames = Vec::with_capacity(count);
        for _ in 0..count {
            frames.extend(self.pop());
        }
        Ok(frames)
    }

    /// The partition that it reads.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.chain.partition
    }

    /// The offset after the last frame given: what a checkpoint keeps.
    #[must_use]
    pub fn position(&self) -> Position {
        Position { epoch: self.chain.epoch, partition: self.chain.partition, offset: self.next }
    }

    fn pop(&mut self) -> Option<Frame> {
        let frame = self.waiting.pop_front()?;
        self.next = frame.next();
        Some(frame)
    }

    /// Read on if nothing is waiting. The one await is followed by changes only, so it can be dropped.
    async fn fill(&mut self) -> Result<(), ReadError> {
        if !self.waiting.is_empty() {
            return Ok(());
        }
        let frames = self.log.read(self.chain.partition, self.chain.next, ReadLimit::default()).await?;
        for frame in frames {
            match self.chain.accept(&frame) {
                Ok(()) => self.waiting.push_back(frame),
                // What is good before the damage is given first; the next read meets the damage again.
                Err(_) if !self.waiting.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
