//! Several writers that all believe that every partition is theirs.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{Log, database, differences, pool, records};
use crate::Error;
use crate::postgres::{Pool, Store};
use crate::testing::{Step, steps};

/// Folds everything, in batches of the `sizes`; how often somebody else was faster.
async fn project(pool: Pool, log: &Log, sizes: &[usize]) -> usize {
    let mut store = Store::new(pool);
    let mut overtaken = 0;
    for size in sizes.iter().cycle() {
        let batch = log.next(&mut store, *size).await.unwrap();
        if batch.is_empty() {
            break;
        }
        match store.apply(&batch).await {
            Ok(()) => {}
            Err(Error::Moved { .. }) => overtaken += 1,
            Err(error) => assert!(error.is_passing(), "{error:?}"),
        }
        let swept = store.sweep(*size).await;
        assert!(swept.as_ref().map_or_else(Error::is_passing, |_| true), "{swept:?}");
    }
    overtaken
}

/// Folds a history by three at a time; how often one of them was overtaken.
async fn by_three(
    url: &str,
    (number, partitions): (u32, u32),
    steps: &[Step],
    [one, two, three]: &[Vec<usize>; 3],
) -> Result<usize, TestCaseError> {
    let log = Log::of(records(steps), partitions);
    let rows = pool(url, &format!("rows_{number}")).await;
    let whole = pool(url, &format!("whole_{number}")).await;
    Store::new(whole.clone()).apply(&log.whole()).await.unwrap();
    let times = tokio::join!(
        project(rows.clone(), &log, one),
        project(rows.clone(), &log, two),
        project(rows.clone(), &log, three),
    );
    prop_assert_eq!(differences(&rows, &whole).await, Vec::<String>::new());
    Ok(times.0 + times.1 + times.2)
}

#[test]
fn rows_are_those_of_the_log_whoever_folds_it() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let database = runtime.block_on(database());
    let sizes = || prop::collection::vec(1..12_usize, 1..6);
    let strategy = (steps(60, false), [sizes(), sizes(), sizes()], 1..4_u32);
    let config = Config { cases: 12, max_shrink_iters: 50, failure_persistence: None, ..Config::default() };
    let (number, overtaken) = (Cell::new(0), Cell::new(0));
    let tested = TestRunner::new(config).run(&strategy, |(steps, sizes, partitions)| {
        number.set(number.get() + 1);
        let folding = by_three(database.url(), (number.get(), partitions), &steps, &sizes);
        overtaken.set(overtaken.get() + runtime.block_on(folding)?);
        Ok(())
    });
    if let Err(failure) = tested {
        panic!("{failure}");
    }
    assert!(overtaken.get() > 0, "they never met");
}

#[tokio::test]
async fn of_two_at_the_same_moment_one_is_told_that_it_was_overtaken() {
    let database = database().await;
    let rows = pool(database.url(), "rows").await;
    let mut stores = [Store::new(rows.clone()), Store::new(rows.clone())];
    let log = Log::of(crate::testing::conversation(60), 1);
    let mut applied = 0;
    loop {
        let batch = log.next(&mut stores[0], 3).await.unwrap();
        if batch.is_empty() {
            break;
        }
        let [one, other] = &mut stores;
        let outcomes = tokio::join!(one.apply(&batch), other.apply(&batch));
        match outcomes {
            (Ok(()), Err(Error::Moved { .. })) | (Err(Error::Moved { .. }), Ok(())) => applied += 1,
            // On a busy machine one may wait for the other longer than it wants to.
            (Ok(()), Err(error)) | (Err(error), Ok(())) => assert!(error.is_passing(), "{error:?}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(applied >= 20, "{applied}");
    let whole = pool(database.url(), "whole").await;
    Store::new(whole.clone()).apply(&log.whole()).await.unwrap();
    assert_eq!(differences(&rows, &whole).await, Vec::<String>::new());
}
