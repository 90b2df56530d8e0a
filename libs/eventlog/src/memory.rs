//! A log in memory: the contract without a disk, for tests and properties, and damaged on request.
//!
//! It keeps encoded frames and decodes them at each read, so that damage is found as it would be on a disk.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;

use crate::{
    chain::Chain,
    error::{AppendError, OpenError, ReadError},
    frame::Frame,
    ids::{Epoch, Offset, Partition},
    log::{BoxFuture, Log, ReadLimit, Spec, Tail, belongs, continues},
};

/// A log that ends with the process.
pub struct MemoryLog {
    epoch: Epoch,
    state: Mutex<State>,
    signals: Vec<watch::Sender<Offset>>,
}

struct State {
    partitions: Vec<Stored>,
    full: bool,
}

/// A partition: its frames by first offset, and its tail, kept apart from them as a store would.
struct Stored {
    frames: Vec<(Offset, Bytes)>,
    tail: Tail,
}

impl MemoryLog {
    /// A new log.
    ///
    /// # Errors
    /// [`OpenError::PartitionsCount`], [`OpenError::Rejected`].
    pub fn create(spec: &Spec) -> Result<Self, OpenError> {
        let frames = spec.first_frames()?;
        let signals = frames.iter().map(|frame| watch::Sender::new(frame.next())).collect();
        let store = |frame: &Frame| Stored {
            frames: vec![(frame.first(), frame.encoded().clone())],
            tail: Tail::after(frame),
        };
        let state = State { partitions: frames.iter().map(store).collect(), full: false };
        Ok(Self { epoch: spec.epoch, state: Mutex::new(state), signals })
    }

    /// From now on there is no space (or there is again).
    pub fn set_full(&self, full: bool) {
        self.lock().full = full;
    }

    /// Flip one bit of the stored frame that contains `offset`. Nothing happens if there is none.
    pub fn flip(&self, partition: Partition, offset: Offset) {
        let mut state = self.lock();
        let Some(stored) = state.partitions.get_mut(partition.0 as usize) else { return };
        let Some(index) = stored.index_of(offset) else { return };
        let mut bytes = stored.frames[index].1.to_vec();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        stored.frames[index].1 = Bytes::from(bytes);
    }

    /// Drop every frame that ends after `offset`, as an older copy of the log would.
    pub fn truncate(&self, partition: Partition, offset: Offset) {
        let mut state = self.lock();
        let Some(stored) = state.partitions.get_mut(partition.0 as usize) else { return };
        while let Some((_, bytes)) = stored.frames.last() {
            match Frame::decode(bytes.clone()) {
                Ok(frame) if frame.next() <= offset => {
                    stored.tail = Tail::after(&frame);
                    return;
                }
                Ok(_) | Err(_) => stored.frames.pop(),
            };
        }
    }

    /// Drop every frame that ends at or before `offset`; the last one stays.
    pub fn trim(&self, partition: Partition, offset: Offset) {
        let mut state = self.lock();
        let Some(stored) = state.partitions.get_mut(partition.0 as usize) else { return };
        while stored.frames.len() > 1 && stored.frames[1].0 <= offset {
            stored.frames.remove(0);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, frame: &Frame) -> Result<(), AppendError> {
        let mut state = self.lock();
        belongs(frame, self.epoch, state.partitions.len() as u32)?;
        let full = state.full;
        let index = frame.partition().0 as usize;
        let stored = &mut state.partitions[index];
        continues(frame.header(), &stored.tail)?;
        if full {
            return Err(AppendError::Full);
        }
        stored.frames.push((frame.first(), frame.encoded().clone()));
        stored.tail = Tail::after(frame);
        drop(state);
        self.signals[index].send_replace(frame.next());
        Ok(())
    }

    fn read_now(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> Result<Vec<Frame>, ReadError> {
        let state = self.lock();
        let stored = state.partition(partition)?;
        if from >= stored.tail.next {
            let tail = stored.tail.next;
            return if from == tail { Ok(Vec::new()) } else { Err(ReadError::EndsBefore { tail }) };
        }
        let mut chain = Chain::new(self.epoch, partition, from, None);
        let Some(index) = stored.index_of(from) else {
            return match stored.frames.first() {
                Some((first_kept, _)) => Err(ReadError::Trimmed { first_kept: *first_kept }),
                None => Err(chain.corrupt("the partition has no frame")),
            };
        };
        let (mut frames, mut bytes) = (Vec::new(), 0);
        for (_, encoded) in &stored.frames[index..] {
            if !limit.admits(frames.len(), bytes, encoded.len()) {
                break;
            }
            bytes += encoded.len();
            let frame = Frame::decode(encoded.clone()).map_err(|error| chain.corrupt(error.to_string()));
            match frame.and_then(|frame| chain.accept(&frame).map(|()| frame)) {
                Ok(frame) => frames.push(frame),
                Err(_) if !frames.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(frames)
    }

    fn read_back_now(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> Result<Vec<Frame>, ReadError> {
        let state = self.lock();
        let stored = state.partition(partition)?;
        if before > stored.tail.next {
            return Err(ReadError::EndsBefore { tail: stored.tail.next });
        }
        let (mut frames, mut bytes) = (Vec::<Frame>::new(), 0);
        let end = stored.frames.partition_point(|(first, _)| *first < before);
        for (first, encoded) in stored.frames[..end].iter().rev() {
            if !limit.admits(frames.len(), bytes, encoded.len()) {
                break;
            }
            let corrupt = |why: String| ReadError::Corrupt { partition, offset: *first, why };
            let frame = match Frame::decode(encoded.clone()) {
                Ok(frame) => frame,
                Err(_) if !frames.is_empty() => break,
                Err(error) => return Err(corrupt(error.to_string())),
            };
            if frame.next() > before {
                continue;
            }
            if frames.last().is_some_and(|later| later.previous() != frame.hash()) {
                return Err(corrupt("the frame after it does not continue it".to_owned()));
            }
            bytes += encoded.len();
            frames.push(frame);
        }
        Ok(frames)
    }
}

impl State {
    fn partition(&self, partition: Partition) -> Result<&Stored, ReadError> {
        self.partitions.get(partition.0 as usize).ok_or(ReadError::NoSuchPartition(partition))
    }
}

impl Stored {
    /// The frame that contains `offset`, or the last one that begins before it.
    fn index_of(&self, offset: Offset) -> Option<usize> {
        self.frames.partition_point(|(first, _)| *first <= offset).checked_sub(1)
    }
}

impl Log for MemoryLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn partitions(&self) -> u32 {
        self.signals.len() as u32
    }

    fn append<'a>(&'a self, frame: &'a Frame) -> BoxFuture<'a, Result<(), AppendError>> {
        Box::pin(async move { self.append_now(frame) })
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        Box::pin(async move { self.read_now(partition, from, limit) })
    }

    fn read_back(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        Box::pin(async move { self.read_back_now(partition, before, limit) })
    }

    fn tail(&self, partition: Partition) -> BoxFuture<'_, Result<Tail, ReadError>> {
        Box::pin(async move { self.lock().partition(partition).map(|stored| stored.tail) })
    }

    fn watch(&self, partition: Partition) -> Result<watch::Receiver<Offset>, ReadError> {
        let signal = self.signals.get(partition.0 as usize).ok_or(ReadError::NoSuchPartition(partition))?;
        Ok(signal.subscribe())
    }
}
