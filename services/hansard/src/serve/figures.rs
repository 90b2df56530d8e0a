//! Figures that no role has of itself: how the copies of the log's streams are.
//!
//! Each process that writes looks at all partitions, so that the figures are there whoever
//! holds them; they are alike everywhere.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{JetStreamLog, Log as _, Partition};
use runtime::Stop;

/// How often the servers are asked: each question is one for a stream's leader.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// Keep copying what JetStream says of each partition's stream into the metrics.
pub(super) async fn of_the_streams(log: Arc<JetStreamLog>, stop: Stop) -> anyhow::Result<()> {
    loop {
        for partition in (0..log.partitions()).map(Partition) {
            let asked = tokio::select! {
                asked = log.replicas(partition) => asked,
                () = stop.stopped() => return Ok(()),
            };
            let label = || partition.to_string();
            match asked {
                Ok(replicas) => {
                    metrics::gauge!("log_replicas", "partition" => label()).set(replicas.wanted as f64);
                    metrics::gauge!("log_replicas_current", "partition" => label())
                        .set(replicas.current() as f64);
                    metrics::gauge!("log_stream_bytes", "partition" => label()).set(replicas.bytes as f64);
                    metrics::gauge!("log_stream_bytes_max", "partition" => label())
                        .set(replicas.bytes_max.unwrap_or(0) as f64);
                }
                Err(error) => {
                    tracing::debug!(%error, partition = partition.0, "its stream cannot be looked at");
                    metrics::gauge!("log_replicas_current", "partition" => label()).set(0);
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(ASK_EVERY) => {}
            () = stop.stopped() => return Ok(()),
        }
    }
}
