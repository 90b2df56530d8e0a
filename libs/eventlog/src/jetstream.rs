//! A log on NATS JetStream: one stream a partition, one message a frame, fenced by the stream's own last sequence.
//!
//! Offsets, epoch, terms and the hash chain are ours and travel in the frame; a stream's sequence is only a hint where to
//! look. Nothing here depends on a consumer, on the order of a redelivery, or on a replica being up to date: a read
//! begins at an offset and is checked by the chain, and only a stream's leader is asked where the log ends.
//!
//! What it promises is [`crate::Log`]'s contract and no more; retries of unknown outcomes are [`crate::Writer`]'s.

mod append;
mod durability;
mod error;
mod fresh;
mod http;
mod init;
mod label;
mod monitored;
mod nats;
mod notices;
mod open;
mod places;
mod read;
mod replicas;
mod settings;
mod stream;
mod tail;

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use tokio::{sync::watch, task::JoinSet};

pub use self::{
    error::JetStreamError,
    init::{Done, Initialized},
    monitored::{Monitored, monitored},
    replicas::{Replica, Replicas},
    settings::{Credentials, Durability, JetStreamSettings},
    stream::JETSTREAM_FORMAT,
};
use self::{
    fresh::Fresh,
    nats::Nats,
    places::Places,
    tail::{End, place_after},
};
use crate::{
    error::{AppendError, ReadError},
    frame::{FRAME_BYTES_MAX, Frame},
    ids::{Epoch, Offset, Partition},
    log::{BoxFuture, Log, ReadLimit, Tail},
};

/// The oldest server that the log may be kept on.
pub const SERVER_MIN: &str = "2.14.1";
/// The most bytes of a message: a frame and its headers.
const MESSAGE_BYTES_MAX: usize = FRAME_BYTES_MAX + 1_024;

/// A log on JetStream, opened. Dropping it closes its connection.
pub struct JetStreamLog {
    epoch: Epoch,
    nats: Nats,
    partitions: Arc<[State]>,
    /// Listen for growth, where somebody wants to know of it; they end with the log.
    notices: Mutex<JoinSet<()>>,
}

/// What this process knows of one partition.
struct State {
    inner: Mutex<Known>,
    grown: watch::Sender<Offset>,
    followed: AtomicBool,
}

struct Known {
    end: End,
    places: Places,
    fresh: Fresh,
}

impl Known {
    /// Forget where frames lie, and all of them.
    fn forget(&mut self) {
        self.places.clear();
        self.fresh.clear();
    }
}

impl State {
    fn new(end: End) -> Self {
        let known = Known { end, places: Places::default(), fresh: Fresh::default() };
        let grown = watch::Sender::new(end.tail.next);
        Self { inner: Mutex::new(known), grown, followed: AtomicBool::new(false) }
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end that this process knows of. It may be old, and it may be that of a stream that has been replaced since.
    fn end(&self) -> End {
        self.lock().end
    }

    /// Remember that the partition has grown to `end`, if that is news, and signal it.
    fn grew(&self, end: End) {
        {
            let mut known = self.lock();
            if end.seq <= known.end.seq {
                return;
            }
            let place = place_after(&known.end);
            known.places.remember(place);
            known.end = end;
        }
        self.signal(end.tail.next);
    }

    /// Remember that the partition ends at `end`, be it before the end that was known.
    fn replace(&self, end: End) {
        {
            let mut known = self.lock();
            if end.seq < known.end.seq || end.tail.next < known.end.tail.next {
                known.forget();
            }
            known.end = end;
        }
        self.signal(end.tail.next);
    }

    fn signal(&self, next: Offset) {
        self.grown.send_if_modified(|known| {
            let news = *known < next;
            *known = (*known).max(next);
            news
        });
    }
}

impl JetStreamLog {
    fn partition(&self, partition: Partition) -> Result<&State, ReadError> {
        self.partitions.get(partition.0 as usize).ok_or(ReadError::NoSuchPartition(partition))
    }

    /// Listen to the growth of `partition` from now on: who does not want to know of it is spared the word of every frame.
    fn follow(&self, partition: Partition, state: &State) {
        if !state.followed.swap(true, Ordering::Relaxed) {
            let (nats, partitions) = (self.nats.clone(), Arc::clone(&self.partitions));
            let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
            notices.spawn(notices::follow(nats, partition, partitions));
        }
    }
}

impl Log for JetStreamLog {
    fn epoch(&self) -> Epoch {
        self.epoch
    }

    fn partitions(&self) -> u32 {
        self.partitions.len() as u32
    }

    fn append<'a>(&'a self, frame: &'a Frame) -> BoxFuture<'a, Result<(), AppendError>> {
        Box::pin(self.append_frame(frame))
    }

    fn read(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        Box::pin(self.read_from(partition, from, limit))
    }

    fn read_back(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> BoxFuture<'_, Result<Vec<Frame>, ReadError>> {
        Box::pin(self.read_back_from(partition, before, limit))
    }

    fn tail(&self, partition: Partition) -> BoxFuture<'_, Result<Tail, ReadError>> {
        Box::pin(async move { self.sure_end(partition).await.map(|end| end.tail) })
    }

    fn watch(&self, partition: Partition) -> Result<watch::Receiver<Offset>, ReadError> {
        let state = self.partition(partition)?;
        self.follow(partition, state);
        Ok(state.grown.subscribe())
    }
}
