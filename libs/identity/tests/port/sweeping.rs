//! Sessions that ended by themselves are taken away, a bounded number at a time.

use identity::Error;

use crate::fixture::{Place, at, each_store};

#[tokio::test]
async fn a_sweep_removes_what_has_ended_and_nothing_else() {
    each_store(async |it| {
        let lag = it.lag_minutes();
        let ended = it.session(1, None).await;
        let used = it.session(2, None).await;
        it.identity.authenticate(used.token.as_str(), at(4 + lag)).await.unwrap();
        assert_eq!(it.identity.sweep(at(119 + lag)).await, Ok(0));
        assert_eq!(it.identity.sweep(at(121 + lag)).await, Ok(1));
        assert_eq!(it.identity.sweep(at(121 + lag)).await, Ok(0));
        assert_eq!(it.place.number("SELECT count(*) FROM sessions").await, 1);
        let it = it.restart().await;
        let dead = it.identity.authenticate(ended.token.as_str(), at(1)).await;
        assert_eq!(dead, Err(Error::NoSuchSession));
        assert!(it.identity.authenticate(used.token.as_str(), at(123 + lag)).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn a_sweep_is_bounded() {
    each_store(async |it| {
        let hash = match it.place {
            Place::Embedded(_) => "randomblob(32)",
            Place::Postgres(_) => "sha256(i::text::bytea)",
        };
        it.place
            .change(&format!(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 700)
                 INSERT INTO sessions (id, token_hash, application_id, created_at, used_at, expires_at)
                 SELECT i, {hash}, 77, 1, 1, 1 + i FROM n"
            ))
            .await;
        let mut removed = Vec::new();
        for _ in 0..3 {
            removed.push(it.identity.sweep(at(0)).await.unwrap());
        }
        assert_eq!(removed, [500, 200, 0]);
    })
    .await;
}
