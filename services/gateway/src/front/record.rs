//! One metric and one line of log for each request.

use std::time::Duration;

use axum::response::Response;
use http::{HeaderValue, Method};
use runtime::audit;

use super::Visit;
use super::meters::Meters;
use crate::error::{Fault, RefusedByRole};

/// A request that has been answered.
pub(super) struct Answered<'a> {
    pub(super) id: &'a HeaderValue,
    pub(super) method: &'static str,
    pub(super) visit: &'a Visit,
    pub(super) response: &'a Response,
    pub(super) took: Duration,
}

/// Methods are a client's free text: keep the labels few.
pub(super) fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// Count and time it, and write the line: `error` only for what is our fault, because
/// a client can cause all the rest as often as it likes.
pub(super) fn answered(meters: &Meters, answered: &Answered<'_>) {
    let Answered { id, method, visit, response, took } = answered;
    let endpoint = visit.endpoint();
    let status = response.status();
    meters.answered(endpoint, (method, status), *took);

    let id = id.to_str().unwrap_or_default();
    let (status, took) = (status.as_u16(), took.as_secs_f64());
    if response.extensions().get::<RefusedByRole>().is_some() {
        audit::refused_by_role(visit.user(), endpoint, visit.client_address());
    }
    match response.extensions().get::<Fault>() {
        Some(Fault(cause)) => {
            let cause = format!("{cause:#}");
            tracing::error!(
                request.id = id,
                endpoint,
                method,
                status,
                took,
                cause,
                "failed to answer a request"
            );
        }
        None => tracing::debug!(request.id = id, endpoint, method, status, took, "answered a request"),
    }
}
