//! What every request passes before and after its endpoint: the outer side of HTTP.
//!
//! In: preflight, limits, where it came from, the plain form of the address. Out: errors in
//! the API's shape for whatever no endpoint answered (unknown paths, panics, time-outs),
//! headers for browsers, one metric and one line of log. It authenticates nobody and knows no
//! endpoint. Nothing of a query, a body, a header or a path reaches the log: an
//! endpoint is logged as the template of its route.

mod headers;
mod meters;
mod proxies;
mod record;
#[cfg(test)]
mod tests;
mod visit;

use std::any::Any;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{DefaultBodyLimit, Request};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use runtime::trace;
use tokio::time::{Instant, timeout};
use tower::util::MapRequestLayer;
use tower::{BoxError, Service};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::field::Empty;
use tracing::{Instrument, Span};

use crate::{ApiError, answer, cors, path};
use meters::Meters;

pub(crate) use proxies::bucket;
pub use proxies::{ForwardedBy, Proxies};
pub use visit::Visit;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const EXPIRATION_DATE: HeaderName = HeaderName::from_static("cb-token-expirationdate");
/// The longest request id that is taken over from a client or proxy.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// A body that is too large is read up to here and thrown away, because a client that still
/// writes does not see the answer; beyond, the connection is closed under it.
const DISCARDED_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// The longest time for that.
const DISCARD_TIME_MAX: Duration = Duration::from_secs(2);
/// After this it is worth asking again when a request took too long.
const RETRY_AFTER_TIMEOUT: Duration = Duration::from_secs(1);

/// What a request may cost before an endpoint sees it.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The longest body, in bytes; more is 413.
    pub body_bytes_max: usize,
    /// The longest path with query, in bytes; more is 414.
    pub uri_bytes_max: usize,
    /// The most bytes of all headers together; more is 431.
    pub head_bytes_max: usize,
    /// The longest time from the head of a request to the head of its answer; more is
    /// 503 with `Retry-After`, and what the endpoint was doing is dropped.
    pub request_time_max: Duration,
}

impl Default for Limits {
    /// The API's 1 MB of body; an address that holds a hundred ids in the longest
    /// spelling four times over; more time than any wait inside may take.
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            uri_bytes_max: 16 * 1024,
            head_bytes_max: 32 * 1024,
            request_time_max: Duration::from_secs(10),
        }
    }
}

/// Makes a request id: 1 to 64 letters, digits, `-`, `_` or `.`; never twice the same.
pub type NewRequestId = Arc<dyn Fn() -> String + Send + Sync>;

/// The service that answers every request; cheap to clone.
#[derive(Clone)]
pub struct Front {
    router: Router,
    /// What takes its place once it is there.
    opened: Arc<OnceLock<Router>>,
    limits: Limits,
    new_request_id: NewRequestId,
    entrance: Arc<Entrance>,
    meters: Arc<Meters>,
    /// Who is at the other end of the connection.
    peer: IpAddr,
}

/// How requests come to the front.
#[derive(Debug, Clone, Default)]
pub struct Entrance {
    /// Who is believed to say where they come from.
    pub proxies: Proxies,
    /// Whether their connections are encrypted, and clients are to insist on that.
    pub is_encrypted: bool,
}

/// The span of a request, part of the caller's trace if he says so.
fn traced(request: &Request, method: &str) -> Span {
    let span = tracing::trace_span!(
        target: trace::TARGET,
        "request",
        otel.kind = "server",
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty
    );
    let parent = request.headers().get(trace::TRACEPARENT).and_then(|value| value.to_str().ok());
    trace::adopt(&span, parent);
    span
}

impl Front {
    /// Put the conventions around a finished router. Its fallbacks are replaced.
    pub fn new(router: Router, limits: Limits, new_request_id: NewRequestId) -> Self {
        let (router, peer) = (dressed(router, limits), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let (opened, entrance, meters) = <_>::default();
        Self { router, opened, limits, new_request_id, entrance, meters, peer }
    }

    /// The same, where requests come in like that.
    pub fn entered(self, entrance: Entrance) -> Self {
        Self { entrance: Arc::new(entrance), ..self }
    }

    /// The same, for the requests of one connection.
    pub fn facing(&self, peer: IpAddr) -> Self {
        Self { peer, ..self.clone() }
    }

    /// Whether that is a proxy of ours, through which many come.
    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.entrance.proxies.trusts(peer)
    }

    /// From now on `router` answers, for every clone and on every connection. The first one
    /// that is given counts.
    pub fn open(&self, router: Router) {
        self.opened.get_or_init(|| dressed(router, self.limits));
    }

    /// Answer one request. Never fails: what goes wrong is an answer too.
    pub async fn answer(&self, request: Request) -> Response {
        let started = Instant::now();
        let method = record::method(request.method());
        let id = self.request_id(request.headers());
        let visit = Visit::by(self.entrance.proxies.client(self.peer, request.headers()));
        let has_body = announces_body(request.headers());
        let span = tracing::debug_span!("request", request.id = id.to_str().unwrap_or_default());
        let mut response = if request.method() == Method::OPTIONS {
            cors::preflight()
        } else {
            let traced = traced(&request, method);
            let response =
                self.route(request, visit.clone()).instrument(span).instrument(traced.clone()).await;
            traced.record("http.route", visit.endpoint());
            traced.record("http.response.status_code", response.status().as_u16());
            response
        };
        let took = started.elapsed();
        let answered = record::Answered { id: &id, method, visit: &visit, response: &response, took };
        record::answered(&self.meters, &answered);
        let headers = response.headers_mut();
        cors::allow(headers);
        headers::secure(headers, self.entrance.is_encrypted);
        headers.insert(REQUEST_ID, id);
        if let Some(level) = visit.level() {
            headers::tell(headers, level);
        }
        if let Some(date) = visit.expires().and_then(answer::expiration_date) {
            headers.insert(EXPIRATION_DATE, date);
        }
        if has_body && !visit.has_read_body() {
            // What is still to come would be taken for the next request, so the connection
            // ends; a client that is not told sends its next request into nothing.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn route(&self, mut request: Request, visit: Visit) -> Response {
        if let Err(refused) = self.check(&request) {
            if timeout(DISCARD_TIME_MAX, discard(request, DISCARDED_BYTES_MAX)).await == Ok(true) {
                visit.read_body();
            }
            return refused.into_response();
        }
        path::normalise(request.uri_mut());
        request.extensions_mut().insert(visit);
        let mut router = self.opened.get().unwrap_or(&self.router).clone();
        match timeout(self.limits.request_time_max, router.call(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(_) => ApiError::Unavailable(RETRY_AFTER_TIMEOUT).into_response(),
        }
    }

    /// What can be refused by the head alone, before anything of the body is read.
    fn check(&self, request: &Request) -> Result<(), ApiError> {
        let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
        if target > self.limits.uri_bytes_max {
            return Err(ApiError::UriTooLong);
        }
        let head = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
        if head.sum::<usize>() > self.limits.head_bytes_max {
            return Err(ApiError::HeadTooLarge);
        }
        if announced_length(request.headers())
            .is_some_and(|length| length > self.limits.body_bytes_max as u64)
        {
            return Err(ApiError::BodyTooLarge);
        }
        Ok(())
    }

    /// The caller's own id if it is harmless in a log, otherwise a new one.
    fn request_id(&self, headers: &HeaderMap) -> HeaderValue {
        if let Some(id) = headers.get(REQUEST_ID).filter(|id| harmless(id.as_bytes())) {
            return id.clone();
        }
        HeaderValue::try_from((self.new_request_id)()).unwrap_or(HeaderValue::from_static("none"))
    }
}

fn dressed(router: Router, limits: Limits) -> Router {
    router
        .fallback(async || ApiError::NoSuchEndpoint)
        .method_not_allowed_fallback(async || ApiError::NoSuchEndpoint)
        .layer((
            MapRequestLayer::new(visit::note_endpoint),
            DefaultBodyLimit::max(limits.body_bytes_max),
            CatchPanicLayer::custom(panicked),
        ))
}

/// Whether there is a body behind the head; it may not have come yet.
fn announces_body(headers: &HeaderMap) -> bool {
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0")
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Read the body of a refused request to its end, if that is in sight: announced and of at most
/// `bytes_max`; whether it was.
pub(crate) async fn discard(request: Request, bytes_max: u64) -> bool {
    if announced_length(request.headers()).is_none_or(|length| length > bytes_max) {
        return false;
    }
    let mut body = request.into_body().into_data_stream();
    while let Some(bytes) = body.next().await {
        if bytes.is_err() {
            return false;
        }
    }
    true
}

fn harmless(id: &[u8]) -> bool {
    (1..=REQUEST_ID_BYTES_MAX).contains(&id.len())
        && id.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ApiError::internal(anyhow::anyhow!("an endpoint panicked: {text}")).into_response()
}

impl<B> Service<http::Request<B>> for Front
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.answer(request.map(Body::new)).await) })
    }
}
