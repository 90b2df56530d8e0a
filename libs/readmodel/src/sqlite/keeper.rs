//! Moves what was committed from the write-ahead log into the file, on a thread and a
//! connection of its own: on the writer's thread it would cost its slowest commits.
//!
//! The writer moves it itself only if the keeper falls far behind, so the write-ahead log
//! is bounded.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::connect::open_plain;
use super::error::OpenError;

/// Pages in the write-ahead log from which on moving them is worth it.
const PAGES_MIN: u32 = 1_000;

/// The thread; dropping it ends it.
#[derive(Debug)]
pub(super) struct Keeper {
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(path: &Path) -> Result<Self, OpenError> {
        let connection = open_plain(path)?;
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("readmodel-keeper".to_owned())
            .spawn(move || keep(&connection, &woken))
            .map_err(OpenError::Thread)?;
        Ok(Self { wake: Some(wake), thread: Some(thread) })
    }

    /// Something was committed.
    pub(super) fn wake(&self) {
        if let Some(wake) = &self.wake {
            // Full means that it is about to look anyway.
            let _: Result<_, _> = wake.try_send(());
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _: Result<_, _> = thread.join();
        }
    }
}

fn keep(connection: &Connection, woken: &Receiver<()>) {
    while woken.recv().is_ok() {
        let moved = pages(connection).and_then(|pages| {
            if pages < PAGES_MIN { Ok(()) } else { run(connection, "PASSIVE").map(|_| ()) }
        });
        if let Err(error) = moved {
            tracing::warn!(%error, "the read model's write-ahead log cannot be moved into its file now");
        }
    }
}

/// Pages in the write-ahead log that are not in the file yet.
fn pages(connection: &Connection) -> rusqlite::Result<u32> {
    run(connection, "NOOP")
}

fn run(connection: &Connection, mode: &str) -> rusqlite::Result<u32> {
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
        let [pages, moved] = [row.get::<_, i64>(1)?, row.get::<_, i64>(2)?];
        Ok(u32::try_from(pages - moved).unwrap_or(0))
    })
}
