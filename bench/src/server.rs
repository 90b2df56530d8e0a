//! The processes beside this one: the server that is measured, the null handler and the load.
//!
//! Each is killed when its handle is dropped, so that a failed run leaves nothing behind.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::client::Client;
use crate::load::{Plan, Report};
use crate::machine::{self, Memory};

/// The application that every measured server serves.
pub(crate) const APPLICATION: u64 = 1;
/// Its key.
pub(crate) const AUTH_KEY: &str = "bench-key";

/// Beside the defaults: an application, passwords that cost little, and only warnings logged.
pub(crate) const ENVIRONMENT: [(&str, &str); 6] = [
    ("HANSARD__APP__ID", "1"),
    ("HANSARD__APP__AUTH_KEY", AUTH_KEY),
    ("HANSARD__APP__AUTH_SECRET", "bench-secret-bench-secret"),
    ("HANSARD__IDENTITY__HASH_MEMORY_KIB", "64"),
    ("HANSARD__IDENTITY__HASH_ITERATIONS", "1"),
    ("HANSARD__TELEMETRY__FILTER", "warn"),
];

/// Nobody is held back, unless a scene is about that.
pub(crate) const UNLIMITED: [(&str, &str); 7] = [
    ("HANSARD__PROTECTION__SESSION_RATE", "0"),
    ("HANSARD__PROTECTION__SIGN_IN_RATE", "0"),
    ("HANSARD__PROTECTION__SIGN_UP_RATE", "0"),
    ("HANSARD__PROTECTION__RESET_RATE", "0"),
    ("HANSARD__PROTECTION__BAD_TOKEN_RATE", "0"),
    ("HANSARD__PROTECTION__FAILURES_MAX", "0"),
    ("HANSARD__SERVER__CONNECTIONS_PER_ADDRESS_MAX", "0"),
];

/// Ready is who says so and lets people in: whoever has no session is told that, not to come back later.
const READY: [(&str, u16); 2] = [("/health/ready", 200), ("/session", 401)];

const LOOK_EVERY: Duration = Duration::from_millis(20);
const STOP_WITHIN: Duration = Duration::from_secs(60);
/// How much of a server's log is shown when it fails.
const LOG_BYTES_SHOWN: usize = 2_000;

/// A server process.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
}

impl Server {
    /// Start `hansard serve` on `data`, with these environment variables too, and wait until it is ready, at most `within`.
    ///
    /// # Errors
    ///
    /// It ends, or is not ready in time; the message shows the end of its log.
    pub(crate) fn hansard(
        (binary, data): (&Path, &Path),
        settings: &[(&str, &str)],
        within: Duration,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary);
        command.arg("serve").arg("--listen").arg(address.to_string()).arg("--data").arg(data);
        command.envs(ENVIRONMENT).envs(UNLIMITED).envs(settings.iter().copied());
        let mut server = Self::spawn(command, address, data.with_extension("log"))?;
        server.wait_until(&READY, within)?;
        Ok(server)
    }

    /// Start `hansard serve` of an earlier version, which knows no limits, on `data`, and wait until it is ready.
    ///
    /// # Errors
    ///
    /// As for [`Server::hansard`].
    pub(crate) fn earlier((binary, data): (&Path, &Path), within: Duration) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .arg("--listen")
            .arg(address.to_string())
            .arg("--data")
            .arg(data)
            .envs(ENVIRONMENT);
        let mut server = Self::spawn(command, address, data.with_extension("log"))?;
        server.wait_until(&READY, within)?;
        Ok(server)
    }

    /// Start `hansard serve` with one role of a cluster, and wait until it is ready, at most `within`.
    ///
    /// # Errors
    ///
    /// As for [`Server::hansard`].
    pub(crate) fn role(
        binary: &Path,
        role: &str,
        environment: &[(&str, String)],
        log: PathBuf,
        within: Duration,
    ) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(binary);
        command.args(["serve", "--roles", role, "--listen", &address.to_string()]);
        command
            .envs(ENVIRONMENT)
            .envs(UNLIMITED)
            .envs(environment.iter().map(|(key, value)| (*key, value.as_str())));
        let mut server = Self::spawn(command, address, log)?;
        let answers = if role == "gateway" { &READY[..] } else { &READY[..1] };
        server.wait_until(answers, within)?;
        Ok(server)
    }

    /// Start the null handler with answers of that many bytes.
    ///
    /// # Errors
    ///
    /// As for [`Server::hansard`].
    pub(crate) fn null(folder: &Path, post_bytes: u64, get_bytes: u64) -> anyhow::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["null", "--listen", &address.to_string(), "--post-bytes", &post_bytes.to_string()]);
        command.args(["--get-bytes", &get_bytes.to_string()]);
        let mut server = Self::spawn(command, address, folder.join("null.log"))?;
        server.wait_until(&[("/", 200)], Duration::from_secs(10))?;
        Ok(server)
    }

    fn spawn(mut command: Command, address: SocketAddr, log: PathBuf) -> anyhow::Result<Self> {
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self { child, address, log })
    }

    /// Wait until each of these paths is answered with its status.
    fn wait_until(&mut self, answers: &[(&str, u16)], within: Duration) -> anyhow::Result<()> {
        let start = Instant::now();
        let is_ready =
            |mut client: Client| answers.iter().all(|(path, status)| client.status(path) == Some(*status));
        loop {
            if let Some(status) = self.child.try_wait()? {
                bail!("a server ended with {status}: {}", self.log_end());
            }
            if Client::open(self.address).is_ok_and(is_ready) {
                return Ok(());
            }
            ensure!(start.elapsed() < within, "not ready after {within:?}: {}", self.log_end());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its resident memory.
    pub(crate) fn memory(&self) -> Memory {
        machine::memory(self.child.id())
    }

    /// Ask it to end, and wait for that.
    ///
    /// # Errors
    ///
    /// It does not end in time, or not with success.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "a server ended with {status}: {}", self.log_end());
                return Ok(());
            }
            ensure!(start.elapsed() < STOP_WITHIN, "a server did not end: {}", self.log_end());
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn log_end(&self) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let shown = &log[log.len().saturating_sub(LOG_BYTES_SHOWN)..];
        String::from_utf8_lossy(shown).trim().to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Drive `plan` in a process of its own.
///
/// # Errors
///
/// The process cannot be started or does not report.
pub(crate) fn load(plan: &Plan) -> anyhow::Result<Report> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("load")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start the load")?;
    let mut stdin = child.stdin.take().context("the load has no input")?;
    stdin.write_all(&serde_json::to_vec(plan)?).context("cannot send the plan")?;
    drop(stdin);
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "the load ended with {}", output.status);
    serde_json::from_slice(&output.stdout).context("the load's report is not one")
}

fn free_address() -> anyhow::Result<SocketAddr> {
    // Free the moment before it is used: nothing else here takes ports meanwhile.
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}
