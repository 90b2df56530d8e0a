//! What a process tells about its work: logs on standard error, metrics for Prometheus.
//!
//! Whatever is logged goes through `tracing`, panics included, so that a log in JSON is
//! JSON on every line. Which words may not be logged is for those who log to keep.

mod logs;
mod metrics;

pub use logs::{LogFormat, log_panics, subscriber};
pub use metrics::{Metrics, UPKEEP_EVERY, keep_up};

use anyhow::Context as _;

/// Log to standard error in `format` what passes `filter` (`info,hyper=warn`), log
/// panics, and collect metrics. Once per process, before anything else.
///
/// # Errors
///
/// The filter is not one, or the process has been given a log or metrics already.
pub fn init(format: LogFormat, filter: &str) -> anyhow::Result<Metrics> {
    let subscriber = subscriber(format, filter, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).context("this process has a log already")?;
    log_panics();
    Metrics::install()
}
