//! The engines of a cluster: NATS for the log and the bus, PostgreSQL for rows and users.
//!
//! A start waits for engines that are not there yet, for a bounded time, and says which one
//! it waits for; what waiting does not mend ends it at once.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use bus::nats::{Bus, Connection};
use eventlog::{Credentials, Durability, JetStreamError, JetStreamLog, JetStreamSettings, Log as _};
use identity::Identity;
use readmodel::postgres;

use crate::Settings;
use crate::settings;

/// How long to wait between two tries: twice as long each time.
const TRY_AGAIN_MIN: Duration = Duration::from_millis(200);
const TRY_AGAIN_MAX: Duration = Duration::from_secs(5);

/// The log of the deployment.
pub(crate) async fn open_log(settings: &Settings) -> anyhow::Result<JetStreamLog> {
    let chosen = log_settings(settings);
    let partitions = (settings.log.partitions > 0).then_some(settings.log.partitions);
    let passing = |error: &JetStreamError| {
        matches!(error, JetStreamError::Unreachable { .. } | JetStreamError::NotReady(_))
    };
    patiently(settings, async || JetStreamLog::open(&chosen, partitions).await, passing).await
}

/// Where the log is and how it is made.
pub(crate) fn log_settings(settings: &Settings) -> JetStreamSettings {
    let Settings { log, nats, .. } = settings;
    let credentials = if !nats.credentials_file.is_empty() {
        Credentials::File(nats.credentials_file.clone().into())
    } else if nats.token.is_set() {
        Credentials::Token(nats.token.expose().to_owned())
    } else if !nats.user.is_empty() {
        Credentials::User { name: nats.user.clone(), password: nats.password.expose().to_owned() }
    } else {
        Credentials::None
    };
    JetStreamSettings {
        urls: nats.urls.clone(),
        credentials,
        tls_ca: (!nats.ca_file.is_empty()).then(|| nats.ca_file.clone().into()),
        namespace: nats.namespace.clone(),
        replicas: log.replicas,
        bytes_max: log.partition_bytes_max,
        durability: match log.durability {
            settings::Durability::Checked => Durability::Seen,
            settings::Durability::Attested => Durability::Attested,
            settings::Durability::Relaxed => Durability::Relaxed,
        },
        monitor_urls: log.monitor_urls.clone(),
        ..JetStreamSettings::default()
    }
}

/// What the roles of the log's deployment tell each other by.
pub(crate) async fn open_bus(settings: &Settings, log: &JetStreamLog, name: &str) -> anyhow::Result<Bus> {
    let nats = &settings.nats;
    let credentials = if !nats.credentials_file.is_empty() {
        bus::nats::Credentials::File(nats.credentials_file.clone().into())
    } else if nats.token.is_set() {
        bus::nats::Credentials::Token(nats.token.expose().to_owned())
    } else if !nats.user.is_empty() {
        let password = nats.password.expose().to_owned();
        bus::nats::Credentials::Password { user: nats.user.clone(), password }
    } else {
        bus::nats::Credentials::None
    };
    let chosen = bus::nats::Settings {
        urls: nats.urls.clone(),
        namespace: nats.namespace.clone(),
        name: name.to_owned(),
        credentials,
        root_certificates: (!nats.ca_file.is_empty()).then(|| nats.ca_file.clone().into()),
        connect_within: settings.server.start_time_max,
    };
    Ok(Bus::new(Connection::open(&chosen).await?, log.epoch().0, log.partitions()))
}

/// Connections to the read models, made if they are not there.
pub(crate) async fn open_rows(settings: &Settings) -> anyhow::Result<postgres::Pool> {
    let chosen = rows_settings(settings);
    let passing = |error: &postgres::OpenError| matches!(error, postgres::OpenError::Unreachable { .. });
    patiently(settings, async || postgres::connect(&chosen).await, passing).await
}

/// Where the read models are.
pub(crate) fn rows_settings(settings: &Settings) -> postgres::Settings {
    postgres::Settings {
        connections_max: settings.postgres.connections_max,
        ..postgres::Settings::new(settings.postgres.url.expose())
    }
}

/// Users and sessions, made if they are not there.
pub(crate) async fn open_identity(settings: &Settings) -> anyhow::Result<Identity> {
    let chosen = settings.identity();
    let passing = |error: &identity::OpenError| matches!(error, identity::OpenError::Unavailable { .. });
    let open = async || Identity::open_postgres(settings.postgres.url.expose(), &chosen).await;
    patiently(settings, open, passing).await
}

/// Try until it works, fails for good, or has been tried for `server.start_time_max`.
async fn patiently<T, E>(
    settings: &Settings,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
    passing: impl Fn(&E) -> bool,
) -> anyhow::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let patience = settings.server.start_time_max;
    let started = Instant::now();
    let mut pause = TRY_AGAIN_MIN;
    loop {
        let error = match attempt().await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        if !passing(&error) {
            return Err(error.into());
        }
        if started.elapsed() + pause > patience {
            let given_up = format!("gave up after {} s (server.start_time_max)", patience.as_secs());
            return Err(error).context(given_up);
        }
        let error = anyhow::Error::from(error);
        tracing::warn!(error = %format!("{error:#}"), "waiting for an engine");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(TRY_AGAIN_MAX);
    }
}
