//! Sessions that ended by themselves are taken away, a bounded number at a time.

use identity::Error;

use crate::fixture::{Fixture, at};

#[tokio::test]
async fn a_sweep_removes_what_has_ended_and_nothing_else() {
    let it = Fixture::new();
    let ended = it.session(1, None).await;
    let used = it.session(2, None).await;
    // In memory only: too soon to be written.
    it.identity.authenticate(used.token.as_str(), at(4)).await.unwrap();
    assert_eq!(it.identity.sweep(at(119)).await, Ok(0));
    assert_eq!(it.identity.sweep(at(121)).await, Ok(1));
    assert_eq!(it.identity.sweep(at(121)).await, Ok(0));
    let rows = it.beside().query_row("SELECT count(*) FROM sessions", [], |row| row.get::<_, i64>(0));
    assert_eq!(rows, Ok(1));
    let it = it.restart();
    assert_eq!(it.identity.authenticate(ended.token.as_str(), at(1)).await, Err(Error::NoSuchSession));
    assert!(it.identity.authenticate(used.token.as_str(), at(123)).await.is_ok());
}

#[tokio::test]
async fn a_sweep_is_bounded() {
    let it = Fixture::new();
    it.beside()
        .execute_batch(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
             INSERT INTO sessions (id, token_hash, application_id, created_at, used_at, expires_at)
             SELECT i, randomblob(32), 77, 1, 1, 1 + i FROM n",
        )
        .unwrap();
    let mut removed = Vec::new();
    for _ in 0..3 {
        removed.push(it.identity.sweep(at(0)).await.unwrap());
    }
    assert_eq!(removed, [500, 200, 0]);
}
