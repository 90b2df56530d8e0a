//! What goes wrong during a run, one after another, and how it ends.

use std::fmt;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use engines::Proxy;
use rustix::process::Signal;
use tokio::time::sleep;

use crate::cluster::Cluster;

/// Longer than a writer's lease, whose time is a few seconds.
const BEYOND_A_LEASE: Duration = Duration::from_secs(12);
/// How long something is down before it is started again.
const DOWN: Duration = Duration::from_secs(3);
/// The process whose way to NATS can be cut.
const BEHIND_PROXY: &str = "command-2";

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` of these at once; started again after a while.
    Kill(&'static [&'static str]),
    /// SIGSTOP, and SIGCONT after a while.
    Pause(&'static str, Duration),
    /// As a crash of PostgreSQL, which starts again.
    CrashPostgres,
    /// Every member in turn is ended in order and started again.
    RollEverything,
    /// One writer and NATS do not reach each other for a while.
    Cut(Duration),
}

impl Fault {
    /// Everything, in about five minutes.
    pub fn all() -> Vec<Self> {
        vec![
            Self::Kill(&["gateway-1"]),
            Self::Kill(&["command-1"]),
            Self::Kill(&["projector-1"]),
            Self::Kill(&["nats-1"]),
            Self::Kill(&["projector-1", "projector-2"]),
            Self::Pause("command-1", BEYOND_A_LEASE),
            Self::Cut(BEYOND_A_LEASE),
            Self::CrashPostgres,
            Self::RollEverything,
        ]
    }

    /// What has to be seen again and again, in less than a minute.
    pub fn few() -> Vec<Self> {
        vec![
            Self::Kill(&["command-1"]),
            Self::Kill(&["projector-1", "projector-2"]),
            Self::CrashPostgres,
            Self::Kill(&["gateway-1", "nats-1"]),
        ]
    }

    /// What can go wrong with a single process on embedded stores.
    pub fn alone() -> Vec<Self> {
        vec![Self::Kill(&["hansard"]), Self::Pause("hansard", DOWN), Self::RollEverything]
    }

    /// Let it happen and end: everything is ready again when this is.
    ///
    /// # Errors
    ///
    /// Something does not get ready again.
    pub async fn happen(&self, cluster: &Cluster, ways: &Ways) -> Result<()> {
        match self {
            Self::Kill(names) => {
                for name in *names {
                    cluster.member(name)?.stop(Signal::KILL).await?;
                }
                sleep(DOWN).await;
                for name in *names {
                    cluster.member(name)?.start()?;
                }
            }
            Self::Pause(name, time) => {
                cluster.member(name)?.signal(Signal::STOP)?;
                sleep(*time).await;
                cluster.member(name)?.signal(Signal::CONT)?;
            }
            Self::CrashPostgres => {
                cluster.member("postgres")?.stop(Signal::QUIT).await?;
                cluster.start("postgres").await?;
            }
            Self::RollEverything => {
                for member in &cluster.members {
                    member.stop(member.end).await?;
                    cluster.start(&member.name).await?;
                }
            }
            Self::Cut(time) => {
                ways.cut();
                sleep(*time).await;
                ways.mend();
            }
        }
        for member in &cluster.members {
            member.wait_until_ready().await?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(names) => write!(f, "kill -9 {}", names.join(" ")),
            Self::Pause(name, time) => write!(f, "{name} stopped for {} s", time.as_secs()),
            Self::CrashPostgres => f.write_str("postgres stopped immediately"),
            Self::RollEverything => f.write_str("rolling restart of everything"),
            Self::Cut(time) => write!(f, "{BEHIND_PROXY} cut off from NATS for {} s", time.as_secs()),
        }
    }
}

/// The ways of one process to NATS, which can be cut.
#[derive(Debug, Default)]
pub struct Ways(Vec<Proxy>);

impl Ways {
    /// Let one process of the cluster take ways that can be cut; before it is started.
    ///
    /// # Errors
    ///
    /// The cluster has no such process.
    pub async fn lay(cluster: &mut Cluster) -> Result<Self> {
        let mut proxies = vec![];
        for node in cluster.layout.nats_addresses() {
            proxies.push(Proxy::to(node).await);
        }
        let addresses = proxies.iter().map(Proxy::address).collect::<Vec<SocketAddr>>();
        let settings = cluster.layout.settings(&addresses);
        let process = cluster.members.iter_mut().find(|member| member.name == BEHIND_PROXY);
        process.context("the cluster has no second writer")?.environment = settings;
        Ok(Self(proxies))
    }

    fn cut(&self) {
        for proxy in &self.0 {
            proxy.cut();
        }
    }

    fn mend(&self) {
        for proxy in &self.0 {
            proxy.mend();
        }
    }
}

/// Ends everything of a cluster if this process does, however that ends, and otherwise when it is dropped.
#[derive(Debug)]
pub(crate) struct Guard {
    shell: Child,
}

/// PostgreSQL ends its own processes only if it is told to end itself.
const GUARD: &str = r#"
read -r _
cd "$1" || exit
for file in *.pid; do
    read -r process _ <"$file" || continue
    case $file in postgres.pid) kill -s QUIT "$process" ;; *) kill -s KILL "$process" ;; esac
    kill -s CONT "$process"
done
"#;

impl Guard {
    /// Watch over the cluster in this folder.
    pub(crate) fn over(folder: &Path) -> Result<Self> {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", GUARD, "guard"]).arg(folder).process_group(0);
        let piped = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let shell = piped.spawn().context("a shell cannot be started")?;
        Ok(Self { shell })
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // A shell that cannot be waited for has ended.
        drop(self.shell.wait());
    }
}
