//! What a process tells about its work: logs on standard error, metrics for Prometheus, traces
//! for a collector.
//!
//! Whatever is logged goes through `tracing`, panics included, so that a log in JSON is
//! JSON on every line. Which words may not be logged is for those who log to keep.

mod logs;
mod metrics;
mod traces;

pub use logs::{LogFormat, log_panics, subscriber};
pub use metrics::{Metrics, UPKEEP_EVERY, keep_up};
pub use traces::Traces;

use anyhow::Context as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer as _, layer::SubscriberExt as _};

/// Log to standard error in `format` what passes `filter` (`info,hyper=warn`), log
/// panics, and collect metrics. Once per process, before anything else.
///
/// # Errors
///
/// The filter is not one, or the process has been given a log or metrics already.
pub fn init(format: LogFormat, filter: &str) -> anyhow::Result<Metrics> {
    init_traced(format, filter, &Traces::off())
}

/// The same, with spans to a collector.
///
/// # Errors
///
/// Those of [`init`].
pub fn init_traced(format: LogFormat, filter: &str, traces: &Traces) -> anyhow::Result<Metrics> {
    let subscriber = subscriber(format, filter, std::io::stderr)?.with(traces.tracer().map(|tracer| {
        // Who made a span, on which thread and where in the source, helps nobody far away.
        let layer = tracing_opentelemetry::layer().with_tracer(tracer);
        let layer = layer.with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer.with_filter(Targets::new().with_target(crate::trace::TARGET, LevelFilter::TRACE))
    }));
    tracing::subscriber::set_global_default(subscriber).context("this process has a log already")?;
    log_panics();
    Metrics::install()
}
