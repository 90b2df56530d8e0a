//! A server that cannot outlive the process that started it, `kill -9` included.
//!
//! Between the two stands a shell that reads orders from a pipe. When the pipe closes, for whatever
//! reason, it ends the server and removes its folder. The shell is the server's parent, so a process
//! id names nobody else until the shell has waited for it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal};

use crate::user::User;

/// Takes the signal that ends the server, its folder, and the server's command line.
/// Its orders: `start` (answers with the process id), `wait` (answers when it has ended).
const WATCHER: &str = r#"
end=$1; folder=$2; shift 2
while read -r order; do
    case $order in
        start) "$@" >>"$folder/log" 2>&1 </dev/null & server=$!; echo "$server" ;;
        wait) wait "$server"; server=; echo ended ;;
    esac
done
if [ -n "$server" ]; then
    kill -s "$end" "$server"; kill -s CONT "$server"; wait "$server"
fi
cd / && rm -rf "$folder"
"#;

/// What a server is.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// What is its own: its log is written here, and all of it is removed at the end.
    pub(crate) folder: PathBuf,
    /// Whom it runs as.
    pub(crate) user: User,
    /// How it is ended when nobody is left to end it.
    pub(crate) end: &'static str,
}

/// A server that runs, or could.
#[derive(Debug)]
pub(crate) struct Process {
    watcher: Child,
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    server: Option<Pid>,
    folder: PathBuf,
}

impl Process {
    /// Start it.
    pub(crate) fn start(launch: &Launch) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", WATCHER, "watcher", launch.end]).arg(&launch.folder).args(&launch.command);
        // A group of its own: what a terminal sends to the tests must not end the watcher first.
        command.process_group(0).current_dir(&launch.folder);
        if launch.user != User::myself() {
            command.uid(launch.user.uid).gid(launch.user.gid);
        }
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut watcher = piped.spawn().context("a shell cannot be started")?;
        let orders = watcher.stdin.take();
        let answers = BufReader::new(watcher.stdout.take().context("the shell has no output")?);
        let folder = launch.folder.clone();
        let mut process = Self { watcher, orders, answers, server: None, folder };
        process.start_again()?;
        Ok(process)
    }

    /// Start it once more, after its end.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        let server = self.order("start")?.parse().context("the shell names no process")?;
        self.server = Some(Pid::from_raw(server).context("0 is no process")?);
        Ok(())
    }

    /// Its id, while it runs.
    pub(crate) fn server(&self) -> Option<Pid> {
        self.server
    }

    /// End it by this signal, and wait until it has ended. Nothing happens if it has already.
    pub(crate) fn end(&mut self, signal: Signal) -> Result<()> {
        if let Some(server) = self.server.take() {
            rustix::process::kill_process(server, signal).context("the server cannot be ended")?;
            rustix::process::kill_process(server, Signal::CONT).context("the server cannot be woken")?;
            self.order("wait")?;
        }
        Ok(())
    }

    /// Has it ended although nobody asked?
    pub(crate) fn has_died(&self) -> bool {
        self.server.is_some_and(|server| matches!(state(server), None | Some('Z')))
    }

    /// What it has said.
    pub(crate) fn log(&self) -> String {
        let log = std::fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// What is its own.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn order(&mut self, order: &str) -> Result<String> {
        let orders = self.orders.as_mut().context("the shell is gone")?;
        writeln!(orders, "{order}").context("the shell does not listen")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("the shell does not answer")?;
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.orders.take());
        // A shell that cannot be waited for has ended.
        drop(self.watcher.wait());
    }
}

/// The processes that `parent` has started.
pub(crate) fn children(parent: Pid) -> Vec<Pid> {
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = processes.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    let parent = parent.as_raw_nonzero().to_string();
    ids.filter(|id| stat(*id).and_then(|stat| Some(stat.split(' ').nth(1)? == parent)) == Some(true))
        .collect()
}

/// What the process does, as the system tells it: `Z` has ended.
fn state(process: Pid) -> Option<char> {
    stat(process)?.chars().next()
}

/// What the system tells about a process, from its state on. Before it stands its name in
/// parentheses, which may contain anything.
fn stat(process: Pid) -> Option<String> {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero())).ok()?;
    Some(stat.rsplit_once(") ")?.1.to_owned())
}
