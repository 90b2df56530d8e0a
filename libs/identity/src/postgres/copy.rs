//! What copying asks of PostgreSQL's store.

use domain::Time;
use sqlx::PgConnection;

use super::Store;
use super::sessions::stored;
use super::users::{get, kept_of};
use super::{resets, users};
use crate::Error;
use crate::account::Reset;
use crate::copy::{Extent, KeptSession, MARK};
use crate::session::TokenHash;
use crate::store::{number, sql, user_id};
use crate::user::Kept;

/// Whether the store is being filled.
pub(super) async fn is_marked(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let question = "SELECT EXISTS (SELECT FROM identity.counters WHERE name = $1)";
    sqlx::query_scalar(question).bind(MARK).fetch_one(connection).await
}

impl Store {
    /// How much there is.
    pub(crate) async fn extent(&self) -> Result<Extent, Error> {
        let question = sqlx::query(
            "SELECT (SELECT count(*) FROM identity.users) AS users,
                 (SELECT count(*) FROM identity.sessions) AS sessions,
                 (SELECT count(*) FROM identity.resets) AS resets,
                 (SELECT last FROM identity.counters WHERE name = 'user') AS user_counter,
                 (SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM identity.sessions_id_seq) AS session_counter,
                 (SELECT coalesce(max(id), 0) FROM identity.users) AS last_user,
                 (SELECT coalesce(max(id), 0) FROM identity.sessions) AS last_session,
                 EXISTS (SELECT FROM identity.counters WHERE name = $1) AS is_marked",
        );
        let row = self.run(question.bind(MARK).fetch_one(&self.pool)).await?;
        let ask = |column: &str| number(get(&row, column)?);
        Ok(Extent {
            users: ask("users")?,
            sessions: ask("sessions")?,
            resets: ask("resets")?,
            user_counter: ask("user_counter")?,
            session_counter: ask("session_counter")?,
            last_user: ask("last_user")?,
            last_session: ask("last_session")?,
            is_marked: get(&row, "is_marked")?,
        })
    }

    /// From now on it opens for nobody but whoever fills it; or for all again.
    pub(crate) async fn mark_unfinished(&self, is_unfinished: bool) -> Result<(), Error> {
        let statement = match is_unfinished {
            true => "INSERT INTO identity.counters (name, last) VALUES ($1, 1) ON CONFLICT DO NOTHING",
            false => "DELETE FROM identity.counters WHERE name = $1",
        };
        self.run(sqlx::query(statement).bind(MARK).execute(&self.pool)).await.map(|_| ())
    }

    /// The next users above that number, at most `batch_max`.
    pub(crate) async fn users_after(&self, id: u64, batch_max: u32) -> Result<Vec<Kept>, Error> {
        let question = "SELECT * FROM identity.users WHERE id > $1 ORDER BY id LIMIT $2";
        let asking = sqlx::query(question).bind(sql(id)).bind(i64::from(batch_max)).fetch_all(&self.pool);
        self.run(asking).await?.iter().map(kept_of).collect()
    }

    /// The next sessions above that number, at most `batch_max`.
    pub(crate) async fn sessions_after(&self, id: u64, batch_max: u32) -> Result<Vec<KeptSession>, Error> {
        let question = "SELECT * FROM identity.sessions WHERE id > $1 ORDER BY id LIMIT $2";
        let asking = sqlx::query(question).bind(sql(id)).bind(i64::from(batch_max)).fetch_all(&self.pool);
        let kept = |row| {
            let (token, is_ended) = (TokenHash(get(row, "token_hash")?), get(row, "is_ended")?);
            Ok(KeptSession { token, stored: stored(row)?, is_ended })
        };
        self.run(asking).await?.iter().map(kept).collect()
    }

    /// The next resets above that token, at most `batch_max`.
    pub(crate) async fn resets_after(
        &self,
        token: Option<TokenHash>,
        batch_max: u32,
    ) -> Result<Vec<Reset>, Error> {
        let question = "SELECT * FROM identity.resets WHERE token_hash > $1 ORDER BY token_hash LIMIT $2";
        let after = token.map_or(vec![], |token| token.0.to_vec());
        let asking = sqlx::query(question).bind(after).bind(i64::from(batch_max)).fetch_all(&self.pool);
        let reset = |row| {
            Ok(Reset {
                token: TokenHash(get(row, "token_hash")?),
                user: user_id(get(row, "user_id")?)?,
                ends_at: Time(number(get(row, "ends_at")?)?),
            })
        };
        self.run(asking).await?.iter().map(reset).collect()
    }

    /// Stores the users as they were elsewhere; all of them or none.
    pub(crate) async fn import_users(&self, users: &[Kept]) -> Result<(), Error> {
        self.run(async {
            let mut transaction = self.pool.begin().await?;
            for kept in users {
                users::insert(&mut transaction, kept).await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// Stores the sessions as they were elsewhere; all of them or none.
    pub(crate) async fn import_sessions(&self, sessions: &[KeptSession]) -> Result<(), Error> {
        self.run(async {
            let mut transaction = self.pool.begin().await?;
            for kept in sessions {
                insert_session(&mut transaction, kept).await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// Stores the resets as they were elsewhere; all of them or none.
    pub(crate) async fn import_resets(&self, resets: &[Reset]) -> Result<(), Error> {
        self.run(async {
            let mut transaction = self.pool.begin().await?;
            for reset in resets {
                resets::insert(&mut transaction, reset).await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// From now on only numbers above those are issued, of users and of sessions.
    pub(crate) async fn raise_counters(&self, user: u64, session: u64) -> Result<(), Error> {
        self.run(async {
            sqlx::query("UPDATE identity.counters SET last = $1 WHERE name = 'user' AND last < $1")
                .bind(sql(user))
                .execute(&self.pool)
                .await?;
            // A sequence begins at 1; nothing else is issued while the store is being filled.
            sqlx::query("SELECT setval('identity.sessions_id_seq', greatest($1, 1), $1 > 0)")
                .bind(sql(session))
                .execute(&self.pool)
                .await
        })
        .await
        .map(|_| ())
    }
}

async fn insert_session(connection: &mut PgConnection, kept: &KeptSession) -> sqlx::Result<()> {
    let KeptSession { token, stored, is_ended } = kept;
    sqlx::query(
        "INSERT INTO identity.sessions
             (id, token_hash, user_id, application_id, created_at, used_at, expires_at, ends_at, is_ended)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(sql(stored.id.get()))
    .bind(token.0)
    .bind(stored.user.map(|user| sql(user.get())))
    .bind(sql(stored.application.get()))
    .bind(sql(stored.created_at.0))
    .bind(sql(stored.used_at.0))
    .bind(sql(stored.expires_at.0))
    .bind(stored.ends_at.map(|at| sql(at.0)))
    .bind(is_ended)
    .execute(connection)
    .await?;
    Ok(())
}
