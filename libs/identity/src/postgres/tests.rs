//! What only the store's inside can show: what its connections promise.

use engines::Postgres;

use super::*;

#[tokio::test]
async fn what_is_answered_is_on_the_disk_whatever_the_database_prefers() {
    let database = Postgres::shared().await.database().await;
    let options = PgConnectOptions::from_str(database.url()).unwrap();
    let name = options.get_database().unwrap();
    let prefer = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    let beside = PgPool::connect(database.url()).await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(prefer)).execute(&beside).await.unwrap();
    let memory = Arc::new(Memory::new(&Settings::default()));
    let store = Store::open(database.url(), &Settings::default(), memory, Purpose::Serve).await.unwrap();
    let says = sqlx::query_scalar::<_, String>("SHOW synchronous_commit").fetch_one(&store.pool).await;
    assert_eq!(says.unwrap(), "on");
}

#[test]
fn an_address_shows_no_password() {
    let options = options("postgres://hansard:secret@db.example:5433/chat").unwrap();
    assert_eq!(address(&options), "db.example:5433/chat");
    let refused = super::options("postgres://hansard:secret@db.example:no-port/chat").unwrap_err();
    assert!(!refused.to_string().contains("secret"), "{refused}");
}
