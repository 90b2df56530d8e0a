//! The one writer of a partition: takes over with a real append, then appends until it is fenced.
//!
//! Keeps the promise that two writers who both believe in themselves never both succeed. It splits nothing and
//! queues nothing; whoever holds it decides what goes into a frame.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    error::{AppendError, TakeoverError},
    frame::{Frame, Header},
    ids::{Offset, Partition},
    log::{Log, ReadLimit, Tail},
};

/// How often a frame of unknown outcome is tried in all.
const TRIES_MAX: u32 = 6;
/// The wait before the third try of a frame; it doubles with each one after.
const PAUSE: Duration = Duration::from_millis(20);

/// Where events went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The offset of the first of them; the others follow densely.
    pub first: Offset,
    /// The offset after the last of them.
    pub next: Offset,
    /// The time that the frame carries: the one given, or its predecessor's if that is later.
    pub time_ms: u64,
}

/// Whether the writer may still append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ready,
    /// An append was dropped in the middle, or its outcome could not be found out.
    Unknown,
    Fenced,
}

/// The right to append to a partition, for as long as nobody else takes it.
pub struct Writer {
    log: Arc<dyn Log>,
    partition: Partition,
    term: u64,
    tail: Tail,
    state: State,
}

impl Writer {
    /// Take over `partition` at `time_ms`: append `started` as the first frame of a new term, which fences the writer before.
    ///
    /// `started` must differ from any other takeover's (an event id in it is enough): two that are alike
    /// in every byte could not be told apart after a time-out.
    ///
    /// # Errors
    /// [`TakeoverError::Append`] with [`AppendError::Fenced`] when another writer came first: try again if this one should
    /// win. With [`AppendError::Unknown`] the takeover may have happened: try again too.
    pub async fn open(
        log: Arc<dyn Log>,
        partition: Partition,
        time_ms: u64,
        started: Bytes,
    ) -> Result<Self, TakeoverError> {
        let tail = log.tail(partition).await?;
        let term = tail.term.saturating_add(1);
        let mut writer = Self { log, partition, term, tail, state: State::Ready };
        writer.append(time_ms, vec![started]).await?;
        Ok(writer)
    }

    /// Append `events` as one frame. `Ok` means durable.
    ///
    /// The frame's time is `time_ms`, or its predecessor's if that is later. An outcome that the log does not know is
    /// found out by reading back and trying again, a bounded number of times.
    ///
    /// After [`AppendError::Fenced`] the writer is dead for good. So it is after [`AppendError::Unknown`] and when this
    /// future is dropped before its end: the frame may still arrive, and only a takeover (a new `Writer`) puts an
    /// end to that. After the other errors nothing was written and the writer is as it was.
    ///
    /// # Errors
    /// [`AppendError`]; limits are checked before anything is written.
    pub async fn append(&mut self, time_ms: u64, events: Vec<Bytes>) -> Result<Appended, AppendError> {
        match self.state {
            State::Ready => {}
            State::Unknown => return Err(AppendError::Unknown),
            State::Fenced => return Err(AppendError::Fenced),
        }
        let header = Header {
            epoch: self.log.epoch(),
            partition: self.partition,
            term: self.term,
            first: self.tail.next,
            time_ms: time_ms.max(self.tail.time_ms),
            previous: self.tail.hash,
        };
        let frame = Frame::seal(header, &events)?;
        drop(events);
        self.state = State::Unknown;
        let outcome = self.put(&frame).await;
        self.state = match &outcome {
            Err(AppendError::Fenced) => State::Fenced,
            Err(AppendError::Unknown) => State::Unknown,
            Ok(()) | Err(AppendError::Rejected(_) | AppendError::Full | AppendError::Unavailable(_)) => {
                State::Ready
            }
        };
        outcome?;
        self.tail = Tail::after(&frame);
        Ok(Appended { first: frame.first(), next: frame.next(), time_ms: frame.time_ms() })
    }

    /// The partition that it writes.
    #[must_use]
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// Its number: one more than the writer's before it.
    #[must_use]
    pub fn term(&self) -> u64 {
        self.term
    }

    /// The end of the partition as this writer has left it: exact for as long as it is not fenced.
    #[must_use]
    pub fn tail(&self) -> Tail {
        self.tail
    }

    /// Append the frame, and do not rest before its outcome is known.
    ///
    /// Once a try has ended unknown, no later refusal is taken at its word: "fenced" may mean that
    /// the earlier try arrived. Only what is stored at the frame's place counts.
    async fn put(&self, frame: &Frame) -> Result<(), AppendError> {
        let first_try = self.log.append(frame).await;
        if first_try != Err(AppendError::Unknown) {
            return first_try;
        }
        for tried in 1..TRIES_MAX {
            match self.stored_at(frame).await {
                Some(Stored::This) => return Ok(()),
                Some(Stored::Another) => return Err(AppendError::Fenced),
                Some(Stored::Nothing) | None => {}
            }
            if tried > 1 {
                tokio::time::sleep(PAUSE * 2_u32.saturating_pow(tried - 2)).await;
            }
            if self.log.append(frame).await.is_ok() {
                return Ok(());
            }
        }
        match self.stored_at(frame).await {
            Some(Stored::This) => Ok(()),
            Some(Stored::Another) => Err(AppendError::Fenced),
            Some(Stored::Nothing) | None => Err(AppendError::Unknown),
        }
    }

    /// What the log has at the frame's place; `None` if it cannot say.
    async fn stored_at(&self, frame: &Frame) -> Option<Stored> {
        let found = self.log.read(self.partition, frame.first(), ReadLimit::frames(1)).await.ok()?;
        Some(match found.first() {
            None => Stored::Nothing,
            Some(stored) if stored.hash() == frame.hash() => Stored::This,
            Some(_) => Stored::Another,
        })
    }
}

/// What lies at a frame's place.
enum Stored {
    This,
    Another,
    Nothing,
}
