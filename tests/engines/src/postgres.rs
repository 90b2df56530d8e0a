//! PostgreSQL servers of a test's own.
//!
//! A new server is a copy of a data folder that was initialised once on this machine, so it starts in
//! a fraction of a second. Its order of texts is a language's, not that of bytes: a store that relies
//! on the server's collation shows itself.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Signal, kill_process};
use tokio::process::Command;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use crate::ports;
use crate::process::{Launch, Process, children};
use crate::programs::Programs;
use crate::user::User;

const START_TIME_MAX: Duration = Duration::from_secs(60);
const START_TRIES: usize = 5;
/// How often a condition is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// Part of the template's name: another one for other options.
const TEMPLATE: &str = "template-1";
const INITDB: &[&str] = &[
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C.UTF-8",
    "--locale-provider=icu",
    "--icu-locale=en-US",
    "--wal-segsize=1",
    "--no-sync",
    "--no-instructions",
];
const SETTINGS: &[&str] = &[
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "max_connections=200",
    "shared_buffers=32MB",
    "max_wal_size=128MB",
];

/// A PostgreSQL server; it ends when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    programs: &'static Programs,
    process: Mutex<Process>,
    port: u16,
    databases: AtomicU64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Many tests use it, nobody stops it, nothing of it is kept.
    Shared,
    /// It keeps what it has confirmed, as a real one does.
    Own,
}

/// A database that nobody else uses. On the shared server it goes when this is dropped.
#[derive(Debug)]
pub struct Database {
    url: String,
    removal: Option<std::process::Command>,
}

impl Postgres {
    /// The server that all tests of this process share. It does not wait for the disk.
    pub async fn shared() -> &'static Self {
        static SHARED: OnceCell<Postgres> = OnceCell::const_new();
        SHARED.get_or_init(async || Self::begin(Kind::Shared, &[]).await.expect("PostgreSQL starts")).await
    }

    /// A server for one test alone, to be stopped and paused as it likes.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with these settings, such as `shared_buffers=1GB`, over the usual ones.
    pub async fn start_with(settings: &[&str]) -> Self {
        Self::begin(Kind::Own, settings).await.expect("PostgreSQL starts")
    }

    /// A new, empty database.
    pub async fn database(&self) -> Database {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let created = self.ask(&format!("CREATE DATABASE {name}"));
        let created = timeout(START_TIME_MAX, Command::from(created).output()).await;
        let created = created.expect("PostgreSQL answers in time").expect("psql can be started");
        let said = String::from_utf8_lossy(&created.stderr);
        assert!(created.status.success(), "the database is created: {said}\n{}", self.log());
        let removal = self.ask(&format!("DROP DATABASE {name} WITH (FORCE)"));
        Database { url: self.url(&name), removal: (self.kind == Kind::Shared).then_some(removal) }
    }

    /// Where it listens: for a [`Proxy`](crate::Proxy).
    pub fn address(&self) -> SocketAddr {
        ports::local(self.port)
    }

    /// End it as a crash would: nothing is written any more, connections break.
    pub fn stop_immediately(&self) {
        self.process().end(Signal::QUIT).expect("PostgreSQL ends");
    }

    /// Start it again on its data and its port, after stopping it in order if it runs, and wait until
    /// it answers.
    pub async fn restart(&self) {
        {
            let mut process = self.process();
            process.end(Signal::INT).expect("PostgreSQL ends");
            process.start_again().expect("PostgreSQL starts");
        }
        self.ready().await.expect("PostgreSQL starts");
    }

    /// Let none of its processes do anything: connections stay open, nobody answers.
    pub fn pause(&self) {
        let process = self.process();
        let server = process.server().expect("PostgreSQL runs");
        // The first one first: it would start others.
        kill_process(server, Signal::STOP).expect("PostgreSQL can be paused");
        for child in children(server) {
            // One that is gone needs no pause.
            kill_process(child, Signal::STOP).ok();
        }
    }

    /// Go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        let process = self.process();
        let server = process.server().expect("PostgreSQL runs");
        for child in children(server) {
            kill_process(child, Signal::CONT).ok();
        }
        kill_process(server, Signal::CONT).expect("PostgreSQL can go on");
    }

    /// What it has said.
    pub fn log(&self) -> String {
        self.process().log()
    }

    async fn begin(kind: Kind, settings: &[&str]) -> Result<Self> {
        let programs = Programs::find().await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let started = Self::begin_once(programs, kind, settings).await?;
            match started.ready().await {
                Ok(()) => return Ok(started),
                // Somebody may have taken the port.
                Err(_) if tries < START_TRIES && started.process().has_died() => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn begin_once(programs: &'static Programs, kind: Kind, settings: &[&str]) -> Result<Self> {
        let user = User::servant()?;
        let folder = user.folder()?;
        copy(&template(programs, user).await?, &folder.join("data")).await?;
        let port = ports::free();
        let mut command = vec![programs.postgresql("postgres").display().to_string()];
        command.extend(["-D".to_owned(), folder.join("data").display().to_string()]);
        let fsync = if kind == Kind::Shared { "fsync=off" } else { "fsync=on" };
        let settings = SETTINGS.iter().chain(settings).map(|&setting| setting.to_owned());
        for setting in settings.chain([format!("port={port}"), fsync.to_owned()]) {
            command.extend(["-c".to_owned(), setting]);
        }
        let process = Process::start(&Launch { command, folder, user, end: "QUIT" })?;
        Ok(Self { programs, process: Mutex::new(process), port, databases: AtomicU64::new(1), kind })
    }

    /// Wait until it answers, or has ended.
    async fn ready(&self) -> Result<()> {
        let ready = async {
            while !self.is_ready() {
                if self.process().has_died() {
                    bail!("PostgreSQL has ended instead of starting:\n{}", self.log());
                }
                sleep(LOOK).await;
            }
            Ok(())
        };
        let ready = timeout(START_TIME_MAX, ready).await;
        ready.with_context(|| format!("PostgreSQL does not get ready:\n{}", self.log()))?
    }

    /// As `pg_ctl` does, by the file with its process id, whose last line is its state.
    fn is_ready(&self) -> bool {
        let process = self.process();
        let file = std::fs::read_to_string(process.folder().join("data/postmaster.pid")).unwrap_or_default();
        let server = process.server().map(|server| server.as_raw_nonzero().to_string());
        let mine = file.lines().next().map(str::to_owned) == server;
        mine && file.lines().nth(7).is_some_and(|state| state.trim_end() == "ready")
    }

    fn ask(&self, statement: &str) -> std::process::Command {
        let mut psql = std::process::Command::new(self.programs.postgresql("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--command", statement]);
        psql.arg(self.url("postgres")).stdin(Stdio::null());
        psql
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@{}/{database}", self.address())
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Database {
    /// How to connect to it, as its owner.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(removal) = &mut self.removal {
            // If that fails it goes with its server.
            drop(removal.output());
        }
    }
}

/// A data folder to copy, initialised by the first who needs it.
async fn template(programs: &Programs, user: User) -> Result<PathBuf> {
    let version = programs.postgresql_version();
    let ready = programs.cache().join(format!("postgresql-{version}-{TEMPLATE}-{}", user.uid));
    if ready.exists() {
        return Ok(ready);
    }
    // Where it will be kept, the user may have no access.
    let made = user.folder()?;
    let mut initdb = Command::new(programs.postgresql("initdb"));
    initdb.args(INITDB).arg("--pgdata").arg(made.join("data")).current_dir(&made);
    if user != User::myself() {
        initdb.uid(user.uid).gid(user.gid);
    }
    run(&mut initdb).await?;
    let beside = tempfile::tempdir_in(programs.cache())?;
    copy(&made.join("data"), &beside.path().join("data")).await?;
    std::fs::remove_dir_all(&made)?;
    if let Err(error) = std::fs::rename(beside.path().join("data"), &ready) {
        // Somebody else was faster: his is as good.
        ensure!(ready.exists(), "the template cannot be kept: {error}");
    }
    Ok(ready)
}

/// Copy a folder with its owners and rights.
async fn copy(from: &Path, to: &Path) -> Result<()> {
    run(Command::new("cp").arg("-a").arg(from).arg(to)).await
}

async fn run(command: &mut Command) -> Result<()> {
    let done = command.stdin(Stdio::null()).output().await.context("a program cannot be started")?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{:?} failed: {said}", command.as_std());
    Ok(())
}
