//! Resets of passwords in PostgreSQL.

use std::sync::Arc;

use domain::{Time, UserId};
use sqlx::PgConnection;

use super::Store;
use super::accounts::renew_password;
use super::sessions::lock_all;
use crate::Error;
use crate::account::{RESETS_MAX, Reset};
use crate::memory::Memory;
use crate::session::TokenHash;
use crate::store::{sql, user_id};

impl Store {
    /// Notes that the token may reset the password of the user until then; of his older ones a few
    /// stay.
    pub(crate) async fn insert_reset(&self, reset: Reset) -> Result<(), Error> {
        self.run(async {
            let mut transaction = self.pool.begin().await?;
            insert(&mut transaction, &reset).await?;
            sqlx::query(
                "DELETE FROM identity.resets WHERE user_id = $1 AND token_hash NOT IN (
                     SELECT token_hash FROM identity.resets WHERE user_id = $1 ORDER BY ends_at DESC LIMIT $2)",
            )
            .bind(sql(reset.user.get()))
            .bind(i64::from(RESETS_MAX))
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await
        })
        .await
    }

    /// Whether the token may reset a password at `now`.
    pub(crate) async fn has_reset(&self, token: TokenHash, now: Time) -> Result<bool, Error> {
        Ok(self.owner_of_reset(token, now).await?.is_some())
    }

    async fn owner_of_reset(&self, token: TokenHash, now: Time) -> Result<Option<UserId>, Error> {
        let asking = sqlx::query_scalar::<_, i64>(
            "SELECT user_id FROM identity.resets WHERE token_hash = $1 AND ends_at > $2",
        )
        .bind(token.0)
        .bind(sql(now.0))
        .fetch_optional(&self.pool);
        self.run(asking).await?.map(user_id).transpose()
    }

    /// Uses up the token: sets the password of its user and ends his sessions.
    pub(crate) async fn finish_reset(
        &self,
        token: TokenHash,
        hash: String,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        let user = self.owner_of_reset(token, now).await?.ok_or(Error::NoSuchReset)?;
        let stale = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                // Of several who use it at once, the others wait here for the first, who drops it.
                lock_all(&mut transaction, &[sql(user.get())], None).await?;
                sqlx::query("SELECT FROM identity.users WHERE id = $1 FOR UPDATE")
                    .bind(sql(user.get()))
                    .execute(&mut *transaction)
                    .await?;
                let used = sqlx::query("DELETE FROM identity.resets WHERE token_hash = $1")
                    .bind(token.0)
                    .execute(&mut *transaction)
                    .await?;
                if used.rows_affected() == 0 {
                    return Err(Error::NoSuchReset.into());
                }
                let stale = renew_password(&mut transaction, user, &hash, now).await?;
                transaction.commit().await?;
                Ok(stale)
            })
            .await?;
        memory.forget(&stale);
        Ok(())
    }

    /// Removes at most `batch_max` tokens that had expired by `now`; how many.
    pub(crate) async fn delete_expired_resets(&self, now: Time, batch_max: u32) -> Result<usize, Error> {
        let deleting = sqlx::query(
            "DELETE FROM identity.resets WHERE token_hash IN (
                 SELECT token_hash FROM identity.resets WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2
                 FOR UPDATE SKIP LOCKED)",
        )
        .bind(sql(now.0))
        .bind(i64::from(batch_max))
        .execute(&self.pool);
        let removed = self.run(deleting).await?.rows_affected();
        Ok(usize::try_from(removed).unwrap_or(usize::MAX))
    }
}

pub(super) async fn insert(connection: &mut PgConnection, reset: &Reset) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO identity.resets (token_hash, user_id, ends_at) VALUES ($1, $2, $3)
         ON CONFLICT (token_hash) DO UPDATE SET user_id = excluded.user_id, ends_at = excluded.ends_at",
    )
    .bind(reset.token.0)
    .bind(sql(reset.user.get()))
    .bind(sql(reset.ends_at.0))
    .execute(connection)
    .await?;
    Ok(())
}

/// Whoever may reset the users' passwords may not any more.
pub(super) async fn drop_resets(connection: &mut PgConnection, users: &[i64]) -> sqlx::Result<()> {
    let dropping = sqlx::query("DELETE FROM identity.resets WHERE user_id = ANY ($1)").bind(users);
    dropping.execute(connection).await?;
    Ok(())
}
