//! Where claims are kept and beats are heard: NATS, or this process's memory.
//!
//! The claims stand in a key-value bucket in the servers' memory, replicated like the log:
//! fast to write, and gone if all servers restart at once, which only means that everything
//! is claimed again. Beats are core NATS, so that an election in JetStream disturbs nobody
//! who holds something.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_nats::Subscriber;
use async_nats::header::{HeaderMap, NATS_EXPECTED_LAST_SUBJECT_SEQUENCE};
use async_nats::jetstream::stream::{Config, LastRawMessageErrorKind, StorageType};
use async_nats::jetstream::{self, context};
use futures::StreamExt as _;
use tokio::sync::broadcast;
use wire::bus::{Beat, Claim, decode_beat, decode_claim, encode_beat, encode_claim};

use super::Kind;
use crate::nats::{Bus, Error};

/// Beats that may wait for one member of this process's own ground.
const BEATS_MAX: usize = 1_024;

/// Where the partitions of one log are shared out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Ground(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Memory(Arc<Memory>),
    Nats { bus: Bus, replicas: usize },
}

#[derive(Debug)]
struct Memory {
    partitions: u32,
    /// By kind and partition: revision and claim.
    claims: Mutex<HashMap<(Kind, u32), (u64, Claim)>>,
    beats: broadcast::Sender<(Kind, Beat)>,
}

/// What became of a compare-and-set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Set {
    /// It is the claim now, of this revision.
    Done(u64),
    /// Another came first.
    Overtaken,
}

impl Ground {
    /// The ground of one process alone, for members within it.
    pub fn memory(partitions: u32) -> Self {
        let (beats, _) = broadcast::channel(BEATS_MAX);
        Self(Inner::Memory(Arc::new(Memory { partitions, claims: Mutex::default(), beats })))
    }

    /// The ground of all processes on that bus. The claims are kept on `replicas` servers;
    /// the bucket is made when it is not there.
    pub fn nats(bus: Bus, replicas: usize) -> Self {
        Self(Inner::Nats { bus, replicas })
    }

    pub(super) fn partitions(&self) -> u32 {
        match &self.0 {
            Inner::Memory(memory) => memory.partitions,
            Inner::Nats { bus, .. } => bus.partitions(),
        }
    }

    /// Tell everybody.
    pub(super) async fn beat(&self, kind: Kind, beat: Beat) -> Result<(), Error> {
        match &self.0 {
            Inner::Memory(memory) => {
                // Without a listener nobody hears it, which is how it is.
                let _ = memory.beats.send((kind, beat));
                Ok(())
            }
            Inner::Nats { bus, .. } => {
                if !bus.connection().is_connected() {
                    // It would be told later, when it may no longer be true.
                    return Err(Error::Failed("not connected".to_owned()));
                }
                let sent = bus.connection().client().publish(subject(bus, kind), encode_beat(&beat).into());
                sent.await.map_err(|error| Error::Failed(error.to_string()))
            }
        }
    }

    /// Hear everybody, oneself included.
    pub(super) async fn listen(&self, kind: Kind) -> Result<Ears, Error> {
        match &self.0 {
            Inner::Memory(memory) => Ok(Ears::Memory(kind, memory.beats.subscribe())),
            Inner::Nats { bus, .. } => {
                let subscribed = bus.connection().client().subscribe(subject(bus, kind)).await;
                subscribed.map(Ears::Nats).map_err(|error| Error::Failed(error.to_string()))
            }
        }
    }

    /// Who has claimed the partition, and the claim's revision; revision 0 if nobody ever.
    pub(super) async fn claim(&self, kind: Kind, partition: u32) -> Result<(u64, Claim), Error> {
        let nobody = (0, Claim { member: None, name: String::new() });
        match &self.0 {
            Inner::Memory(memory) => {
                let claims = memory.claims.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(claims.get(&(kind, partition)).cloned().unwrap_or(nobody))
            }
            Inner::Nats { bus, replicas } => {
                let stream = bucket(bus, *replicas).await?;
                // Of the leader: the others may be behind.
                let message = match stream.get_last_raw_message_by_subject(&key(bus, kind, partition)).await {
                    Ok(message) => message,
                    Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                        return Ok(nobody);
                    }
                    Err(error) => return Err(Error::Failed(error.to_string())),
                };
                // What cannot be read is nobody's that this version knows.
                let claim = decode_claim(&message.payload).unwrap_or(nobody.1);
                Ok((message.sequence, claim))
            }
        }
    }

    /// Make `claim` the partition's, if the one that stands is of that revision.
    pub(super) async fn set(
        &self,
        kind: Kind,
        partition: u32,
        revision: u64,
        claim: Claim,
    ) -> Result<Set, Error> {
        match &self.0 {
            Inner::Memory(memory) => {
                let mut claims = memory.claims.lock().unwrap_or_else(PoisonError::into_inner);
                let stands = claims.get(&(kind, partition)).map_or(0, |(revision, _)| *revision);
                if stands != revision {
                    return Ok(Set::Overtaken);
                }
                claims.insert((kind, partition), (revision + 1, claim));
                Ok(Set::Done(revision + 1))
            }
            Inner::Nats { bus, .. } => {
                let mut headers = HeaderMap::new();
                headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision.to_string());
                let context = jetstream::new(bus.connection().client().clone());
                let payload = encode_claim(&claim).into();
                let sent = context.publish_with_headers(key(bus, kind, partition), headers, payload).await;
                let acked = match sent {
                    Ok(ack) => ack.await,
                    Err(error) => Err(error),
                };
                match acked {
                    Ok(ack) => Ok(Set::Done(ack.sequence)),
                    Err(error) if error.kind() == context::PublishErrorKind::WrongLastSequence => {
                        Ok(Set::Overtaken)
                    }
                    Err(error) => Err(Error::Failed(error.to_string())),
                }
            }
        }
    }
}

fn subject(bus: &Bus, kind: Kind) -> String {
    bus.subject(&format!("lease.{}", kind.name()))
}

fn bucket_name(bus: &Bus) -> String {
    format!("{}-leases", bus.connection().namespace())
}

/// The subject of a partition's claim, as a key of the bucket.
fn key(bus: &Bus, kind: Kind, partition: u32) -> String {
    format!("$KV.{}.{}.{}.{partition}", bucket_name(bus), bus.epoch_hex(), kind.name())
}

/// The stream under the bucket. It holds nothing worth keeping, so that making it anew when
/// it seems not to be there does no harm.
async fn bucket(bus: &Bus, replicas: usize) -> Result<jetstream::stream::Stream, Error> {
    let context = jetstream::new(bus.connection().client().clone());
    let name = format!("KV_{}", bucket_name(bus));
    if let Ok(stream) = context.get_stream(&name).await {
        return Ok(stream);
    }
    let config = Config {
        name,
        description: Some("who holds which partition of Hansard's log".to_owned()),
        subjects: vec![format!("$KV.{}.>", bucket_name(bus))],
        max_messages_per_subject: 1,
        storage: StorageType::Memory,
        num_replicas: replicas,
        allow_rollup: true,
        deny_delete: true,
        ..Config::default()
    };
    context.get_or_create_stream(config).await.map_err(|error| Error::Failed(error.to_string()))
}

/// Where beats arrive.
#[derive(Debug)]
pub(super) enum Ears {
    Memory(Kind, broadcast::Receiver<(Kind, Beat)>),
    Nats(Subscriber),
}

impl Ears {
    /// The next beat; none, if there will be no more.
    pub(super) async fn next(&mut self) -> Option<Beat> {
        loop {
            match self {
                Self::Memory(kind, beats) => match beats.recv().await {
                    Ok((of, beat)) if of == *kind => return Some(beat),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return None,
                },
                Self::Nats(subscriber) => match decode_beat(&subscriber.next().await?.payload) {
                    Ok(beat) => return Some(beat),
                    Err(error) => tracing::debug!(%error, "a beat cannot be read; is it of another version?"),
                },
            }
        }
    }
}
