//! The SQLite backend keeps the contract, and what only a file promises: opening, locks, damage, crashes.

#![expect(clippy::unwrap_used, reason = "these are tests: a panic is how they fail")]

mod beside;
mod conformance;
mod crash;
mod opening;

use std::{path::Path, sync::Arc};

use bytes::Bytes;
use eventlog::{Epoch, Log, OpenError, Partition, Position, Reader, Spec, SqliteLog, Writer};

const P0: Partition = Partition(0);

fn spec(partitions: u32) -> Spec {
    let opened = (0..partitions).map(|partition| Bytes::from(format!("opened {partition}"))).collect();
    Spec { epoch: Epoch(*b"the sqlite tests"), time_ms: 1, opened }
}

fn create(folder: &Path) -> Arc<SqliteLog> {
    Arc::new(SqliteLog::create(folder, &spec(1)).unwrap())
}

fn open(folder: &Path) -> Result<Arc<SqliteLog>, OpenError> {
    SqliteLog::open(folder, 1, &mut |_| ()).map(Arc::new)
}

fn as_log(log: &Arc<SqliteLog>) -> Arc<dyn Log> {
    Arc::clone(log) as _
}

/// Take over and append `frames` frames of three events of `bytes` bytes.
async fn fill(log: &Arc<SqliteLog>, frames: usize, bytes: usize) {
    let mut writer = Writer::open(as_log(log), P0, 1, Bytes::from_static(b"started")).await.unwrap();
    for n in 0..frames {
        writer.append(1, vec![Bytes::from(vec![n as u8; bytes]); 3]).await.unwrap();
    }
}

async fn reader(log: &Arc<SqliteLog>) -> Reader {
    let start = Position { epoch: log.epoch(), partition: P0, offset: eventlog::Offset(0) };
    Reader::open(as_log(log), start, None).await.unwrap()
}

/// Every event of partition 0.
async fn everything(log: &Arc<SqliteLog>) -> Vec<Bytes> {
    let mut reader = reader(log).await;
    let mut events = Vec::new();
    while let Some(frame) = reader.try_next().await.unwrap() {
        events.extend_from_slice(frame.events());
    }
    events
}
