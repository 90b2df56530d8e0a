//! Somebody outside, for tests: a server that answers each request as it is told, however
//! badly, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// What it answers.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    /// That status and JSON.
    Json(u16, Value),
    /// Those very bytes.
    Raw(String),
    /// Those very bytes, and nothing more for as long as anybody waits.
    Half(String),
    /// Nothing, for as long as anybody waits.
    Silence,
}

impl Answer {
    fn text(self) -> String {
        match self {
            Self::Json(status, body) => whole(&status.to_string(), "application/json", &body.to_string()),
            Self::Raw(text) | Self::Half(text) => text,
            Self::Silence => String::new(),
        }
    }

    fn ends(&self) -> bool {
        matches!(self, Self::Json(..) | Self::Raw(_))
    }
}

/// A whole answer.
pub(super) fn whole(status: &str, kind: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// It serves until it is dropped.
pub(super) struct Outside {
    address: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    asked: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Outside {
    /// It answers everybody so.
    pub(super) async fn answering(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (answer, asked) = (Arc::new(Mutex::new(answer)), Arc::default());
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&answer), Arc::clone(&asked)));
        Self { address, answer, asked, _serving: serving }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on it answers so.
    pub(super) fn answers(&self, answer: Answer) {
        *self.answer.lock().unwrap() = answer;
    }

    /// The whole requests so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(listener: TcpListener, answer: Arc<Mutex<Answer>>, asked: Arc<Mutex<Vec<String>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (answer, asked) = (Arc::clone(&answer), Arc::clone(&asked));
        connections.spawn(async move {
            let _ = converse(stream, &answer, &asked).await;
        });
    }
}

async fn converse(
    mut stream: TcpStream,
    answer: &Mutex<Answer>,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut read = String::new();
    while !is_whole(&read) {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        read.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    asked.lock().unwrap().push(read);
    let answer = answer.lock().unwrap().clone();
    let ends = answer.ends();
    stream.write_all(answer.text().as_bytes()).await?;
    // One request a connection: the answer ends with it.
    if ends { Ok(()) } else { std::future::pending().await }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head
        .lines()
        .find_map(|line| line.to_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}
