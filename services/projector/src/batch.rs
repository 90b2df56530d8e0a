//! Frames of the log, decoded for the read model's store.

use anyhow::Context as _;
use bus::Stopped;
use domain::Time;
use eventlog::{Frame, Offset};
use readmodel::Applied;
use readmodel::rows::Checkpoint;

/// The batch that the `frames` of one partition make, for rows that stand at `expected`.
/// None without frames.
///
/// # Errors
/// An event of a type or schema that this version does not know: the fold must stop there.
pub fn decode(frames: &[Frame], expected: Option<Checkpoint>) -> anyhow::Result<Option<Applied>> {
    let (batch, undecodable) = Batch::decode(frames, expected);
    match (undecodable, frames.first()) {
        (Some(undecodable), Some(frame)) => Err(anyhow::Error::msg(undecodable.reason))
            .with_context(|| format!("partition {}, offset {}", frame.partition(), undecodable.offset)),
        _ => Ok(batch.map(|batch| batch.applied)),
    }
}

/// Events of one partition, and where their frames end.
pub(crate) struct Batch {
    pub(crate) applied: Applied,
    pub(crate) ends: Ends,
    /// Bytes of the frames.
    pub(crate) bytes: usize,
}

/// For each frame of a batch: how many records are before its end, and the checkpoint there. A
/// checkpoint stands between two frames, never inside one.
pub(crate) struct Ends(Vec<(usize, Checkpoint)>);

impl Ends {
    /// Take in those of a batch that follows `records` records.
    pub(crate) fn append(&mut self, records: usize, next: Self) {
        self.0.extend(next.0.into_iter().map(|(end, checkpoint)| (records + end, checkpoint)));
    }

    /// Leave only frames before the record `index`; where the last one ends.
    pub(crate) fn cut(&mut self, index: usize) -> Option<(usize, Checkpoint)> {
        self.0.retain(|(end, _)| *end <= index);
        self.0.last().copied()
    }
}

impl Batch {
    /// What can be decoded of `frames`: nothing of the frame with an event that cannot, and
    /// nothing behind it.
    pub(crate) fn decode(frames: &[Frame], expected: Option<Checkpoint>) -> (Option<Self>, Option<Stopped>) {
        let mut records = Vec::with_capacity(frames.iter().map(Frame::count).sum());
        let (mut ends, mut bytes, mut stopped) = (vec![], 0, None);
        for frame in frames {
            let before = records.len();
            for (offset, event) in frame.numbered() {
                match wire::decode(event) {
                    Ok(record) => records.push(record),
                    Err(error) => {
                        stopped = Some(undecodable(offset, event, &error));
                        break;
                    }
                }
            }
            if stopped.is_some() {
                records.truncate(before);
                break;
            }
            ends.push((records.len(), checkpoint_after(frame)));
            bytes += frame.encoded().len();
        }
        let batch = ends.last().zip(frames.first()).map(|((_, checkpoint), frame)| Self {
            applied: Applied { partition: frame.partition(), expected, records, checkpoint: *checkpoint },
            ends: Ends(ends.clone()),
            bytes,
        });
        (batch, stopped)
    }
}

fn checkpoint_after(frame: &Frame) -> Checkpoint {
    Checkpoint {
        epoch: frame.epoch(),
        next: frame.next(),
        frame_hash: frame.hash(),
        time: Time(frame.time_ms()),
    }
}

fn undecodable(offset: Offset, event: &[u8], error: &wire::Error) -> Stopped {
    Stopped {
        offset: offset.0,
        event_id: wire::open(event).ok().map(|envelope| envelope.event_id),
        reason: error.to_string(),
    }
}
