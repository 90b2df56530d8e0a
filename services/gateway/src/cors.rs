//! Browsers on any origin may call every path and read every answer.
//!
//! There are no cookies: the token is a header that a page has to know, so letting
//! every origin in gives none of them anything.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, StatusCode, header};

const METHODS: &str = "GET, POST, PUT, PATCH, DELETE, OPTIONS";
const HEADERS: &str = "Authorization, Content-Type, CB-Token, CB-AuthKey, CB-SDK, CB-Administration-API-Key, \
    ConnectyCube-REST-API-Version, Idempotency-Key, Min-Log-Position, X-Request-Id";
const EXPOSED: &str = "CB-Token-ExpirationDate, Log-Position, Log-Visible, RateLimit-Limit, RateLimit-Remaining, \
    RateLimit-Reset, Retry-After, X-Request-Id";
/// Two hours, in seconds: the most that any browser keeps a preflight's answer.
const PREFLIGHT_KEPT: &str = "7200";

/// The answer to `OPTIONS` on any path, known or not, with or without a token.
pub(crate) fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(HEADERS));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(PREFLIGHT_KEPT));
    response
}

/// Let any origin read the answer and the headers that are part of the API.
pub(crate) fn allow(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
}
