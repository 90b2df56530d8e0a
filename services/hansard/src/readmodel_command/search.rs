//! The search index: thrown away, or compared with a fold of its own.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use eventlog::{Log, SqliteLog};
use readmodel::search::{Place, Store};
use runtime::DataFolder;

use super::batches::Batches;
use super::embedded::TemporaryFolder;
use super::{DIFFERENCES_MAX, judge, say};
use crate::Settings;
use crate::engines::{open_log, rows_settings};
use crate::settings::Backend;

/// Rows of gone messages deleted at once.
const SWEEP_ROWS_MAX: usize = 10_000;

/// Throw it away. A server folds it again from its start on; a cluster at once.
pub(super) async fn discard(settings: &Settings) -> anyhow::Result<()> {
    let (place, _held) = match settings.log.backend {
        Backend::Sqlite => {
            let folder = DataFolder::open(&settings.data.folder)?;
            (Place::in_folder(folder.path()), Some(folder))
        }
        Backend::Jetstream => (Place::Schema(rows_settings(settings)), None),
    };
    place.discard().await?;
    say(&format!("{} is gone; it is folded again while everything else is served", place.name()))
}

/// Compare it with a fold of its own.
pub(super) async fn verify(settings: &Settings) -> anyhow::Result<()> {
    match settings.log.backend {
        Backend::Sqlite => {
            let folder = DataFolder::find(&settings.data.folder)?;
            let log: Arc<dyn Log> = Arc::new(SqliteLog::open_read_only(&folder)?);
            let temporary = TemporaryFolder::beside(&folder)?;
            compare(&Place::in_folder(&folder), log, &temporary.0).await
        }
        Backend::Jetstream => {
            let log: Arc<dyn Log> = Arc::new(open_log(settings).await?);
            compare(&Place::Schema(rows_settings(settings)), log, Path::new("")).await
        }
    }
}

async fn compare(place: &Place, log: Arc<dyn Log>, folder: &Path) -> anyhow::Result<()> {
    let living = place.snapshot().await?;
    let mut living = living.with_context(|| format!("there is no search index at {}", place.name()))?;
    let checkpoints = living.checkpoints().await?;
    let ends = checkpoints.iter().map(|(partition, checkpoint)| (*partition, checkpoint.next)).collect();
    let mut batches = Batches::until(log, &ends).await?;
    let fresh = place.beside(folder);
    fresh.discard().await?;
    fold(fresh.open().await?, &mut batches).await?;
    let mut other = fresh.snapshot().await?.context("the index that was just folded is gone")?;
    let differences = living.compare(&mut other, DIFFERENCES_MAX).await?;
    drop(other);
    fresh.discard().await.context("the temporary index is left behind")?;
    judge(&differences, batches.finish())
}

async fn fold(mut store: Store, batches: &mut Batches) -> anyhow::Result<()> {
    while let Some(batch) = batches.next_batch().await? {
        store.apply(&batch).await?;
    }
    while store.sweep(SWEEP_ROWS_MAX).await? {}
    Ok(store.close().await?)
}
