//! The end of a log, and what is folded from it: the same for every backend.

use std::sync::Arc;

use domain::Time;
use eventlog::{Frame, Log, Offset, Partition, Position, READ_FRAMES_MAX, ReadLimit, Reader, Tail};
use readmodel::rows::Checkpoint;

use super::clocks;
use super::finding::Findings;
use crate::Settings;
use crate::application::Application;
use crate::stores::private_dialog_key;

/// Frames at the end of each partition that are checked; `hansard log verify` checks all.
const FRAMES_MAX: usize = 256;

/// How far each partition has been folded.
pub(super) type Checkpoints = Vec<(Partition, Checkpoint)>;

/// Whose log it is, and whether the end of each partition is whole. Where each ends.
pub(super) async fn ends(
    log: &Arc<dyn Log>,
    application: Option<&Application>,
    now: Time,
    findings: &mut Findings,
) -> Vec<Tail> {
    if let Some(application) = application
        && let Err(error) = private_dialog_key(&**log, application.id).await
    {
        findings.fail_with(&error);
    }
    let (mut tails, mut frames) = (vec![], 0);
    for partition in (0..log.partitions()).map(Partition) {
        match end_of(log, partition).await {
            Ok((tail, checked)) => {
                frames += checked;
                tails.push(tail);
            }
            Err(error) => findings.fail(
                format!("the end of partition {partition} cannot be read: {error:#}"),
                "run `hansard log verify`, which names the first bad offset; restore the log from a backup if it is damaged",
            ),
        }
    }
    if tails.len() == log.partitions() as usize {
        let partitions = log.partitions();
        let noun = if partitions == 1 { "partition" } else { "partitions" };
        findings.ok(format!(
            "the last {frames} frames of {partitions} {noun} are whole, and every event in them is known"
        ));
    }
    if let Some(latest) = tails.iter().map(|tail| Time(tail.time_ms)).max() {
        clocks::against_log(latest, now, findings);
    }
    tails
}

/// Where the partition ends, and how many of its last frames continue each other up to there.
async fn end_of(log: &Arc<dyn Log>, partition: Partition) -> anyhow::Result<(Tail, usize)> {
    let tail = log.tail(partition).await?;
    let back = log.read_back(partition, tail.next, ReadLimit::frames(FRAMES_MAX)).await?;
    let offset = back.last().map_or(Offset(0), Frame::first);
    let start = Position { epoch: log.epoch(), partition, offset };
    let mut reader = Reader::open(Arc::clone(log), start, None).await?;
    let mut checked = 0;
    while reader.position().offset < tail.next {
        let frames = reader.next_batch(READ_FRAMES_MAX).await?;
        anyhow::ensure!(!frames.is_empty(), "frames are missing after offset {}", reader.position().offset);
        projector::decode(&frames, None)?;
        checked += frames.len();
    }
    Ok((tail, checked))
}

/// Whether that model (`read models`, `search index`), which has come to those checkpoints, keeps up with the
/// log.
pub(super) fn lag(
    model: &str,
    tails: &[Tail],
    checkpoints: &Checkpoints,
    settings: &Settings,
    findings: &mut Findings,
) {
    let reached = |partition: u32| {
        let at = checkpoints.iter().find(|(other, _)| other.0 == partition);
        at.map_or(0, |(_, checkpoint)| checkpoint.next.0)
    };
    let ends = || (0..).zip(tails).map(|(partition, tail)| (partition, tail.next.0));
    // The log may have grown between the two looks, but not by so much.
    let is_ahead = |(partition, end): &(u32, u64)| reached(*partition) > end + settings.writer.lag_max;
    if let Some((partition, end)) = ends().find(is_ahead) {
        return findings.fail(
            format!(
                "partition {partition} of the {model} is at {}, and the log ends at {end}",
                reached(partition)
            ),
            "restore the log that belongs to them, or remove them to have them folded from this one",
        );
    }
    let behind = ends().map(|(partition, end)| (partition, end.saturating_sub(reached(partition))));
    match behind.max_by_key(|(_, lag)| *lag) {
        None | Some((_, 0)) => findings.ok(format!("everything in the log is in the {model}")),
        Some((partition, lag)) if lag > settings.writer.lag_max => findings.warn(
            format!(
                "{lag} events of partition {partition} are not in the {model} yet, more than writer.lag_max"
            ),
            "see that a server folds them: its log says why if it does not",
        ),
        Some((partition, lag)) => {
            findings.ok(format!("{lag} events of partition {partition} are not in the {model} yet"));
        }
    }
}
