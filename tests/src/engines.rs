//! What a chat in a cluster stands on: servers that the tests of one program share, and a
//! namespace and a database that are its own.

use std::sync::atomic::{AtomicU32, Ordering};

use engines::{Database, Nats, Postgres, Profile};
use tokio::sync::OnceCell;

/// Room for one partition: the servers set it aside.
const PARTITION_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A chat's part of the engines.
#[derive(Debug)]
pub(crate) struct Share {
    database: Database,
    namespace: String,
    nats: &'static Nats,
}

impl Share {
    /// A fresh one.
    pub(crate) async fn new() -> Self {
        static NATS: OnceCell<Nats> = OnceCell::const_new();
        static CHATS: AtomicU32 = AtomicU32::new(0);
        let nats = NATS.get_or_init(|| Nats::start(1, Profile::Durable)).await;
        let number = CHATS.fetch_add(1, Ordering::Relaxed);
        Self {
            database: Postgres::shared().await.database().await,
            namespace: format!("chat-{number}"),
            nats,
        }
    }

    /// The settings that lead to it.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("log.backend", "jetstream".to_owned()),
            ("log.replicas", "1".to_owned()),
            ("log.partition_bytes_max", PARTITION_BYTES_MAX.to_string()),
            ("log.monitor_urls", self.nats.monitor_urls().join(",")),
            ("nats.urls", self.nats.url()),
            ("nats.namespace", self.namespace.clone()),
            ("postgres.url", self.database.url().to_owned()),
        ]
    }
}
