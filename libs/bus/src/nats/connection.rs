//! One process's connection to NATS, and whether it is there.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};
use tokio::sync::watch;
use tokio::time::Instant;

/// How long one try to connect may take.
const CONNECT_TRY_MAX: Duration = Duration::from_secs(2);
/// How long to wait before the second try; each later one waits twice as long.
const TRY_AGAIN_MIN: Duration = Duration::from_millis(100);
/// How long to wait between two tries at most, at the start and later.
const TRY_AGAIN_MAX: Duration = Duration::from_secs(1);
/// How often to ask a silent server whether it is there. After two questions without an
/// answer it is not.
const PING_EVERY: Duration = Duration::from_secs(1);
/// Messages that may wait for one subscriber; more are dropped, and asked or told again.
/// Subscribers here only sort messages into bounded queues, so that many wait only when the
/// process is starved; at a typical kilobyte each these are 4 MiB.
const SUBSCRIPTION_MESSAGES_MAX: usize = 4_096;
/// How long a lost connection may take to come back before NATS counts as gone: a node
/// that dies is replaced by another sooner.
const GONE_AFTER: Duration = Duration::from_secs(1);
/// Characters of a namespace.
const NAMESPACE_CHARACTERS_MAX: usize = 64;

/// How to reach NATS.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `nats://host:port` or `tls://host:port`; the others of a cluster are found through one.
    pub urls: Vec<String>,
    /// What this deployment's subjects and streams begin with: letters, digits, `-` and `_`.
    pub namespace: String,
    /// What the server calls this connection in its own listings.
    pub name: String,
    /// Who this process is.
    pub credentials: Credentials,
    /// A PEM file of certificates to trust beside the system's.
    pub root_certificates: Option<PathBuf>,
    /// How long to try at the start before giving up.
    pub connect_within: Duration,
}

/// How a process proves to NATS who it is. `Debug` shows no secret.
#[derive(Clone)]
pub enum Credentials {
    /// It does not.
    None,
    /// A file with a JWT and its key.
    File(PathBuf),
    /// A user and his password.
    Password {
        /// The user.
        user: String,
        /// The password.
        password: String,
    },
    /// A token.
    Token(String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Password { user, .. } => {
                f.debug_struct("Password").field("user", user).finish_non_exhaustive()
            }
            Self::Token(_) => f.write_str("Token(..)"),
        }
    }
}

/// Why something on the bus cannot be done. In words for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was configured cannot be right.
    #[error("{0}")]
    Settings(String),
    /// Nobody answers there.
    #[error("NATS cannot be reached at {urls}, tried for {}s: {reason}", tried_for.as_secs())]
    Unreachable {
        /// Where.
        urls: String,
        /// For how long.
        tried_for: Duration,
        /// What the last try said.
        reason: String,
    },
    /// The server answers, and says no.
    #[error("NATS at {urls} refuses these credentials: {reason}")]
    Refused {
        /// Where.
        urls: String,
        /// What it said.
        reason: String,
    },
    /// The connection was there, and could not do it.
    #[error("NATS: {0}")]
    Failed(String),
}

/// Whether the connection is there, and since when that is so.
#[derive(Debug, Clone, Copy)]
struct State {
    connected: bool,
    since: Instant,
}

/// A connection that comes back by itself. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connection {
    client: Client,
    state: watch::Receiver<State>,
    namespace: Arc<str>,
}

impl Connection {
    /// Connect, trying again for as long as the settings say.
    ///
    /// # Errors
    ///
    /// Settings that cannot be right, a server that refuses, or none within that time.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        check(settings)?;
        let (sender, state) = watch::channel(State { connected: true, since: Instant::now() });
        let sender = Arc::new(sender);
        let urls = settings.urls.join(", ");
        let started = Instant::now();
        let mut pause = TRY_AGAIN_MIN;
        loop {
            let options = options(settings, Arc::clone(&sender))?;
            let error = match options.connect(settings.urls.as_slice()).await {
                Ok(client) => {
                    let namespace = settings.namespace.as_str().into();
                    return Ok(Self { client, state, namespace });
                }
                Err(error) => error,
            };
            let reason = error.to_string();
            if matches!(
                error.kind(),
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation
            ) {
                return Err(Error::Refused { urls, reason });
            }
            if started.elapsed() + pause >= settings.connect_within {
                return Err(Error::Unreachable { urls, tried_for: settings.connect_within, reason });
            }
            tracing::warn!(urls, reason, "NATS cannot be reached; trying again");
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(TRY_AGAIN_MAX);
        }
    }

    /// What this deployment's subjects and streams begin with.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Whether the connection is there at this moment.
    pub fn is_connected(&self) -> bool {
        self.state.borrow().connected
    }

    /// Whether it has been away for so long (1 s) that nothing is worth waiting for it.
    pub fn is_gone(&self) -> bool {
        let state = *self.state.borrow();
        !state.connected && state.since.elapsed() >= GONE_AFTER
    }

    /// Wait until it has been away for that long.
    pub async fn gone(&self) {
        let mut receiver = self.state.clone();
        loop {
            let state = *receiver.borrow_and_update();
            let changed = async {
                if receiver.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            if state.connected {
                changed.await;
                continue;
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(state.since + GONE_AFTER) => return,
            }
        }
    }

    /// Wait until it is there. Returns at once if it is.
    pub async fn connected(&self) {
        if self.state.clone().wait_for(|state| state.connected).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Wait until it was lost and has come back: what was under way then may be lost.
    pub(crate) async fn came_back(&self) {
        let mut receiver = self.state.clone();
        let begun = receiver.borrow().since;
        let back = |state: &State| state.connected && state.since > begun;
        if receiver.wait_for(back).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }
}

fn check(settings: &Settings) -> Result<(), Error> {
    let wrong = |what: String| Err(Error::Settings(what));
    let namespace = &settings.namespace;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if namespace.is_empty() || namespace.len() > NAMESPACE_CHARACTERS_MAX || !namespace.chars().all(fits) {
        return wrong(format!(
            "`{namespace}` cannot be a namespace on NATS: 1 to {NAMESPACE_CHARACTERS_MAX} letters, digits, `-` and `_`"
        ));
    }
    if settings.urls.is_empty() {
        return wrong("no address of a NATS server is given".to_owned());
    }
    for url in &settings.urls {
        if let Err(error) = url.parse::<async_nats::ServerAddr>() {
            return wrong(format!("`{url}` is no address of a NATS server: {error}"));
        }
    }
    Ok(())
}

fn options(settings: &Settings, state: Arc<watch::Sender<State>>) -> Result<ConnectOptions, Error> {
    let options = match &settings.credentials {
        Credentials::None => ConnectOptions::new(),
        Credentials::File(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| {
                Error::Settings(format!("the NATS credentials in {} cannot be read: {error}", path.display()))
            })?;
            ConnectOptions::with_credentials(&text).map_err(|error| {
                Error::Settings(format!("{} holds no NATS credentials: {error}", path.display()))
            })?
        }
        Credentials::Password { user, password } => {
            ConnectOptions::with_user_and_password(user.clone(), password.clone())
        }
        Credentials::Token(token) => ConnectOptions::with_token(token.clone()),
    };
    let options = match &settings.root_certificates {
        Some(path) => options.add_root_certificates(path.clone()),
        None => options,
    };
    Ok(options
        .name(&settings.name)
        .connection_timeout(CONNECT_TRY_MAX)
        .ping_interval(PING_EVERY)
        .subscription_capacity(SUBSCRIPTION_MESSAGES_MAX)
        .request_timeout(None)
        .reconnect_delay_callback(reconnect_delay)
        .event_callback(move |event| {
            note(&state, &event);
            std::future::ready(())
        }))
}

/// At once the first time, then 20 ms doubling up to a second.
fn reconnect_delay(tried: usize) -> Duration {
    let doublings = u32::try_from(tried.saturating_sub(2)).unwrap_or(u32::MAX);
    if tried <= 1 {
        Duration::ZERO
    } else {
        (Duration::from_millis(20) * 2u32.saturating_pow(doublings.min(16))).min(TRY_AGAIN_MAX)
    }
}

fn note(state: &watch::Sender<State>, event: &Event) {
    let become_ = |connected| {
        state.send_if_modified(|state| {
            let changed = state.connected != connected;
            if changed {
                *state = State { connected, since: Instant::now() };
            }
            changed
        })
    };
    match event {
        Event::Connected => {
            if become_(true) {
                tracing::info!("connected to NATS again");
            }
        }
        // By ourselves, at the end.
        Event::Closed => {
            become_(false);
        }
        Event::Disconnected => {
            if become_(false) {
                metrics::counter!("bus_disconnections_total").increment(1);
                tracing::warn!("the connection to NATS is lost; trying to get it back");
            }
        }
        Event::SlowConsumer(subscription) => {
            metrics::counter!("bus_slow_consumers_total").increment(1);
            tracing::warn!(
                subscription,
                "messages from NATS came faster than they were taken; some were dropped"
            );
        }
        Event::LameDuckMode => tracing::info!("the NATS server is about to stop"),
        Event::Draining => {}
        Event::ServerError(error) => tracing::warn!(%error, "NATS reports an error"),
        Event::ClientError(error) => tracing::debug!(%error, "the NATS client reports an error"),
    }
}
