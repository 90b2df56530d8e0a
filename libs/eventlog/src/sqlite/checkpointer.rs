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

/// What asks for a pass: whoever waits for its end, if anybody does.
type Request = Option<SyncSender<()>>;

/// The thread; it ends when this is dropped.
pub(super) struct Checkpointer {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(source: &Source, stats: Arc<Stats>) -> Result<Self, OpenError> {
        let db = source.connect_to_write()?;
        let (requests, requested) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("log-checkpoint".to_owned())
            .spawn(move || serve(&db, &requested, &stats))
            .map_err(|error| source.io(&error))?;
        Ok(Self { requests: Some(requests), thread: Some(thread) })
    }

    /// Make a pass soon. Does not wait; one request that is waiting stands for all.
    pub(super) fn wake(&self) {
        if let Some(requests) = &self.requests {
            let _already_asked = requests.try_send(None);
        }
    }

    /// Make a pass that begins after this call, and wait for its end.
    pub(super) fn wait(&self) {
        let (done, is_done) = sync_channel(1);
        if let Some(requests) = &self.requests
            && requests.send(Some(done)).is_ok()
        {
            let _thread_died = is_done.recv();
        }
    }
}

fn serve(db: &Connection, requested: &Receiver<Request>, stats: &Stats) {
    while let Ok(request) = requested.recv() {
        match db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(1)) {
            Ok(pages) => stats.checkpointed(u64::try_from(pages).unwrap_or(0)),
            Err(error) => {
                tracing::warn!(%error, "the log's write-ahead file could not be moved into the log")
            }
        }
        if let Some(done) = request {
            let _gave_up = done.send(());
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}
