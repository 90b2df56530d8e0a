//! Metrics, collected in the process and handed out as Prometheus text.
//!
//! A histogram's name says its unit, and the unit its buckets: `…_seconds` is a duration,
//! `…_bytes` a size, and every other counts things.

use std::time::Duration;

use anyhow::Context as _;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use crate::Stop;

/// How often the samples that histograms have gathered are folded into their buckets, so
/// that they do not pile up while nobody reads the metrics.
pub const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// From 50 µs, a good answer from memory, to 10 s, the longest anybody waits.
const SECONDS: [f64; 17] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    5.0, 10.0,
];

/// From a small message to 1 MiB, the largest body.
const BYTES: [f64; 8] = [64.0, 256.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0, 262_144.0, 1_048_576.0];

/// From one to a full frame of 512 events, and a few beyond for queues.
const COUNTS: [f64; 14] =
    [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0, 4_096.0, 16_384.0, 65_536.0];

/// The metrics of this process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Metrics of their own for a test: record inside `metrics::with_local_recorder`.
    ///
    /// # Errors
    ///
    /// None in practice: the buckets are constants.
    pub fn local() -> anyhow::Result<(PrometheusRecorder, Self)> {
        let recorder = builder()?.build_recorder();
        let handle = recorder.handle();
        Ok((recorder, Self(handle)))
    }

    pub(super) fn install() -> anyhow::Result<Self> {
        let handle = builder()?.install_recorder().context("this process has metrics already")?;
        Ok(Self(handle))
    }

    /// Everything as it is now, in the Prometheus text format.
    pub fn render(&self) -> String {
        self.0.render()
    }
}

fn builder() -> anyhow::Result<PrometheusBuilder> {
    PrometheusBuilder::new()
        .set_buckets(&COUNTS)?
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".to_owned()), &BYTES)
        .context("buckets")
}

/// The task that keeps the memory of `metrics` bounded, every [`UPKEEP_EVERY`].
///
/// # Errors
///
/// None: it ends when it is stopped.
pub async fn keep_up(metrics: Metrics, stop: Stop) -> anyhow::Result<()> {
    let mut turns = tokio::time::interval(UPKEEP_EVERY);
    turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = turns.tick() => metrics.0.run_upkeep(),
            () = stop.stopped() => return Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tasks;

    #[test]
    fn a_histogram_has_the_buckets_of_its_unit() {
        let (recorder, metrics) = Metrics::local().unwrap();
        ::metrics::with_local_recorder(&recorder, || {
            ::metrics::counter!("requests_total", "endpoint" => "post").increment(2);
            ::metrics::histogram!("fsync_seconds").record(0.000_2);
            ::metrics::histogram!("frame_bytes").record(300.0);
            ::metrics::histogram!("frame_events").record(3.0);
        });
        let text = metrics.render();
        for line in [
            "requests_total{endpoint=\"post\"} 2",
            "fsync_seconds_bucket{le=\"0.0001\"} 0",
            "fsync_seconds_bucket{le=\"0.00025\"} 1",
            "fsync_seconds_bucket{le=\"10\"} 1",
            "frame_bytes_bucket{le=\"1024\"} 1",
            "frame_events_bucket{le=\"2\"} 0",
            "frame_events_bucket{le=\"4\"} 1",
            "frame_events_count 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in:\n{text}");
        }
    }

    #[tokio::test]
    async fn upkeep_runs_until_it_is_stopped() {
        let (_recorder, metrics) = Metrics::local().unwrap();
        let tasks = Tasks::new();
        tasks.spawn("metrics", keep_up(metrics, tasks.stop()));
        assert_eq!(tasks.shutdown(Duration::from_secs(600)).await, Ok(()));
        assert_eq!(tasks.failure(), None);
    }
}
