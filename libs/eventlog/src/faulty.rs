//! A log over any other, whose appends fail on request: the unknown outcomes that a network gives, without one.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use crate::{
    error::{AppendError, ReadError},
    frame::Frame,
    ids::{Epoch, Offset, Partition},
    log::{BoxFuture, Log, ReadLimit, Tail},
};

/// What happens to one append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is appended, but its outcome is reported as unknown.
    LandsUnknown,
    /// It is lost, and its outcome is reported as unknown.
    LostUnknown,
    /// It is reported as unknown and arrives just before the next append, as a publish does after a reconnect.
    LandsLate,
    /// It is appended, but the answer never comes: for tests that drop an append in the middle.
    Hangs,
    /// It is refused for want of space.
    Full,
    /// It is refused because the log cannot be reached.
    Unavailable,
}

/// The log with faults. Without any it behaves as the one below.
pub struct FaultyLog {
    below: Arc<dyn Log>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    faults: VecDeque<Fault>,
    late: Vec<Frame>,
}

impl FaultyLog {
    /// Over `below`.
    #[must_use]
    pub fn new(below: Arc<dyn Log>) -> Self {
        Self { below, state: Mutex::default() }
    }

    /// The next appends meet these faults, one each, in order.
    pub fn inject(&self, faults: &[Fault]) {
        self.lock().faults.extend(faults);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn append_with_faults(&self, frame: &Frame) -> Result<(), AppendError> {
        let late = std::mem::take(&mut self.lock().late);
        for frame in late {
            // A late frame that was overtaken is refused below; nobody waits for its outcome.
            let _refused = self.below.append(&frame).await;
        }
        let fault = self.lock().faults.pop_front();
        match fault {
            None => self.below.append(frame).await,
            Some(Fault::LandsUnknown) => self.below.append(frame).await.and(Err(AppendError::Unknown)),
            Some(Fault::LostUnknown) => Err(AppendError::Unknown),
            Some(Fault::LandsLate) => {
                self.lock().late.push(frame.clone());
                Err(AppendError::Unknown)
            }
            Some(Fault::Hangs) => {
                self.below.append(frame).await?;
                std::future::pending().await
            }
            Some(Fault::Full) => Err(AppendError::Full),
            Some(Fault::Unavailable) => Err(AppendError::Unavailable("a fault was injected".to_owned())),
        }
    }
}

impl Log for FaultyLog {
    fn epoch(&self) -> Epoch {
        self.below.epoch()
    }

    fn partitions(&self) -> u32 {
        self.below.partitions()
    }

    fn append<'a>(&'a self, frame: &'a Frame) -> BoxFuture<'a, Result<(), AppendError>> {
        Box::pin(self.append_with_faults(frame))
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        self.below.read(partition, from, limit)
    }

    fn read_back(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        self.below.read_back(partition, before, limit)
    }

    fn tail(&self, partition: Partition) -> BoxFuture<'_, Result<Tail, ReadError>> {
        self.below.tail(partition)
    }

    fn watch(&self, partition: Partition) -> Result<watch::Receiver<Offset>, ReadError> {
        self.below.watch(partition)
    }
}
