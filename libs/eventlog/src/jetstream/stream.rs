//! What a partition's stream is called and how it is configured: what keeps every frame, and refuses instead of
//! forgetting when it is full.

use std::collections::HashMap;

use async_nats::jetstream::stream::{Config, DiscardPolicy, Republish, RetentionPolicy, StorageType};

use super::{error::JetStreamError, settings::JetStreamSettings};
use crate::{
    error::OpenError,
    ids::{PARTITION_HASH, PARTITIONS_MAX, Partition},
};

/// The format of the streams that this version writes, and the newest that it reads.
pub const JETSTREAM_FORMAT: u32 = 1;

const FORMAT_KEY: &str = "hansard-format";
const PARTITIONS_KEY: &str = "hansard-partitions";
const HASH_KEY: &str = "hansard-partition-hash";

const REPLICAS: [usize; 3] = [1, 3, 5];
const NAMESPACE_CHARS_MAX: usize = 32;

/// The names of a log's streams and subjects.
#[derive(Clone, Debug)]
pub(super) struct Names {
    namespace: String,
}

impl Names {
    pub(super) fn of(settings: &JetStreamSettings) -> Result<Self, JetStreamError> {
        let namespace = settings.namespace.clone();
        let good =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if namespace.is_empty() || namespace.len() > NAMESPACE_CHARS_MAX || !namespace.bytes().all(good) {
            return Err(JetStreamError::Setting(format!(
                "nats.namespace is {namespace:?}: use 1 to {NAMESPACE_CHARS_MAX} of a-z, 0-9, - and _"
            )));
        }
        Ok(Self { namespace })
    }

    pub(super) fn stream(&self, partition: Partition) -> String {
        format!("{}-log-{partition}", self.namespace)
    }

    /// Where frames are published.
    pub(super) fn subject(&self, partition: Partition) -> String {
        format!("{}.log.{partition}", self.namespace)
    }

    /// Where the server says, after each stored frame, that the partition has grown.
    pub(super) fn grown(&self, partition: Partition) -> String {
        format!("{}.grown.{partition}", self.namespace)
    }
}

/// How the stream of `partition` is made.
pub(super) fn config(
    names: &Names,
    settings: &JetStreamSettings,
    partition: Partition,
    partitions: u32,
) -> Result<Config, JetStreamError> {
    if !REPLICAS.contains(&settings.replicas) {
        let found = settings.replicas;
        return Err(JetStreamError::Setting(format!("log.replicas is {found}: use 1, 3 or 5")));
    }
    let bytes_max = i64::try_from(settings.bytes_max).unwrap_or(i64::MAX);
    if bytes_max == 0 {
        return Err(JetStreamError::Setting(
            "log.partition_bytes_max is 0: give each partition some space".to_owned(),
        ));
    }
    let subject = names.subject(partition);
    Ok(Config {
        name: names.stream(partition),
        description: Some(format!("Hansard's event log, partition {partition} of {partitions}")),
        subjects: vec![subject.clone()],
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::New,
        storage: StorageType::File,
        max_bytes: bytes_max,
        num_replicas: settings.replicas,
        deny_delete: true,
        deny_purge: true,
        allow_direct: true,
        republish: Some(Republish {
            source: subject,
            destination: names.grown(partition),
            headers_only: false,
        }),
        metadata: HashMap::from([
            (FORMAT_KEY.to_owned(), JETSTREAM_FORMAT.to_string()),
            (PARTITIONS_KEY.to_owned(), partitions.to_string()),
            (HASH_KEY.to_owned(), PARTITION_HASH.to_owned()),
        ]),
        ..Config::default()
    })
}

/// The number of partitions of the log that a stream with this configuration belongs to.
pub(super) fn partitions(config: &Config) -> Result<u32, JetStreamError> {
    let stream = || config.name.clone();
    let foreign = |why: &str| JetStreamError::Foreign { stream: stream(), why: why.to_owned() };
    let value = |key: &str| config.metadata.get(key).ok_or_else(|| foreign("it has no metadata of one"));
    let number = |key: &str| value(key)?.parse::<u32>().map_err(|_| foreign("its metadata cannot be read"));
    match number(FORMAT_KEY)? {
        JETSTREAM_FORMAT => {}
        found if found > JETSTREAM_FORMAT => {
            return Err(JetStreamError::Newer { stream: stream(), found, known: JETSTREAM_FORMAT });
        }
        _ => return Err(foreign("its format never existed")),
    }
    let found = value(HASH_KEY)?;
    if found != PARTITION_HASH {
        return Err(OpenError::PartitionHash { found: found.clone() }.into());
    }
    let partitions = number(PARTITIONS_KEY)?;
    if (1..=PARTITIONS_MAX).contains(&partitions) {
        Ok(partitions)
    } else {
        Err(foreign("its metadata says that it has an impossible number of partitions"))
    }
}

/// Refuse a configuration under which frames vanish, or are not where the log looks for them. Size and replicas are the
/// operator's to change.
pub(super) fn check(found: &Config, wanted: &Config) -> Result<(), JetStreamError> {
    let republish = |config: &Config| {
        // With headers only, as logs made by earlier versions have it, frames are asked for.
        config.republish.as_ref().map(|to| (to.source.clone(), to.destination.clone()))
    };
    let unlimited = |limit: i64| limit <= 0;
    let rows = [
        ("subjects", found.subjects == wanted.subjects, format!("{:?}", found.subjects)),
        ("retention", found.retention == wanted.retention, format!("{:?}", found.retention)),
        ("discard", found.discard == wanted.discard, format!("{:?}", found.discard)),
        ("storage", found.storage == wanted.storage, format!("{:?}", found.storage)),
        ("max_msgs", unlimited(found.max_messages), found.max_messages.to_string()),
        (
            "max_msgs_per_subject",
            unlimited(found.max_messages_per_subject),
            found.max_messages_per_subject.to_string(),
        ),
        (
            "max_msg_size",
            found.max_message_size <= 0 || found.max_message_size as usize >= super::MESSAGE_BYTES_MAX,
            found.max_message_size.to_string(),
        ),
        ("max_age", found.max_age.is_zero(), format!("{:?}", found.max_age)),
        ("no_ack", !found.no_ack, found.no_ack.to_string()),
        ("sealed", !found.sealed, found.sealed.to_string()),
        ("allow_rollup_hdrs", !found.allow_rollup, found.allow_rollup.to_string()),
        ("allow_msg_ttl", !found.allow_message_ttl, found.allow_message_ttl.to_string()),
        ("allow_direct", found.allow_direct, found.allow_direct.to_string()),
        ("republish", republish(found) == republish(wanted), format!("{:?}", republish(found))),
        ("mirror", found.mirror.is_none(), "a mirror".to_owned()),
        ("sources", found.sources.as_ref().is_none_or(Vec::is_empty), "sources".to_owned()),
        ("subject_transform", found.subject_transform.is_none(), "a subject transform".to_owned()),
    ];
    match rows.into_iter().find(|(_, good, _)| !good) {
        None => Ok(()),
        Some((key, _, value)) => Err(JetStreamError::Config {
            stream: found.name.clone(),
            found: format!("{key} {value}"),
            needed: format!("what `hansard log init` sets: {}", needed(key, wanted)),
        }),
    }
}

fn needed(key: &str, wanted: &Config) -> String {
    match key {
        "subjects" => format!("{:?}", wanted.subjects),
        "retention" => format!("{:?}", wanted.retention),
        "discard" => format!("{:?}", wanted.discard),
        "storage" => format!("{:?}", wanted.storage),
        "allow_direct" => "true".to_owned(),
        "republish" => format!("{:?}", wanted.republish),
        "max_msg_size" => "no limit, or a larger one".to_owned(),
        "mirror" | "sources" | "subject_transform" => "none".to_owned(),
        _ => "no limit, and false".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Names, check, config, partitions};
    use crate::{
        error::OpenError,
        ids::Partition,
        jetstream::{JetStreamError, JetStreamSettings},
    };

    fn names() -> (Names, JetStreamSettings) {
        let settings = JetStreamSettings::default();
        (Names::of(&settings).unwrap(), settings)
    }

    #[test]
    fn names_are_made_from_the_namespace() {
        let (names, _) = names();
        let p = Partition(3);
        assert_eq!([names.stream(p), names.subject(p)], ["hansard-log-3", "hansard.log.3"]);
        assert_eq!(names.grown(p), "hansard.grown.3");
        for bad in ["", "A", "a.b", "a b", "a*", &"x".repeat(33)] {
            let settings = JetStreamSettings { namespace: bad.to_owned(), ..JetStreamSettings::default() };
            assert!(matches!(Names::of(&settings), Err(JetStreamError::Setting(_))), "{bad}");
        }
    }

    #[test]
    fn what_would_lose_frames_is_refused() {
        let (names, settings) = names();
        let good = config(&names, &settings, Partition(0), 4).unwrap();
        assert_eq!(partitions(&good).unwrap(), 4);
        check(&good, &good).unwrap();
        let mut larger = good.clone();
        larger.max_bytes *= 2;
        larger.num_replicas = 1;
        check(&larger, &good).unwrap();
        let mut ageing = good.clone();
        ageing.max_age = Duration::from_secs(3_600);
        let error = check(&ageing, &good).unwrap_err().to_string();
        assert!(error.contains("hansard-log-0 has max_age 3600s"), "{error}");
        let mut forgetting = good.clone();
        forgetting.discard = async_nats::jetstream::stream::DiscardPolicy::Old;
        assert!(matches!(check(&forgetting, &good), Err(JetStreamError::Config { .. })));
    }

    #[test]
    fn a_stream_of_another_kind_or_version_is_refused() {
        let (names, settings) = names();
        let good = config(&names, &settings, Partition(0), 4).unwrap();
        let with = |key: &str, value: &str| {
            let mut config = good.clone();
            config.metadata.insert(key.to_owned(), value.to_owned());
            partitions(&config).unwrap_err()
        };
        assert!(matches!(with("hansard-format", "2"), JetStreamError::Newer { found: 2, .. }));
        assert!(matches!(with("hansard-format", "x"), JetStreamError::Foreign { .. }));
        assert!(matches!(with("hansard-partitions", "0"), JetStreamError::Foreign { .. }));
        let hash = with("hansard-partition-hash", "other");
        assert!(matches!(hash, JetStreamError::Log(OpenError::PartitionHash { .. })));
        let mut bare = good.clone();
        bare.metadata.clear();
        assert!(matches!(partitions(&bare), Err(JetStreamError::Foreign { .. })));
    }
}
