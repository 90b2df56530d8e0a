//! Making a log: its streams and the first frame of each, safely repeated, by several at once, and after a death in the middle.
//!
//! The first frame of partition 0 decides. It is appended by the same compare-and-set as any other, so one of several rivals
//! wins; everybody then makes the other first frames from the one that is stored. A log that has been written is never
//! completed: what it lacks is lost.

use async_nats::{
    HeaderMap,
    header::NATS_EXPECTED_LAST_SEQUENCE,
    jetstream::{
        Error as Refusal, ErrorCode,
        publish::PublishAck,
        response::Response,
        stream::{Config, Info},
    },
};
use std::time::Duration;

use super::{
    JetStreamLog,
    durability::{self, Needed},
    error::JetStreamError,
    label::{HEADER, Label},
    nats::{Nats, Trouble},
    open::{belongs_here, check_server, each, opening, troubled},
    settings::JetStreamSettings,
    stream as streams,
};
use crate::{
    error::OpenError,
    frame::Frame,
    ids::{Epoch, Partition},
    log::Spec,
};

/// How long JetStream may take to store a first frame.
const ACK_WAIT: Duration = Duration::from_secs(5);

/// What making a log led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initialized {
    /// The log's epoch: that of the [`Spec`] only if this very call began the log.
    pub epoch: Epoch,
    /// What was done, for each partition.
    pub partitions: Vec<Done>,
}

/// What was done about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// Its stream was made, with its first frame.
    Created,
    /// Its stream was there, and lacked its first frame: an earlier call had not come to its end.
    Completed,
    /// It was there; its size or its number of replicas was changed to what the settings say.
    Changed,
    /// It was there, as it should be.
    Found,
}

impl JetStreamLog {
    /// Make the log that `spec` describes, or complete it, or find that it is there.
    ///
    /// Where a log is there already, its epoch and its first events stay, and `spec` says only how many partitions it
    /// should have. The first events of a log that is completed are that of partition 0: a spec gives all partitions the
    /// same one.
    ///
    /// # Errors
    /// [`JetStreamError`]: as for [`Self::open`], but all nodes must be seen; [`JetStreamError::Lost`] when a stream is missing
    /// or empty, though others have been written.
    pub async fn init(settings: &JetStreamSettings, spec: &Spec) -> Result<Initialized, JetStreamError> {
        let ours = spec.first_frames()?;
        let nats = Nats::connect(settings).await?;
        check_server(&nats)?;
        durability::check(settings, &[], Needed::All).await?;
        let count = ours.len();
        let found = each(count, |partition| find(&nats, partition)).await?;
        refuse_losses(&nats, &found)?;
        let zero = ours.first().ok_or(OpenError::PartitionsCount(0))?;
        let (first, done) =
            make(&nats, settings, (zero, count), found.first().and_then(Option::as_ref)).await?;
        let others = if first == *zero { ours } else { completed(&first, count)? };
        let epoch = first.epoch();
        let (nats, others, found) = (&nats, &others, &found);
        let partitions = each(count, |partition| async move {
            let index = partition.0 as usize;
            if index == 0 {
                return Ok(done);
            }
            let (stored, done) = make(nats, settings, (&others[index], count), found[index].as_ref()).await?;
            belongs_here(nats, partition, &stored, epoch)?;
            Ok(done)
        });
        let partitions = partitions.await?;
        Ok(Initialized { epoch, partitions })
    }
}

async fn find(nats: &Nats, partition: Partition) -> Result<Option<Info>, JetStreamError> {
    let found = nats.find(partition).await;
    found.map_err(|trouble| troubled(nats.names.stream(partition), trouble))
}

/// A stream that is missing or empty while others have more than their first frame has lost what was in it.
fn refuse_losses(nats: &Nats, found: &[Option<Info>]) -> Result<(), JetStreamError> {
    let written = found.iter().flatten().any(|info| info.state.last_sequence > 1);
    if !written {
        return Ok(());
    }
    for (partition, info) in (0..).map(Partition).zip(found) {
        let why = match info {
            None => "does not exist",
            Some(info) if info.state.last_sequence == 0 => "is empty",
            Some(_) => continue,
        };
        return Err(JetStreamError::Lost { stream: nats.names.stream(partition), why });
    }
    Ok(())
}

/// The first frames of a log whose partition 0 begins with `first`.
fn completed(first: &Frame, count: usize) -> Result<Vec<Frame>, JetStreamError> {
    let opened = first.events().first().cloned().unwrap_or_default();
    let spec = Spec { epoch: first.epoch(), time_ms: first.time_ms(), opened: vec![opened; count] };
    Ok(spec.first_frames()?)
}

/// See that the partition of `frame` has its stream and a first frame, which is then returned: `frame`, unless another
/// was there.
async fn make(
    nats: &Nats,
    settings: &JetStreamSettings,
    (frame, count): (&Frame, usize),
    found: Option<&Info>,
) -> Result<(Frame, Done), JetStreamError> {
    let partition = frame.partition();
    let wanted = streams::config(&nats.names, settings, partition, count as u32)?;
    let (info, is_new) = match found {
        Some(info) => (info.clone(), false),
        None => create(nats, partition, &wanted).await?,
    };
    let partitions = streams::partitions(&info.config)?;
    if partitions as usize != count {
        return Err(OpenError::Partitions { found: partitions, wanted: count as u32 }.into());
    }
    streams::check(&info.config, &wanted)?;
    let changed = change(nats, &info, &wanted).await?;
    let appended = info.state.messages == 0 && append_first(nats, frame).await?;
    let done = match (is_new, appended, changed) {
        (true, _, _) => Done::Created,
        (false, true, _) => Done::Completed,
        (false, false, true) => Done::Changed,
        (false, false, false) => Done::Found,
    };
    Ok((opening(nats, partition).await?, done))
}

/// Make a stream; whether this call did, or somebody else in the meantime.
async fn create(nats: &Nats, partition: Partition, wanted: &Config) -> Result<(Info, bool), JetStreamError> {
    let subject = format!("STREAM.CREATE.{}", wanted.name);
    let made = nats.persist(|| nats.api::<Info>(subject.clone(), wanted)).await;
    match made {
        Ok(info) => Ok((info, true)),
        Err(Trouble::Refused(refusal)) if refusal.error_code() == ErrorCode::STREAM_NAME_EXIST => {
            let stream = wanted.name.clone();
            let info = find(nats, partition).await?.ok_or(JetStreamError::Missing { stream })?;
            Ok((info, false))
        }
        Err(Trouble::Refused(refusal)) if lacks_space(&refusal) => Err(JetStreamError::NoSpace {
            stream: wanted.name.clone(),
            bytes: wanted.max_bytes,
            why: refusal.to_string(),
        }),
        Err(trouble) => Err(troubled(wanted.name.clone(), trouble)),
    }
}

/// Whether no node, or too few, can set the stream's space aside.
fn lacks_space(refusal: &Refusal) -> bool {
    [
        ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
        ErrorCode::CLUSTER_NO_PEERS,
        ErrorCode::INSUFFICIENT_RESOURCES,
        ErrorCode::STORAGE_RESOURCES_EXCEEDED,
        ErrorCode::STREAM_MAX_STREAM_BYTES_EXCEEDED,
    ]
    .contains(&refusal.error_code())
}

/// Give a stream the size and the replicas that the settings ask for.
async fn change(nats: &Nats, info: &Info, wanted: &Config) -> Result<bool, JetStreamError> {
    let mut config = info.config.clone();
    config.max_bytes = wanted.max_bytes;
    config.num_replicas = wanted.num_replicas;
    if config == info.config {
        return Ok(false);
    }
    let subject = format!("STREAM.UPDATE.{}", config.name);
    let updated = nats.persist(|| nats.api::<Info>(subject.clone(), &config)).await;
    updated.map_err(|trouble| troubled(config.name.clone(), trouble))?;
    Ok(true)
}

/// Append a stream's first frame, unless one is there. What lies there afterwards is for the caller to see.
async fn append_first(nats: &Nats, frame: &Frame) -> Result<bool, JetStreamError> {
    let stream = nats.names.stream(frame.partition());
    let subject = nats.names.subject(frame.partition());
    let appended = nats.persist(|| async {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, "0");
        headers.insert(HEADER, Label::of(frame).to_header());
        let request = (headers, frame.encoded().clone(), ACK_WAIT);
        let answer = nats.request(subject.clone(), request).await;
        // Asking again after a lost answer is safe: it is the same compare-and-set, and only its winner is looked at.
        let answer = answer.map_err(|error| Trouble::Away(error.to_string()))?;
        match serde_json::from_slice::<Response<PublishAck>>(&answer.payload) {
            Ok(Response::Ok(_)) => Ok(true),
            Ok(Response::Err { error }) => match error.error_code() {
                ErrorCode::STREAM_WRONG_LAST_SEQUENCE | ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT => {
                    Ok(false)
                }
                _ => Err(Trouble::of(error)),
            },
            Err(error) => Err(Trouble::Away(error.to_string())),
        }
    });
    appended.await.map_err(|trouble| troubled(stream, trouble))
}
