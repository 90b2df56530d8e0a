//! Reading beside a writer, after one, and without any; and the write-ahead log's bounds.

use std::{fs, sync::Arc};

use bytes::Bytes;
use eventlog::{AppendError, Log, Offset, Rejection, SqliteLog, TakeoverError, Writer, verify};
use tempfile::TempDir;

use super::{P0, as_log, create, everything, fill, open, reader};

fn read_only(folder: &TempDir) -> Arc<SqliteLog> {
    Arc::new(SqliteLog::open_read_only(folder.path()).unwrap())
}

#[tokio::test]
async fn a_reader_beside_the_writer_follows_it() {
    let folder = TempDir::new().unwrap();
    let log = create(folder.path());
    fill(&log, 5, 100).await;
    let beside = read_only(&folder);
    assert_eq!(everything(&beside).await, everything(&log).await);
    let mut following = reader(&beside).await;
    while following.try_next().await.unwrap().is_some() {}
    let end = following.position().offset;
    fill(&log, 1, 100).await;
    // No signal crosses the process's border: the reader looks by itself.
    assert_eq!(following.next().await.unwrap().first(), end);
    assert_eq!(verify(&*beside, P0, &mut |_| ()).await.unwrap().next, log.tail(P0).await.unwrap().next);
    drop(log);
    assert_eq!(everything(&beside).await.len(), 21);
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn a_read_only_log_takes_no_lock_and_no_appends() {
    let folder = TempDir::new().unwrap();
    fill(&create(folder.path()), 5, 100).await;
    let before = fs::read(folder.path().join("log.db")).unwrap();
    let [first, second] = [read_only(&folder), read_only(&folder)];
    let writer = Writer::open(as_log(&first), P0, 1, Bytes::from_static(b"x")).await;
    let refused = AppendError::Rejected(Rejection::ReadOnly);
    assert_eq!(writer.err(), Some(TakeoverError::Append(refused.clone())));
    assert_eq!(first.set_bytes_max(None).await, Err(refused));
    assert_eq!(everything(&second).await.len(), 17);
    assert_eq!(fs::read(folder.path().join("log.db")).unwrap(), before);
    let log = open(folder.path()).unwrap();
    fill(&log, 1, 1).await;
    assert_eq!(everything(&second).await.len(), 21, "it sees a writer that came later");
}

#[tokio::test]
async fn a_log_in_a_folder_that_cannot_be_written_is_read_all_the_same() {
    let folder = TempDir::new().unwrap();
    let odd = folder.path().join("50% off? #1");
    fill(&create(&odd), 5, 100).await;
    // What SQLite would make beside the file cannot be made.
    fs::create_dir(odd.join("log.db-shm")).unwrap();
    let log = Arc::new(SqliteLog::open_read_only(&odd).unwrap());
    assert_eq!(everything(&log).await.len(), 17);
}

#[tokio::test]
async fn stats_count_frames_events_and_commits() {
    let folder = TempDir::new().unwrap();
    let log = create(folder.path());
    fill(&log, 9, 100).await;
    let stats = log.stats();
    assert_eq!((stats.frames(), stats.events(), stats.commits()), (10, 28, 10));
    assert!(stats.bytes() > 2_700 && stats.commit_time() >= stats.last_commit_time());
    assert!(!stats.last_commit_time().is_zero());
}

/// 130 MB are appended without a pause; the write-ahead log must not grow with them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_write_ahead_log_stays_bounded() {
    let folder = TempDir::new().unwrap();
    let log = create(folder.path());
    fill(&log, 700, 62_000).await;
    let wal = fs::metadata(folder.path().join("log.db-wal")).unwrap().len();
    assert!(wal < 90 << 20, "the write-ahead log has {wal} bytes");
    assert!(log.stats().checkpoints() > 0);
    assert_eq!(log.tail(P0).await.unwrap().next, Offset(2 + 2_100));
}
