//! Opening a log that exists: the servers are good enough, the streams are all there and of one log.

use std::sync::{Arc, Mutex};

use futures::{StreamExt, TryStreamExt, stream};

use super::{
    JetStreamLog, MESSAGE_BYTES_MAX, SERVER_MIN, State,
    durability::{self, Needed, is_older},
    error::JetStreamError,
    nats::{Nats, Trouble},
    settings::JetStreamSettings,
    stream::{self as streams},
    tail::{end_of, unreadable},
};
use crate::{
    error::OpenError,
    frame::Frame,
    ids::{Epoch, Partition},
};

/// How many streams are looked at side by side.
pub(super) const SIDE_BY_SIDE: usize = 8;

impl JetStreamLog {
    /// Open the log: connect, refuse servers and streams that the log cannot be trusted to, and look at the end of
    /// each partition. `partitions` is how many the caller expects; `None` takes what is there.
    ///
    /// It waits for leader elections as long as [`JetStreamSettings::patience`] says, and tries each address once: who
    /// wants to wait for servers to start asks again after [`JetStreamError::Unreachable`] and
    /// [`JetStreamError::NotReady`].
    ///
    /// # Errors
    /// [`JetStreamError`]. A server that is older than [`SERVER_MIN`], and, unless [`super::Durability`] says that it need not be
    /// seen, nodes that acknowledge before they sync.
    pub async fn open(settings: &JetStreamSettings, partitions: Option<u32>) -> Result<Self, JetStreamError> {
        let nats = Nats::connect(settings).await?;
        check_server(&nats)?;
        let infos = find_streams(&nats, settings, partitions).await?;
        durability::check(settings, &infos, Needed::Majority).await?;
        let epoch = check_openings(&nats, infos.len()).await?;
        let states = each(infos.len(), |partition| look(&nats, partition));
        let partitions: Arc<[State]> = states.await?.into();
        Ok(Self { epoch, nats, partitions, notices: Mutex::default() })
    }
}

async fn look(nats: &Nats, partition: Partition) -> Result<State, JetStreamError> {
    let last = nats.persist(|| nats.last(partition)).await;
    let last = last.map_err(|trouble| unreadable(partition, &trouble))?;
    Ok(State::new(end_of(partition, last.as_ref())?))
}

/// Do it for each partition, some side by side; the answers in order.
pub(super) async fn each<T, Done: Future<Output = Result<T, JetStreamError>>>(
    partitions: usize,
    what: impl Fn(Partition) -> Done,
) -> Result<Vec<T>, JetStreamError> {
    stream::iter((0..partitions as u32).map(Partition)).map(what).buffered(SIDE_BY_SIDE).try_collect().await
}

/// Refuse a server that the log cannot be kept on.
pub(super) fn check_server(nats: &Nats) -> Result<(), JetStreamError> {
    let server = nats.client.server_info();
    if is_older(&server.version, SERVER_MIN) {
        let (server, found) = (server.server_name, server.version);
        return Err(JetStreamError::ServerTooOld { server, found, needed: SERVER_MIN });
    }
    if server.max_payload < MESSAGE_BYTES_MAX {
        let (server, found) = (server.server_name, server.max_payload);
        return Err(JetStreamError::PayloadTooSmall { server, found, needed: MESSAGE_BYTES_MAX });
    }
    Ok(())
}

/// A question that JetStream does not answer well, while a log is opened or made.
pub(super) fn troubled(stream: String, trouble: Trouble) -> JetStreamError {
    match trouble {
        Trouble::Away(why) => JetStreamError::NotReady(format!("stream {stream}: {why}")),
        Trouble::Missing => JetStreamError::Missing { stream },
        Trouble::Refused(refusal) => JetStreamError::Refused { stream, why: refusal.to_string() },
    }
}

/// What all streams of the log are; each is there, and configured as it must be.
async fn find_streams(
    nats: &Nats,
    settings: &JetStreamSettings,
    wanted: Option<u32>,
) -> Result<Vec<async_nats::jetstream::stream::Info>, JetStreamError> {
    let first = nats.names.stream(Partition(0));
    let found = nats.find(Partition(0)).await.map_err(|trouble| troubled(first.clone(), trouble))?;
    let found = found.ok_or(JetStreamError::Missing { stream: first })?;
    let partitions = streams::partitions(&found.config)?;
    if let Some(wanted) = wanted.filter(|wanted| *wanted != partitions) {
        return Err(OpenError::Partitions { found: partitions, wanted }.into());
    }
    each(partitions as usize, |partition| async move {
        let stream = nats.names.stream(partition);
        let info = nats.find(partition).await.map_err(|trouble| troubled(stream.clone(), trouble))?;
        let unfinished = |why| JetStreamError::Unfinished { stream: stream.clone(), why };
        let info = info.ok_or_else(|| unfinished("does not exist"))?;
        let expected = streams::config(&nats.names, settings, partition, partitions)?;
        streams::check(&info.config, &expected)?;
        if streams::partitions(&info.config)? != partitions {
            let why = "it belongs to a log of another number of partitions".to_owned();
            return Err(JetStreamError::Foreign { stream, why });
        }
        if info.state.messages == 0 { Err(unfinished("is empty")) } else { Ok(info) }
    })
    .await
}

/// The epoch of the log: that of the first frame kept of each partition.
async fn check_openings(nats: &Nats, partitions: usize) -> Result<Epoch, JetStreamError> {
    let openings = each(partitions, |partition| opening(nats, partition)).await?;
    let epoch = openings.first().map(Frame::epoch).ok_or(OpenError::PartitionsCount(0))?;
    for (partition, frame) in (0..).map(Partition).zip(&openings) {
        belongs_here(nats, partition, frame, epoch)?;
    }
    Ok(epoch)
}

/// The first frame that a partition has kept.
pub(super) async fn opening(nats: &Nats, partition: Partition) -> Result<Frame, JetStreamError> {
    let stream = nats.names.stream(partition);
    let found = nats.persist(|| nats.ask_leader(partition, 1)).await;
    let found = found.map_err(|trouble| troubled(stream.clone(), trouble))?;
    let found = found.ok_or(JetStreamError::Unfinished { stream: stream.clone(), why: "is empty" })?;
    Frame::decode(found.encoded).map_err(|error| JetStreamError::Foreign {
        stream,
        why: format!("its first message is no frame: {error}"),
    })
}

pub(super) fn belongs_here(
    nats: &Nats,
    partition: Partition,
    frame: &Frame,
    epoch: Epoch,
) -> Result<(), JetStreamError> {
    let why = if frame.epoch() != epoch {
        format!("it has epoch {}, where partition 0 has {epoch}", frame.epoch())
    } else if frame.partition() != partition {
        format!("it holds frames of partition {}", frame.partition())
    } else {
        return Ok(());
    };
    Err(JetStreamError::Foreign { stream: nats.names.stream(partition), why })
}
