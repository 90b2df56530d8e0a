//! A server as a process of its own, with everything that it says.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::Api;
use crate::binary::program;
use crate::lines::Lines;
use crate::operator::Ended;
use crate::topology::{Engines, Topology};

/// A process told to stop is gone within this: the product's own promise.
const STOP_TIME_MAX: Duration = Duration::from_secs(10);
/// Longer than any start here takes; what hangs fails instead of hanging the tests.
const START_TIME_MAX: Duration = Duration::from_secs(120);
/// A full disk without a disk: writing past a limit fails as writing to a full one does,
/// once the signal that would end the process is ignored.
const SURVIVES_LIMITS: &str = "trap '' XFSZ; exec \"$0\" \"$@\"";

/// Nobody is held back: a story asks as fast as it can, always from the same address.
const UNLIMITED: [&str; 7] = [
    "protection.session_rate",
    "protection.sign_in_rate",
    "protection.sign_up_rate",
    "protection.reset_rate",
    "protection.bad_token_rate",
    "protection.failures_max",
    "server.connections_per_address_max",
];

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Setup {
    engines: Engines,
    partitions: u32,
    copies: usize,
    own_engines: bool,
    environment: Vec<(String, String)>,
}

impl Setup {
    /// Embedded stores with so many partitions.
    pub fn embedded(partitions: u32) -> Self {
        Self::of(Topology { engines: Engines::Embedded, partitions })
    }

    /// A process for each role, with so many partitions.
    pub fn cluster(partitions: u32) -> Self {
        Self::of(Topology { engines: Engines::Cluster, partitions })
    }

    /// A process for each role, and else the same.
    pub fn in_cluster(self) -> Self {
        Self { engines: Engines::Cluster, ..self }
    }

    /// Two processes for each role.
    pub fn twice(self) -> Self {
        Self { copies: 2, ..self }
    }

    /// On NATS and PostgreSQL servers that nobody else uses, so that they may be stopped.
    pub fn on_own_engines(self) -> Self {
        Self { own_engines: true, ..self }
    }

    /// A topology, passwords that cost nothing to hash, and nobody who is held back.
    pub fn of(topology: Topology) -> Self {
        let Topology { engines, partitions } = topology;
        let setup = Self { engines, partitions, copies: 1, own_engines: false, environment: vec![] };
        let setup = UNLIMITED.iter().fold(setup, |setup, key| setup.with(key, 0));
        setup
            .with("log.partitions", partitions)
            .with("identity.hash_memory_kib", 8)
            .with("identity.hash_iterations", 1)
            .with("telemetry.format", "json")
    }

    /// How many partitions each process of a role comes to hold at least.
    pub(crate) fn share(&self) -> f64 {
        (f64::from(self.partitions) / self.copies as f64).floor()
    }

    /// And with this setting, such as `writer.queue_max`.
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        let name = format!("HANSARD__{}", key.to_uppercase().replace('.', "__"));
        self.environment.push((name, value.to_string()));
        self
    }

    /// With these settings, but for those that are set already.
    pub(crate) fn beneath(mut self, settings: &[(&str, String)]) -> Self {
        let over = std::mem::take(&mut self.environment);
        for (key, value) in settings {
            self = self.with(key, value);
        }
        self.environment.extend(over);
        self
    }

    /// What it runs on.
    pub fn engines(&self) -> Engines {
        self.engines
    }

    /// How many processes there are for each role.
    pub(crate) fn copies(&self) -> usize {
        self.copies
    }

    /// Whether the engines are nobody else's.
    pub(crate) fn has_own_engines(&self) -> bool {
        self.own_engines
    }

    /// As variables of a process.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (String, String)> {
        self.environment.iter().cloned()
    }
}

/// A server on its way up; it is killed when this is dropped.
#[derive(Debug)]
pub struct Starting {
    role: &'static str,
    child: Child,
    stdout: Lines,
    stderr: Lines,
    reading: JoinSet<()>,
}

impl Starting {
    /// Wait until it serves.
    ///
    /// # Errors
    ///
    /// It has ended instead: how, and what it said.
    pub async fn serving(self) -> Result<Server, Ended> {
        let serving = timeout(START_TIME_MAX, self.stderr.find(|line| address_in(line, "serving"))).await;
        match serving.expect("the server serves or ends in time") {
            Some(address) => Ok(Server { process: self, address }),
            None => Err(self.ended().await),
        }
    }

    /// Where it listens, be it ready or not.
    ///
    /// # Panics
    ///
    /// It has ended before it listened.
    pub async fn listening(&self) -> Api {
        let listening = timeout(START_TIME_MAX, self.stderr.find(|line| address_in(line, "listening"))).await;
        let listening = listening.expect("the server listens or ends in time");
        Api::at(listening.unwrap_or_else(|| panic!("it has ended:\n{}", self.stderr.text())))
    }

    /// What it says on standard error: the log.
    pub fn stderr(&self) -> &Lines {
        &self.stderr
    }

    /// Wait until it has ended, by itself.
    pub async fn gives_up(self) -> Ended {
        self.ended_within(START_TIME_MAX).await
    }

    /// `kill -9`, however far it is.
    pub async fn kill(mut self) -> Ended {
        self.child.start_kill().expect("the server can be killed");
        self.ended().await
    }

    async fn ended(self) -> Ended {
        self.ended_within(STOP_TIME_MAX).await
    }

    async fn ended_within(mut self, time_max: Duration) -> Ended {
        let status = timeout(time_max, self.child.wait()).await;
        let code = status.expect("the server ends in time").expect("the server can be waited for").code();
        while self.reading.join_next().await.is_some() {}
        Ended { code, stdout: self.stdout.text(), stderr: self.stderr.text() }
    }
}

/// A running server; it is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    process: Starting,
    address: SocketAddr,
}

impl Server {
    /// Start with every role on the data in `data`, on a free port.
    pub fn begin(data: &Path, setup: &Setup) -> Starting {
        Self::begin_role("all", data, setup)
    }

    /// Start with one role.
    pub fn begin_role(role: &'static str, data: &Path, setup: &Setup) -> Starting {
        let mut child = Command::new("/bin/sh")
            .args(["-c", SURVIVES_LIMITS])
            .arg(program())
            .args(["serve", "--roles", role, "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env_clear()
            .envs(setup.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the server starts");
        let mut reading = JoinSet::new();
        let (stdout, read) = Lines::of(child.stdout.take().expect("standard output is piped"));
        reading.spawn(read);
        let (stderr, read) = Lines::of(child.stderr.take().expect("standard error is piped"));
        reading.spawn(read);
        Starting { role, child, stdout, stderr, reading }
    }

    /// Start on the data in `data`, on a free port, and wait until it serves.
    ///
    /// # Errors
    ///
    /// It has ended instead: how, and what it said.
    pub async fn start(data: &Path, setup: &Setup) -> Result<Self, Ended> {
        Self::begin(data, setup).serving().await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it answers there: the API if it has one, in any case how it is.
    pub fn api(&self) -> Api {
        Api::at(self.address)
    }

    /// What it does in the chat.
    pub fn role(&self) -> &'static str {
        self.process.role
    }

    /// What it says on standard output.
    pub fn stdout(&self) -> &Lines {
        &self.process.stdout
    }

    /// What it says on standard error: the log.
    pub fn stderr(&self) -> &Lines {
        &self.process.stderr
    }

    /// `kill -9`.
    pub async fn kill(self) -> Ended {
        self.process.kill().await
    }

    /// Ask it to end, without waiting.
    pub fn terminate(&self) {
        rustix::process::kill_process(self.pid(), Signal::TERM).expect("the server can be told to stop");
    }

    /// Ask it to end, and wait until it has.
    pub async fn stop(self) -> Ended {
        self.terminate();
        self.ended().await
    }

    /// Wait until it has ended.
    pub async fn ended(self) -> Ended {
        self.process.ended().await
    }

    /// From now on no file of it can grow beyond so many bytes; any number if there is none.
    pub fn limit_files(&self, bytes: Option<u64>) {
        let limit = Rlimit { current: bytes, maximum: None };
        rustix::process::prlimit(Some(self.pid()), Resource::Fsize, limit).expect("the limit can be set");
    }

    /// Ask it to look at the files that it was started with again.
    pub fn hang_up(&self) {
        rustix::process::kill_process(self.pid(), Signal::HUP).expect("the server can be told to look");
    }

    fn pid(&self) -> Pid {
        let pid = self.process.child.id().and_then(|pid| i32::try_from(pid).ok());
        pid.and_then(Pid::from_raw).expect("the server has not been waited for")
    }
}

/// The address, if this is the line that says `message` and tells it.
fn address_in(line: &str, message: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    let said = line["message"] == message;
    line["address"].as_str().filter(|_| said)?.parse().ok()
}
