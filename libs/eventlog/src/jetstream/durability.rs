//! Whether an acknowledged frame is on a disk: what every node says of itself on its monitoring address.
//!
//! A client connection cannot see `sync_interval`, so either all nodes are asked by HTTP or an operator vouches for them.

use std::collections::BTreeSet;

use async_nats::jetstream::stream::Info;
use serde::Deserialize;

use super::{
    SERVER_MIN,
    error::JetStreamError,
    http,
    settings::{Durability, JetStreamSettings},
};

/// What `/varz` says, as far as it matters here.
#[derive(Debug, Deserialize)]
pub(super) struct Varz {
    #[serde(default)]
    pub(super) server_name: String,
    pub(super) server_id: String,
    pub(super) version: String,
    #[serde(default)]
    pub(super) now: String,
    #[serde(default)]
    jetstream: JetStream,
}

#[derive(Debug, Default, Deserialize)]
struct JetStream {
    config: Option<Config>,
    meta: Option<Meta>,
}

#[derive(Debug, Deserialize)]
struct Config {
    #[serde(default)]
    sync_always: bool,
    /// In nanoseconds.
    #[serde(default)]
    sync_interval: u64,
}

#[derive(Debug, Deserialize)]
struct Meta {
    #[serde(default)]
    cluster_size: usize,
}

/// How many of a cluster's nodes must be seen to be durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needed {
    /// To make a log: later nobody looks at a node again that was overlooked.
    All,
    /// To open one, so that a node that is down keeps nobody from starting: whichever majority acknowledges a frame, at least one
    /// node of the majority that was seen is among it.
    Majority,
}

/// What has been seen of a cluster.
#[derive(Debug, Default)]
struct Seen {
    nodes: BTreeSet<String>,
    names: BTreeSet<String>,
    cluster_size: usize,
    /// Why some node was not seen.
    unseen: Vec<String>,
}

/// Refuse nodes that are too old, nodes that acknowledge before they sync, and, beyond what is `needed`, nodes that could not
/// be asked. `streams` are those of the log, if there are any yet.
pub(super) async fn check(
    settings: &JetStreamSettings,
    streams: &[Info],
    needed: Needed,
) -> Result<(), JetStreamError> {
    match settings.durability {
        Durability::Seen => {}
        Durability::Attested | Durability::Relaxed => return Ok(()),
    }
    if settings.monitor_urls.is_empty() {
        return Err(JetStreamError::DurabilityUnseen { why: "log.monitor_urls is empty".to_owned() });
    }
    let mut seen = Seen::default();
    for url in &settings.monitor_urls {
        match ask(url).await {
            Ok(varz) => seen.look_at(url, varz)?,
            Err(why) => seen.unseen.push(format!("{url}: {why}")),
        }
    }
    seen.miss_nobody(streams);
    seen.verdict(needed)
}

async fn ask(url: &str) -> Result<Varz, String> {
    let answer = http::get(url, "/varz").await?;
    serde_json::from_slice(&answer).map_err(|error| format!("it is no NATS monitoring address: {error}"))
}

impl Seen {
    fn look_at(&mut self, url: &str, varz: Varz) -> Result<(), JetStreamError> {
        let server = if varz.server_name.is_empty() { varz.server_id.clone() } else { varz.server_name };
        if is_older(&varz.version, SERVER_MIN) {
            return Err(JetStreamError::ServerTooOld { server, found: varz.version, needed: SERVER_MIN });
        }
        let not_durable = |found: String| {
            let (server, url) = (server.clone(), url.to_owned());
            Err(JetStreamError::NotDurable { server, url, found })
        };
        match varz.jetstream.config {
            // A node without JetStream keeps no frame.
            None => {}
            Some(config) if config.sync_always => {}
            Some(config) => {
                let seconds = config.sync_interval / 1_000_000_000;
                return not_durable(format!("it syncs every {seconds} s (sync_interval)"));
            }
        }
        if let Some(meta) = varz.jetstream.meta {
            self.cluster_size = self.cluster_size.max(meta.cluster_size);
        }
        self.nodes.insert(varz.server_id);
        self.names.insert(server);
        Ok(())
    }

    /// Note every node that has a stream, and as many as the cluster has, where they have not been seen.
    fn miss_nobody(&mut self, streams: &[Info]) {
        let clusters = streams.iter().filter_map(|info| info.cluster.as_ref());
        let others = clusters
            .flat_map(|cluster| cluster.leader.iter().chain(cluster.replicas.iter().map(|peer| &peer.name)));
        let missing: BTreeSet<&String> =
            others.filter(|node| !node.is_empty() && !self.names.contains(*node)).collect();
        for node in missing {
            self.unseen.push(format!("node {node} has streams of the log, and no address is its"));
        }
        let (seen, size) = (self.nodes.len(), self.cluster_size);
        if seen < size {
            self.unseen
                .push(format!("the cluster has {size} nodes, and log.monitor_urls show {seen} of them"));
        }
    }

    fn verdict(&self, needed: Needed) -> Result<(), JetStreamError> {
        let why = self.unseen.join("; ");
        let size = self.cluster_size.max(1);
        if why.is_empty() {
            return Ok(());
        }
        if needed == Needed::Majority && 2 * self.nodes.len() > size {
            tracing::warn!(why, "some NATS nodes could not be asked whether they sync; a majority does");
            return Ok(());
        }
        Err(JetStreamError::DurabilityUnseen { why })
    }
}

/// Whether a version such as `2.14.1` or `2.15.0-RC.1` is below another; what cannot be read is.
pub(super) fn is_older(version: &str, than: &str) -> bool {
    let numbers = |version: &str| {
        let release = version.trim_start_matches('v').split(['-', '+']).next().unwrap_or_default();
        let mut numbers = release.split('.').map(|number| number.parse::<u64>().ok());
        Some((numbers.next()??, numbers.next()??, numbers.next()??))
    };
    match (numbers(version), numbers(than)) {
        (Some(version), Some(than)) => version < than,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Needed, Seen, is_older};
    use crate::jetstream::JetStreamError;

    fn look(seen: &mut Seen, varz: &str) -> Result<(), JetStreamError> {
        seen.look_at("http://n1:8222", serde_json::from_str(varz).unwrap())
    }

    #[test]
    fn versions_compare_by_number() {
        for (version, older) in [
            ("2.9.10", true),
            ("2.14.0", true),
            ("2.14.1", false),
            ("2.14.10", false),
            ("2.15.0-RC.1", false),
            ("v3.0.0", false),
            ("", true),
            ("latest", true),
        ] {
            assert_eq!(is_older(version, "2.14.1"), older, "{version}");
        }
    }

    #[test]
    fn a_node_that_syncs_now_and_then_is_refused_by_name() {
        let mut seen = Seen::default();
        let good = r#"{"server_id":"A","server_name":"n1","version":"2.15.1",
            "jetstream":{"config":{"sync_interval":120000000000,"sync_always":true},"meta":{"cluster_size":3}}}"#;
        look(&mut seen, good).unwrap();
        look(&mut seen, good).unwrap();
        seen.miss_nobody(&[]);
        assert_eq!(seen.unseen, ["the cluster has 3 nodes, and log.monitor_urls show 1 of them"]);
        let bad = r#"{"server_id":"B","server_name":"n2","version":"2.15.1",
            "jetstream":{"config":{"sync_interval":120000000000}}}"#;
        let error = look(&mut seen, bad).unwrap_err().to_string();
        assert!(error.starts_with("NATS server n2 (seen at http://n1:8222) may lose"), "{error}");
        assert!(error.contains("it syncs every 120 s (sync_interval)"), "{error}");
        let old = r#"{"server_id":"B","server_name":"n2","version":"2.9.10","jetstream":{}}"#;
        assert!(matches!(look(&mut seen, old), Err(JetStreamError::ServerTooOld { .. })));
    }

    #[test]
    fn a_node_that_is_down_hinders_making_a_log_but_not_opening_it() {
        let node = |id: u8| {
            format!(
                r#"{{"server_id":"{id}","server_name":"n{id}","version":"2.15.1",
                "jetstream":{{"config":{{"sync_always":true}},"meta":{{"cluster_size":3}}}}}}"#
            )
        };
        let seen = |nodes: &[u8]| {
            let mut seen = Seen::default();
            for id in nodes {
                look(&mut seen, &node(*id)).unwrap();
            }
            seen.miss_nobody(&[]);
            [Needed::All, Needed::Majority].map(|needed| seen.verdict(needed).is_ok())
        };
        assert_eq!(seen(&[1, 2, 3]), [true, true]);
        assert_eq!(seen(&[1, 3]), [false, true]);
        assert_eq!(seen(&[2]), [false, false]);
    }
}
