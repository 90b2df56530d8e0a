//! A log over any other that cannot be read for a while.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use eventlog::{AppendError, BoxFuture, Epoch, Frame, Log, Offset, Partition, ReadError, ReadLimit, Tail};
use tokio::sync::watch;

/// How a partition is for its readers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Weather {
    /// Says that it cannot be read.
    Away,
    /// Says nothing.
    Silent,
}

pub(crate) struct FlakyLog {
    below: Arc<dyn Log>,
    weather: Mutex<BTreeSet<(u32, Weather)>>,
}

impl FlakyLog {
    pub(crate) fn new(below: Arc<dyn Log>) -> Self {
        Self { below, weather: Mutex::default() }
    }

    /// From now on a partition is like that, or no longer.
    pub(crate) fn set(&self, partition: u32, weather: Weather, is: bool) {
        let mut all = self.weather.lock().unwrap_or_else(PoisonError::into_inner);
        if is {
            all.insert((partition, weather));
        } else {
            all.remove(&(partition, weather));
        }
    }

    fn is(&self, partition: Partition, weather: Weather) -> bool {
        self.weather.lock().unwrap_or_else(PoisonError::into_inner).contains(&(partition.0, weather))
    }

    async fn pass(&self, partition: Partition) -> Result<(), ReadError> {
        while self.is(partition, Weather::Silent) {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        if self.is(partition, Weather::Away) {
            return Err(ReadError::Unavailable("a test said so".to_owned()));
        }
        Ok(())
    }
}

impl Log for FlakyLog {
    fn epoch(&self) -> Epoch {
        self.below.epoch()
    }

    fn partitions(&self) -> u32 {
        self.below.partitions()
    }

    fn append<'a>(&'a self, frame: &'a Frame) -> BoxFuture<'a, Result<(), AppendError>> {
        self.below.append(frame)
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        Box::pin(async move {
            self.pass(partition).await?;
            self.below.read(partition, from, limit).await
        })
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
        Box::pin(async move {
            self.pass(partition).await?;
            self.below.tail(partition).await
        })
    }

    fn watch(&self, partition: Partition) -> Result<watch::Receiver<Offset>, ReadError> {
        self.below.watch(partition)
    }
}
