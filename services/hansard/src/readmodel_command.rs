//! `hansard readmodel …`: fold the read models anew, or check them against the log.

mod batches;
mod cluster;
mod embedded;
mod search;

use std::io::Write as _;
use std::sync::Arc;

use clap::Subcommand;
use eventlog::{Log, Partition};
use readmodel::Difference;

use self::batches::Ends;
use crate::Settings;
use crate::settings::Backend;

/// Rows that `verify` names before it stops counting.
const DIFFERENCES_MAX: usize = 1_000;

/// What to do with the read models.
#[derive(Debug, Subcommand)]
pub enum ReadmodelCommand {
    /// Fold the whole log into fresh read models beside the old ones, then put them in their place.
    /// On embedded stores the server must not be running; a cluster goes on meanwhile.
    Rebuild {
        /// Throw the search index away instead: it is folded again while everything else is served.
        #[arg(long)]
        search: bool,
    },
    /// Fold the log into temporary read models and name each row that differs from theirs. Works
    /// beside a running server.
    Verify {
        /// Check the search index instead.
        #[arg(long)]
        search: bool,
    },
}

impl ReadmodelCommand {
    /// Do it with the stores of that deployment.
    pub async fn run(self, settings: &Settings) -> anyhow::Result<()> {
        match (self, settings.log.backend) {
            (Self::Rebuild { search: true }, _) => search::discard(settings).await,
            (Self::Verify { search: true }, _) => search::verify(settings).await,
            (Self::Rebuild { search: false }, Backend::Sqlite) => {
                embedded::rebuild(&settings.data.folder).await
            }
            (Self::Verify { search: false }, Backend::Sqlite) => {
                embedded::verify(&settings.data.folder).await
            }
            (Self::Rebuild { search: false }, Backend::Jetstream) => cluster::rebuild(settings).await,
            (Self::Verify { search: false }, Backend::Jetstream) => cluster::verify(settings).await,
        }
    }
}

/// Where each partition of the log ends now.
async fn tails(log: &Arc<dyn Log>) -> anyhow::Result<Ends> {
    let mut ends = vec![];
    for partition in (0..log.partitions()).map(Partition) {
        ends.push((partition, log.tail(partition).await?.next));
    }
    Ok(ends)
}

/// Name what differs, or say that nothing does.
fn judge(differences: &[Difference], (events, rate): (u64, f64)) -> anyhow::Result<()> {
    for difference in differences {
        say(&difference.to_string())?;
    }
    anyhow::ensure!(
        differences.is_empty(),
        "{}{} rows differ from a fold of the log: run the same command with `rebuild` instead of `verify`, on \
         embedded stores after stopping the server",
        differences.len(),
        if differences.len() == DIFFERENCES_MAX { " or more" } else { "" }
    );
    say(&format!("all rows are as {events} events make them ({rate:.0} events a second)"))
}

fn say(line: &str) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}
