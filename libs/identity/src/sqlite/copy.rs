//! What copying asks of the embedded store.

use rusqlite::Connection;

use super::Store;
use super::sessions::stored;
use super::users::{insert, user};
use crate::Error;
use crate::copy::{Extent, KeptSession, KeptUser, MARK};
use crate::session::TokenHash;
use crate::store::{number, sql};
use crate::user::Created;

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
    pub(crate) async fn users_after(&self, id: u64, batch_max: u32) -> Result<Vec<KeptUser>, Error> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM users WHERE id > ?1 ORDER BY id LIMIT ?2")?;
            let mut rows = statement.query((sql(id), batch_max))?;
            let mut users = Vec::new();
            while let Some(row) = rows.next()? {
                let (login_key, email_key) = (row.get("login_key")?, row.get("email_key")?);
                let created = Created { user: user(row)?, login_key, email_key };
                users.push(KeptUser { created, password_hash: row.get("password_hash")? });
            }
            Ok(users)
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
                sessions.push(KeptSession { token: TokenHash(row.get("token_hash")?), stored: stored(row)? });
            }
            Ok(sessions)
        })
        .await
    }

    /// Stores the users as they were elsewhere; all of them or none.
    pub(crate) async fn import_users(&self, users: Vec<KeptUser>) -> Result<(), Error> {
        self.write(move |transaction| {
            users
                .iter()
                .try_for_each(|kept| insert(transaction, &kept.created, kept.password_hash.as_deref()))
        })
        .await
    }

    /// Stores the sessions as they were elsewhere; all of them or none.
    pub(crate) async fn import_sessions(&self, sessions: Vec<KeptSession>) -> Result<(), Error> {
        self.write(move |transaction| {
            let mut statement = transaction.prepare_cached(
                "INSERT INTO sessions (id, token_hash, user_id, application_id, created_at, used_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for KeptSession { token, stored } in &sessions {
                statement.execute((
                    sql(stored.id.get()),
                    token.0,
                    stored.user.map(|user| sql(user.get())),
                    sql(stored.application.get()),
                    sql(stored.created_at.0),
                    sql(stored.used_at.0),
                    sql(stored.expires_at.0),
                ))?;
            }
            Ok(())
        })
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
