//! `hansard copy`: a log, cut into another number of partitions, and its users into an empty place.
//!
//! The way from one machine to a cluster, to another number of partitions, and back. What is copied
//! from must rest. The users' store is marked first and opens for nobody until the end, so that half a
//! copy is never served; whatever stops in the middle, the same command goes on.

mod log;
mod merge;
mod places;
mod streams;
#[cfg(test)]
mod tests;

use std::io::Write as _;
use std::path::PathBuf;

use clap::Args;
use runtime::Ids;

use crate::Settings;
use crate::scan::Scan;
use places::{Source, Target};

/// From where to where.
#[derive(Debug, Args)]
pub struct Copy {
    /// The configuration file of the deployment to copy from, which must not be running. The
    /// environment does not count: it would be meant for both files.
    #[arg(long)]
    from: PathBuf,
    /// The configuration file of the deployment to copy to, which must be new.
    #[arg(long)]
    to: PathBuf,
}

impl Copy {
    /// Copy, or go on with it.
    pub async fn run(self) -> anyhow::Result<()> {
        let (from, to) = (Settings::of_file(&self.from)?, Settings::of_file(&self.to)?);
        let ids = Ids::system();
        let source = Source::open(&from).await?;
        let target = Target::open(&to, &source, &ids).await?;
        let mut scan = Scan::new("copying events", 0);
        let copied = log::copy(&source.log, &target.log, &ids, &mut |done, total| scan.at(done, total)).await;
        scan.finish();
        let copied = copied?;
        let mut scan = Scan::new("checking events", 0);
        let checked = streams::check(&copied, &target.log, &mut |done, total| scan.at(done, total)).await;
        scan.finish();
        checked?;
        let (identity, mut scan) = (target.identity, Scan::new("copying users and sessions", 0));
        let filled = identity.fill(&source.identity, &mut |done, total| scan.at(done, total)).await;
        scan.finish();
        let filled = filled?;
        identity.finish().await?;
        let (events, streams) = (copied.events(), copied.streams());
        writeln!(
            std::io::stdout(),
            "copied {events} events of {streams} streams, {} users and {} sessions; the log's epoch is new, so that \
             positions of the old one are refused",
            filled.users,
            filled.sessions
        )?;
        Ok(())
    }
}
