//! Logs on test servers: made under a namespace of their own, damaged as only an administrator can.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use async_nats::{
    HeaderMap,
    jetstream::{self, stream::Config},
};
use bytes::Bytes;
use engines::Nats;
use eventlog::{
    BoxFuture, Durability, Epoch, Frame, JetStreamLog, JetStreamSettings, Log, Offset, Partition, Position,
    Reader, Spec, Writer,
    conformance::{Damage, Subject},
};

pub(crate) const P0: Partition = Partition(0);

/// Settings of a new log on these servers, with a copy on each.
pub(crate) fn settings(nats: &Nats) -> JetStreamSettings {
    static LOGS: AtomicU32 = AtomicU32::new(0);
    JetStreamSettings {
        urls: nats.urls(),
        namespace: format!("test-{}", LOGS.fetch_add(1, Relaxed)),
        replicas: nats.urls().len(),
        bytes_max: 64 * 1024 * 1024,
        durability: Durability::Attested,
        ..JetStreamSettings::default()
    }
}

pub(crate) fn spec(partitions: usize) -> Spec {
    Spec { epoch: Epoch(*b"jetstream, tests"), time_ms: 1, opened: vec![Bytes::from("opened"); partitions] }
}

/// Make a log and open it.
pub(crate) async fn create(settings: &JetStreamSettings, spec: &Spec) -> Arc<JetStreamLog> {
    JetStreamLog::init(settings, spec).await.unwrap();
    open(settings).await
}

pub(crate) async fn open(settings: &JetStreamSettings) -> Arc<JetStreamLog> {
    Arc::new(JetStreamLog::open(settings, None).await.unwrap())
}

pub(crate) fn as_log(log: &Arc<JetStreamLog>) -> Arc<dyn Log> {
    Arc::clone(log) as _
}

pub(crate) async fn writer(log: &Arc<JetStreamLog>, name: &str) -> Writer {
    Writer::open(as_log(log), P0, 1, Bytes::from(format!("started {name}"))).await.unwrap()
}

pub(crate) async fn reader(log: &Arc<JetStreamLog>, partition: Partition) -> Reader {
    let start = Position { epoch: log.epoch(), partition, offset: Offset(0) };
    Reader::open(as_log(log), start, None).await.unwrap()
}

/// Every event of partition 0 as text.
pub(crate) async fn everything(log: &Arc<JetStreamLog>) -> Vec<String> {
    let mut reader = reader(log, P0).await;
    let mut events = Vec::new();
    while let Some(frame) = reader.try_next().await.unwrap() {
        events.extend(frame.events().iter().map(|event| String::from_utf8(event.to_vec()).unwrap()));
    }
    events
}

/// JetStream as an administrator reaches it.
pub(crate) async fn admin(settings: &JetStreamSettings) -> jetstream::Context {
    jetstream::new(async_nats::connect(settings.urls.clone()).await.unwrap())
}

pub(crate) fn stream(settings: &JetStreamSettings, partition: Partition) -> String {
    format!("{}-log-{partition}", settings.namespace)
}

/// A log, and whoever may do to its streams what the log itself never does.
pub(crate) struct Streams {
    settings: JetStreamSettings,
    log: Arc<JetStreamLog>,
    admin: jetstream::Context,
}

impl Streams {
    pub(crate) async fn create(settings: JetStreamSettings, spec: &Spec) -> Self {
        let log = create(&settings, spec).await;
        let admin = admin(&settings).await;
        Self { settings, log, admin }
    }

    async fn config(&self, partition: Partition) -> Config {
        let stream = self.admin.get_stream(stream(&self.settings, partition)).await.unwrap();
        stream.cached_info().config.clone()
    }

    /// Put other messages into the stream of `partition`: the stored ones, changed.
    async fn replace(&self, partition: Partition, change: impl Fn(&mut Vec<(u64, HeaderMap, Bytes)>)) {
        let name = stream(&self.settings, partition);
        let stream = self.admin.get_stream(&name).await.unwrap();
        let state = stream.cached_info().state.clone();
        let mut config = stream.cached_info().config.clone();
        let mut messages = Vec::new();
        for seq in state.first_sequence..=state.last_sequence {
            let message = stream.get_raw_message(seq).await.unwrap();
            messages.push((seq, message.headers, message.payload));
        }
        change(&mut messages);
        self.admin.delete_stream(&name).await.unwrap();
        config.first_sequence = messages.first().map(|(seq, _, _)| *seq);
        let subject = config.subjects[0].clone();
        self.admin.create_stream(config).await.unwrap();
        for (_, headers, payload) in messages {
            let mut kept = HeaderMap::new();
            if let Some(label) = headers.get("Hansard-Frame") {
                kept.insert("Hansard-Frame", label.clone());
            }
            let ack = self.admin.publish_with_headers(subject.clone(), kept, payload).await.unwrap();
            ack.await.unwrap();
        }
    }
}

impl Subject for Streams {
    fn log(&self) -> Arc<dyn Log> {
        as_log(&self.log)
    }

    fn damage(&self, damage: Damage) -> BoxFuture<'_, bool> {
        let frame = |payload: &Bytes| Frame::decode(payload.clone()).unwrap();
        Box::pin(async move {
            match damage {
                Damage::Flip(partition, offset) => {
                    let flip = |messages: &mut Vec<(u64, HeaderMap, Bytes)>| {
                        for (_, _, payload) in messages {
                            let frame = frame(payload);
                            if frame.first() <= offset && offset < frame.next() {
                                let mut bytes = payload.to_vec();
                                let middle = bytes.len() / 2;
                                bytes[middle] ^= 1;
                                *payload = Bytes::from(bytes);
                            }
                        }
                    };
                    self.replace(partition, flip).await;
                }
                Damage::Truncate(partition, offset) => {
                    self.replace(partition, |all| {
                        all.retain(|(_, _, payload)| frame(payload).next() <= offset);
                    })
                    .await;
                }
                Damage::Trim(partition, offset) => {
                    self.replace(partition, |all| {
                        all.retain(|(_, _, payload)| frame(payload).next() > offset)
                    })
                    .await;
                }
            }
            true
        })
    }

    fn set_full(&self, full: bool) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            let mut config = self.config(P0).await;
            let used = self.log.replicas(P0).await.unwrap().bytes;
            config.max_bytes = if full { used as i64 + 10_000 } else { self.settings.bytes_max as i64 };
            self.admin.update_stream(config).await.unwrap();
            true
        })
    }
}
