//! `hansard readmodel …`: fold the read models anew, or check them against the log.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use eventlog::{Frame, Log, Offset, Partition, Position, READ_FRAMES_MAX, Reader, SqliteLog};
use projector::CATCH_UP_EVENTS;
use readmodel::rows::Checkpoint;
use readmodel::sqlite::{self, Applied, Snapshot};
use runtime::DataFolder;
use tokio::runtime::Handle;

use crate::scan::Scan;

/// Rows that `verify` names before it stops counting.
const DIFFERENCES_MAX: usize = 1_000;

/// What to do with the read models.
#[derive(Debug, Subcommand)]
pub enum ReadmodelCommand {
    /// Fold the whole log into a new file beside the old one, then put it in its place.
    /// The server must not be running.
    Rebuild,
    /// Fold the log into a temporary file and name each row that differs from it. Works
    /// beside a running server.
    Verify,
}

impl ReadmodelCommand {
    /// Do it with the stores in `folder`.
    pub async fn run(self, folder: &Path) -> anyhow::Result<()> {
        let folder = folder.to_owned();
        tokio::task::spawn_blocking(move || match self {
            Self::Rebuild => rebuild(&folder),
            Self::Verify => verify(&folder),
        })
        .await?
    }
}

fn rebuild(folder: &Path) -> anyhow::Result<()> {
    let folder = DataFolder::open(folder)?;
    let log: Arc<dyn Log> = Arc::new(SqliteLog::open_read_only(folder.path())?);
    let path = folder.path().join(sqlite::file_name());
    let mut batches = Batches::new(log, tails)?;
    let fresh = sqlite::fold_beside(&path, &mut batches)?;
    sqlite::switch(&fresh, &path)?;
    let (events, rate) = batches.finish();
    say(&format!("folded {events} events into {}, {rate:.0} a second", path.display()))
}

fn verify(folder: &Path) -> anyhow::Result<()> {
    let folder = DataFolder::find(folder)?;
    let path = folder.join(sqlite::file_name());
    anyhow::ensure!(
        path.exists(),
        "there is no read model at {}: `hansard serve` or `hansard readmodel rebuild` makes it",
        path.display()
    );
    let log: Arc<dyn Log> = Arc::new(SqliteLog::open_read_only(&folder)?);
    let living = Snapshot::take(&path)?;
    let checkpoints = living.checkpoints()?;
    let until = |_: &Arc<dyn Log>| -> anyhow::Result<Vec<(Partition, Offset)>> {
        Ok(checkpoints.iter().map(|(partition, checkpoint)| (*partition, checkpoint.next)).collect())
    };
    let mut batches = Batches::new(log, until)?;
    let temporary = TemporaryFolder::beside(&folder)?;
    let fresh = sqlite::fold_beside(&temporary.0.join(sqlite::file_name()), &mut batches)?;
    let (events, rate) = batches.finish();
    let differences = living.compare(&fresh, DIFFERENCES_MAX)?;
    for difference in &differences {
        say(&difference.to_string())?;
    }
    anyhow::ensure!(
        differences.is_empty(),
        "{}{} rows differ from a fold of the log: stop the server and run `hansard readmodel rebuild`",
        differences.len(),
        if differences.len() == DIFFERENCES_MAX { " or more" } else { "" }
    );
    say(&format!("all rows are as {events} events make them ({rate:.0} events a second)"))
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// A folder that goes with its value.
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// In the data folder itself: the same disk, and nobody else's.
    fn beside(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(format!("verify-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What is left is found by its name.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Where each partition of the log ends now.
fn tails(log: &Arc<dyn Log>) -> anyhow::Result<Vec<(Partition, Offset)>> {
    let handle = Handle::current();
    let tail = |partition| Ok((partition, handle.block_on(log.tail(partition))?.next));
    (0..log.partitions()).map(|number| tail(Partition(number))).collect()
}

/// A log, from its beginning to a given end, as batches for a store.
struct Batches {
    partitions: Vec<Part>,
    current: usize,
    scan: Scan,
    done: u64,
    total: u64,
}

struct Part {
    reader: Reader,
    until: Offset,
    checkpoint: Option<Checkpoint>,
}

impl Batches {
    fn new(
        log: Arc<dyn Log>,
        until: impl Fn(&Arc<dyn Log>) -> anyhow::Result<Vec<(Partition, Offset)>>,
    ) -> anyhow::Result<Self> {
        let mut partitions = vec![];
        let mut total = 0;
        for (partition, until) in until(&log)? {
            let start = Position { epoch: log.epoch(), partition, offset: Offset(0) };
            let reader = Handle::current().block_on(Reader::open(Arc::clone(&log), start, None))?;
            partitions.push(Part { reader, until, checkpoint: None });
            total += until.0;
        }
        Ok(Self { partitions, current: 0, scan: Scan::new("folding", total), done: 0, total })
    }

    /// How many events there were, and how many a second.
    fn finish(self) -> (u64, f64) {
        let rate = self.scan.rate();
        self.scan.finish();
        (self.done, rate)
    }

    fn read(&mut self) -> anyhow::Result<Option<Vec<Applied>>> {
        while let Some(part) = self.partitions.get_mut(self.current) {
            let mut frames: Vec<Frame> = vec![];
            while frames.iter().map(Frame::count).sum::<usize>() < CATCH_UP_EVENTS {
                let read = Handle::current().block_on(part.reader.next_batch(READ_FRAMES_MAX))?;
                let wanted = read.into_iter().filter(|frame| frame.first() < part.until);
                let before = frames.len();
                frames.extend(wanted);
                if frames.len() == before {
                    break;
                }
            }
            let Some(batch) = projector::decode(&frames, part.checkpoint)? else {
                self.current += 1;
                continue;
            };
            part.checkpoint = Some(batch.checkpoint);
            self.done += batch.records.len() as u64;
            self.scan.at(self.done, self.total);
            return Ok(Some(vec![batch]));
        }
        Ok(None)
    }
}

impl Iterator for Batches {
    type Item = anyhow::Result<Vec<Applied>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
