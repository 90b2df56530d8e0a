//! Frames of the log, decoded for the read model's store.

use anyhow::Context as _;
use domain::Time;
use eventlog::Frame;
use readmodel::Applied;
use readmodel::rows::Checkpoint;

/// The batch that the `frames` of one partition make, for rows that stand at `expected`.
/// None without frames.
///
/// # Errors
/// An event of a type or schema that this version does not know: the fold must stop there.
pub fn decode(frames: &[Frame], expected: Option<Checkpoint>) -> anyhow::Result<Option<Applied>> {
    let Some(last) = frames.last() else { return Ok(None) };
    let partition = last.partition();
    let events = frames.iter().flat_map(Frame::numbered);
    let records = events.map(|(offset, bytes)| {
        wire::decode(bytes).with_context(|| format!("partition {partition}, offset {offset}"))
    });
    Ok(Some(Applied {
        partition,
        expected,
        records: records.collect::<anyhow::Result<_>>()?,
        checkpoint: Checkpoint {
            epoch: last.epoch(),
            next: last.next(),
            frame_hash: last.hash(),
            time: Time(last.time_ms()),
        },
    }))
}
