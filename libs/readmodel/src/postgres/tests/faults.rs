//! A server that goes, comes back, has no space, or takes somebody else's side.

use std::time::Duration;

use engines::{Postgres, Proxy};
use eventlog::Partition;
use sqlx::AssertSqlSafe;

use super::{Log, database, differences, pool};
use crate::Error;
use crate::postgres::{FactSource, Pool, Settings, Store, connect};
use crate::testing::conversation;

async fn run(pool: &Pool, sql: &str) {
    let mut connection = pool.unlimited().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

/// Lets every new message fail with that code.
async fn refuse(pool: &Pool, code: &str) {
    let sql = format!(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'refused' USING ERRCODE = '{code}'; END $$;
         CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON messages EXECUTE FUNCTION refuse()"
    );
    run(pool, &sql).await;
}

#[tokio::test]
async fn what_the_server_refuses_changes_nothing_and_succeeds_later() {
    let database = database().await;
    let [rows, whole] = [pool(database.url(), "rows").await, pool(database.url(), "whole").await];
    let log = Log::of(conversation(9), 1);
    let mut store = Store::new(rows.clone());
    log.fold(&mut store, 4).await;
    let before = store.checkpoints().await.unwrap();
    let batch = log.next(&mut store, 100).await.unwrap();
    for (code, full) in [("53100", true), ("40P01", false), ("40001", false), ("57P01", false)] {
        refuse(&rows, code).await;
        let error = store.apply(&batch).await.unwrap_err();
        assert!(error.is_passing() && matches!(error, Error::Full(_)) == full, "{code}: {error:?}");
        assert_eq!(store.checkpoints().await.unwrap(), before);
    }
    refuse(&rows, "22000").await;
    assert!(matches!(store.apply(&batch).await, Err(Error::Store(_))));
    run(&rows, "DROP TRIGGER refuse ON messages").await;
    store.apply(&batch).await.unwrap();
    Store::new(whole.clone()).apply(&log.whole()).await.unwrap();
    assert_eq!(differences(&rows, &whole).await, Vec::<String>::new());
}

#[tokio::test]
async fn rows_that_are_not_there_are_damage() {
    let database = database().await;
    let rows = pool(database.url(), "rows").await;
    let log = Log::of(conversation(9), 1);
    let mut store = Store::new(rows.clone());
    store.apply(&log.whole()).await.unwrap();
    run(&rows, "UPDATE dialogs SET kind = 99").await;
    let mut facts = FactSource::new(rows.clone());
    let Some(domain::event::Stream::Dialog(dialog)) = log.partitions[0].first().map(|record| record.stream)
    else {
        panic!("an event of a dialog")
    };
    let keys = [domain::facts::Key::Header(dialog)];
    assert!(matches!(facts.facts(Partition(0), &keys).await, Err(Error::Damaged(_))));
}

#[tokio::test]
async fn after_a_restart_of_the_server_everything_goes_on() {
    let postgres = Postgres::start().await;
    let database = postgres.database().await;
    let [rows, whole] = [pool(database.url(), "rows").await, pool(database.url(), "whole").await];
    let log = Log::of(conversation(40), 1);
    let (mut store, mut facts) = (Store::new(rows.clone()), FactSource::new(rows.clone()));
    log.fold(&mut store, 10).await;
    assert_eq!(facts.highest_user().await.unwrap(), 6);
    let batch = log.next(&mut store, 10).await.unwrap();
    postgres.stop_immediately();
    let gone = store.apply(&batch).await.unwrap_err();
    assert!(matches!(gone, Error::Unavailable(_)), "{gone:?}");
    let gone = facts.highest_user().await.unwrap_err();
    assert!(matches!(gone, Error::Unavailable(_)), "{gone:?}");
    postgres.restart().await;
    store.checkpoints().await.unwrap();
    facts.checkpoints().await.unwrap();
    // Nobody used the connections while the server was away.
    postgres.stop_immediately();
    postgres.restart().await;
    facts.facts(Partition(0), &[]).await.unwrap();
    loop {
        // What was not on the disk yet is folded again.
        let batch = log.next(&mut store, 10).await.unwrap();
        if batch.is_empty() {
            break;
        }
        store.apply(&batch).await.unwrap();
    }
    assert_eq!(facts.highest_user().await.unwrap(), 6);
    Store::new(whole.clone()).apply(&log.whole()).await.unwrap();
    assert_eq!(differences(&rows, &whole).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_answers_no_more_is_noticed() {
    let database = database().await;
    let proxy = Proxy::to(Postgres::shared().await.address()).await;
    let behind = |url: &str| {
        let server = Postgres::shared();
        let (url, proxy) = (url.to_owned(), proxy.address());
        async move { url.replace(&server.await.address().to_string(), &proxy.to_string()) }
    };
    let settings = Settings {
        acquire_max: Duration::from_millis(200),
        statement_max: Duration::from_millis(200),
        ..Settings::new(behind(database.url()).await)
    };
    let rows = connect(&settings).await.unwrap();
    let log = Log::of(conversation(9), 1);
    let mut store = Store::new(rows.clone());
    let batch = log.next(&mut store, 4).await.unwrap();
    proxy.cut();
    for _ in 0..2 {
        let gone = store.apply(&batch).await.unwrap_err();
        assert!(matches!(gone, Error::Unavailable(_)), "{gone:?}");
    }
    proxy.mend();
    match store.apply(&batch).await {
        // What was sent before the cut arrived after it.
        Ok(()) | Err(Error::Moved { .. }) => {}
        Err(error) => panic!("{error:?}"),
    }
}
