//! Every reason not to open a file, each with its sentence; and one flipped byte anywhere.

use std::fs;

use eventlog::{Offset, OpenError, SqliteLog};
use rusqlite::Connection;
use tempfile::TempDir;

use super::{P0, create, everything, fill, open, spec};

fn refusal(folder: &TempDir) -> OpenError {
    open(folder.path()).err().unwrap()
}

fn change(folder: &TempDir, sql: &str) {
    Connection::open(folder.path().join("log.db")).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn a_log_is_made_once_and_opened_often() {
    let folder = TempDir::new().unwrap();
    let inside = folder.path().join("data/deep");
    assert!(matches!(open(&inside).err(), Some(OpenError::Missing(_))));
    assert!(!inside.exists(), "looking for a log makes nothing");
    drop(create(&inside));
    assert!(matches!(SqliteLog::create(&inside, &spec(1)).err(), Some(OpenError::Exists(_))));
    let mut reports = Vec::new();
    drop(SqliteLog::open(&inside, 1, &mut |progress| reports.push(progress.next)).unwrap());
    assert_eq!(reports, [Offset(1)]);
    assert!(!inside.join("log.db-wal").exists(), "a closed log is one file");
}

#[test]
fn a_log_has_a_sensible_number_of_partitions() {
    let folder = TempDir::new().unwrap();
    for count in [0, 1_025] {
        let refused = SqliteLog::create(folder.path(), &spec(count)).err();
        assert!(matches!(refused, Some(OpenError::PartitionsCount(found)) if found == count as usize));
    }
    drop(SqliteLog::create(folder.path(), &spec(4)).unwrap());
    let error = refusal(&folder);
    assert!(matches!(error, OpenError::Partitions { found: 4, wanted: 1 }), "{error}");
}

#[test]
fn an_unfinished_creation_is_no_log_and_can_be_repeated() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("log.db"), b"").unwrap();
    assert!(matches!(refusal(&folder), OpenError::Missing(_)));
    assert!(matches!(SqliteLog::open_read_only(folder.path()).err(), Some(OpenError::Missing(_))));
    drop(create(folder.path()));
    drop(open(folder.path()).unwrap());
}

#[test]
fn foreign_files_are_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("log.db");
    let text = b"dear diary, ".repeat(1_000);
    let other = {
        let path = folder.path().join("other.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        fs::read(path).unwrap()
    };
    for content in [text, other] {
        fs::write(&path, &content).unwrap();
        assert!(matches!(refusal(&folder), OpenError::Foreign(_)));
        assert!(matches!(SqliteLog::create(folder.path(), &spec(1)).err(), Some(OpenError::Foreign(_))));
        assert!(matches!(SqliteLog::open_read_only(folder.path()).err(), Some(OpenError::Foreign(_))));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
}

#[test]
fn newer_formats_and_other_hashes_are_refused() {
    let folder = TempDir::new().unwrap();
    drop(create(folder.path()));
    change(&folder, "PRAGMA user_version = 2");
    let error = refusal(&folder);
    assert!(matches!(error, OpenError::Newer { found: 2, known: 1, .. }), "{error}");
    change(&folder, "PRAGMA user_version = 1; UPDATE meta SET partition_hash = 'other'");
    let error = refusal(&folder);
    assert!(matches!(&error, OpenError::PartitionHash { found } if found == "other"), "{error}");
    change(&folder, "DELETE FROM meta");
    assert!(matches!(refusal(&folder), OpenError::Unreadable { .. }));
}

#[test]
fn a_log_that_is_written_is_not_opened_twice() {
    let folder = TempDir::new().unwrap();
    let first = create(folder.path());
    let error = refusal(&folder);
    assert!(matches!(error, OpenError::InUse(_)), "{error}");
    assert!(matches!(SqliteLog::create(folder.path(), &spec(1)).err(), Some(OpenError::InUse(_))));
    drop(first);
    drop(open(folder.path()).unwrap());
}

#[tokio::test]
async fn lost_rows_are_found_wherever_they_were() {
    for (lost, named) in [("= 0", 0), ("= 1", 1), ("= 5", 5), ("= 29", 29), (">= 20", 20), (">= 0", 0)] {
        let folder = TempDir::new().unwrap();
        fill(&create(folder.path()), 10, 10).await;
        change(&folder, &format!("DELETE FROM frames WHERE first_offset {lost}"));
        let error = refusal(&folder);
        assert!(
            matches!(error, OpenError::Corrupt { partition: P0, offset, .. } if offset == Offset(named)),
            "{lost}: {error}"
        );
    }
}

#[tokio::test]
async fn columns_that_contradict_their_frame_are_found() {
    for column in ["count", "term", "time_ms", "hash"] {
        let folder = TempDir::new().unwrap();
        fill(&create(folder.path()), 10, 10).await;
        let value = if column == "hash" { "zeroblob(32)" } else { "9" };
        change(&folder, &format!("UPDATE frames SET {column} = {value} WHERE first_offset = 5"));
        let error = refusal(&folder);
        assert!(matches!(error, OpenError::Corrupt { offset: Offset(5), .. }), "{column}: {error}");
    }
}

/// As a crash leaves it: a copy of the files of a log that is open, with all frames in the write-ahead log.
fn copy_of_an_open_log(from: &TempDir) -> TempDir {
    let to = TempDir::new().unwrap();
    for file in ["log.db", "log.db-wal"] {
        fs::copy(from.path().join(file), to.path().join(file)).unwrap();
    }
    to
}

#[tokio::test]
async fn one_flipped_byte_in_the_write_ahead_log_is_refused() {
    let folder = TempDir::new().unwrap();
    let log = create(folder.path());
    fill(&log, 40, 3_000).await;
    let whole = everything(&log).await;
    assert!(everything(&open(copy_of_an_open_log(&folder).path()).unwrap()).await == whole);
    let size = fs::metadata(folder.path().join("log.db-wal")).unwrap().len() as usize;
    for at in (0..size * 9 / 10).step_by(size / 97) {
        let copy = copy_of_an_open_log(&folder);
        let wal = copy.path().join("log.db-wal");
        let mut bytes = fs::read(&wal).unwrap();
        bytes[at] ^= 0x10;
        fs::write(&wal, &bytes).unwrap();
        let error = refusal(&copy);
        assert!(matches!(error, OpenError::Unreadable { .. }), "byte {at}: {error}");
        assert!(error.to_string().contains("partition 0 is damaged at offset"), "byte {at}: {error}");
        assert!(fs::read(&wal).unwrap() == bytes, "it is left as it was found");
    }
}

#[tokio::test]
async fn a_torn_end_of_the_write_ahead_log_is_no_damage() {
    let folder = TempDir::new().unwrap();
    let log = create(folder.path());
    fill(&log, 10, 3_000).await;
    let whole = everything(&log).await;
    let size = fs::metadata(folder.path().join("log.db-wal")).unwrap().len();
    for torn in [1, 4_096, 5_000, size / 2, size - 10] {
        let copy = copy_of_an_open_log(&folder);
        let wal = fs::File::options().write(true).open(copy.path().join("log.db-wal")).unwrap();
        wal.set_len(size - torn).unwrap();
        let found = everything(&open(copy.path()).unwrap()).await;
        assert!(found.len() < whole.len() && found == whole[..found.len()], "{torn} bytes are missing");
    }
}

/// A byte of the file that carries nothing may change unseen; every other one stops the start, or the log is whole.
#[tokio::test]
async fn one_flipped_byte_anywhere_in_the_file_is_refused_or_harmless() {
    let folder = TempDir::new().unwrap();
    let whole = {
        let log = create(folder.path());
        fill(&log, 40, 20_000).await;
        everything(&log).await
    };
    let path = folder.path().join("log.db");
    assert!(!folder.path().join("log.db-wal").exists(), "a closed log is one file");
    let good = fs::read(&path).unwrap();
    let (mut refused, mut named) = (0, 0);
    for at in (0..good.len()).step_by(good.len() / 300) {
        let mut bad = good.clone();
        bad[at] ^= 0x40;
        fs::write(&path, &bad).unwrap();
        match open(folder.path()) {
            Ok(log) => assert!(everything(&log).await == whole, "byte {at}"),
            Err(error) => {
                refused += 1;
                named += usize::from(matches!(error, OpenError::Corrupt { .. }));
            }
        }
    }
    assert!(refused > 200 && named > 200, "{refused} of about 300 refused, {named} with an offset");
}
