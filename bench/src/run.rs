//! The run: which scenes are set, what is compared in each, and the one table that comes of it.
//!
//! What a bound compares is measured in turn, several times, and the medians of the paired ratios count: a
//! machine that is slower for a while is slower for both.

mod cluster;
mod compare;
mod deletion;
mod growth;
mod lists;
mod live;
mod members;
mod protection;
mod refold;
mod search;
mod trace;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::client::{Client, User};
use crate::load::{Plan, Report, Work};
use crate::machine;
use crate::output::{line, note};
use crate::server::Server;
use crate::table::{Bound, Row, Table, count};

/// No run takes longer: what is not measured by then is not.
const RUN_MAX: Duration = Duration::from_secs(35 * 60);
/// The longest that a server may take to fold what it finds.
const START_WITHIN: Duration = Duration::from_secs(300);
/// The connections of a load where nothing else is said.
const CONNECTIONS: usize = 64;
/// What the generator must reach against the null handler.
const GENERATOR_RATE_MIN: f64 = 45_000.0;

/// What a run is asked to do.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The server to measure; its build must be a release one.
    #[arg(long)]
    hansard: PathBuf,
    /// A folder on the disk to measure; what is made in it is removed afterwards.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
    /// Reduced sizes, under a minute: shows that everything works and judges nothing.
    #[arg(long)]
    quick: bool,
    /// Search so many messages instead of 2,000,000; 10,000,000 with `--only search`, or the run is too long.
    #[arg(long)]
    searched: Option<u64>,
    /// A server of an earlier version, whose authenticated requests are compared with those of this one.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Measure only scenes whose names begin so: live, members, growth, lists, deletion, refold, search, protection, cluster-live,
    /// cluster-takeover, cluster-frames, cluster-refold, cluster-lists, cluster-search.
    #[arg(long, default_value = "")]
    only: String,
    /// Also write the result to this file, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// How much of everything there is.
#[derive(Debug, Clone)]
pub(crate) struct Scale {
    /// How often everything that is compared is measured.
    pub(crate) rounds: usize,
    /// How long each of these loads is, and how long it runs before it counts.
    pub(crate) measure_ms: u64,
    pub(crate) warm_up_ms: u64,
    /// Dialogs of the live scene.
    pub(crate) dialogs: usize,
    /// Users who each read each of these messages.
    pub(crate) members: usize,
    pub(crate) members_messages: usize,
    /// Messages of the large dialog, and how many of them a deep page skips.
    pub(crate) large_messages: u64,
    pub(crate) deep_skip: u64,
    /// Occupants of a dialog where everybody's receipts are still named, and of the dialog with the most.
    pub(crate) hall: usize,
    pub(crate) crowd: usize,
    /// Dialogs in the store, and how many of them one user is in.
    pub(crate) wide_dialogs: u32,
    pub(crate) collected_dialogs: u32,
    /// How many of them another one is in.
    pub(crate) hoarded_dialogs: u32,
    /// Messages that are searched.
    pub(crate) searched_messages: u64,
    /// Events that are folded again, and how often.
    pub(crate) refold_events: u64,
    pub(crate) refold_rounds: usize,
    /// How often the large dialog is deleted.
    pub(crate) deletions: usize,
    /// How often a writer is killed.
    pub(crate) takeovers: usize,
}

impl Scale {
    /// The sizes that the bounds are about.
    fn full() -> Self {
        Self {
            rounds: 5,
            measure_ms: 4_000,
            warm_up_ms: 500,
            dialogs: 200,
            members: 100,
            members_messages: 1_000,
            large_messages: 1_000_000,
            deep_skip: 500_000,
            hall: 1_000,
            crowd: 10_000,
            wide_dialogs: 200_000,
            collected_dialogs: 1_000,
            hoarded_dialogs: 10_000,
            searched_messages: 2_000_000,
            refold_events: 1_000_000,
            refold_rounds: 3,
            deletions: 5,
            takeovers: 5,
        }
    }

    /// Sizes for less than a minute.
    pub(crate) fn quick() -> Self {
        Self {
            rounds: 1,
            measure_ms: 300,
            warm_up_ms: 100,
            dialogs: 20,
            members: 10,
            members_messages: 100,
            large_messages: 20_000,
            deep_skip: 10_000,
            hall: 100,
            crowd: 1_100,
            wide_dialogs: 2_000,
            collected_dialogs: 200,
            hoarded_dialogs: 1_000,
            searched_messages: 20_000,
            refold_events: 20_000,
            refold_rounds: 1,
            deletions: 1,
            takeovers: 1,
        }
    }
}

/// A run under way.
#[derive(Debug)]
struct Bench {
    hansard: PathBuf,
    folder: PathBuf,
    scale: Scale,
    table: Table,
    fsync_micros: f64,
    grown: Option<growth::Store>,
    against: Option<PathBuf>,
}

/// A scene: measures and adds its rows.
type Scene = fn(&mut Bench) -> anyhow::Result<()>;

const SCENES: [(&str, Scene); 14] = [
    ("live", live::measure),
    ("members", members::measure),
    ("growth", growth::measure),
    ("lists", lists::measure),
    ("deletion", deletion::measure),
    ("refold", refold::measure),
    ("search", search::measure),
    ("protection", protection::measure),
    ("cluster-live", cluster::live::measure),
    ("cluster-takeover", cluster::takeover::measure),
    ("cluster-frames", cluster::frames::measure),
    ("cluster-refold", cluster::refold::measure),
    ("cluster-lists", cluster::lists::measure),
    ("cluster-search", cluster::search::measure),
];

/// Run everything and print the table. Gives the process's exit code, as [`Table::exit_code`] says.
///
/// # Errors
///
/// The run cannot go on: a server does not start, the disk is full.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<u8> {
    ensure!(arguments.hansard.is_file(), "there is no server at {}", arguments.hansard.display());
    let hansard = fs::canonicalize(&arguments.hansard)?;
    let home = tempfile::Builder::new().prefix("hansard-bench-").tempdir_in(&arguments.folder)?;
    let folder = fs::canonicalize(home.path())?;
    let start = Instant::now();
    let mut table = Table { judged: !arguments.quick, ..Table::default() };
    let fsync_micros = machine::describe(&mut table, &folder)?;
    let mut scale = if arguments.quick { Scale::quick() } else { Scale::full() };
    scale.searched_messages = arguments.searched.unwrap_or(scale.searched_messages);
    let against = arguments.against.as_ref().map(fs::canonicalize).transpose()?;
    let mut bench = Bench { hansard, folder, scale, table, fsync_micros, grown: None, against };
    for (name, scene) in SCENES.iter().filter(|(name, _)| name.starts_with(&arguments.only)) {
        if start.elapsed() > RUN_MAX {
            bench.table.faults.push(format!("{name} was not measured: the run took {RUN_MAX:?} already"));
            continue;
        }
        note(&format!("{name}, {} s after the start", start.elapsed().as_secs()));
        if let Err(error) = scene(&mut bench) {
            bench.table.faults.push(format!("{name}: {error:#}"));
        }
    }
    let table = &mut bench.table;
    table.fact("time", format!("{} s of at most {}", start.elapsed().as_secs(), RUN_MAX.as_secs()));
    line(&table.text())?;
    if let Some(path) = &arguments.json {
        let json = serde_json::to_string_pretty(table)?;
        fs::write(path, json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(table.exit_code())
}

impl Bench {
    /// A folder that does not exist yet.
    fn data(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Start the server on `data`.
    fn start(&self, data: &Path) -> anyhow::Result<Server> {
        self.start_with(data, &[])
    }

    /// The same with these environment variables.
    fn start_with(&self, data: &Path, settings: &[(&str, &str)]) -> anyhow::Result<Server> {
        Server::hansard((&self.hansard, data), settings, START_WITHIN)
    }

    /// A new data folder with so many users, signed up at a server that has ended again.
    fn populated(&self, name: &str, users: usize) -> anyhow::Result<(PathBuf, Vec<User>)> {
        let data = self.data(name);
        let server = self.start(&data)?;
        let users = Client::open(server.address())?.users(users)?;
        server.stop()?;
        Ok((data, users))
    }

    /// A load on `server` of this run's length.
    fn plan(&self, server: &Server, connections: usize, work: Work) -> Plan {
        let Scale { warm_up_ms, measure_ms, .. } = self.scale;
        Plan { address: server.address(), connections, warm_up_ms, measure_ms, work }
    }

    /// Drive `plan` once, and keep in mind what the server did wrong in it.
    fn load(&mut self, what: &str, plan: &Plan) -> anyhow::Result<Report> {
        let report = crate::server::load(plan)?;
        self.notice(what, &report);
        Ok(report)
    }

    fn notice(&mut self, what: &str, report: &Report) {
        if report.failures > 0 {
            let first = report.first_failure.as_deref().unwrap_or_default();
            self.table.faults.push(format!("{what}: {} failures, the first: {first}", report.failures));
        }
        if report.unseen > 0 {
            let (unseen, checks) = (report.unseen, report.checks);
            self.table.faults.push(format!("{what}: {unseen} of {checks} posts were not in another's list"));
        }
        if report.requests == 0 {
            self.table.faults.push(format!("{what}: nothing was answered"));
        }
    }

    /// Add the row of resident memory.
    fn memory_row(&mut self, when: &str, mib: f64) {
        self.table.add(Row::report(format!("resident memory {when}"), format!("{mib:.0} MiB")));
    }

    /// Judge the generator by its rate against the null handler.
    fn judge_generator(&mut self, rate: f64) {
        let bound = Bound::AtLeast(GENERATOR_RATE_MIN);
        let words = format!("≥ {}/s, else void", count(GENERATOR_RATE_MIN));
        let row = Row::report("generator against the null handler, 64 conn.", per_second(rate));
        self.table.add(row.bound(words, bound, rate));
        if self.table.judged && rate < GENERATOR_RATE_MIN {
            let why = format!("the generator reached {}/s, not {}", count(rate), count(GENERATOR_RATE_MIN));
            self.table.void = Some(why);
        }
    }
}

fn per_second(rate: f64) -> String {
    format!("{}/s", count(rate))
}
