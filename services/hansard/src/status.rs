//! `hansard status`: how each partition of a cluster is, from any machine that reaches NATS.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use anyhow::Context as _;
use bus::leases::{Ground, Holding, Kind, holders};
use eventlog::{JetStreamLog, Log as _, Partition, Replicas, Tail};
use readmodel::search::Place;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::output::{complain, table};
use crate::settings::Backend;
use crate::{Settings, engines};

/// How long to listen for those who hold something: a few of their beats.
const LISTEN: Duration = Duration::from_millis(1_200);
/// What stands where there is nothing.
const NONE: &str = "-";
const COLUMNS: [&str; 11] = [
    "partition",
    "writer",
    "term",
    "tail",
    "projector",
    "checkpoint",
    "lag",
    "lag s",
    "search lag",
    "replicas",
    "leader",
];
/// How long PostgreSQL may take to tell how far the search index is.
const SEARCH_TIME_MAX: Duration = Duration::from_secs(5);

/// Write a table to standard output, or lines of JSON.
pub async fn status(settings: &Settings, as_json: bool) -> anyhow::Result<()> {
    anyhow::ensure!(
        settings.log.backend == Backend::Jetstream,
        "`hansard status` is about a cluster; on embedded stores there are `hansard log info` and /health/ready"
    );
    let log = engines::open_log(settings).await?;
    let bus = engines::open_bus(settings, &log, "status").await?;
    let ground = Ground::nats(bus, settings.log.replicas);
    let (writers, projectors) =
        tokio::try_join!(held(&ground, Kind::Writer), held(&ground, Kind::Projector))?;
    let searched = searched(settings).await;
    let mut lines = vec![];
    for partition in (0..log.partitions()).map(Partition) {
        let (writer, projector) = (writers.get(&partition.0), projectors.get(&partition.0));
        // An index that is there has nothing of a partition of which nothing was folded.
        let searched = searched.as_ref().map(|reached| reached.get(&partition.0).copied().unwrap_or(0));
        lines.push(Line::of(&log, partition, (writer, projector), searched).await?);
    }
    let mut out = std::io::stdout();
    if as_json {
        for line in &lines {
            writeln!(out, "{}", line.json())?;
        }
    } else {
        print(&mut out, &lines)?;
    }
    Ok(())
}

/// Who holds what, by partition.
async fn held(ground: &Ground, kind: Kind) -> anyhow::Result<BTreeMap<u32, (String, Holding)>> {
    let members =
        holders(ground, kind, LISTEN).await.with_context(|| format!("no word of any {}", kind.name()))?;
    let each = members.into_iter().flat_map(|member| {
        let holdings = member.holdings.into_iter();
        holdings.map(move |holding| (holding.partition, (member.name.clone(), holding)))
    });
    Ok(each.collect())
}

/// How far the search index has come, by partition; none if there is none, or PostgreSQL does not say.
async fn searched(settings: &Settings) -> Option<BTreeMap<u32, u64>> {
    if !settings.search.enabled {
        return None;
    }
    let place = Place::Schema(engines::rows_settings(settings));
    let looking = async {
        let mut snapshot = place.snapshot().await?.context("there is no search index yet")?;
        anyhow::Ok(snapshot.checkpoints().await?)
    };
    let checkpoints = timeout(SEARCH_TIME_MAX, looking).await.context("PostgreSQL does not answer");
    match checkpoints.and_then(|looked| looked) {
        Ok(checkpoints) => {
            Some(checkpoints.into_iter().map(|(partition, at)| (partition.0, at.next.0)).collect())
        }
        Err(error) => {
            complain(&error.context("how far the search index is cannot be told"));
            None
        }
    }
}

type Held<'a> = Option<&'a (String, Holding)>;

/// One partition.
struct Line<'a> {
    partition: Partition,
    tail: Tail,
    replicas: Replicas,
    writer: Held<'a>,
    projector: Held<'a>,
    searched: Option<u64>,
}

impl<'a> Line<'a> {
    async fn of(
        log: &JetStreamLog,
        partition: Partition,
        (writer, projector): (Held<'a>, Held<'a>),
        searched: Option<u64>,
    ) -> anyhow::Result<Self> {
        let (tail, replicas) = tokio::try_join!(log.tail(partition), log.replicas(partition))?;
        Ok(Self { partition, tail, replicas, writer, projector, searched })
    }

    fn checkpoint(&self) -> Option<u64> {
        self.projector.map(|(_, holding)| holding.standing.next)
    }

    /// How many events the rows are behind.
    fn lag(&self) -> Option<u64> {
        self.checkpoint().map(|next| self.tail.next.0.saturating_sub(next))
    }

    /// How many events the search index is behind.
    fn search_lag(&self) -> Option<u64> {
        self.searched.map(|next| self.tail.next.0.saturating_sub(next))
    }

    /// How much later the last event is than the last one folded, in seconds.
    fn lag_seconds(&self) -> Option<f64> {
        let (_, holding) = self.projector?;
        let behind = self.tail.time_ms.saturating_sub(holding.standing.time_ms);
        Some(if self.lag() == Some(0) { 0.0 } else { behind as f64 / 1000.0 })
    }

    /// Why nothing more is folded.
    fn stopped(&self) -> Option<String> {
        let stopped = self.projector?.1.standing.stopped.as_ref()?;
        let id = stopped.event_id.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        let id = id.unwrap_or_else(|| "unknown".to_owned());
        Some(format!("stopped at offset {}, event {id}: {}", stopped.offset, stopped.reason))
    }

    fn json(&self) -> Value {
        let others = self.replicas.others.iter();
        json!({
            "partition": self.partition.0,
            "writer": self.writer.map(|(name, _)| name),
            "term": self.tail.term,
            "tail": self.tail.next.0,
            "projector": self.projector.map(|(name, _)| name),
            "checkpoint": self.checkpoint(),
            "lag_events": self.lag(),
            "lag_seconds": self.lag_seconds(),
            "search_lag_events": self.search_lag(),
            "stopped": self.stopped(),
            "stream": self.replicas.stream,
            "leader": self.replicas.leader,
            "replicas": self.replicas.wanted,
            "replicas_current": self.replicas.current(),
            "others": others.map(|other| json!({
                "node": other.node, "current": other.current, "offline": other.offline, "lag": other.lag,
            })).collect::<Vec<_>>(),
            "bytes": self.replicas.bytes,
            "bytes_max": self.replicas.bytes_max,
        })
    }

    fn cells(&self) -> [String; COLUMNS.len()] {
        let or_none = |cell: Option<String>| cell.unwrap_or_else(|| NONE.to_owned());
        let name = |held: Held<'_>| or_none(held.map(|(name, _)| name.clone()));
        [
            self.partition.to_string(),
            name(self.writer),
            self.tail.term.to_string(),
            self.tail.next.0.to_string(),
            name(self.projector),
            or_none(self.checkpoint().map(|next| next.to_string())),
            or_none(self.lag().map(|lag| lag.to_string())),
            or_none(self.lag_seconds().map(|seconds| format!("{seconds:.1}"))),
            or_none(self.search_lag().map(|lag| lag.to_string())),
            format!("{}/{}", self.replicas.current(), self.replicas.wanted),
            or_none(self.replicas.leader.clone()),
        ]
    }
}

/// The lines, and below them what has stopped.
fn print(out: &mut impl Write, lines: &[Line<'_>]) -> anyhow::Result<()> {
    table(out, COLUMNS, &lines.iter().map(Line::cells).collect::<Vec<_>>())?;
    for line in lines {
        if let Some(why) = line.stopped() {
            writeln!(out, "partition {}: {why}", line.partition)?;
        }
    }
    Ok(())
}
