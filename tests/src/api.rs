//! The API over HTTP, as any client would call it.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// Longer than any answer may take.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(60);
/// How often to look at a figure that will change without a signal, and for how long.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const FIGURE_TIME_MAX: Duration = Duration::from_secs(20);

/// A server's API. Clones stay with the server when it is started again elsewhere.
#[derive(Clone, Debug)]
pub struct Api {
    client: Client,
    address: Arc<RwLock<SocketAddr>>,
}

impl Api {
    pub(crate) fn at(address: SocketAddr) -> Self {
        let client = Client::builder().timeout(ANSWER_TIME_MAX).no_proxy().build();
        Self { client: client.expect("a client can be made"), address: Arc::new(RwLock::new(address)) }
    }

    pub(crate) fn moves_to(&self, address: SocketAddr) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = address;
    }

    /// Where it is now.
    pub fn address(&self) -> SocketAddr {
        *self.address.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request to `path`, which may have a query.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}/{path}", self.address()))
    }

    /// `GET path` without a session.
    pub async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request(Method::GET, path)).await
    }

    /// The value of a metric: the sum over its labels; 0 if it was never recorded.
    pub async fn metric(&self, name: &str) -> f64 {
        let metrics = self.get("metrics").await.is(200).text();
        let of_it = metrics.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        of_it.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }

    /// Whether a metric comes to `value` in time: figures are copied now and then only, and
    /// nothing tells when.
    pub async fn metric_reaches(&self, name: &str, value: f64) -> bool {
        let reached = async {
            while self.metric(name).await < value {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(FIGURE_TIME_MAX, reached).await.is_ok()
    }

    /// Whether the server comes to call itself ready, or not ready, in time.
    pub async fn comes_to_be_ready(&self, ready: bool) -> bool {
        let status = if ready { 200 } else { 503 };
        let so_far = async {
            while self.get("health/ready").await.status != status {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(FIGURE_TIME_MAX, so_far).await.is_ok()
    }
}

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The answer to a request that gets one.
    pub async fn to(request: RequestBuilder) -> Self {
        Self::try_to(request).await.expect("the server answers")
    }

    /// The answer, or why there is none.
    ///
    /// # Errors
    ///
    /// The connection failed: whether the request was served is not known.
    pub async fn try_to(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Self { status, headers, body: response.bytes().await?.to_vec() })
    }

    /// The same, if it has that status.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("no JSON: {} {:?}", self.status, self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty without one.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
