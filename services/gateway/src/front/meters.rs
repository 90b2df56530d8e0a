//! The figures of requests, found once for each kind of answer: to find a metric by its name and
//! labels costs more than to count.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use http::StatusCode;
use metrics::{Counter, Histogram};

/// By endpoint, method and status: few, as endpoints are templates of routes.
#[derive(Default)]
pub(super) struct Meters(RwLock<HashMap<String, Vec<Meter>>>);

struct Meter {
    method: &'static str,
    status: StatusCode,
    requests: Counter,
    seconds: Histogram,
}

impl Meters {
    /// Count a request that was answered, and time it.
    pub(super) fn answered(
        &self,
        endpoint: &str,
        (method, status): (&'static str, StatusCode),
        took: Duration,
    ) {
        if self.found(endpoint, (method, status), took) {
            return;
        }
        let mut meters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        meters.entry(endpoint.to_owned()).or_default().push(Meter::of(endpoint, (method, status)));
        drop(meters);
        self.found(endpoint, (method, status), took);
    }

    fn found(&self, endpoint: &str, kind: (&'static str, StatusCode), took: Duration) -> bool {
        let meters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_kind = |meter: &&Meter| (meter.method, meter.status) == kind;
        let Some(meter) = meters.get(endpoint).and_then(|meters| meters.iter().find(of_kind)) else {
            return false;
        };
        meter.requests.increment(1);
        meter.seconds.record(took.as_secs_f64());
        true
    }
}

impl Meter {
    fn of(endpoint: &str, (method, status): (&'static str, StatusCode)) -> Self {
        let endpoint = endpoint.to_owned();
        let seconds = metrics::histogram!(
            "http_request_duration_seconds", "endpoint" => endpoint.clone(), "method" => method
        );
        let requests = metrics::counter!(
            "http_requests_total",
            "endpoint" => endpoint, "method" => method, "status" => status.as_str().to_owned()
        );
        Self { method, status, requests, seconds }
    }
}
