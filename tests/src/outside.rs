//! Somebody outside whom a chat asks or tells: a server that answers each request as the test
//! says, however badly, and remembers what it was asked. And an issuer of tokens.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How often to look whether somebody was asked, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const ASKED_TIME_MAX: Duration = Duration::from_secs(30);

/// What is answered to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// That status and JSON.
    Json(u16, Value),
    /// Those very bytes.
    Raw(String),
    /// Nothing, for as long as anybody waits.
    Silence,
}

impl Reply {
    /// That status and a body of that kind.
    pub fn of(status: u16, kind: &str, body: &str) -> Self {
        let head = format!("HTTP/1.1 {status} x\r\nContent-Type: {kind}\r\nConnection: close\r\n");
        Self::Raw(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()))
    }

    fn text(self) -> Option<String> {
        match self {
            Self::Json(status, body) => Self::of(status, "application/json", &body.to_string()).text(),
            Self::Raw(text) => Some(text),
            Self::Silence => None,
        }
    }
}

type Replies = Arc<Mutex<Box<dyn Fn(&str) -> Reply + Send>>>;

/// A server outside. It serves until it is dropped.
pub struct Outside {
    address: SocketAddr,
    replies: Replies,
    asked: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Outside {
    /// It answers a request, head and body, with what `reply` makes of it.
    pub async fn start(reply: impl Fn(&str) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let replies: Replies = Arc::new(Mutex::new(Box::new(reply)));
        let asked = Arc::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&replies), Arc::clone(&asked)));
        Self { address, replies, asked, _serving: serving }
    }

    /// The address of `path` there.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on it answers so.
    pub fn answers(&self, reply: impl Fn(&str) -> Reply + Send + 'static) {
        *self.replies.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(reply);
    }

    /// The requests so far, heads and bodies.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same, once there are so many.
    pub async fn asked_times(&self, count: usize) -> Vec<String> {
        let enough = async {
            while self.asked().len() < count {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(ASKED_TIME_MAX, enough).await.expect("it is asked in time");
        self.asked()
    }
}

async fn serve(listener: TcpListener, replies: Replies, asked: Arc<Mutex<Vec<String>>>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (replies, asked) = (Arc::clone(&replies), Arc::clone(&asked));
        connections.spawn(async move {
            // Whoever goes away in the middle is no failure of the test.
            let _ = converse(stream, &replies, &asked).await;
        });
    }
}

async fn converse(
    mut stream: TcpStream,
    replies: &Replies,
    asked: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut request = String::new();
    while !is_whole(&request) {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await?;
        if count == 0 {
            return Ok(());
        }
        request.push_str(&String::from_utf8_lossy(&bytes[..count]));
    }
    let reply = replies.lock().unwrap_or_else(PoisonError::into_inner)(&request).text();
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    match reply {
        // One request a connection: the answer ends with it.
        Some(reply) => stream.write_all(reply.as_bytes()).await,
        None => std::future::pending().await,
    }
}

fn is_whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let lines = head.to_lowercase();
    let length = lines.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}

/// A pair of keys of an issuer, under a name.
pub struct SigningKey {
    id: &'static str,
    keys: EcdsaKeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A fresh one.
    pub fn new(id: &'static str) -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pair = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key can be made");
        let keys = EcdsaKeyPair::from_pkcs8(algorithm, pair.as_ref(), &random);
        Self { id, keys: keys.expect("a key that was made can be read") }
    }

    /// As the issuer publishes it.
    pub fn public(&self) -> Value {
        let (x, y) = self.keys.public_key().as_ref()[1..].split_at(32);
        json!({
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
            "x": BASE64.encode(x), "y": BASE64.encode(y),
        })
    }

    /// A token of those claims.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(&json!({ "alg": "ES256", "typ": "JWT", "kid": self.id }), claims)
    }

    /// The same under another header, which may lie.
    pub fn token_with(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| BASE64.encode(value.to_string());
        let message = format!("{}.{}", part(header), part(claims));
        let signature = self.keys.sign(&SystemRandom::new(), message.as_bytes()).expect("a key signs");
        format!("{message}.{}", BASE64.encode(signature.as_ref()))
    }
}

/// Seconds since 1970, as tokens tell times.
#[expect(clippy::disallowed_methods, reason = "an issuer's clock is none of the product's")]
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
