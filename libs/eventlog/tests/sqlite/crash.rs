//! A process that appends is killed at any moment: every acknowledged frame is there, densely.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
};

use bytes::Bytes;
use eventlog::{Log, Partition, SqliteLog, Writer, verify};
use tempfile::TempDir;

use super::{open, spec};

/// Set for the process that is to be killed: the folder of its log.
const FOLDER: &str = "EVENTLOG_CRASH_FOLDER";
const ROUNDS: usize = 8;

/// Appends until it is killed, printing each acknowledgement; does nothing when it runs as an ordinary test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let log = match open(&folder) {
        Ok(log) => log,
        Err(_) => SqliteLog::create(&folder, &spec(1)).map(std::sync::Arc::new).unwrap(),
    };
    let mut writer = Writer::open(log, Partition(0), 1, Bytes::from_static(b"started")).await.unwrap();
    for n in 0_usize.. {
        let event = Bytes::from(format!("{n} ").repeat(1 + n * 37 % 2_000));
        let appended = writer.append(1, vec![event; 1 + n % 3]).await.unwrap();
        println!("acknowledged {}", appended.next);
    }
}

#[tokio::test]
async fn every_acknowledged_frame_survives() {
    let folder = TempDir::new().unwrap();
    let mut last = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["crash::the_process_that_is_killed", "--exact", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut wanted = 1 + round * 53 % 200;
        for line in lines {
            let line = line.unwrap();
            if let Some((_, next)) = line.split_once("acknowledged ") {
                last = next.parse::<u64>().unwrap();
                wanted = wanted.saturating_sub(1);
                if wanted == 0 {
                    // The pipe is read to its end: what was acknowledged until the very death counts too.
                    child.kill().unwrap_or_default();
                }
            }
        }
        child.wait().unwrap();
        assert_eq!(wanted, 0, "the process ended by itself");

        let beside = SqliteLog::open_read_only(folder.path()).unwrap();
        let found = verify(&beside, Partition(0), &mut |_| ()).await.unwrap();
        assert!(found.next.0 >= last, "{last} was acknowledged, {found:?} is there");
        drop(beside);
        let log = open(folder.path()).unwrap();
        assert_eq!(log.tail(Partition(0)).await.unwrap().next, found.next);
    }
}
