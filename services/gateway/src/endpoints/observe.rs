//! `GET /health/live`, `GET /health/ready` and `GET /metrics`: for those who run it.
//!
//! A process of any role answers these, with or without an API beside them.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use runtime::Health;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::answer;
use crate::shown::{HealthShown, NotReady};

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
    let (router, _) = table().split_for_parts();
    router.with_state(observed)
}

/// The routes, and what they are.
pub(crate) fn table() -> OpenApiRouter<Observed> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).routes(routes!(metrics))
}

/// Show that the process answers
#[utoipa::path(
    get, path = "/health/live", tag = "Operating", operation_id = "show_liveness",
    security(()),
    responses((status = 200, description = "It does", body = inline(serde_json::Value), content_type = "application/json")),
)]
async fn live() -> Response {
    answer::ok(&json!({ "live": true }))
}

/// Show whether the process can do its work
///
/// All of it, part by part.
#[utoipa::path(
    get, path = "/health/ready", tag = "Operating", operation_id = "show_readiness",
    security(()),
    responses(
        (status = 200, description = "It can", body = HealthShown),
        (status = 503, description = "It cannot; or it was not said in time", content((NotReady = "application/json"))),
    ),
)]
async fn ready(State(observed): State<Observed>) -> Response {
    let report = observed.health.report();
    let status = if report.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    answer::json(status, &report)
}

/// Show metrics
///
/// In the Prometheus text format.
#[utoipa::path(
    get, path = "/metrics", tag = "Operating", operation_id = "show_metrics",
    security(()),
    responses((status = 200, description = "All metrics of the process", body = String, content_type = "text/plain")),
)]
async fn metrics(State(observed): State<Observed>) -> Response {
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    ([(header::CONTENT_TYPE, kind)], (observed.render_metrics)()).into_response()
}
