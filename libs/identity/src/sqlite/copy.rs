//! What copying asks of the embedded store.

use domain::Time;
use rusqlite::Connection;

use super::Store;
use super::sessions::stored;
use super::{resets, sessions, users};
use crate::Error;
use crate::account::Reset;
use crate::copy::{Extent, KeptSession, MARK};
use crate::session::TokenHash;
use crate::store::{number, sql, user_id};
use crate::user::Kept;

/// Whether the store is being filled.
pub(super) fn is_marked(connection: &Connection) -> rusqlite::Result<bool> {
    connection.prepare("SELECT 1 FROM counters WHERE name = ?1")?.exists([MARK])
}

impl Store {
    /// How much there is.
    pub(crate) async fn extent(&self) -> Result<Extent, Error> {
        self.read(|connection| {
            let ask = |question: &str| {
                let found = connection.query_row(question, [], |row| row.get::<_, i64>(0))?;
                number(found)
            };
            Ok(Extent {
                users: ask("SELECT count(*) FROM users")?,
                sessions: ask("SELECT count(*) FROM sessions")?,
                resets: ask("SELECT count(*) FROM resets")?,
                user_counter: ask("SELECT last FROM counters WHERE name = 'user'")?,
                session_counter: ask("SELECT last FROM counters WHERE name = 'session'")?,
                last_user: ask("SELECT coalesce(max(id), 0) FROM users")?,
                last_session: ask("SELECT coalesce(max(id), 0) FROM sessions")?,
                is_marked: is_marked(connection)?,
            })
        })
        .await
    }

    /// From now on it opens for nobody but whoever fills it; or for all again.
    pub(crate) async fn mark_unfinished(&self, is_unfinished: bool) -> Result<(), Error> {
        self.write(move |transaction| {
            let statement = match is_unfinished {
                true => "INSERT OR IGNORE INTO counters (name, last) VALUES (?1, 1)",
                false => "DELETE FROM counters WHERE name = ?1",
            };
            transaction.execute(statement, [MARK])?;
            Ok(())
        })
        .await
    }

    /// The next users above that number, at most `batch_max`.
    pub(crate) async fn users_after(&self, id: u64, batch_max: u32) -> Result<Vec<Kept>, Error> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM users WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            let mut rows = statement.query((sql(id), batch_max))?;
            let mut kept = Vec::new();
            while let Some(row) = rows.next()? {
                kept.push(users::kept_of(row)?);
            }
            Ok(kept)
        })
        .await
    }

    /// The next sessions above that number, at most `batch_max`.
    pub(crate) async fn sessions_after(&self, id: u64, batch_max: u32) -> Result<Vec<KeptSession>, Error> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM sessions WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            let mut rows = statement.query((sql(id), batch_max))?;
            let mut sessions = Vec::new();
            while let Some(row) = rows.next()? {
                let (token, is_ended) = (TokenHash(row.get("token_hash")?), row.get("is_ended")?);
                sessions.push(KeptSession { token, stored: stored(row)?, is_ended });
            }
            Ok(sessions)
        })
        .await
    }

    /// The next resets above that token, at most `batch_max`.
    pub(crate) async fn resets_after(
        &self,
        token: Option<TokenHash>,
        batch_max: u32,
    ) -> Result<Vec<Reset>, Error> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM resets WHERE token_hash > ?1 ORDER BY token_hash LIMIT ?2")?;
            let after = token.map_or(vec![], |token| token.0.to_vec());
            let mut rows = statement.query((after, batch_max))?;
            let mut resets = Vec::new();
            while let Some(row) = rows.next()? {
                resets.push(Reset {
                    token: TokenHash(row.get("token_hash")?),
                    user: user_id(row.get("user_id")?)?,
                    ends_at: Time(number(row.get("ends_at")?)?),
                });
            }
            Ok(resets)
        })
        .await
    }

    /// Stores the users as they were elsewhere; all of them or none.
    pub(crate) async fn import_users(&self, users: Vec<Kept>) -> Result<(), Error> {
        self.write(move |transaction| users.iter().try_for_each(|kept| users::insert(transaction, kept)))
            .await
    }

    /// Stores the sessions as they were elsewhere; all of them or none.
    pub(crate) async fn import_sessions(&self, sessions: Vec<KeptSession>) -> Result<(), Error> {
        self.write(move |transaction| {
            sessions.iter().try_for_each(|KeptSession { token, stored, is_ended }| {
                sessions::insert(transaction, *token, stored, *is_ended)
            })
        })
        .await
    }

    /// Stores the resets as they were elsewhere; all of them or none.
    pub(crate) async fn import_resets(&self, resets: Vec<Reset>) -> Result<(), Error> {
        self.write(move |transaction| resets.iter().try_for_each(|reset| resets::insert(transaction, reset)))
            .await
    }

    /// From now on only numbers above those are issued, of users and of sessions.
    pub(crate) async fn raise_counters(&self, user: u64, session: u64) -> Result<(), Error> {
        self.write(move |transaction| {
            for (name, last) in [("user", user), ("session", session)] {
                transaction
                    .prepare_cached("UPDATE counters SET last = ?2 WHERE name = ?1 AND last < ?2")?
                    .execute((name, sql(last)))?;
            }
            Ok(())
        })
        .await
    }
}
