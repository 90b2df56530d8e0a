//! Why a log on JetStream could not be opened or made.

use crate::error::{OpenError, ReadError};

/// Why a log on JetStream could not be opened or made. Each sentence says what to do.
#[derive(Debug, thiserror::Error)]
pub enum JetStreamError {
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
    /// No server answers. It may be different in a moment.
    #[error("no NATS server answers at {urls}: {why}; start it, or correct the addresses and credentials")]
    Unreachable {
        /// The addresses, without what is secret in them.
        urls: String,
        /// What the last one said.
        why: String,
    },
    /// JetStream answers, but not yet as it should. It may be different in a moment.
    #[error("JetStream is not ready: {0}; wait until its nodes are up and have elected their leaders")]
    NotReady(String),
    /// A server is too old to be trusted with the log.
    #[error("NATS server {server} has version {found}, which is older than {needed}: upgrade it")]
    ServerTooOld {
        /// Its name.
        server: String,
        /// Its version.
        found: String,
        /// The oldest that will do.
        needed: &'static str,
    },
    /// The server takes only smaller messages than a frame.
    #[error(
        "NATS server {server} takes messages of at most {found} bytes: set its max_payload to {needed} or more"
    )]
    PayloadTooSmall {
        /// Its name.
        server: String,
        /// Its limit.
        found: usize,
        /// What a frame needs.
        needed: usize,
    },
    /// A node does not sync before it acknowledges.
    #[error(
        "NATS server {server} (seen at {url}) may lose acknowledged writes when its machine fails: {found}; \
         set `sync_interval: always` in its `jetstream` block, or say log.durability = \"relaxed\" to accept that"
    )]
    NotDurable {
        /// Its name.
        server: String,
        /// Its monitoring address.
        url: String,
        /// What it says.
        found: String,
    },
    /// Whether all nodes sync cannot be seen.
    #[error(
        "it cannot be seen whether acknowledged writes are on a disk: {why}; name the monitoring addresses of all \
         nodes in log.monitor_urls, or say log.durability = \"attested\" if they have `sync_interval: always`, \
         or \"relaxed\" if they need not"
    )]
    DurabilityUnseen {
        /// What is missing.
        why: String,
    },
    /// There is no log under this namespace.
    #[error(
        "there is no log: stream {stream} does not exist; make it with `hansard log init`, or correct nats.namespace"
    )]
    Missing {
        /// The stream that was looked for.
        stream: String,
    },
    /// A log that was begun and not finished.
    #[error("the log was not made to its end: stream {stream} {why}; run `hansard log init` again")]
    Unfinished {
        /// The stream.
        stream: String,
        /// What it lacks.
        why: &'static str,
    },
    /// A stream of a log that has been written is gone.
    #[error(
        "stream {stream} {why}, though the log has been written: frames are lost; restore the stream from a backup"
    )]
    Lost {
        /// The stream.
        stream: String,
        /// What it lacks.
        why: &'static str,
    },
    /// The stream is something else.
    #[error(
        "stream {stream} is not a Hansard log's: {why}; choose another nats.namespace, or delete the stream"
    )]
    Foreign {
        /// The stream.
        stream: String,
        /// What was found.
        why: String,
    },
    /// The log was made by a newer version.
    #[error(
        "stream {stream} has log format {found}, but this version knows only up to {known}: use a newer version"
    )]
    Newer {
        /// The stream.
        stream: String,
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// A stream is configured in a way that would lose frames or hide them.
    #[error("stream {stream} has {found}, where the log needs {needed}: edit the stream")]
    Config {
        /// The stream.
        stream: String,
        /// The key with its value.
        found: String,
        /// What it must be.
        needed: String,
    },
    /// The nodes cannot set aside what a partition may take.
    #[error(
        "stream {stream} cannot be made: {why}; each of its copies sets {bytes} bytes aside, so there must be as many nodes \
         as log.replicas with that much space under their max_file_store: lower log.partition_bytes_max or log.replicas, \
         or give the nodes more space"
    )]
    NoSpace {
        /// The stream.
        stream: String,
        /// What it would set aside.
        bytes: i64,
        /// What JetStream said.
        why: String,
    },
    /// JetStream refuses to make or change a stream.
    #[error("JetStream refuses stream {stream}: {why}")]
    Refused {
        /// The stream.
        stream: String,
        /// What it said.
        why: String,
    },
    /// A stream could not be read.
    #[error("the log could not be read: {0}")]
    Read(#[from] ReadError),
    /// The log itself is not what was asked for.
    #[error(transparent)]
    Log(#[from] OpenError),
}
