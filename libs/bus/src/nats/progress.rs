//! Progress between processes: who folds tells, everybody else follows.
//!
//! Each message says where partitions stand, absolutely, so that any of them may be lost.

use std::time::Duration;

use futures::StreamExt as _;
use tokio::time::{Instant, MissedTickBehavior, interval};
use wire::bus::{Place, decode_tidings, encode_tidings};

use super::{Bus, Error};
use crate::progress::{Progress, Reached};

/// How often to tell although nothing has changed, so that silence means something.
const TELL_EVERY: Duration = Duration::from_millis(400);
/// After this long without a word, nobody folds the partition.
const SILENT_AFTER: Duration = Duration::from_secs(2);
/// How often to see who is silent.
const LISTEN_EVERY: Duration = Duration::from_millis(250);
/// How long to wait before subscribing again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// Tell what is reported in `progress`, at once and every 400 ms. Goes on until it is dropped.
pub async fn tell(bus: &Bus, progress: &Progress) {
    let subject = bus.subject("progress");
    let mut reports = progress.reports();
    let mut tick = interval(TELL_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = reports.changed() => {}
            _ = tick.tick() => {}
        }
        let places: Vec<Place> = progress
            .own()
            .into_iter()
            .map(|(partition, known)| Place {
                partition,
                next: known.reached.next,
                folding: known.reached.folding,
                stopped: known.stopped,
            })
            .collect();
        // While NATS is away nobody hears; what piles up here would only be old news.
        if places.is_empty() || !bus.connection().is_connected() {
            continue;
        }
        if let Err(error) =
            bus.connection().client().publish(subject.clone(), encode_tidings(&places).into()).await
        {
            tracing::debug!(%error, "progress could not be told");
        }
    }
}

/// Report in `progress` what others tell. A partition of which nothing has been heard for
/// 2 s is one that nobody folds. Goes on until it is dropped.
pub async fn follow(bus: &Bus, progress: &Progress) {
    let mut heard: Vec<Option<Instant>> = vec![None; progress.partitions() as usize];
    loop {
        if let Err(error) = follow_once(bus, progress, &mut heard).await {
            tracing::warn!(%error, "progress cannot be followed; trying again");
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn follow_once(bus: &Bus, progress: &Progress, heard: &mut [Option<Instant>]) -> Result<(), Error> {
    let subscribed = bus.connection().client().subscribe(bus.subject("progress")).await;
    let mut tidings = subscribed.map_err(|error| Error::Failed(error.to_string()))?;
    let mut tick = interval(LISTEN_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = tidings.next() => match message {
                Some(message) => hear(progress, heard, &message.payload),
                None => return Ok(()),
            },
            now = tick.tick() => {
                for (partition, heard) in (0..).zip(heard.iter_mut()) {
                    if heard.take_if(|heard| now.duration_since(*heard) > SILENT_AFTER).is_some() {
                        tracing::warn!(partition, "no word of the read models' progress");
                        progress.silent(partition);
                    }
                }
            }
        }
    }
}

fn hear(progress: &Progress, heard: &mut [Option<Instant>], tidings: &[u8]) {
    let places = match decode_tidings(tidings) {
        Ok(places) => places,
        Err(error) => {
            tracing::warn!(%error, "a word of progress cannot be read; is it of another version?");
            return;
        }
    };
    for Place { partition, next, folding, stopped } in places {
        progress.hear(partition, Reached { next, folding }, stopped);
        if let Some(heard) = heard.get_mut(partition as usize) {
            *heard = Some(Instant::now());
        }
    }
}
