//! Folding beside, and switching under everybody's feet.

use std::time::Duration;

use sqlx::Connection as _;

use super::{Log, database, differences, pool};
use crate::postgres::{Fresh, OpenError, Pool, Snapshot, Store};
use crate::testing::conversation;
use crate::{Applied, Error};

/// The batches that take a fresh read model to where the living one is held.
async fn catch_up(fresh: &mut Fresh, log: &Log) {
    let mut reached = 0;
    loop {
        let behind = fresh.hold().await.unwrap();
        let Some((_, until)) = behind.first() else { break };
        let mut feeder = crate::testing::Feeder::new(1);
        feeder.batch(log.partitions[0][..reached].to_vec());
        let batch: Vec<Applied> = feeder.batch(log.partitions[0][reached..until.0 as usize].to_vec());
        fresh.apply(&batch).await.unwrap();
        reached = until.0 as usize;
    }
}

/// Folds the log event by event, as a projector would.
async fn project(rows: Pool, log: &Log) {
    let mut store = Store::new(rows);
    loop {
        let batch = log.next(&mut store, 1).await.unwrap();
        if batch.is_empty() {
            break;
        }
        match store.apply(&batch).await {
            Ok(()) | Err(Error::Moved { .. }) => {}
            Err(error) if error.is_passing() => {}
            Err(error) => panic!("{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// How far the rows are folded, the head of the one dialog and its newest message, read in one
/// transaction.
async fn state(rows: &Pool) -> Result<(Option<i64>, Option<i64>, Option<i64>), Error> {
    let mut connection = rows.connections().acquire().await?;
    let mut transaction = connection.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let next =
        sqlx::query_scalar("SELECT next_offset FROM checkpoints").fetch_optional(&mut *transaction).await?;
    let head = sqlx::query_scalar("SELECT head FROM dialogs").fetch_optional(&mut *transaction).await?;
    tokio::time::sleep(Duration::from_millis(1)).await;
    let newest =
        sqlx::query_scalar("SELECT max(sequence) FROM messages").fetch_one(&mut *transaction).await?;
    Ok((next, head, newest))
}

/// Reads again and again: all is always of the moment that the checkpoint names. Around a
/// switch that may be an earlier one, which the reader of the checkpoint then knows.
async fn read(rows: Pool, stop: &std::cell::Cell<bool>) -> usize {
    let (mut times, mut reached) = (0, (0, 0));
    while !stop.get() {
        match state(&rows).await {
            Ok((next, head, newest)) => {
                let (next, head, newest) = (next.unwrap_or(0), head.unwrap_or(0), newest.unwrap_or(0));
                assert_eq!(head, newest);
                if next < reached.0 {
                    assert!(head <= reached.1, "{head} at {next}, {reached:?}");
                    continue;
                }
                assert!(head >= reached.1, "{head} at {next}, {reached:?}");
                (times, reached) = (times + 1, (next, head));
            }
            // A reader gives way to the one who switches.
            Err(error) => assert!(error.is_passing(), "{error:?}"),
        }
    }
    times
}

#[tokio::test]
async fn a_rebuilt_schema_takes_the_place_of_the_old_one_under_readers_and_writers() {
    let database = database().await;
    let [rows, whole] = [pool(database.url(), "rows").await, pool(database.url(), "whole").await];
    let log = Log::of(conversation(300), 1);
    let mut store = Store::new(rows.clone());
    log.fold(&mut store, 100).await;
    let damage = "UPDATE dialogs SET name = 'damaged'";
    sqlx::raw_sql(damage).execute(&mut rows.unlimited().await.unwrap()).await.unwrap();
    let stop = std::cell::Cell::new(false);
    let rebuild = async {
        for _ in 0..3 {
            let mut fresh = Fresh::make(&rows).await.unwrap();
            catch_up(&mut fresh, &log).await;
            fresh.switch().await.unwrap();
        }
    };
    let work = async {
        tokio::join!(project(rows.clone(), &log), rebuild);
        stop.set(true);
    };
    let ((), times) = tokio::join!(work, read(rows.clone(), &stop));
    assert!(times > 3, "{times}");
    Store::new(whole.clone()).apply(&log.whole()).await.unwrap();
    assert_eq!(differences(&rows, &whole).await, Vec::<String>::new());
}

#[tokio::test]
async fn one_that_is_behind_does_not_switch_and_there_is_one_at_a_time() {
    let database = database().await;
    let rows = pool(database.url(), "rows").await;
    let log = Log::of(conversation(5), 1);
    let mut store = Store::new(rows.clone());
    store.apply(&log.whole()).await.unwrap();
    let fresh = Fresh::make(&rows).await.unwrap();
    assert!(matches!(Fresh::make(&rows).await, Err(OpenError::Folding(_))));
    assert!(matches!(fresh.switch().await, Err(OpenError::Behind(_))));
    assert_eq!(store.checkpoints().await.unwrap().len(), 1, "the living one is as it was");
    let batch = log.next(&mut store, 1).await.unwrap();
    assert!(batch.is_empty());
}

#[tokio::test]
async fn a_snapshot_stays_while_the_fold_goes_on() {
    let database = database().await;
    let rows = pool(database.url(), "rows").await;
    let log = Log::of(conversation(30), 1);
    let mut store = Store::new(rows.clone());
    let first = log.fold(&mut store, 10).await;
    let mut snapshot = Snapshot::take(&rows).await.unwrap();
    log.fold(&mut store, 100).await;
    let checkpoints = snapshot.checkpoints().await.unwrap();
    assert_eq!(checkpoints, [(first[0].partition, first[0].checkpoint)]);
    let mut fresh = Fresh::make(&rows).await.unwrap();
    fresh.apply(&first).await.unwrap();
    assert_eq!(snapshot.compare(&mut fresh, 10).await.unwrap(), []);
    let mut now = Snapshot::take(&rows).await.unwrap();
    assert!(!now.compare(&mut fresh, 10).await.unwrap().is_empty());
    now.release().await.unwrap();
    snapshot.release().await.unwrap();
    fresh.discard().await.unwrap();
}
