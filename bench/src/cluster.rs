//! A cluster on this machine: one NATS server that forces every message to the disk, one PostgreSQL, and a process of
//! the measured build for each role.
//!
//! The engines lie in the system's temporary folder and end with this process. Roles know nothing of this file: they are
//! set up by environment variables, as an operator would.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use domain::{DialogId, UserId};
use engines::{Database, Nats, Postgres, Profile, Programs};
use eventlog::{Durability, JetStreamSettings};
use readmodel::postgres;
use readmodel::queries::{Order, Page, Queries};
use tokio::runtime::Runtime;

use crate::server::{ENVIRONMENT, Server};

/// What a small server of one's own would have; the rest is as PostgreSQL comes.
const POSTGRES_SETTINGS: [&str; 3] = ["shared_buffers=256MB", "max_wal_size=1GB", "min_wal_size=256MB"];
/// Room for one partition: the server sets it aside.
const PARTITION_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// The longest that a role may take until it serves.
const START_WITHIN: Duration = Duration::from_secs(60);
/// The longest list of one's readers that a page names, as the server has it unless told otherwise.
const RECEIPTS_MAX: usize = 1_000;
/// Connections of pgbench: more get no more here.
const PGBENCH_CLIENTS: &str = "4";

/// Running engines.
pub(crate) struct Engines {
    runtime: Runtime,
    programs: &'static Programs,
    nats: Nats,
    postgres: Postgres,
}

impl Engines {
    /// Start them.
    ///
    /// # Errors
    ///
    /// Their programs are not on this machine.
    pub(crate) fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (programs, nats, postgres) = runtime.block_on(async {
            let programs = Programs::find().await?;
            let nats = Nats::start(1, Profile::Durable).await;
            anyhow::Ok((programs, nats, Postgres::start_with(&POSTGRES_SETTINGS).await))
        })?;
        Ok(Self { runtime, programs, nats, postgres })
    }

    /// A deployment of its own, with a new log of that many partitions. No role runs yet.
    ///
    /// # Errors
    ///
    /// The log cannot be made.
    pub(crate) fn deployment(
        &self,
        (hansard, folder): (&Path, &Path),
        partitions: u32,
    ) -> anyhow::Result<Deployment> {
        let name = format!("p{partitions}");
        let database = self.runtime.block_on(self.postgres.database());
        let settings = JetStreamSettings {
            urls: self.nats.urls(),
            namespace: name.clone(),
            replicas: 1,
            bytes_max: PARTITION_BYTES_MAX,
            monitor_urls: self.nats.monitor_urls(),
            ..JetStreamSettings::default()
        };
        ensure!(matches!(settings.durability, Durability::Seen), "the log's durability is not looked at");
        let deployment = Deployment {
            hansard: hansard.to_owned(),
            logs: folder.join(name),
            pgbench: self.programs.postgresql("pgbench"),
            settings,
            partitions,
            database,
        };
        deployment.operate(&["log", "init"])?;
        Ok(deployment)
    }
}

/// What the roles of one chat share.
pub(crate) struct Deployment {
    hansard: PathBuf,
    /// Where the roles' logs go, their names after it.
    logs: PathBuf,
    pgbench: PathBuf,
    settings: JetStreamSettings,
    partitions: u32,
    database: Database,
}

/// A process for each role.
pub(crate) struct Roles {
    pub(crate) gateway: Server,
    pub(crate) command: Server,
    pub(crate) projector: Server,
}

impl Deployment {
    fn environment(&self) -> Vec<(&'static str, String)> {
        let JetStreamSettings { urls, namespace, replicas, bytes_max, monitor_urls, .. } = &self.settings;
        vec![
            ("HANSARD__LOG__BACKEND", "jetstream".to_owned()),
            ("HANSARD__LOG__PARTITIONS", self.partitions.to_string()),
            ("HANSARD__LOG__REPLICAS", replicas.to_string()),
            ("HANSARD__LOG__PARTITION_BYTES_MAX", bytes_max.to_string()),
            ("HANSARD__LOG__MONITOR_URLS", monitor_urls.join(",")),
            ("HANSARD__NATS__URLS", urls.join(",")),
            ("HANSARD__NATS__NAMESPACE", namespace.clone()),
            ("HANSARD__POSTGRES__URL", self.database.url().to_owned()),
        ]
    }

    /// Where its log is.
    pub(crate) fn log(&self) -> &JetStreamSettings {
        &self.settings
    }

    /// Start one process, and wait until it is ready.
    ///
    /// # Errors
    ///
    /// It ends, or is not ready in time.
    pub(crate) fn role(&self, role: &str) -> anyhow::Result<Server> {
        let log = self.logs.with_extension(format!("{role}.log"));
        Server::role(&self.hansard, role, &self.environment(), log, START_WITHIN)
    }

    /// Start a process for each role.
    ///
    /// # Errors
    ///
    /// As for [`Deployment::role`].
    pub(crate) fn roles(&self) -> anyhow::Result<Roles> {
        Ok(Roles {
            projector: self.role("projector")?,
            command: self.role("command")?,
            gateway: self.role("gateway")?,
        })
    }

    /// Run an operator's command to its end. Gives what it said.
    ///
    /// # Errors
    ///
    /// It fails; the message shows why.
    pub(crate) fn operate(&self, arguments: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.hansard);
        command.args(arguments).envs(ENVIRONMENT).envs(self.environment());
        said(command)
    }

    /// How many pages a second pgbench gets by the statement that the gateway sends for `page` of one of `dialogs`, each
    /// asked by the user beside it.
    ///
    /// # Errors
    ///
    /// pgbench fails.
    pub(crate) fn pgbench(&self, dialogs: &[(u64, &str)], limit: usize, seconds: u64) -> anyhow::Result<f64> {
        let place = postgres::Settings::new(self.database.url());
        let page = Page { skip: 0, limit, order: Order::OldestFirst };
        let mut command = Command::new(&self.pgbench);
        command.args(["--no-vacuum", "--protocol=prepared", "--jobs=1", "--client", PGBENCH_CLIENTS]);
        command.args(["--time", &seconds.to_string()]);
        for (viewer, dialog) in dialogs {
            let viewer = UserId::new(*viewer).context("not a user id")?;
            let dialog: DialogId = dialog.parse().map_err(|_| anyhow::anyhow!("not a dialog id"))?;
            let (options, statement) =
                Queries::page_statement(&place, (viewer, dialog), (page, RECEIPTS_MAX))?;
            let script = self.logs.with_extension(format!("{dialog}.sql"));
            std::fs::write(&script, statement.replace('\n', " ") + ";\n")?;
            command.arg("--file").arg(script).env("PGOPTIONS", options);
        }
        command.arg(self.database.url());
        let said = said(command)?;
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next());
        Ok(rate.with_context(|| format!("pgbench names no rate: {said}"))?.parse()?)
    }
}

impl Roles {
    /// Ask all to end, and wait for that: nobody ends before those who depend on him.
    ///
    /// # Errors
    ///
    /// As for [`Server::stop`].
    pub(crate) fn stop(self) -> anyhow::Result<()> {
        self.gateway.stop()?;
        self.command.stop()?;
        self.projector.stop()
    }
}

/// What a command says on its standard output.
fn said(mut command: Command) -> anyhow::Result<String> {
    let output =
        command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {command:?}"))?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{:?} ended with {}: {complaint}", command.get_program(), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
