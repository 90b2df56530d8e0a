//! The settings of a deployment, as types; `defaults.toml` explains each.

mod engines;
mod protection;
mod remote;
mod roles;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use domain::command::Rules;
use domain::{ApplicationId, Limits, REACTION_BYTES_MAX};
use runtime::config::{self, Secret};
use runtime::telemetry::LogFormat;
use serde::{Deserialize, Serialize};

pub(crate) use engines::{Backend, Durability, Log, Nats, Postgres};
pub(crate) use protection::{Protection, Tls};
pub(crate) use remote::{IdentityProvider, Oidc, Reset};
pub(crate) use roles::{Role, Roles};

const DEFAULTS: &str = include_str!("../defaults.toml");

/// The most extension keys an application may allow: the API's number.
const EXTENSION_KEYS_MAX: usize = 3;
/// The most ids that one statement of the stores takes, with room to spare.
const IDS_PER_CALL_MAX: usize = 500;

/// All of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What this process does.
    pub roles: Roles,
    /// Listening and serving.
    pub server: Server,
    /// How often anybody may ask.
    pub protection: Protection,
    /// Encrypted connections.
    pub tls: Tls,
    /// The data folder.
    pub data: Data,
    /// The application.
    pub app: App,
    /// How much of anything there may be.
    pub limits: LimitSettings,
    /// The log.
    pub log: Log,
    /// The NATS servers.
    pub nats: Nats,
    /// The database.
    pub postgres: Postgres,
    /// The partition writers.
    pub writer: Writer,
    /// The read models.
    pub readmodel: Readmodel,
    /// The search index.
    pub search: Search,
    /// Users and sessions.
    pub identity: Identity,
    /// Tokens of an issuer that are sessions.
    pub oidc: Oidc,
    /// Who is told of passwords to be reset.
    pub reset: Reset,
    /// Logs and metrics.
    pub telemetry: Telemetry,
}

/// `[server]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    pub listen: SocketAddr,
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub trusted_proxies: Vec<String>,
    pub forwarded_header: protection::ForwardedHeader,
    #[serde(with = "config::duration")]
    pub head_time_max: Duration,
    pub head_bytes_max: usize,
    #[serde(with = "config::duration")]
    pub write_time_max: Duration,
    #[serde(with = "config::duration")]
    pub request_time_max: Duration,
    pub body_bytes_max: usize,
    #[serde(with = "config::duration")]
    pub drain_time_max: Duration,
    #[serde(with = "config::duration")]
    pub visible_within: Duration,
    #[serde(with = "config::duration")]
    pub start_time_max: Duration,
}

/// `[data]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Data {
    pub folder: PathBuf,
}

/// `[app]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub id: u64,
    pub auth_key: Secret,
    pub auth_key_file: String,
    pub auth_secret: Secret,
    pub auth_secret_file: String,
    pub previous_auth_key: Secret,
    pub previous_auth_key_file: String,
    pub previous_auth_secret: Secret,
    pub previous_auth_secret_file: String,
    pub chat_domain: String,
    pub extension_keys: Vec<String>,
    pub create_users_on_login: bool,
    pub list_users: bool,
    pub broadcast_by_api: bool,
    pub subscribe_to_groups: bool,
    pub single_reaction: bool,
}

/// `[limits]`
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitSettings {
    pub message_characters_max: usize,
    pub custom_bytes_max: usize,
    pub custom_depth_max: usize,
    pub attachments_max: usize,
    pub attachments_bytes_max: usize,
    pub name_characters_max: usize,
    pub description_characters_max: usize,
    pub photo_characters_max: usize,
    pub extension_characters_max: usize,
    pub occupants_max: usize,
    pub occupants_per_call_max: usize,
    pub ids_per_call_max: usize,
    pub admins_max: usize,
    pub pins_max: usize,
    pub reaction_bytes_max: usize,
    pub reaction_kinds_max: usize,
    pub receipts_max: usize,
    pub looked_at_max: usize,
}

/// `[writer]`
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writer {
    pub queue_max: usize,
    pub facts_max: usize,
    pub recent_max: usize,
    pub lag_max: u64,
}

/// `[readmodel]`
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readmodel {
    pub readers: usize,
    pub read_queue_max: usize,
}

/// `[search]`
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    pub enabled: bool,
    pub readers: usize,
    pub queue_max: usize,
    pub scan_max: u64,
}

/// `[identity]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    #[serde(with = "config::duration")]
    pub session_lifetime: Duration,
    #[serde(with = "config::duration")]
    pub guest_lifetime: Duration,
    #[serde(with = "config::duration")]
    pub reset_lifetime: Duration,
    pub hash_memory_kib: u32,
    pub hash_iterations: u32,
    pub hash_lanes: u32,
    pub hash_threads: usize,
    pub hash_queue_max: usize,
    pub sessions_cached_max: u64,
    pub displays_cached_max: u64,
    pub readers: usize,
    pub provider: IdentityProvider,
}

/// `[telemetry]`
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    pub format: LogFormat,
    pub filter: String,
    pub otlp_endpoint: String,
}

impl Settings {
    /// The defaults, under the file, the environment and the `overrides`, checked.
    pub fn load(file: Option<&std::path::Path>, overrides: Vec<(String, String)>) -> anyhow::Result<Self> {
        let settings: Self = config::load(DEFAULTS, file, config::environment()?, overrides)?;
        settings.check()?;
        Ok(settings)
    }

    /// The defaults, under that file alone, checked.
    pub(crate) fn of_file(file: &std::path::Path) -> anyhow::Result<Self> {
        let settings: Self = config::load(DEFAULTS, Some(file), [], [])?;
        settings.check()?;
        Ok(settings)
    }

    fn check(&self) -> anyhow::Result<()> {
        let app = &self.app;
        anyhow::ensure!(
            app.extension_keys.len() <= EXTENSION_KEYS_MAX,
            "app.extension_keys: at most {EXTENSION_KEYS_MAX} keys are allowed"
        );
        let plain =
            |key: &String| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "_-".contains(c));
        if let Some(key) = app.extension_keys.iter().find(|key| !plain(key)) {
            anyhow::bail!(
                "app.extension_keys: {key:?} is not a key; use letters, digits, _ and -, and commas between keys in the environment"
            );
        }
        self.check_engines()?;
        self.server.proxies()?;
        self.protection.check()?;
        self.tls.check()?;
        self.check_remote()?;
        anyhow::ensure!(
            (app.id != 0) == app.auth_key.is_set(),
            "app.id and app.auth_key belong together: set both, or neither to have them made"
        );
        anyhow::ensure!(
            app.auth_key.is_set() || !app.previous_auth_key.is_set(),
            "app.previous_auth_key is for credentials that are configured: set app.id and app.auth_key, too"
        );
        anyhow::ensure!(
            app.previous_auth_key.is_set() || !app.previous_auth_secret.is_set(),
            "app.previous_auth_secret belongs to app.previous_auth_key: set that one, too, be it to app.auth_key"
        );
        if app.id != 0 {
            ApplicationId::new(app.id).context("app.id must be below 2^53")?;
        }
        anyhow::ensure!(
            self.limits.reaction_bytes_max <= REACTION_BYTES_MAX,
            "limits.reaction_bytes_max: at most {REACTION_BYTES_MAX} bytes are allowed"
        );
        anyhow::ensure!(
            self.limits.ids_per_call_max <= IDS_PER_CALL_MAX,
            "limits.ids_per_call_max: at most {IDS_PER_CALL_MAX} are allowed"
        );
        let positive = [
            ("server.connections_max", self.server.connections_max),
            ("server.head_bytes_max", self.server.head_bytes_max),
            ("server.body_bytes_max", self.server.body_bytes_max),
            ("writer.queue_max", self.writer.queue_max),
            ("readmodel.readers", self.readmodel.readers),
            ("readmodel.read_queue_max", self.readmodel.read_queue_max),
            ("search.readers", self.search.readers),
            ("search.queue_max", self.search.queue_max),
        ];
        for (key, value) in positive {
            anyhow::ensure!(value > 0, "{key} must be at least 1");
        }
        Ok(())
    }

    fn check_engines(&self) -> anyhow::Result<()> {
        self.roles.check()?;
        self.log.check()?;
        match self.log.backend {
            Backend::Sqlite => anyhow::ensure!(
                self.roles.are_all(),
                "roles: a process on embedded stores takes all of them; set log.backend = \"jetstream\" to run roles apart"
            ),
            Backend::Jetstream => {
                self.nats.check()?;
                self.postgres.check()?;
                anyhow::ensure!(
                    self.app.id != 0,
                    "app.id and app.auth_key are not set: the processes of a cluster have to be told the same"
                );
            }
        }
        Ok(())
    }

    /// The files that hold secrets, each with the key that names it.
    pub fn secret_files(&self) -> anyhow::Result<Vec<(String, PathBuf)>> {
        let mut files = config::secret_files(self)?;
        files.extend(self.tls.files().map(|files| ("tls.key_file".to_owned(), files.key)));
        Ok(files)
    }

    /// Says so where a secret could be read or changed by others.
    pub(crate) fn warn_of_open_files(&self) -> anyhow::Result<()> {
        for (key, path) in self.secret_files()? {
            if config::is_too_open(&path).with_context(|| format!("{key}: {}", path.display()))? {
                let path = path.display();
                tracing::warn!(key, %path, "the file of a secret can be read or changed by others: chmod 600");
            }
        }
        Ok(())
    }

    /// The limits, as the domain takes them.
    pub fn limits(&self) -> Limits {
        let limits = self.limits;
        Limits {
            message_characters_max: limits.message_characters_max,
            custom_bytes_max: limits.custom_bytes_max,
            custom_depth_max: limits.custom_depth_max,
            attachments_max: limits.attachments_max,
            attachments_bytes_max: limits.attachments_bytes_max,
            name_characters_max: limits.name_characters_max,
            description_characters_max: limits.description_characters_max,
            photo_characters_max: limits.photo_characters_max,
            extension_characters_max: limits.extension_characters_max,
            occupants_max: limits.occupants_max,
            occupants_per_call_max: limits.occupants_per_call_max,
            ids_per_call_max: limits.ids_per_call_max,
            admins_max: limits.admins_max,
            pins_max: limits.pins_max,
            reaction_bytes_max: limits.reaction_bytes_max,
            reaction_kinds_max: limits.reaction_kinds_max,
            receipts_max: limits.receipts_max,
            looked_at_max: limits.looked_at_max,
        }
    }

    /// The rules, as decisions take them.
    pub fn rules(&self) -> Rules {
        Rules {
            single_reaction: self.app.single_reaction,
            group_subscribe: self.app.subscribe_to_groups,
            broadcast_creation: self.app.broadcast_by_api,
            ..Rules::within(&self.limits())
        }
    }

    /// Searching, as its read model takes it.
    pub fn search(&self) -> readmodel::search::Settings {
        let Search { enabled: _, readers, queue_max, scan_max } = self.search;
        readmodel::search::Settings { readers, queue_max, scan_max, ..readmodel::search::Settings::default() }
    }

    /// Users and sessions, as identity takes them.
    pub fn identity(&self) -> identity::Settings {
        let chosen = &self.identity;
        identity::Settings {
            session_lifetime: chosen.session_lifetime,
            guest_lifetime: chosen.guest_lifetime,
            reset_lifetime: chosen.reset_lifetime,
            sessions_cached_max: chosen.sessions_cached_max,
            displays_cached_max: chosen.displays_cached_max,
            hash_cost: identity::HashCost {
                memory_kib: chosen.hash_memory_kib,
                iterations: chosen.hash_iterations,
                lanes: chosen.hash_lanes,
            },
            hash_threads: chosen.hash_threads,
            hash_queue_max: chosen.hash_queue_max,
            readers: chosen.readers,
            ..identity::Settings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_those_of_the_libraries() {
        let settings: Settings = config::load(DEFAULTS, None, [], []).unwrap();
        settings.check().unwrap();
        assert_eq!(settings.limits(), Limits::default());
        assert_eq!(settings.rules(), Rules::default());
        assert_eq!(settings.search(), readmodel::search::Settings::default());
        assert_eq!(settings.identity(), identity::Settings::default());
        assert_eq!(settings.protection.rates(), gateway::Rates::default());
    }

    #[test]
    fn an_extension_key_is_a_plain_word() {
        let mut settings: Settings = config::load(DEFAULTS, None, [], []).unwrap();
        settings.app.extension_keys = vec!["city".to_owned(), "friend_id".to_owned()];
        settings.check().unwrap();
        settings.app.extension_keys = vec!["[\"city\"".to_owned()];
        assert!(settings.check().unwrap_err().to_string().contains("is not a key"));
    }

    #[test]
    fn a_reaction_is_short_enough_for_every_store() {
        let mut settings: Settings = config::load(DEFAULTS, None, [], []).unwrap();
        settings.limits.reaction_bytes_max = REACTION_BYTES_MAX;
        settings.check().unwrap();
        settings.limits.reaction_bytes_max += 1;
        assert!(settings.check().unwrap_err().to_string().contains("reaction_bytes_max"));
    }

    #[test]
    fn the_rules_are_those_of_the_application_and_its_limits() {
        let given = [
            ("app.single_reaction", "true"),
            ("app.subscribe_to_groups", "true"),
            ("app.broadcast_by_api", "false"),
            ("limits.pins_max", "7"),
        ];
        let given = given.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let settings: Settings = config::load(DEFAULTS, None, [], given).unwrap();
        let rules = Rules {
            single_reaction: true,
            group_subscribe: true,
            broadcast_creation: false,
            pins_max: 7,
            ..Rules::default()
        };
        assert_eq!(settings.rules(), rules);
    }

    #[test]
    fn roles_apart_need_engines_that_they_can_share() {
        let cluster = |more: &[(&str, &str)]| {
            let mut given = vec![("roles", "gateway,command"), ("app.id", "7"), ("app.auth_key", "k")];
            given.extend(more);
            let given = given.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned()));
            let settings: Settings = config::load(DEFAULTS, None, [], given).unwrap();
            settings.check().map_err(|error| error.to_string())
        };
        assert!(cluster(&[]).unwrap_err().contains("log.backend"));
        let jetstream = ("log.backend", "jetstream");
        assert!(cluster(&[jetstream]).unwrap_err().contains("postgres.url"));
        let postgres = ("postgres.url", "postgres://localhost/chat");
        cluster(&[jetstream, postgres]).unwrap();
        assert!(
            cluster(&[jetstream, postgres, ("nats.namespace", "a.b")]).unwrap_err().contains("namespace")
        );
        assert!(cluster(&[jetstream, postgres, ("roles", "")]).unwrap_err().contains("roles"));
        let nobody = [jetstream, postgres, ("app.id", "0"), ("app.auth_key", "")];
        assert!(cluster(&nobody).unwrap_err().contains("app.id"));
    }

    #[test]
    fn half_an_application_is_refused() {
        let refused = |change: fn(&mut App)| {
            let mut settings: Settings = config::load(DEFAULTS, None, [], []).unwrap();
            change(&mut settings.app);
            settings.check().unwrap_err().to_string()
        };
        assert!(refused(|app| app.id = 7).contains("belong together"));
        assert!(
            refused(|app| app.previous_auth_key = Secret::from("k".to_owned())).contains("are configured")
        );
        assert!(
            refused(|app| app.previous_auth_secret = Secret::from("k".to_owned()))
                .contains("belongs to app.previous_auth_key")
        );
    }
}
