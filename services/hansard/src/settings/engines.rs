//! Where the log, the bus, the read models and the users are kept: `[log]`, `[nats]` and
//! `[postgres]`.

use runtime::config::Secret;
use serde::{Deserialize, Serialize};

/// The most partitions of a log.
const PARTITIONS_MAX: u32 = 1024;
/// Partitions unless configuration says otherwise.
const EMBEDDED_PARTITIONS: u32 = 1;
const CLUSTER_PARTITIONS: u32 = 16;

/// What keeps the log, and with it everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// One file in the data folder.
    Sqlite,
    /// Streams of NATS.
    Jetstream,
}

/// What makes sure that an acknowledged frame survives the power.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Every server is looked at.
    Checked,
    /// The operator says so.
    Attested,
    /// Nothing: losses are accepted.
    Relaxed,
}

/// `[log]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    pub backend: Backend,
    pub partitions: u32,
    pub replicas: usize,
    pub partition_bytes_max: u64,
    pub durability: Durability,
    pub monitor_urls: Vec<String>,
}

impl Log {
    /// How many partitions a new log gets; an old one must have as many, unless 0 was said.
    pub(crate) fn partitions(&self) -> u32 {
        match (self.partitions, self.backend) {
            (0, Backend::Sqlite) => EMBEDDED_PARTITIONS,
            (0, Backend::Jetstream) => CLUSTER_PARTITIONS,
            (chosen, Backend::Sqlite | Backend::Jetstream) => chosen,
        }
    }

    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.partitions <= PARTITIONS_MAX,
            "log.partitions must be at most {PARTITIONS_MAX}, or 0 for the backend's default"
        );
        anyhow::ensure!([1, 3, 5].contains(&self.replicas), "log.replicas must be 1, 3 or 5");
        Ok(())
    }
}

/// `[nats]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nats {
    pub urls: Vec<String>,
    pub namespace: String,
    pub user: String,
    pub password: Secret,
    pub password_file: String,
    pub token: Secret,
    pub token_file: String,
    pub credentials_file: String,
    pub ca_file: String,
}

impl Nats {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        anyhow::ensure!(
            !self.namespace.is_empty() && self.namespace.chars().all(plain),
            "nats.namespace: use letters, digits, _ and - only"
        );
        anyhow::ensure!(!self.urls.is_empty(), "nats.urls: name at least one server");
        Ok(())
    }
}

/// `[postgres]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Postgres {
    pub url: Secret,
    pub url_file: String,
    pub connections_max: u32,
}

impl Postgres {
    pub(super) fn check(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.url.is_set(),
            "postgres.url is not set: a log in JetStream has its read models and users in PostgreSQL"
        );
        anyhow::ensure!(self.connections_max > 0, "postgres.connections_max must be at least 1");
        Ok(())
    }
}
