//! Reading, forwards and backwards.
//!
//! The newest frames come without asking, others in bulk by direct get, from any replica. Whoever has caught up is answered by the leader: one question both says
//! that there is nothing new and brings what is. Replicas may lack the end, so "nothing" is only believed from the leader.

use super::{
    JetStreamLog, MESSAGE_BYTES_MAX,
    nats::{Stored, Trouble},
    places::{Place, Search},
    tail::{end_of, label_of, place_after, unreadable},
};
use crate::{
    chain::Chain,
    error::ReadError,
    frame::{FRAME_BYTES_MAX, Frame},
    ids::{Offset, Partition},
    log::{READ_BYTES_MAX, READ_FRAMES_MAX, ReadLimit},
};

/// The frames of the first step backwards; the next ones go by the size of what was found.
const BACK_FRAMES: usize = READ_BYTES_MAX / FRAME_BYTES_MAX;

/// What the leader's last message says to a reader at some offset.
enum Look {
    /// There is nothing behind it.
    AtTail,
    /// The last message is the one.
    Last(Box<Stored>),
    /// There is more.
    More,
}

impl JetStreamLog {
    /// See [`crate::Log::read`]. Damage is looked at twice: it may be one replica's, or only that of a place remembered
    /// from a stream that has been replaced.
    pub(super) async fn read_from(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> Result<Vec<Frame>, ReadError> {
        let state = self.partition(partition)?;
        match self.try_read_from(partition, from, limit).await {
            Err(ReadError::Corrupt { .. }) => {
                state.lock().forget();
                self.try_read_from(partition, from, limit).await
            }
            outcome => outcome,
        }
    }

    async fn try_read_from(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
    ) -> Result<Vec<Frame>, ReadError> {
        let state = self.partition(partition)?;
        let fresh = state.lock().fresh.from(from, limit.frames.clamp(1, READ_FRAMES_MAX));
        if !fresh.is_empty() {
            return self.decode(partition, from, limit, fresh);
        }
        if state.end().first <= from {
            match self.look(partition, from).await? {
                Look::AtTail => return Ok(Vec::new()),
                Look::Last(stored) => return self.decode(partition, from, limit, vec![*stored]),
                Look::More => {}
            }
        }
        let hint = state.lock().places.at(from);
        if let Some(seq) = hint {
            let found = self.take(partition, seq, limit).await?;
            if found.first().and_then(label_of).is_some_and(|label| label.contains(from)) {
                return self.decode(partition, from, limit, found);
            }
            // The stream is not the one that was remembered.
            state.lock().forget();
        }
        let seq = self.seek(partition, from).await?;
        let found = self.take(partition, seq, limit).await?;
        self.decode(partition, from, limit, found)
    }

    /// Ask the leader for its last message, on behalf of a reader at `from`.
    async fn look(&self, partition: Partition, from: Offset) -> Result<Look, ReadError> {
        let last = self.nats.persist(|| self.nats.last(partition)).await;
        let last = last.map_err(|trouble| unreadable(partition, &trouble))?;
        let mut end = end_of(partition, last.as_ref())?;
        if end.tail.next < from {
            // Grave, if it is true: the leader must be sure of itself.
            end = self.sure_end(partition).await?;
            if end.tail.next < from {
                return Err(ReadError::EndsBefore { tail: end.tail.next });
            }
        }
        self.partition(partition)?.grew(end);
        Ok(match last {
            _ if end.tail.next == from => Look::AtTail,
            Some(stored) if label_of(&stored).is_some_and(|label| label.contains(from)) => {
                Look::Last(Box::new(stored))
            }
            _ => Look::More,
        })
    }

    /// Messages from `seq` on: from any replica, or, where that one lacks them, one from the leader.
    async fn take(&self, partition: Partition, seq: u64, limit: ReadLimit) -> Result<Vec<Stored>, ReadError> {
        let frames = limit.frames.clamp(1, READ_FRAMES_MAX);
        let bytes = limit.bytes.clamp(MESSAGE_BYTES_MAX, READ_BYTES_MAX);
        let found = self.nats.persist(|| async move {
            let found = self.nats.direct(partition, seq, (frames, bytes)).await?;
            if !found.is_empty() {
                return Ok(found);
            }
            Ok(self.nats.ask_leader(partition, seq).await?.into_iter().collect())
        });
        found.await.map_err(|trouble: Trouble| unreadable(partition, &trouble))
    }

    /// Find the message whose frame contains `from`; where there is none, the first one after it.
    async fn seek(&self, partition: Partition, from: Offset) -> Result<u64, ReadError> {
        let state = self.partition(partition)?;
        let (low, high) = {
            let state = state.lock();
            let (low, high) = state.places.around(from);
            (low, high.unwrap_or_else(|| place_after(&state.end)))
        };
        let low = match low {
            Some(low) => low,
            None => match self.first_kept(partition).await? {
                first if from < first.first => {
                    return Err(ReadError::Trimmed { first_kept: first.first });
                }
                first => first,
            },
        };
        let mut search = Search::new(from, low, high);
        while let Some(asked) = search.next() {
            let found = self.take(partition, asked, ReadLimit::frames(1)).await?;
            let Some(found) = found.first() else {
                search.saw_nothing(asked);
                continue;
            };
            let label = label_of(found).ok_or_else(|| no_frame(partition, from))?;
            if search.saw((asked, found.seq), label.first, label.tail.next) {
                return Ok(found.seq);
            }
        }
        Ok(search.end())
    }

    async fn first_kept(&self, partition: Partition) -> Result<Place, ReadError> {
        let found = self.take(partition, 1, ReadLimit::frames(1)).await?;
        let found = found.first().ok_or_else(|| no_frame(partition, Offset(0)))?;
        let label = label_of(found).ok_or_else(|| no_frame(partition, Offset(0)))?;
        let place = Place { first: label.first, seq: found.seq };
        self.partition(partition)?.lock().places.remember(place);
        Ok(place)
    }

    /// The frames of `found`, checked, for a reader at `from`.
    fn decode(
        &self,
        partition: Partition,
        from: Offset,
        limit: ReadLimit,
        found: Vec<Stored>,
    ) -> Result<Vec<Frame>, ReadError> {
        let mut chain = Chain::new(self.epoch, partition, from, None);
        let (mut frames, mut bytes, mut last) = (Vec::with_capacity(found.len()), 0, None);
        for stored in found {
            let size = stored.encoded.len();
            if !limit.admits(frames.len(), bytes, size) {
                break;
            }
            let frame = Frame::decode(stored.encoded).map_err(|error| chain.corrupt(error.to_string()));
            match frame.and_then(|frame| chain.accept(&frame).map(|()| frame)) {
                Ok(frame) => frames.push(frame),
                Err(_) if !frames.is_empty() => break,
                Err(error) => return Err(error),
            }
            bytes += size;
            last = Some(stored.seq);
        }
        if let Some(seq) = last {
            let place = Place { first: chain.next, seq: seq + 1 };
            self.partition(partition)?.lock().places.remember(place);
        }
        if frames.is_empty() { Err(no_frame(partition, from)) } else { Ok(frames) }
    }

    /// See [`crate::Log::read_back`]; damage is looked at twice here too.
    pub(super) async fn read_back_from(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> Result<Vec<Frame>, ReadError> {
        let state = self.partition(partition)?;
        match self.try_read_back_from(partition, before, limit).await {
            Err(ReadError::Corrupt { .. }) => {
                state.lock().forget();
                self.try_read_back_from(partition, before, limit).await
            }
            outcome => outcome,
        }
    }

    async fn try_read_back_from(
        &self,
        partition: Partition,
        before: Offset,
        limit: ReadLimit,
    ) -> Result<Vec<Frame>, ReadError> {
        // The sequence of the first message that is not wanted.
        let mut above = match self.look(partition, before).await? {
            Look::AtTail => self.partition(partition)?.end().seq + 1,
            Look::Last(stored) => stored.seq,
            Look::More => match self.seek(partition, before).await {
                Ok(seq) => seq,
                Err(ReadError::Trimmed { .. }) => return Ok(Vec::new()),
                Err(error) => return Err(error),
            },
        };
        let mut back = Back { partition, limit, frames: Vec::new(), bytes: 0 };
        let mut step = BACK_FRAMES.min(limit.frames.clamp(1, READ_FRAMES_MAX));
        while above > 1 && back.wants_more() {
            let from = above.saturating_sub(step as u64).max(1);
            let run = self.run(partition, from, above).await?;
            if run.is_empty() {
                break;
            }
            above = from;
            let size = run.iter().map(|stored| stored.encoded.len()).sum::<usize>() / run.len();
            if !back.take(run)? {
                break;
            }
            step = back.step(size);
        }
        Ok(back.frames)
    }

    /// All messages from `from` up to `above`.
    async fn run(&self, partition: Partition, from: u64, above: u64) -> Result<Vec<Stored>, ReadError> {
        let mut run: Vec<Stored> = Vec::new();
        let mut next = from;
        while next < above {
            let frames = usize::try_from(above - next).unwrap_or(usize::MAX);
            let found = self.take(partition, next, ReadLimit::frames(frames)).await?;
            let Some(last) = found.last() else { break };
            next = last.seq + 1;
            run.extend(found.into_iter().filter(|stored| stored.seq < above));
        }
        Ok(run)
    }
}

/// What a read backwards has collected.
struct Back {
    partition: Partition,
    limit: ReadLimit,
    frames: Vec<Frame>,
    bytes: usize,
}

impl Back {
    fn wants_more(&self) -> bool {
        self.limit.admits(self.frames.len(), self.bytes, 1)
    }

    /// How many frames of this size may still be wanted.
    fn step(&self, size: usize) -> usize {
        let frames = self.limit.frames.min(READ_FRAMES_MAX).saturating_sub(self.frames.len());
        let bytes = self.limit.bytes.min(READ_BYTES_MAX).saturating_sub(self.bytes);
        frames.min(bytes / size.max(1)).max(1)
    }

    /// Take a run of messages, newest first; false when it is enough.
    fn take(&mut self, run: Vec<Stored>) -> Result<bool, ReadError> {
        for stored in run.into_iter().rev() {
            let size = stored.encoded.len();
            if !self.limit.admits(self.frames.len(), self.bytes, size) {
                return Ok(false);
            }
            let offset = label_of(&stored).map_or(Offset(0), |label| label.first);
            let corrupt = |why: String| ReadError::Corrupt { partition: self.partition, offset, why };
            let frame = match Frame::decode(stored.encoded) {
                Ok(frame) => frame,
                Err(_) if !self.frames.is_empty() => return Ok(false),
                Err(error) => return Err(corrupt(error.to_string())),
            };
            if self.frames.last().is_some_and(|later| later.previous() != frame.hash()) {
                return Err(corrupt("the frame after it does not continue it".to_owned()));
            }
            self.bytes += size;
            self.frames.push(frame);
        }
        Ok(true)
    }
}

fn no_frame(partition: Partition, offset: Offset) -> ReadError {
    ReadError::Corrupt { partition, offset, why: "the stream has no frame here".to_owned() }
}
