//! What the tests of Hansard rely on: PostgreSQL servers and databases of their own, which keep what
//! they have confirmed whatever is done to them.

use std::time::Duration;

use engines::{Database, Postgres};
use sqlx::{Connection as _, PgConnection};
use tokio::time::timeout;

/// Longer than anything here takes; what hangs fails instead of hanging the tests.
const ENOUGH: Duration = Duration::from_secs(60);
/// After which somebody who has not answered is taken for paused.
const MOMENT: Duration = Duration::from_millis(500);

#[tokio::test]
async fn databases_of_the_shared_server_are_apart() {
    let shared = Postgres::shared().await;
    let (one, other) = tokio::join!(shared.database(), shared.database());
    assert_ne!(one.url(), other.url());
    run(&one, "CREATE TABLE kept (number INTEGER)").await;
    run(&other, "CREATE TABLE kept (number INTEGER)").await;
}

#[test]
fn the_shared_server_outlives_the_test_that_started_it() {
    for _ in 0..2 {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
        runtime.block_on(async {
            let database = Postgres::shared().await.database().await;
            run(&database, "SELECT 1").await;
        });
    }
}

#[tokio::test]
async fn its_order_of_texts_is_not_that_of_bytes() {
    let database = Postgres::shared().await.database().await;
    let ordered: bool = sqlx::query_scalar("SELECT 'a' < 'B'")
        .fetch_one(&mut connect(&database).await)
        .await
        .expect("texts can be compared");
    assert!(ordered);
}

#[tokio::test]
async fn what_was_confirmed_survives_a_crash() {
    let own = Postgres::start().await;
    let database = own.database().await;
    run(&database, "CREATE TABLE kept AS SELECT 1 AS number").await;
    own.stop_immediately();
    assert!(PgConnection::connect(database.url()).await.is_err(), "it is gone");
    own.restart().await;
    run(&database, "SELECT number FROM kept").await;
    own.restart().await;
    run(&database, "SELECT number FROM kept").await;
}

#[tokio::test]
async fn paused_it_answers_nobody_and_then_goes_on() {
    let own = Postgres::start().await;
    let database = own.database().await;
    let mut connection = connect(&database).await;
    own.pause();
    let mut asked = Box::pin(sqlx::query("SELECT 1").execute(&mut connection));
    assert!(timeout(MOMENT, &mut asked).await.is_err(), "it does nothing");
    own.resume();
    timeout(ENOUGH, asked).await.expect("it goes on").expect("it is the same connection");
}

async fn connect(database: &Database) -> PgConnection {
    PgConnection::connect(database.url()).await.expect("it connects")
}

async fn run(database: &Database, statement: &'static str) {
    let done = sqlx::query(statement).execute(&mut connect(database).await).await;
    done.expect("the statement is run");
}
