//! Ask a router in process and show the whole answer, for inline snapshots.

pub(crate) mod chat;
mod writer;

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Method, Request};

use crate::{Front, Limits};

/// Small enough to go over in a test.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024;

/// The router behind all conventions, with request ids that are always `made-here`.
pub(crate) fn front(router: Router) -> Front {
    let limits = Limits { body_bytes_max: BODY_BYTES_MAX, ..Limits::default() };
    Front::new(router, limits, Arc::new(|| "made-here".to_owned()))
}

/// A request with that body, announced as `kind` unless that is blank.
pub(crate) fn request(method: Method, uri: &str, kind: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(method).uri(uri);
    let request = if kind.is_empty() { request } else { request.header("Content-Type", kind) };
    request.body(body.into()).unwrap()
}

/// A request without a body.
pub(crate) fn get(uri: &str) -> Request<Body> {
    request(Method::GET, uri, "", "")
}

/// Status and body of the answer: `200 {"a":1}`.
pub(crate) async fn brief(front: &Front, request: Request<Body>) -> String {
    let response = front.answer(request).await;
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    format!("{status} {}", String::from_utf8(body.to_vec()).unwrap())
}

/// The answer as it goes over the wire, headers in alphabetical order.
pub(crate) async fn whole(front: &Front, request: Request<Body>) -> String {
    let response = front.answer(request).await;
    let mut shown = format!("{}\n", response.status());
    let mut headers: Vec<_> = response.headers().iter().collect();
    headers.sort_by_key(|(name, _)| name.as_str());
    for (name, value) in headers {
        writeln!(shown, "{name}: {}", value.to_str().unwrap()).unwrap();
    }
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    shown.push_str(std::str::from_utf8(&body).unwrap());
    shown
}
