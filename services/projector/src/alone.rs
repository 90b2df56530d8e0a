//! The fold of all partitions by the one process that there is.

use std::sync::Arc;

use eventlog::{Log, Partition};
use readmodel::{Error, Store};
use runtime::Stop;

use crate::feed::open;
use crate::fold::{Folder, Parts, stored};

/// Fold all partitions until `stop`, then close the store. A partition that cannot be folded
/// further stops by itself, and its writers with it; progress says so.
///
/// # Errors
/// What no waiting mends and concerns the store as a whole. Then nothing is folded any more,
/// and progress says that too.
pub async fn run(parts: Parts, stop: Stop) -> anyhow::Result<()> {
    let mut folder = Folder::new(parts);
    let outcome = fold(&mut folder, &stop).await;
    let closed = folder.close().await;
    outcome?;
    match closed {
        // What is in its write-ahead log is not lost: the next start reads it from there.
        Err(Error::Full(error)) => {
            tracing::warn!(%error, "no space to put the read models into their one file");
            Ok(())
        }
        other => Ok(other?),
    }
}

/// Whether rows and log belong together, so that folding can go on where it ended.
///
/// # Errors
/// The rows were folded from another log, or this one ends before them.
pub async fn check(log: &Arc<dyn Log>, store: &mut Store) -> anyhow::Result<()> {
    let stored = stored(store).await?;
    for partition in (0..log.partitions()).map(Partition) {
        open(log, partition, stored.get(&partition.0).copied()).await?;
    }
    Ok(())
}

async fn fold(folder: &mut Folder, stop: &Stop) -> anyhow::Result<()> {
    let stored = folder.stored().await?;
    for partition in (0..folder.partitions()).map(Partition) {
        folder.take_on(partition, stored.get(&partition.0).copied())?;
    }
    while !stop.is_stopping() {
        let patience = folder.patience();
        let word = tokio::select! {
            biased;
            () = stop.stopped() => break,
            word = folder.hear() => Some(word),
            () = tokio::time::sleep(patience) => None,
        };
        if let Some(partition) = folder.work(word).await?.first().copied() {
            return Err(Error::Moved { partition }.into());
        }
    }
    Ok(())
}
