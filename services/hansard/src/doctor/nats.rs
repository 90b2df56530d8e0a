//! The log of a cluster: the NATS servers, and the streams on them.

use std::sync::Arc;
use std::time::Duration;

use domain::Time;
use eventlog::{Durability, JetStreamError, JetStreamLog, JetStreamSettings, Log, Partition};
use runtime::Clock;

use super::finding::{Finding, Findings};
use super::{clocks, log};
use crate::application::Application;
use crate::engines::log_settings;
use crate::{Settings, settings};

pub(super) const PART: &str = "NATS";

/// How long to wait for leaders to be elected.
const PATIENCE: Duration = Duration::from_secs(3);
/// Of a stream's space, in hundredths, when it is time to act.
const FULL_PERCENT: u64 = 80;

pub(super) async fn look(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let mut findings = Findings::of(PART);
    let place = JetStreamSettings { patience: PATIENCE, ..log_settings(settings) };
    monitors(&place, clock, &mut findings).await;
    let any = JetStreamSettings { durability: Durability::Relaxed, ..place.clone() };
    let partitions = (settings.log.partitions > 0).then_some(settings.log.partitions);
    let log = match JetStreamLog::open(&any, partitions).await {
        Ok(log) => log,
        Err(error) => {
            findings.fail_with(&error.into());
            return findings.into_vec();
        }
    };
    findings.ok(format!("the log's {} streams answer at {}", log.partitions(), settings.nats.namespace));
    durability(settings, &place, &mut findings).await;
    copies(settings, &log, &mut findings).await;
    let (log, application): (Arc<dyn Log>, _) = (Arc::new(log), Application::configured(&settings.app));
    log::ends(&log, application.as_ref(), clock.now(), &mut findings).await;
    findings.into_vec()
}

/// What the servers say of themselves.
async fn monitors(place: &JetStreamSettings, clock: &Clock, findings: &mut Findings) {
    for (url, said) in eventlog::monitored(&place.monitor_urls).await {
        let node = match said {
            Ok(node) => node,
            Err(why) => {
                findings.warn(
                    format!("the NATS server at {url} does not say how it is: {why}"),
                    "start it, or correct log.monitor_urls",
                );
                continue;
            }
        };
        match node.is_too_old {
            true => findings.fail(
                format!(
                    "NATS server {} has version {}, older than {}",
                    node.server,
                    node.version,
                    eventlog::SERVER_MIN
                ),
                "upgrade it: older ones lose or reorder what they have acknowledged",
            ),
            false => findings.ok(format!("NATS server {} has version {}", node.server, node.version)),
        }
        if let Ok(time) = humantime::parse_rfc3339(&node.time)
            && let Ok(since) = time.duration_since(std::time::UNIX_EPOCH)
        {
            let there = Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
            clocks::against(
                &format!("NATS server {}", node.server),
                there,
                (clock.now(), node.took),
                findings,
            );
        }
    }
}

/// Whether what is acknowledged is on the disks, as far as it can be seen.
async fn durability(settings: &Settings, place: &JetStreamSettings, findings: &mut Findings) {
    if place.monitor_urls.is_empty() && settings.log.durability != settings::Durability::Checked {
        return;
    }
    let seen = JetStreamSettings { durability: Durability::Seen, ..place.clone() };
    match (JetStreamLog::open(&seen, None).await, settings.log.durability) {
        (Ok(_), _) => findings.ok("every server that was asked syncs before it acknowledges"),
        (Err(error), settings::Durability::Checked) => findings.fail_with(&error.into()),
        (Err(error @ JetStreamError::NotDurable { .. }), settings::Durability::Attested) => {
            findings
                .fail(format!("{error}"), "what you vouch for is not so: correct the server's configuration");
        }
        (Err(error), settings::Durability::Attested | settings::Durability::Relaxed) => {
            findings.warn(format!("{error}"), "decide whether that is what you want");
        }
    }
}

/// Whether every stream has its copies, and room.
async fn copies(settings: &Settings, log: &JetStreamLog, findings: &mut Findings) {
    let before = findings.count();
    for partition in (0..log.partitions()).map(Partition) {
        let stream = match log.replicas(partition).await {
            Ok(stream) => stream,
            Err(error) => {
                findings.fail(
                    format!("the stream of partition {partition} does not answer: {error}"),
                    "look at the NATS servers",
                );
                continue;
            }
        };
        let (wanted, current) = (stream.wanted, stream.current());
        if current < wanted {
            findings.warn(
                format!("stream {} has {current} of {wanted} copies complete", stream.stream),
                "see to the NATS servers that are missing or catching up",
            );
        }
        if wanted != settings.log.replicas {
            findings.warn(
                format!(
                    "stream {} is made for {wanted} copies, and log.replicas says {}",
                    stream.stream, settings.log.replicas
                ),
                "run `hansard log init`, or correct log.replicas",
            );
        }
        if stream.bytes_max.is_some_and(|max| stream.bytes > max / 100 * FULL_PERCENT) {
            findings.warn(
                format!(
                    "stream {} is fuller than {FULL_PERCENT} %: when it is full, writes are refused (507)",
                    stream.stream
                ),
                "raise log.partition_bytes_max and run `hansard log init`",
            );
        }
    }
    if findings.count() == before {
        findings.ok("every stream has all its copies, and room");
    }
}
