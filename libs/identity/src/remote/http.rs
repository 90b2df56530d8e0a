//! Asking over HTTP with a limit on everything: time, bytes, requests at once.
//!
//! The answer is judged here as far as every asker judges it alike; what is in it, is for the
//! asker. Addresses hold passwords: they are in no error and no line of log.

use std::fmt;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, RequestBuilder, Response, redirect};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use url::Url;

use crate::OpenError;

/// Most bytes of an answer that are read.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// Longest time to connect, if all in all there is more.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// Connections that are kept for the next request.
const IDLE_CONNECTIONS_MAX: usize = 8;

/// Asks and tells others, so many at once.
pub(super) struct Asker {
    client: Client,
    places: Semaphore,
    time_max: Duration,
}

/// Why there is no good answer, in words that may be shown to whoever signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// As many ask already as may.
    Busy,
    /// Nobody can be connected to, or the connection broke.
    Unreachable,
    /// Nothing, or not all of it, came in time.
    Late(Duration),
    /// Another status than 2xx, a redirect among them.
    Status(u16),
    /// A good status, and something else than JSON of this use.
    Unusable(&'static str),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("busy"),
            Self::Unreachable => f.write_str("not reached"),
            Self::Late(time_max) => write!(f, "no answer within {} ms", time_max.as_millis()),
            Self::Status(status) => write!(f, "{status}"),
            Self::Unusable(what) => write!(f, "200, but {what}"),
        }
    }
}

impl Asker {
    /// At most `requests_max` requests at once, each of at most `time_max`. Blocks for some
    /// milliseconds: it reads the certificates that the system trusts.
    pub(super) fn new(time_max: Duration, requests_max: usize) -> Result<Self, OpenError> {
        let client = Client::builder()
            .connect_timeout(CONNECT_TIME_MAX.min(time_max))
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .user_agent("hansard")
            .build()
            .map_err(|error| OpenError::Failed {
                path: "an HTTP client".to_owned(),
                reason: error.to_string(),
            })?;
        Ok(Self { client, places: Semaphore::new(requests_max), time_max })
    }

    /// The JSON that a GET of `url` answers.
    pub(super) async fn get(&self, url: Url) -> Result<Value, Failure> {
        let request = self.client.get(url).header(ACCEPT, HeaderValue::from_static("application/json"));
        self.within_limits(async { json(send(request).await?).await }).await
    }

    /// That a POST of `body` was answered with 2xx; what else it says is not read.
    pub(super) async fn post(&self, url: Url, headers: HeaderMap, body: Vec<u8>) -> Result<(), Failure> {
        let request = self.client.post(url).headers(headers).body(body);
        self.within_limits(async { send(request).await.map(drop) }).await
    }

    async fn within_limits<T>(&self, asking: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let _place = self.places.try_acquire().map_err(|_| Failure::Busy)?;
        timeout(self.time_max, asking).await.unwrap_or(Err(Failure::Late(self.time_max)))
    }
}

async fn send(request: RequestBuilder) -> Result<Response, Failure> {
    let response = request.send().await.map_err(|_| Failure::Unreachable)?;
    match response.status() {
        status if status.is_success() => Ok(response),
        status => Err(Failure::Status(status.as_u16())),
    }
}

async fn json(mut response: Response) -> Result<Value, Failure> {
    const TOO_LARGE: Failure = Failure::Unusable("too large");
    if !response.headers().get(CONTENT_TYPE).is_some_and(is_json) {
        return Err(Failure::Unusable("not JSON"));
    }
    if response.content_length().is_some_and(|bytes| bytes > ANSWER_BYTES_MAX as u64) {
        return Err(TOO_LARGE);
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Failure::Unreachable)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(TOO_LARGE);
        }
        body.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&body).map_err(|_| Failure::Unusable("not JSON"))
}

/// `application/json`, and whatever calls itself a kind of it, such as `application/jwk-set+json`.
fn is_json(kind: &HeaderValue) -> bool {
    let Ok(kind) = kind.to_str() else { return false };
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The address that a setting of that name holds.
pub(super) fn address(name: &'static str, text: &str) -> Result<Url, OpenError> {
    let refuse = |reason: &str| OpenError::Setting { name, reason: reason.to_owned() };
    let url = Url::parse(text).map_err(|_| refuse("is no URL"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refuse("must begin with https:// or http://"));
    }
    Ok(url)
}
