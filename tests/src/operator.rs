//! The operator's side: commands beside a server, and lines pasted into a shell.

use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::binary::program;
use crate::server::Setup;

/// A process that has ended, and what it said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; none if a signal ended it.
    pub code: Option<i32>,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Ended {
    /// Standard output as JSON, line by line.
    pub fn json_lines(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).expect("each line is JSON");
        self.stdout.lines().map(parse).collect()
    }

    /// The same, if it has gone well.
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

/// Run `hansard <arguments> --data <data>` to its end.
pub async fn operator(data: &Path, arguments: &[&str]) -> Ended {
    operator_with(data, None, arguments).await
}

/// The same with the settings that a server is started with.
pub(crate) async fn operator_with(data: &Path, setup: Option<&Setup>, arguments: &[&str]) -> Ended {
    run(hansard(data, setup, arguments)).await
}

/// The same, with `input` on standard input.
pub(crate) async fn operator_fed(
    data: &Path,
    setup: Option<&Setup>,
    (arguments, input): (&[&str], &str),
) -> Ended {
    let mut command = hansard(data, setup, arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("the command starts");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    stdin.write_all(input.as_bytes()).await.expect("the command reads its input");
    drop(stdin);
    ended(child.wait_with_output().await.expect("the command can be waited for"))
}

fn hansard(data: &Path, setup: Option<&Setup>, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.env_clear().args(arguments).arg("--data").arg(data);
    command.envs(setup.into_iter().flat_map(Setup::environment));
    command
}

/// Run `script` in a shell, as somebody who pastes it.
pub async fn shell(script: &str) -> Ended {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script);
    run(command).await
}

async fn run(mut command: Command) -> Ended {
    ended(command.stdin(Stdio::null()).kill_on_drop(true).output().await.expect("the command starts"))
}

fn ended(output: Output) -> Ended {
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("standard output is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("standard error is UTF-8"),
    }
}
