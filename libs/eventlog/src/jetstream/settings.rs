//! What a caller says about the NATS servers and the streams; plain values, checked where they are used.

use std::{fmt, path::PathBuf, time::Duration};

/// Where the log is, and how its streams are made.
#[derive(Clone, Debug)]
pub struct JetStreamSettings {
    /// The NATS servers, such as `nats://10.0.0.1:4222`; `tls://` asks for TLS. One that answers is enough.
    pub urls: Vec<String>,
    /// Who we are to them.
    pub credentials: Credentials,
    /// A PEM file of the authorities that the servers' certificates are checked against, beside the system's.
    pub tls_ca: Option<PathBuf>,
    /// What the names of streams and subjects begin with: 1 to 32 of `a`–`z`, `0`–`9`, `-` and `_`.
    pub namespace: String,
    /// How many copies of each stream there are: 1, 3 or 5. Used where streams are made.
    pub replicas: usize,
    /// How large each partition may grow, in bytes of its stream. The servers reserve as much. Used where streams are made.
    pub bytes_max: u64,
    /// How it is known that an acknowledged frame is on a disk.
    pub durability: Durability,
    /// The monitoring addresses of **all** nodes, such as `http://10.0.0.1:8222`, for [`Durability::Seen`].
    pub monitor_urls: Vec<String>,
    /// How long a call waits for a leader election or a reconnect before it gives up.
    pub patience: Duration,
}

impl Default for JetStreamSettings {
    fn default() -> Self {
        Self {
            urls: vec!["nats://127.0.0.1:4222".to_owned()],
            credentials: Credentials::None,
            tls_ca: None,
            namespace: "hansard".to_owned(),
            replicas: 3,
            bytes_max: 1024 * 1024 * 1024,
            durability: Durability::Seen,
            monitor_urls: Vec::new(),
            // An election takes 4 to 9 seconds when the leader vanishes without a word.
            patience: Duration::from_secs(10),
        }
    }
}

/// Who a process is to the NATS servers. Its debug form tells no secret.
#[derive(Clone, Default)]
pub enum Credentials {
    /// Nobody in particular.
    #[default]
    None,
    /// A user with a password.
    User {
        /// The user.
        name: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
    /// A credentials file, as `nsc` makes them.
    File(PathBuf),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => out.write_str("None"),
            Self::User { name, .. } => write!(out, "User({name})"),
            Self::Token(_) => out.write_str("Token"),
            Self::File(path) => write!(out, "File({})", path.display()),
        }
    }
}

/// How it is known that an acknowledged frame is on a disk: a client connection cannot see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Every node's monitoring address says `sync_interval: always`.
    #[default]
    Seen,
    /// The operator vouches for it.
    Attested,
    /// It is not asked for: a loss of power on a majority of nodes may take acknowledged frames.
    Relaxed,
}
