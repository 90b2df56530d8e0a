//! `GET /health/live`, `GET /health/ready` and `GET /metrics`: for those who run it.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use crate::{Edge, answer};

/// 200: the process answers.
pub(super) async fn live() -> Response {
    answer::ok(&json!({ "live": true }))
}

/// Each part of the process and whether it can do its work; 503 unless all can.
pub(super) async fn ready(State(edge): State<Edge>) -> Response {
    let report = edge.health.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer::json(status, &report)
}

/// The metrics in the Prometheus text format.
pub(super) async fn metrics(State(edge): State<Edge>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, kind)], (edge.render_metrics)()).into_response()
}
