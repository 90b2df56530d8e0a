//! Moves the write-ahead log into the file, on a thread and a connection of its own.
//!
//! On the writer's connection the same work would sit in front of the appends that wait.

use std::{
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
};

use rusqlite::Connection;

use super::{file::Source, stats::Stats};
use crate::error::OpenError;

/// The write-ahead log's pages (64 MiB) beyond which writing waits until it can begin anew.
const WAL_PAGES_MAX: u64 = 16 * 1024;

/// The thread; it ends when this is dropped.
pub(super) struct Checkpointer {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(source: &Source, stats: Arc<Stats>) -> Result<Self, OpenError> {
        let db = source.connect_to_write()?;
        let (wake, woken) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("log-checkpoint".to_owned())
            .spawn(move || serve(&db, &woken, &stats))
            .map_err(|error| source.io(&error))?;
        Ok(Self { wake: Some(wake), thread: Some(thread) })
    }

    /// Do it soon. Does not wait; one request that is waiting stands for all.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            let _already_asked = wake.try_send(());
        }
    }
}

fn serve(db: &Connection, woken: &Receiver<()>, stats: &Stats) {
    while woken.recv().is_ok() {
        let mut pages = run(db, "PRAGMA wal_checkpoint(PASSIVE)");
        if pages.as_ref().is_ok_and(|pages| *pages > WAL_PAGES_MAX) {
            // A writer that never rests never lets a passive one finish. This one holds it up, but little is left to do.
            pages = run(db, "PRAGMA wal_checkpoint(RESTART)");
        }
        match pages {
            Ok(pages) => stats.checkpointed(pages),
            Err(error) => {
                tracing::warn!(%error, "the log's write-ahead file could not be moved into the log")
            }
        }
    }
}

/// Returns the pages that were in the write-ahead log.
fn run(db: &Connection, sql: &str) -> rusqlite::Result<u64> {
    let pages: i64 = db.query_row(sql, [], |row| row.get(1))?;
    Ok(u64::try_from(pages).unwrap_or(0))
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
