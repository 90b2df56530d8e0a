//! The connection, and questions to the servers: asked again while a leader is being elected, and given up after
//! a time.
//!
//! Three kinds of answer matter here. A question to the *leader* of a stream sees every acknowledged append. A *direct* one
//! is answered by any replica, fast and in bulk, but may lack the end. No answer at all says nothing.

use std::time::Duration;

use async_nats::{
    Client, ConnectOptions, Event, HeaderMap, StatusCode, connection,
    jetstream::{
        self, Context, Error as Refusal, ErrorCode,
        message::StreamMessage,
        response::Response,
        stream::{ClusterInfo, Info, RawMessage},
    },
};
use bytes::Bytes;
use futures::StreamExt;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::{
    error::JetStreamError,
    label::Label,
    settings::{Credentials, JetStreamSettings},
    stream::Names,
};
use crate::ids::Partition;

/// How long one question waits for its answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// How long a connection may take to come about.
const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// How often a connection is tested while it is idle.
const PING_EVERY: Duration = Duration::from_secs(5);
/// The pause after a first failed try, and after the later ones.
const PAUSE_MIN: Duration = Duration::from_millis(25);
const PAUSE_MAX: Duration = Duration::from_millis(400);
/// How long a stream that is not found is looked for.
const MISSING_WAIT: Duration = Duration::from_millis(500);
/// A leader that has heard from a majority within this time cannot have been replaced: followers wait at least 4 seconds for it.
const LEASE: Duration = Duration::from_millis(2_500);

/// Why a question has no good answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Nobody answers, or nobody who can yet: it may be different in a moment.
    Away(String),
    /// There is no such stream, or it looks like that: so it does during an election.
    Missing,
    /// JetStream says no.
    Refused(Refusal),
}

impl Trouble {
    fn away(why: impl std::fmt::Display) -> Self {
        Self::Away(why.to_string())
    }

    /// What JetStream says, sorted: much of what it calls an error is an election.
    pub(super) fn of(refusal: Refusal) -> Self {
        match refusal.error_code() {
            ErrorCode::STREAM_NOT_FOUND => Self::Missing,
            _ if is_passing(&refusal) => Self::Away(refusal.to_string()),
            _ => Self::Refused(refusal),
        }
    }
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Away(why) => out.write_str(why),
            Self::Missing => out.write_str("the stream is not found"),
            Self::Refused(refusal) => refusal.fmt(out),
        }
    }
}

/// Whether it is said while nodes start, elect or move. A stream that is "not found" is among them: during an election
/// it looks like that.
pub(super) fn is_passing(refusal: &Refusal) -> bool {
    [
        ErrorCode::CLUSTER_NOT_AVAILABLE,
        ErrorCode::CLUSTER_NOT_LEADER,
        ErrorCode::CLUSTER_NOT_ACTIVE,
        ErrorCode::CLUSTER_NOT_ASSIGNED,
        ErrorCode::CLUSTER_INCOMPLETE,
        ErrorCode::RAFT_GENERAL,
        ErrorCode::JETSTREAM_NOT_ENABLED,
        ErrorCode::STREAM_NOT_FOUND,
        ErrorCode::STREAM_OFFLINE,
        ErrorCode::STREAM_TOO_MANY_REQUESTS,
    ]
    .contains(&refusal.error_code())
}

/// A message of a stream.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) seq: u64,
    pub(super) label: Option<Label>,
    pub(super) encoded: Bytes,
}

impl From<StreamMessage> for Stored {
    fn from(message: StreamMessage) -> Self {
        let label = Label::in_headers(&message.headers);
        Self { seq: message.sequence, label, encoded: message.payload }
    }
}

/// A connection and what is asked over it.
#[derive(Clone, Debug)]
pub(super) struct Nats {
    pub(super) client: Client,
    pub(super) names: Names,
    context: Context,
    patience: Duration,
}

impl Nats {
    pub(super) async fn connect(settings: &JetStreamSettings) -> Result<Self, JetStreamError> {
        let names = Names::of(settings)?;
        let unreachable =
            |why: String| JetStreamError::Unreachable { urls: without_secrets(&settings.urls), why };
        let options = options(settings).map_err(|error| unreachable(error.to_string()))?;
        let client = options.connect(settings.urls.clone()).await;
        let client = client.map_err(|error| unreachable(error.to_string()))?;
        let context = jetstream::context::ContextBuilder::new().timeout(ANSWER_WAIT).build(client.clone());
        Ok(Self { client, names, context, patience: settings.patience })
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == connection::State::Connected
    }

    /// When to give up a call that begins now.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.patience
    }

    /// Ask until the answer is more than "not now".
    pub(super) async fn persist<T, Asked: Future<Output = Result<T, Trouble>>>(
        &self,
        mut ask: impl FnMut() -> Asked,
    ) -> Result<T, Trouble> {
        let mut pauses = Pauses::until(self.deadline());
        loop {
            match ask().await {
                answer @ (Ok(_) | Err(Trouble::Refused(_))) => return answer,
                later => {
                    if !pauses.pause().await {
                        return later;
                    }
                }
            }
        }
    }

    /// One question to JetStream's API.
    pub(super) async fn api<T: DeserializeOwned>(
        &self,
        subject: String,
        body: &(impl serde::Serialize + Sync),
    ) -> Result<T, Trouble> {
        match self.context.request::<_, _, Response<T>>(subject, body).await {
            Ok(Response::Ok(answer)) => Ok(answer),
            Ok(Response::Err { error }) => Err(Trouble::of(error)),
            Err(error) => Err(Trouble::away(error)),
        }
    }

    /// What a stream is; `None` if it does not exist, which is asked again for a moment.
    pub(super) async fn find(&self, partition: Partition) -> Result<Option<Info>, Trouble> {
        let mut pauses = Pauses::until(Instant::now() + MISSING_WAIT);
        loop {
            match self.persist(|| self.found(partition)).await? {
                None if pauses.pause().await => {}
                found => return Ok(found),
            }
        }
    }

    async fn found(&self, partition: Partition) -> Result<Option<Info>, Trouble> {
        match self.info(partition).await {
            Err(Trouble::Missing) => Ok(None),
            answer => answer.map(Some),
        }
    }

    pub(super) async fn info(&self, partition: Partition) -> Result<Info, Trouble> {
        self.api(format!("STREAM.INFO.{}", self.names.stream(partition)), &json!({})).await
    }

    /// The message at `seq`, or the first one after it, as the leader has it.
    pub(super) async fn ask_leader(&self, partition: Partition, seq: u64) -> Result<Option<Stored>, Trouble> {
        let body = json!({ "seq": seq.max(1), "next_by_subj": self.names.subject(partition) });
        self.leader_message(partition, &body).await
    }

    /// The last message, as the leader has it.
    pub(super) async fn last(&self, partition: Partition) -> Result<Option<Stored>, Trouble> {
        self.leader_message(partition, &json!({ "last_by_subj": self.names.subject(partition) })).await
    }

    async fn leader_message(&self, partition: Partition, body: &Value) -> Result<Option<Stored>, Trouble> {
        #[derive(Deserialize)]
        struct Got {
            message: RawMessage,
        }
        let subject = format!("STREAM.MSG.GET.{}", self.names.stream(partition));
        match self.api::<Got>(subject, body).await {
            Ok(got) => {
                let message = StreamMessage::try_from(got.message).map_err(Trouble::away)?;
                Ok(Some(Stored::from(message)))
            }
            Err(Trouble::Refused(refusal)) if refusal.error_code() == ErrorCode::NO_MESSAGE_FOUND => Ok(None),
            Err(trouble) => Err(trouble),
        }
    }

    /// Messages from `seq` on, at most `frames` and about `bytes`, as any replica has them: contiguous, but it may
    /// lack the end, or all.
    pub(super) async fn direct(
        &self,
        partition: Partition,
        seq: u64,
        (frames, bytes): (usize, usize),
    ) -> Result<Vec<Stored>, Trouble> {
        let inbox = self.client.new_inbox();
        let mut answers = self.client.subscribe(inbox.clone()).await.map_err(Trouble::away)?;
        let body = json!({ "seq": seq.max(1), "batch": frames, "max_bytes": bytes }).to_string();
        let subject = format!("$JS.API.DIRECT.GET.{}", self.names.stream(partition));
        self.client.publish_with_reply(subject, inbox, body.into()).await.map_err(Trouble::away)?;
        let mut found: Vec<Stored> = Vec::new();
        loop {
            let message = match timeout(ANSWER_WAIT, answers.next()).await {
                Ok(Some(message)) => message,
                // What there is, is contiguous: it is good.
                _ if !found.is_empty() => return Ok(found),
                _ => return Err(Trouble::away("no replica answers")),
            };
            match message.status {
                None => {}
                // The end of the batch, or nothing there.
                Some(StatusCode::NOT_FOUND) => return Ok(found),
                Some(status) if status.as_u16() == BATCH_END => return Ok(found),
                Some(_) if !found.is_empty() => return Ok(found),
                Some(status) => return Err(Trouble::away(format!("a replica answers {status}"))),
            }
            let headers = message.headers.unwrap_or_default();
            let number = |name: &str| headers.get(name).and_then(|value| value.as_str().parse::<u64>().ok());
            let (seq, before) = (number("Nats-Sequence"), number("Nats-Last-Sequence"));
            let Some(seq) = seq else { return Err(Trouble::away("an answer has no sequence")) };
            // A message that got lost on its way, as over a reconnect, is no gap in the stream.
            if found.last().is_some_and(|last| Some(last.seq) != before) {
                return Ok(found);
            }
            found.push(Stored { seq, label: Label::in_headers(&headers), encoded: message.payload });
        }
    }

    /// Publish, and wait for what JetStream says.
    pub(super) async fn request(
        &self,
        subject: String,
        (headers, payload, wait): (HeaderMap, Bytes, Duration),
    ) -> Result<async_nats::Message, async_nats::RequestError> {
        let request = async_nats::Request::new().headers(headers).payload(payload).timeout(Some(wait));
        self.client.send_request(subject, request).await
    }
}

/// What ends a batch of direct answers.
const BATCH_END: u16 = 204;

/// Whether the leader that says this is surely still the leader.
pub(super) fn is_surely_leader(cluster: Option<&ClusterInfo>) -> bool {
    let Some(cluster) = cluster else { return true };
    let others = cluster.replicas.len();
    let heard = cluster.replicas.iter().filter(|peer| !peer.offline && peer.active <= LEASE).count();
    2 * (heard + 1) > others + 1
}

/// Growing pauses, up to a moment.
pub(super) struct Pauses {
    until: Instant,
    next: Duration,
}

impl Pauses {
    pub(super) fn until(until: Instant) -> Self {
        Self { until, next: PAUSE_MIN }
    }

    /// Wait a little; false, and at once, if the time is over.
    pub(super) async fn pause(&mut self) -> bool {
        if Instant::now() + self.next > self.until {
            return false;
        }
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(PAUSE_MAX);
        true
    }
}

fn options(settings: &JetStreamSettings) -> std::io::Result<ConnectOptions> {
    let mut options = ConnectOptions::new()
        .name("hansard log")
        .connection_timeout(CONNECT_WAIT)
        .ping_interval(PING_EVERY)
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| {
            let tries = u32::try_from(tries).unwrap_or(u32::MAX);
            PAUSE_MIN.saturating_mul(tries.saturating_sub(1)).min(PAUSE_MAX)
        })
        .event_callback(async |event| report(&event));
    options = match &settings.credentials {
        Credentials::None => options,
        Credentials::User { name, password } => options.user_and_password(name.clone(), password.clone()),
        Credentials::Token(token) => options.token(token.clone()),
        Credentials::File(path) => options.credentials(&std::fs::read_to_string(path)?)?,
    };
    Ok(match &settings.tls_ca {
        None => options,
        Some(path) => options.add_root_certificates(path.clone()),
    })
}

fn report(event: &Event) {
    match event {
        Event::Connected => tracing::info!("the log is connected to NATS"),
        Event::Disconnected => {
            tracing::warn!("the log has lost its connection to NATS and looks for another")
        }
        Event::Closed => tracing::debug!("the log's connection to NATS is closed"),
        other => tracing::warn!(event = %other, "the log's connection to NATS reports something"),
    }
}

/// The addresses without users and passwords, for messages.
fn without_secrets(urls: &[String]) -> String {
    let shown = |url: &String| match url.split_once('@') {
        None => url.clone(),
        Some((before, host)) => {
            let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
            if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
        }
    };
    urls.iter().map(shown).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use async_nats::jetstream::stream::{ClusterInfo, PeerInfo};

    use super::{is_surely_leader, without_secrets};

    #[test]
    fn passwords_are_not_shown() {
        let urls = ["nats://a:secret@10.0.0.1:4222", "nats://10.0.0.2", "token@host"].map(str::to_owned);
        assert_eq!(without_secrets(&urls), "nats://10.0.0.1:4222, nats://10.0.0.2, host");
    }

    #[test]
    fn a_leader_is_sure_while_it_hears_a_majority() {
        let peer = |seconds: u64, offline: bool| PeerInfo {
            active: Duration::from_secs(seconds),
            offline,
            ..PeerInfo::default()
        };
        let cluster = |replicas: Vec<PeerInfo>| ClusterInfo {
            name: None,
            raft_group: None,
            leader: Some("n1".to_owned()),
            leader_since: None,
            system_account: false,
            traffic_account: None,
            replicas,
        };
        assert!(is_surely_leader(None));
        for (replicas, sure) in [
            (vec![], true),
            (vec![peer(0, false), peer(0, false)], true),
            (vec![peer(0, false), peer(60, true)], true),
            (vec![peer(4, false), peer(60, false)], false),
            (vec![peer(0, true), peer(0, true)], false),
            (vec![peer(0, false), peer(9, false), peer(9, false), peer(9, false)], false),
        ] {
            assert_eq!(is_surely_leader(Some(&cluster(replicas.clone()))), sure, "{replicas:?}");
        }
    }
}
