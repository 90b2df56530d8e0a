//! The conformance suite over files, damaged through a connection of its own.

use std::sync::Arc;

use eventlog::{
    BoxFuture, Log, Offset, Partition, Spec, SqliteLog,
    conformance::{self, Damage, Subject},
};
use rusqlite::{Connection, params};
use tempfile::TempDir;

struct File {
    log: Arc<SqliteLog>,
    folder: TempDir,
}

const CONTAINS: &str = "partition = ?1 AND first_offset <= ?2 AND ?2 < first_offset + count";
const TRUNCATE: &str = "DELETE FROM frames WHERE partition = ?1 AND first_offset + count > ?2";
const TAIL: &str = "UPDATE tails SET (next, hash, term, time_ms) =
        (SELECT first_offset + count, hash, term, time_ms FROM frames WHERE partition = ?1
         ORDER BY first_offset DESC LIMIT 1)
    WHERE partition = ?1";
const TRIM: &str = "DELETE FROM frames WHERE partition = ?1 AND first_offset + count <= ?2";
const HEAD: &str = "UPDATE tails SET first_kept =
        (SELECT min(first_offset) FROM frames WHERE partition = ?1) WHERE partition = ?1";

impl Subject for File {
    fn log(&self) -> Arc<dyn Log> {
        Arc::clone(&self.log) as _
    }

    fn damage(&self, damage: Damage) -> BoxFuture<'_, bool> {
        self.change(damage);
        Box::pin(std::future::ready(true))
    }

    fn set_full(&self, full: bool) -> BoxFuture<'_, bool> {
        Box::pin(async move {
            self.log.set_bytes_max(full.then_some(0)).await.unwrap();
            true
        })
    }
}

impl File {
    fn change(&self, damage: Damage) {
        let db = Connection::open(self.folder.path().join("log.db")).unwrap();
        let (remove, repair, partition, offset) = match damage {
            Damage::Flip(partition, offset) => {
                return flip(&db, partition, offset);
            }
            Damage::Truncate(partition, offset) => (TRUNCATE, TAIL, partition, offset),
            Damage::Trim(partition, offset) => (TRIM, HEAD, partition, offset),
        };
        assert!(db.execute(remove, params![partition.0, offset.0 as i64]).unwrap() > 0);
        assert_eq!(db.execute(repair, params![partition.0]).unwrap(), 1);
    }
}

fn flip(db: &Connection, partition: Partition, offset: Offset) {
    let place = params![partition.0, offset.0 as i64];
    let select = format!("SELECT frame FROM frames WHERE {CONTAINS}");
    let mut frame: Vec<u8> = db.query_row(&select, place, |row| row.get(0)).unwrap();
    let middle = frame.len() / 2;
    frame[middle] ^= 1;
    let update = format!("UPDATE frames SET frame = ?3 WHERE {CONTAINS}");
    db.execute(&update, params![partition.0, offset.0 as i64, frame]).unwrap();
}

fn make(spec: &Spec) -> BoxFuture<'static, Box<dyn Subject>> {
    let folder = TempDir::new().unwrap();
    let log = Arc::new(SqliteLog::create(folder.path(), spec).unwrap());
    Box::pin(std::future::ready(Box::new(File { log, folder }) as Box<dyn Subject>))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order() {
    conformance::order(&make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fencing() {
    conformance::fencing(&make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_outcomes() {
    conformance::unknown_outcomes(&make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage() {
    conformance::damage(&make).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits() {
    conformance::limits(&make).await;
}
