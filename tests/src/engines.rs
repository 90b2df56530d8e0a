//! What a chat in a cluster stands on: servers that the tests of one program share, with a
//! namespace and a database of its own; or servers of its own, which it may stop.

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
    servers: Servers,
}

#[derive(Debug)]
enum Servers {
    Shared(&'static Nats),
    Own { nats: Nats, postgres: Postgres },
}

impl Share {
    /// A fresh one of servers that everybody uses.
    pub(crate) async fn new() -> Self {
        static NATS: OnceCell<Nats> = OnceCell::const_new();
        static CHATS: AtomicU32 = AtomicU32::new(0);
        let nats = NATS.get_or_init(|| Nats::start(1, Profile::Durable)).await;
        let number = CHATS.fetch_add(1, Ordering::Relaxed);
        Self {
            database: Postgres::shared().await.database().await,
            namespace: format!("chat-{number}"),
            servers: Servers::Shared(nats),
        }
    }

    /// All of servers that nobody else uses.
    pub(crate) async fn own() -> Self {
        let (nats, postgres) = tokio::join!(Nats::start(1, Profile::Durable), Postgres::start());
        let (database, namespace) = (postgres.database().await, "own".to_owned());
        Self { database, namespace, servers: Servers::Own { nats, postgres } }
    }

    /// The NATS server.
    pub(crate) fn nats(&self) -> &Nats {
        match &self.servers {
            Servers::Shared(nats) => nats,
            Servers::Own { nats, .. } => nats,
        }
    }

    /// The PostgreSQL server, if it is its own.
    pub(crate) fn postgres(&self) -> Option<&Postgres> {
        match &self.servers {
            Servers::Shared(_) => None,
            Servers::Own { postgres, .. } => Some(postgres),
        }
    }

    /// The database.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// What the streams' names begin with.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The settings that lead to it.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("log.backend", "jetstream".to_owned()),
            ("log.replicas", "1".to_owned()),
            ("log.partition_bytes_max", PARTITION_BYTES_MAX.to_string()),
            ("log.monitor_urls", self.nats().monitor_urls().join(",")),
            ("nats.urls", self.nats().url()),
            ("nats.namespace", self.namespace.clone()),
            ("postgres.url", self.database.url().to_owned()),
        ]
    }
}
