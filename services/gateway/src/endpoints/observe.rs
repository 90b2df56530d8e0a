//! `GET /health/live`, `GET /health/ready` and `GET /metrics`: for those who run it.
//!
//! A process of any role answers these, with or without an API beside them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{HeaderValue, StatusCode, header};
use runtime::Health;
use serde_json::json;

use crate::answer;

/// Writes all metrics of the process in the Prometheus text format.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// What a process says about itself. Cheap to clone.
#[derive(Clone)]
pub struct Observed {
    /// Whether its parts can do their work.
    pub health: Health,
    /// Its metrics.
    pub render_metrics: RenderMetrics,
}

/// The routes that tell how the process is; to be put behind a [`Front`](crate::Front).
pub fn observing(observed: Observed) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(observed)
}

/// 200: the process answers.
async fn live() -> Response {
    answer::ok(&json!({ "live": true }))
}

/// Each part of the process and whether it can do its work; 503 unless all can.
async fn ready(State(observed): State<Observed>) -> Response {
    let report = observed.health.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer::json(status, &report)
}

/// The metrics in the Prometheus text format.
async fn metrics(State(observed): State<Observed>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, kind)], (observed.render_metrics)()).into_response()
}
