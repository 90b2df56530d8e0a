//! What the pool does when there is too much, or when a query goes wrong.

use super::super::pool::Pool;
use super::super::{Error, Settings};
use crate::sqlite::Store;

fn pool(queue_max: usize) -> (Pool, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.db");
    Store::open_or_create(&path).unwrap().close().unwrap();
    (Pool::open(&path, Settings { threads: 1, queue_max }).unwrap(), folder)
}

#[tokio::test]
async fn a_full_queue_refuses_and_loses_nothing() {
    let (pool, _folder) = pool(2);
    let (started, begun) = tokio::sync::oneshot::channel();
    let (release, released) = std::sync::mpsc::sync_channel::<()>(1);
    let running = pool.run(move |_| {
        started.send(()).unwrap();
        released.recv().unwrap();
        Ok(1)
    });
    let rest = async {
        begun.await.unwrap();
        let waiting = async { tokio::join!(pool.run(|_| Ok(2)), pool.run(|_| Ok(3))) };
        let refused = async {
            assert_eq!(pool.waiting(), 2);
            let refused = pool.run(|_| Ok(4)).await;
            release.send(()).unwrap();
            refused
        };
        tokio::join!(biased; waiting, refused)
    };
    let (first, ((second, third), refused)) = tokio::join!(biased; running, rest);
    assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), (1, 2, 3));
    assert!(matches!(refused, Err(Error::Busy)));
}

#[tokio::test]
async fn a_query_that_panics_loses_only_itself() {
    let (pool, _folder) = pool(4);
    let lost = pool.run(|_| -> Result<(), Error> { panic!("on purpose") }).await;
    assert!(matches!(lost, Err(Error::Lost)));
    let alive = pool.run(|connection| Ok(connection.is_autocommit())).await;
    assert!(!alive.unwrap(), "the next one has a transaction of its own");
}

#[tokio::test]
async fn a_query_that_fails_ends_its_transaction() {
    let (pool, _folder) = pool(4);
    let failed = pool.run(|connection| Ok(connection.prepare("SELECT nothing").map(|_| ())?)).await;
    assert!(matches!(failed, Err(Error::Store(_))));
    let answer =
        pool.run(|connection| Ok(connection.query_row("SELECT 7", [], |row| row.get::<_, i64>(0))?)).await;
    assert_eq!(answer.unwrap(), 7);
}
