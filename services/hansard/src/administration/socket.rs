//! The socket in the data folder by which the operator's commands reach the server that holds it.
//!
//! One line of JSON asks, one answers, and the connection ends. Whoever may connect could read the stores
//! themselves: the socket is its owner's alone, and whoever connects must be that user or root, whatever
//! the rights of the file were when he did.

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use runtime::Stop;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::act::Act;
use super::desk::Desk;
use super::shown::Done;

/// The socket's name in the data folder.
const FILE: &str = "admin.sock";
/// Operators at once; more wait.
const ASKERS_MAX: usize = 4;
/// How long one may take to say what is to be done.
const SAY_TIME_MAX: Duration = Duration::from_secs(2);
/// How long one may take, the work included.
const TALK_TIME_MAX: Duration = Duration::from_secs(30);
/// The longest request and the longest answer, in bytes: a page of users fits.
const REQUEST_BYTES_MAX: u64 = 64 * 1024;
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// The longest path that every system takes for a socket, in bytes.
const PATH_BYTES_MAX: usize = 100;

/// What comes back.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done(Done),
    Refused(String),
}

/// The socket, listening. It goes when this is dropped.
pub(crate) struct Door {
    listener: UnixListener,
    path: PathBuf,
}

impl Door {
    /// Listen in the folder, which this process holds: a socket that is there is that of a process that is gone.
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        let path = folder.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let (short, _open) = short(folder)?;
        let listener = UnixListener::bind(short)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(Self { listener, path })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        // One that is left is found to be nobody's.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A path of the socket that is short enough for the system, as long as the file is open.
fn short(folder: &Path) -> std::io::Result<(PathBuf, Option<File>)> {
    let path = folder.join(FILE);
    if path.as_os_str().as_bytes().len() <= PATH_BYTES_MAX {
        return Ok((path, None));
    }
    let open = File::open(folder)?;
    Ok((format!("/proc/self/fd/{}/{FILE}", open.as_raw_fd()).into(), Some(open)))
}

/// Do what operators ask for, until it is time to stop; who asks then is answered first.
pub(crate) async fn serve(door: Door, desk: Desk, stop: Stop) -> anyhow::Result<()> {
    let mut talks = JoinSet::new();
    loop {
        while talks.len() >= ASKERS_MAX {
            talks.join_next().await;
        }
        let accepted = tokio::select! {
            accepted = door.listener.accept() => accepted,
            Some(_) = talks.join_next() => continue,
            () = stop.stopped() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                talks.spawn(talk(stream, desk.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "an operator's command could not connect");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
    while talks.join_next().await.is_some() {}
    Ok(())
}

async fn talk(stream: UnixStream, desk: Desk) {
    match timeout(TALK_TIME_MAX, answer(stream, &desk)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(error = %format!("{error:#}"), "an operator's command got no answer")
        }
        Err(_) => tracing::warn!("an operator's command took too long"),
    }
}

async fn answer(stream: UnixStream, desk: &Desk) -> anyhow::Result<()> {
    let peer = stream.peer_cred()?.uid();
    let own = rustix::process::geteuid().as_raw();
    anyhow::ensure!(peer == own || peer == 0, "user {peer} of the system may not administer this server");
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut limited = (&mut stream).take(REQUEST_BYTES_MAX);
    timeout(SAY_TIME_MAX, limited.read_line(&mut line)).await.context("nothing was asked")??;
    // Who only wanted to know whether anybody listens.
    if line.is_empty() {
        return Ok(());
    }
    let by = format!("user {peer} of the system");
    let answer = match serde_json::from_str::<Act>(&line) {
        Ok(act) => match desk.perform(act, &by).await {
            Ok(done) => Answer::Done(done),
            Err(error) => Answer::Refused(format!("{error:#}")),
        },
        // Not the reason: it could quote a password.
        Err(_) => Answer::Refused(
            "the server does not know this request: use the `hansard` of the server's own version".to_owned(),
        ),
    };
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    Ok(stream.shutdown().await?)
}

/// Whether a server takes commands in that folder. Blocks for a moment.
pub(crate) fn is_listening(folder: &Path) -> bool {
    short(folder).is_ok_and(|(path, _open)| std::os::unix::net::UnixStream::connect(path).is_ok())
}

/// The connection to the server of that folder; `None` if nobody listens there.
pub(super) async fn connect(folder: &Path) -> anyhow::Result<Option<UnixStream>> {
    use std::io::ErrorKind::{ConnectionRefused, NotFound};
    let (path, _open) = short(folder)?;
    match UnixStream::connect(path).await {
        Ok(stream) => Ok(Some(stream)),
        Err(error) if matches!(error.kind(), ConnectionRefused | NotFound) => Ok(None),
        Err(error) => {
            Err(error).with_context(|| format!("cannot reach the server at {}", folder.join(FILE).display()))
        }
    }
}

/// Have the server at the other end do it.
///
/// # Errors
///
/// What the server says of it, or that it gave no answer: then it is unknown whether it was done.
pub(super) async fn ask(stream: UnixStream, act: &Act) -> anyhow::Result<Done> {
    let asking = async {
        let mut stream = BufReader::new(stream);
        let mut line = serde_json::to_vec(act)?;
        anyhow::ensure!(line.len() < REQUEST_BYTES_MAX as usize, "that is too much for one request");
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = String::new();
        stream.take(ANSWER_BYTES_MAX).read_line(&mut answer).await?;
        anyhow::ensure!(!answer.is_empty(), "the server gave no answer: its log says why");
        serde_json::from_str::<Answer>(&answer).map_err(|_| {
            anyhow::anyhow!(
                "the server's answer cannot be read: use the `hansard` of the server's own version"
            )
        })
    };
    match timeout(TALK_TIME_MAX, asking).await.context("the server does not answer")?? {
        Answer::Done(done) => Ok(done),
        Answer::Refused(why) => Err(anyhow::anyhow!(why)),
    }
}
