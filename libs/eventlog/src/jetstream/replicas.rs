//! What a partition's stream says of its copies and its space, for whoever operates the log.

use std::time::Duration;

use super::{JetStreamLog, tail::unreadable};
use crate::{error::ReadError, ids::Partition};

/// The copies of one partition's stream, and its space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicas {
    /// The stream's name.
    pub stream: String,
    /// The node that leads it; none while there is an election, or where nodes are no cluster.
    pub leader: Option<String>,
    /// How many copies there should be.
    pub wanted: usize,
    /// The other nodes that have a copy.
    pub others: Vec<Replica>,
    /// Messages: one a frame.
    pub frames: u64,
    /// The bytes that the stream takes, headers included.
    pub bytes: u64,
    /// The bytes that it may take; `None` if nothing limits it.
    pub bytes_max: Option<u64>,
}

/// A copy beside the leader's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// The node.
    pub node: String,
    /// Whether it has everything that the leader has.
    pub current: bool,
    /// Whether the leader holds it for gone.
    pub offline: bool,
    /// How many operations it is behind.
    pub lag: u64,
    /// How long ago the leader heard from it.
    pub heard: Duration,
}

impl Replicas {
    /// How many copies are complete, the leader's included.
    #[must_use]
    pub fn current(&self) -> usize {
        1 + self.others.iter().filter(|replica| replica.current && !replica.offline).count()
    }
}

impl JetStreamLog {
    /// What the stream of `partition` says of its copies and its space.
    ///
    /// # Errors
    /// [`ReadError::NoSuchPartition`]; [`ReadError::Unavailable`] when its leader does not answer.
    pub async fn replicas(&self, partition: Partition) -> Result<Replicas, ReadError> {
        self.partition(partition)?;
        let info = self.nats.persist(|| self.nats.info(partition)).await;
        let info = info.map_err(|trouble| unreadable(partition, &trouble))?;
        let (leader, peers) =
            info.cluster.map_or((None, Vec::new()), |cluster| (cluster.leader, cluster.replicas));
        let others = peers.into_iter().map(|peer| Replica {
            node: peer.name,
            current: peer.current,
            offline: peer.offline,
            lag: peer.lag.unwrap_or(0),
            heard: peer.active,
        });
        Ok(Replicas {
            stream: info.config.name,
            leader: leader.filter(|leader| !leader.is_empty()),
            wanted: info.config.num_replicas,
            others: others.collect(),
            frames: info.state.messages,
            bytes: info.state.bytes,
            bytes_max: u64::try_from(info.config.max_bytes).ok().filter(|bytes| *bytes > 0),
        })
    }
}
