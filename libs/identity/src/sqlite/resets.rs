//! Resets of passwords in the embedded store.

use std::sync::Arc;

use domain::{Time, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::Store;
use super::accounts::renew_password;
use super::sessions::end_all;
use crate::Error;
use crate::account::{RESETS_MAX, Reset};
use crate::memory::Memory;
use crate::session::TokenHash;
use crate::store::{sql, user_id};

impl Store {
    /// Notes that the token may reset the password of the user until then; of his older ones a few
    /// stay.
    pub(crate) async fn insert_reset(&self, reset: Reset) -> Result<(), Error> {
        self.write(move |transaction| {
            insert(transaction, &reset)?;
            transaction
                .prepare_cached(
                    "DELETE FROM resets WHERE user_id = ?1 AND token_hash NOT IN (
                         SELECT token_hash FROM resets WHERE user_id = ?1 ORDER BY ends_at DESC LIMIT ?2)",
                )?
                .execute((sql(reset.user.get()), RESETS_MAX))?;
            Ok(())
        })
        .await
    }

    /// Whether the token may reset a password at `now`.
    pub(crate) async fn has_reset(&self, token: TokenHash, now: Time) -> Result<bool, Error> {
        self.read(move |connection| {
            let question = "SELECT 1 FROM resets WHERE token_hash = ?1 AND ends_at > ?2";
            Ok(connection.prepare_cached(question)?.exists(params![token.0, sql(now.0)])?)
        })
        .await
    }

    /// Uses up the token: sets the password of its user and ends his sessions.
    pub(crate) async fn finish_reset(
        &self,
        token: TokenHash,
        hash: String,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        self.write_forgetting(memory, move |transaction, stale| {
            let user = transaction
                .prepare_cached("SELECT user_id FROM resets WHERE token_hash = ?1 AND ends_at > ?2")?
                .query_row(params![token.0, sql(now.0)], |row| row.get(0))
                .optional()?
                .ok_or(Error::NoSuchReset)?;
            let user = user_id(user)?;
            renew_password(transaction, user, &hash, now)?;
            end_all(transaction, user, None, stale)
        })
        .await
    }

    /// Removes at most `batch_max` tokens that had expired by `now`; how many.
    pub(crate) async fn delete_expired_resets(&self, now: Time, batch_max: u32) -> Result<usize, Error> {
        self.write(move |transaction| {
            let removed = transaction
                .prepare_cached(
                    "DELETE FROM resets WHERE token_hash IN (
                         SELECT token_hash FROM resets WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2)",
                )?
                .execute((sql(now.0), batch_max))?;
            Ok(removed)
        })
        .await
    }
}

pub(super) fn insert(connection: &Connection, reset: &Reset) -> Result<(), Error> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO resets (token_hash, user_id, ends_at) VALUES (?1, ?2, ?3)")?
        .execute(params![reset.token.0, sql(reset.user.get()), sql(reset.ends_at.0)])?;
    Ok(())
}

/// Whoever may reset the user's password may not any more.
pub(super) fn drop_resets(connection: &Connection, user: UserId) -> Result<(), Error> {
    connection.prepare_cached("DELETE FROM resets WHERE user_id = ?1")?.execute([sql(user.get())])?;
    Ok(())
}
