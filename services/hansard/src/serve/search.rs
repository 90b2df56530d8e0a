//! Searching: its index, which is folded beside the rows, and the way to ask it.

use std::sync::Arc;

use projector::IndexParts;
use readmodel::queries::Queries;
use readmodel::search::{Place, Search};
use runtime::Tasks;

use super::{Shared, spawn_blocking_role};
use crate::Settings;

/// How much less than others the thread that folds the index counts where processors are
/// scarce: it then gets about a tenth of what they get.
const NICENESS: i32 = 10;

/// The way to ask the index at `place`; none where searching is switched off.
pub(super) fn over(settings: &Settings, queries: &Queries, place: &Place) -> anyhow::Result<Option<Search>> {
    if !settings.search.enabled {
        return Ok(None);
    }
    Ok(Some(Search::new(queries.clone(), place, settings.search())?))
}

/// Fold an index that blocks, on a thread of its own.
pub(super) fn start_thread(tasks: &Tasks, shared: &Shared, place: Place) {
    let parts = parts(shared, place);
    spawn_blocking_role(tasks, "search index", async |stop| {
        // On Linux that is of the thread, not of the process. Where it is refused, the index
        // merely counts as much as everybody else.
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            tracing::debug!(%error, "the search index is folded with the priority of everything else");
        }
        projector::index(parts, stop).await
    });
}

/// Fold an index that does not block.
pub(super) fn start_task(tasks: &Tasks, shared: &Shared, place: Place) {
    tasks.spawn("search index", projector::index(parts(shared, place), tasks.stop()));
}

fn parts(shared: &Shared, place: Place) -> IndexParts {
    IndexParts { log: Arc::clone(&shared.log), place, progress: shared.progress.clone() }
}
