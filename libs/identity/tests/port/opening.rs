//! Opening PostgreSQL's store: made once, by whoever comes first, and never mistaken.

use engines::{Database, Postgres};
use identity::{Error, Identity, OpenError};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::task::JoinSet;

use crate::fixture::{SALT, START, cheap, new_user};

async fn database() -> Database {
    Postgres::shared().await.database().await
}

async fn change(database: &Database, statements: &str) {
    let mut beside = PgConnection::connect(database.url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(&mut beside).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_that_start_at_once_make_it_together() {
    let database = database().await;
    let mut opening = JoinSet::new();
    for _ in 0..8 {
        let url = database.url().to_owned();
        opening.spawn(async move { Identity::open_postgres(&url, &cheap()).await.unwrap() });
    }
    let opened = opening.join_all().await;
    for (index, identity) in opened.iter().enumerate() {
        identity.sign_up(new_user(&format!("user{index}")), SALT, START).await.unwrap();
    }
}

#[tokio::test]
async fn a_foreign_schema_is_refused_and_left_as_it_was() {
    let database = database().await;
    change(&database, "CREATE SCHEMA identity; CREATE TABLE identity.notes (text text)").await;
    let refused = Identity::open_postgres(database.url(), &cheap()).await;
    assert!(matches!(refused, Err(OpenError::Foreign { .. })), "{refused:?}");
    let mut beside = PgConnection::connect(database.url()).await.unwrap();
    let tables = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pg_tables WHERE schemaname = 'identity'");
    assert_eq!(tables.fetch_one(&mut beside).await.unwrap(), 1);
}

#[tokio::test]
async fn a_schema_that_its_operator_made_is_filled() {
    let database = database().await;
    change(&database, "CREATE SCHEMA identity").await;
    Identity::open_postgres(database.url(), &cheap()).await.unwrap();
}

#[tokio::test]
async fn a_newer_format_is_refused_and_an_own_one_opened_again() {
    let database = database().await;
    drop(Identity::open_postgres(database.url(), &cheap()).await.unwrap());
    drop(Identity::open_postgres(database.url(), &cheap()).await.unwrap());
    let newer = "INSERT INTO identity.migrations (version, description, success, checksum, execution_time)
                 VALUES (99, 'of the future', true, '', 0)";
    change(&database, newer).await;
    let refused = Identity::open_postgres(database.url(), &cheap()).await;
    assert!(matches!(refused, Err(OpenError::Newer { found: 99, known: 3, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let url = format!("postgres://hansard:secret@{address}/chat");
    let failed = Identity::open_postgres(&url, &cheap()).await.unwrap_err();
    assert!(matches!(failed, OpenError::Unavailable { .. }), "{failed:?}");
    let said = failed.to_string();
    assert!(said.starts_with(&format!("cannot reach PostgreSQL at {address}/chat: ")), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let database = database().await;
    let settings = identity::Settings { connections_max: 1, read_queue_max: 1, ..cheap() };
    let identity = std::sync::Arc::new(Identity::open_postgres(database.url(), &settings).await.unwrap());
    let mut asking = JoinSet::new();
    for n in 1..=50 {
        let identity = std::sync::Arc::clone(&identity);
        asking.spawn(async move { identity.user(domain::UserId::new(n).unwrap()).await });
    }
    let outcomes = asking.join_all().await;
    assert!(outcomes.contains(&Err(Error::Busy)) && outcomes.contains(&Err(Error::UserNotFound)));
    assert_eq!(identity.user(domain::UserId::new(1).unwrap()).await, Err(Error::UserNotFound));
}
