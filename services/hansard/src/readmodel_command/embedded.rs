//! The read models of a data folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use eventlog::{Log, SqliteLog};
use readmodel::sqlite::{self, Snapshot};
use runtime::DataFolder;
use tokio::task::spawn_blocking;

use super::batches::Batches;
use super::{DIFFERENCES_MAX, judge, say, tails};

/// Fold a fresh file and put it in place of the old one.
pub(super) async fn rebuild(folder: &Path) -> anyhow::Result<()> {
    let folder = DataFolder::open(folder)?;
    let log: Arc<dyn Log> = Arc::new(SqliteLog::open_read_only(folder.path())?);
    let path = folder.path().join(sqlite::file_name());
    let ends = tails(&log).await?;
    let mut batches = Batches::until(log, &ends).await?;
    let (path, (events, rate)) = spawn_blocking(move || {
        let fresh = sqlite::fold_beside(&path, &mut batches)?;
        sqlite::switch(&fresh, &path)?;
        anyhow::Ok((path, batches.finish()))
    })
    .await??;
    say(&format!("folded {events} events into {}, {rate:.0} a second", path.display()))
}

/// Compare the living file with a fold of its own.
pub(super) async fn verify(folder: &Path) -> anyhow::Result<()> {
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
    let ends = checkpoints.iter().map(|(partition, checkpoint)| (*partition, checkpoint.next)).collect();
    let mut batches = Batches::until(log, &ends).await?;
    let (differences, folded) = spawn_blocking(move || {
        let temporary = TemporaryFolder::beside(&folder)?;
        let fresh = sqlite::fold_beside(&temporary.0.join(sqlite::file_name()), &mut batches)?;
        let folded = batches.finish();
        anyhow::Ok((living.compare(&fresh, DIFFERENCES_MAX)?, folded))
    })
    .await??;
    judge(&differences, folded)
}

/// A folder that goes with its value.
pub(super) struct TemporaryFolder(pub(super) PathBuf);

impl TemporaryFolder {
    /// In the data folder itself: the same disk, and nobody else's.
    pub(super) fn beside(folder: &Path) -> anyhow::Result<Self> {
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
