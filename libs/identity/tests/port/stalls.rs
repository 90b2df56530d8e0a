//! PostgreSQL away: known at once, nobody let in on what memory no longer vouches for, and everything that
//! was answered is there once it is back.

use std::sync::Arc;

use engines::{Database, Postgres};
use identity::find::{By, Order, Query};
use identity::{Error, Identity};
use tokio::task::JoinSet;

use crate::fixture::{SALT, START, application, cheap, id, new_user, until};

async fn own_server() -> (Postgres, Database, Arc<Identity>) {
    let server = Postgres::start().await;
    let database = server.database().await;
    let identity = Identity::open_postgres(database.url(), &cheap()).await.unwrap();
    (server, database, Arc::new(identity))
}

fn everybody() -> Query {
    Query { conditions: vec![], by: By::Id, order: Order::Ascending, skip: 0, limit: 1 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_says_nothing_lets_nobody_in_and_nobody_wait() {
    let (server, _database, it) = own_server().await;
    let token = it.open_session([1; 20], application(), None, START).await.unwrap().token;
    assert!(it.authenticate(token.as_str(), START).await.is_ok());
    server.pause();
    // These ask before anybody knows, and are told as soon as anybody does: their own wait is longer.
    let mut asking = JoinSet::new();
    for n in 1..=5 {
        let it = Arc::clone(&it);
        asking.spawn(async move { it.user(id(n)).await });
    }
    // More of these than may be asked at a time.
    let mut searching = JoinSet::new();
    for _ in 1..=20 {
        let it = Arc::clone(&it);
        searching.spawn(async move { it.find(everybody()).await });
    }
    let told = asking.join_all().await;
    assert!(told.iter().all(|told| *told == Err(Error::Unavailable)), "{told:?}");
    let told = searching.join_all().await;
    assert!(told.iter().all(|told| *told == Err(Error::Unavailable)), "{told:?}");
    until("memory is no longer trusted", async || {
        it.authenticate(token.as_str(), START).await == Err(Error::Unavailable)
    })
    .await;
    // Known: a thousand more are told in less time than one would wait.
    let known = async {
        for _ in 0..1_000 {
            assert_eq!(it.user(id(1)).await, Err(Error::Unavailable));
            assert_eq!(it.find(everybody()).await, Err(Error::Unavailable));
            assert_eq!(it.authenticate(token.as_str(), START).await, Err(Error::Unavailable));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(6), known).await.unwrap();
    server.resume();
    until("people come in again", async || it.authenticate(token.as_str(), START).await.is_ok()).await;
    assert_eq!(it.user(id(1)).await, Err(Error::UserNotFound));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_a_crash_of_the_server() {
    let (server, _database, it) = own_server().await;
    let alice = it.sign_up(new_user("alice"), SALT, START).await.unwrap();
    let [kept, ended] =
        [1, 2].map(|token| it.open_session([token; 20], application(), Some(alice.id), START));
    let (kept, ended) = (kept.await.unwrap(), ended.await.unwrap());
    it.end_session(ended.id).await.unwrap();
    server.stop_immediately();
    until("everybody is told", async || it.user(alice.id).await == Err(Error::Unavailable)).await;
    assert_eq!(it.sign_up(new_user("bob"), SALT, START).await, Err(Error::Unavailable));
    server.restart().await;
    until("it goes on", async || it.user(alice.id).await.is_ok()).await;
    until("people come in again", async || it.authenticate(kept.token.as_str(), START).await.is_ok()).await;
    assert_eq!(it.authenticate(ended.token.as_str(), START).await, Err(Error::NoSuchSession));
    assert_eq!(it.sign_up(new_user("bob"), SALT, START).await.unwrap().id, id(2));
}
