//! The read models of a cluster.

use std::sync::Arc;

use anyhow::Context as _;
use eventlog::Log;
use readmodel::postgres::{Fresh, Snapshot};

use super::batches::Batches;
use super::{DIFFERENCES_MAX, judge, say, tails};
use crate::Settings;
use crate::engines::{open_log, open_rows};

/// Fold fresh rows, then put them in place of the old ones. Folding goes on while most of that
/// is done, and reading all the time.
pub(super) async fn rebuild(settings: &Settings) -> anyhow::Result<()> {
    let (log, rows) = (open_log(settings).await?, open_rows(settings).await?);
    let log: Arc<dyn Log> = Arc::new(log);
    let mut fresh = Fresh::make(&rows).await?;
    let mut batches = Batches::until(Arc::clone(&log), &tails(&log).await?).await?;
    fold(&mut fresh, &mut batches).await?;
    // What was folded meanwhile, and then, with nobody folding, the little that is left.
    batches.go_on(&tails(&log).await?);
    fold(&mut fresh, &mut batches).await?;
    batches.go_on(&fresh.hold().await?);
    fold(&mut fresh, &mut batches).await?;
    fresh.switch().await?;
    let (events, rate) = batches.finish();
    say(&format!("folded {events} events into the schema {}, {rate:.0} a second", rows.schema()))
}

/// Compare the living rows with a fold of their own.
pub(super) async fn verify(settings: &Settings) -> anyhow::Result<()> {
    let (log, rows) = (open_log(settings).await?, open_rows(settings).await?);
    let mut living = Snapshot::take(&rows).await?;
    let checkpoints = living.checkpoints().await?;
    let ends = checkpoints.iter().map(|(partition, checkpoint)| (*partition, checkpoint.next)).collect();
    let mut fresh = Fresh::make(&rows).await?;
    let mut batches = Batches::until(Arc::new(log), &ends).await?;
    fold(&mut fresh, &mut batches).await?;
    let differences = living.compare(&mut fresh, DIFFERENCES_MAX).await?;
    living.release().await?;
    fresh.discard().await.context("the temporary schema is left behind")?;
    judge(&differences, batches.finish())
}

async fn fold(fresh: &mut Fresh, batches: &mut Batches) -> anyhow::Result<()> {
    while let Some(batch) = batches.next_batch().await? {
        fresh.apply(&batch).await?;
    }
    Ok(())
}
