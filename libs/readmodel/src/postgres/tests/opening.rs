//! Schemas that are ours or not, and servers that are there or not.

use engines::Postgres;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{database, pool};
use crate::fold::FOLDS_VERSION;
use crate::postgres::{OpenError, Settings, Store, connect};

async fn run(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

#[tokio::test]
async fn many_that_open_it_at_once_make_it_once() {
    let database = database().await;
    let settings = Settings::new(database.url());
    let opening = (0..8).map(|_| connect(&settings));
    for pool in futures::future::join_all(opening).await {
        let pool = pool.unwrap();
        assert_eq!(pool.schema(), format!("readmodel_{FOLDS_VERSION}"));
        assert_eq!(Store::new(pool).checkpoints().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_foreign_schema_is_refused_and_left_alone() {
    let database = database().await;
    let theirs =
        format!("CREATE SCHEMA readmodel_{FOLDS_VERSION}; CREATE TABLE readmodel_{FOLDS_VERSION}.x ()");
    run(database.url(), &theirs).await;
    let refused = connect(&Settings::new(database.url())).await;
    assert!(matches!(refused, Err(OpenError::Foreign(name)) if name == format!("readmodel_{FOLDS_VERSION}")));
    run(database.url(), &format!("SELECT FROM readmodel_{FOLDS_VERSION}.x")).await;
}

#[tokio::test]
async fn what_cannot_hold_it_is_named() {
    let database = database().await;
    let plain = "CREATE DATABASE plain ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";
    let postgres = Postgres::start().await;
    let own = postgres.database().await;
    run(own.url(), plain).await;
    let (server, _) = own.url().rsplit_once('/').unwrap();
    let refused = connect(&Settings::new(format!("{server}/plain"))).await.unwrap_err().to_string();
    assert!(refused.contains("LATIN1") && refused.contains(&postgres.address().to_string()), "{refused}");
    let refused = connect(&Settings::new(format!("{server}/absent"))).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unfit { .. }), "{refused}");
    for name in ["", "Rows", "rows-1", "rows\"; DROP"] {
        let settings = Settings { schema: name.to_owned(), ..Settings::new(database.url()) };
        assert!(matches!(connect(&settings).await, Err(OpenError::Unfit { .. })), "{name:?}");
    }
    let refused = connect(&Settings::new("nowhere")).await.unwrap_err();
    assert!(matches!(refused, OpenError::Address(_)), "{refused}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    let url = "postgres://somebody:secret@127.0.0.1:1/rows";
    let refused = connect(&Settings::new(url)).await.unwrap_err();
    assert!(matches!(refused, OpenError::Unreachable { .. }), "{refused}");
    assert_eq!(refused.to_string(), "PostgreSQL cannot be reached at 127.0.0.1:1");
    assert!(!format!("{:?} {refused:?}", Settings::new(url)).contains("secret"));
}

#[tokio::test]
async fn a_discarded_schema_is_made_anew() {
    let database = database().await;
    let rows = pool(database.url(), "rows").await;
    let log = super::Log::of(crate::testing::conversation(3), 1);
    Store::new(rows.clone()).apply(&log.whole()).await.unwrap();
    rows.discard().await.unwrap();
    let rows = pool(database.url(), "rows").await;
    assert_eq!(Store::new(rows).checkpoints().await.unwrap(), []);
}
