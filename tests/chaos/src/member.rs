//! One process of a cluster, which goes on when whoever started it ends.
//!
//! Its file `<name>.pid` says which process it is and since when, so that an id that the system has
//! given to somebody else since is not taken for it.

use std::fs::{File, OpenOptions};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use engines::User;
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::sleep;

const LOOK: Duration = Duration::from_millis(20);
const READY_TIME_MAX: Duration = Duration::from_secs(90);
const STOP_TIME_MAX: Duration = Duration::from_secs(30);
const ANSWER_TIME_MAX: Duration = Duration::from_secs(2);
/// How much of a log is shown when a member fails.
const LOG_LINES: usize = 20;

/// How to see that a member is ready.
#[derive(Clone, Debug)]
pub enum Ready {
    /// This URL answers 200.
    Answers(String),
    /// PostgreSQL's file with its process id says so.
    Says(PathBuf),
}

/// One process of a cluster, running or not.
#[derive(Clone, Debug)]
pub struct Member {
    /// What it is called, such as `command-1`.
    pub name: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Its environment, which is all that it gets.
    pub environment: Vec<(String, String)>,
    /// Whom it runs as.
    pub user: User,
    /// Where the cluster keeps what it knows about its members.
    pub folder: PathBuf,
    /// How to see that it is ready.
    pub ready: Ready,
    /// How to ask it to end.
    pub end: Signal,
}

impl Member {
    /// Start it, unless it runs.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(&self) -> Result<()> {
        if self.process().is_some() {
            return Ok(());
        }
        let log = OpenOptions::new().create(true).append(true).open(self.log_file())?;
        let (program, arguments) = self.command.split_first().context("a member has a program")?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own: what a terminal sends does not reach it.
        command.process_group(0);
        if self.user != User::myself() {
            command.uid(self.user.uid).gid(self.user.gid).current_dir("/");
        }
        let child = command.spawn().with_context(|| format!("{program} cannot be started"))?;
        let since = since(child.id()).context("it has ended at once")?;
        std::fs::write(self.pid_file(), format!("{} {since}\n", child.id()))?;
        Ok(())
    }

    /// Wait until it is ready.
    ///
    /// # Errors
    ///
    /// It has ended instead, or takes too long.
    pub async fn wait_until_ready(&self) -> Result<()> {
        let begun = Instant::now();
        while !self.is_ready().await {
            if self.process().is_none() {
                bail!("{} has ended instead of getting ready:\n{}", self.name, self.last_words());
            }
            if begun.elapsed() > READY_TIME_MAX {
                bail!("{} does not get ready:\n{}", self.name, self.last_words());
            }
            sleep(LOOK).await;
        }
        Ok(())
    }

    /// Is it ready now?
    pub async fn is_ready(&self) -> bool {
        match &self.ready {
            Ready::Answers(url) => answers(url).await,
            Ready::Says(file) => {
                let said = std::fs::read_to_string(file).unwrap_or_default();
                let mine = said.lines().next().map(str::to_owned)
                    == self.process().map(|pid| number(pid).to_string());
                mine && said.lines().nth(7).is_some_and(|state| state.trim_end() == "ready")
            }
        }
    }

    /// Its process, if it runs.
    pub fn process(&self) -> Option<Pid> {
        let text = std::fs::read_to_string(self.pid_file()).ok()?;
        let (id, was) = text.trim_end().split_once(' ')?;
        let id: u32 = id.parse().ok()?;
        (since(id)? == was).then_some(())?;
        Pid::from_raw(i32::try_from(id).ok()?)
    }

    /// Send it a signal, if it runs.
    ///
    /// # Errors
    ///
    /// We may not.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        if let Some(process) = self.process() {
            kill_process(process, signal).with_context(|| format!("{} cannot be signalled", self.name))?;
        }
        Ok(())
    }

    /// End it by this signal and wait until it has; by force if it takes too long.
    ///
    /// # Errors
    ///
    /// It does not end.
    pub async fn stop(&self, signal: Signal) -> Result<()> {
        self.signal(signal)?;
        let begun = Instant::now();
        while self.process().is_some() {
            if begun.elapsed() > 2 * STOP_TIME_MAX {
                bail!("{} does not end", self.name);
            }
            if begun.elapsed() > STOP_TIME_MAX {
                self.signal(Signal::KILL)?;
            }
            sleep(LOOK).await;
        }
        // Only what has ended is forgotten.
        std::fs::remove_file(self.pid_file()).ok();
        Ok(())
    }

    /// Where its log is.
    pub fn log_file(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    fn pid_file(&self) -> PathBuf {
        self.folder.join(format!("{}.pid", self.name))
    }

    fn last_words(&self) -> String {
        let log = std::fs::read(self.log_file()).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines = log.lines().collect::<Vec<_>>();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }
}

/// Does this URL answer 200?
pub(crate) async fn answers(url: &str) -> bool {
    let client = reqwest::Client::builder().timeout(ANSWER_TIME_MAX).no_proxy().build();
    let Ok(client) = client else { return false };
    client.get(url).send().await.is_ok_and(|answer| answer.status() == 200)
}

/// Make a folder and give it to somebody.
pub(crate) fn give_folder(folder: &Path, user: User) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    if user != User::myself() {
        std::os::unix::fs::chown(folder, Some(user.uid), Some(user.gid))?;
    }
    Ok(())
}

/// A lock that nobody else holds as long as this file is open.
pub(crate) fn lock(file: &Path) -> Result<File> {
    let file = File::create(file)?;
    file.lock()?;
    Ok(file)
}

fn number(process: Pid) -> i32 {
    process.as_raw_nonzero().get()
}

/// When a process started, in the system's own measure; nothing if it has ended.
fn since(process: u32) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // Before stand its number and its name in parentheses, which may contain anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?;
    (state != "Z").then_some(())?;
    fields.nth(18).map(str::to_owned)
}
