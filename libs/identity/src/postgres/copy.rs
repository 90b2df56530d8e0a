//! What copying asks of PostgreSQL's store.

use sqlx::PgConnection;

use super::Store;
use super::sessions::stored;
use super::users::{get, user};
use crate::Error;
use crate::copy::{Extent, KeptSession, KeptUser, MARK};
use crate::session::TokenHash;
use crate::store::{number, sql};
use crate::user::Created;

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
    pub(crate) async fn users_after(&self, id: u64, batch_max: u32) -> Result<Vec<KeptUser>, Error> {
        let question = "SELECT * FROM identity.users WHERE id > $1 ORDER BY id LIMIT $2";
        let asking = sqlx::query(question).bind(sql(id)).bind(i64::from(batch_max)).fetch_all(&self.pool);
        let kept = |row| {
            let (login_key, email_key) = (get(row, "login_key")?, get(row, "email_key")?);
            let created = Created { user: user(row)?, login_key, email_key };
            Ok(KeptUser { created, password_hash: get(row, "password_hash")? })
        };
        self.run(asking).await?.iter().map(kept).collect()
    }

    /// The next sessions above that number, at most `batch_max`.
    pub(crate) async fn sessions_after(&self, id: u64, batch_max: u32) -> Result<Vec<KeptSession>, Error> {
        let question = "SELECT * FROM identity.sessions WHERE id > $1 ORDER BY id LIMIT $2";
        let asking = sqlx::query(question).bind(sql(id)).bind(i64::from(batch_max)).fetch_all(&self.pool);
        let kept = |row| Ok(KeptSession { token: TokenHash(get(row, "token_hash")?), stored: stored(row)? });
        self.run(asking).await?.iter().map(kept).collect()
    }

    /// Stores the users as they were elsewhere; all of them or none.
    pub(crate) async fn import_users(&self, users: &[KeptUser]) -> Result<(), Error> {
        self.run(async {
            let mut transaction = self.pool.begin().await?;
            for kept in users {
                insert(&mut transaction, kept).await?;
            }
            transaction.commit().await
        })
        .await
    }

    /// Stores the sessions as they were elsewhere; all of them or none.
    pub(crate) async fn import_sessions(&self, sessions: &[KeptSession]) -> Result<(), Error> {
        self.run(async {
            let mut transaction = self.pool.begin().await?;
            for KeptSession { token, stored } in sessions {
                sqlx::query(
                    "INSERT INTO identity.sessions
                         (id, token_hash, user_id, application_id, created_at, used_at, expires_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                )
                .bind(sql(stored.id.get()))
                .bind(token.0)
                .bind(stored.user.map(|user| sql(user.get())))
                .bind(sql(stored.application.get()))
                .bind(sql(stored.created_at.0))
                .bind(sql(stored.used_at.0))
                .bind(sql(stored.expires_at.0))
                .execute(&mut *transaction)
                .await?;
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

async fn insert(connection: &mut PgConnection, kept: &KeptUser) -> sqlx::Result<()> {
    let (created, user) = (&kept.created, &kept.created.user);
    sqlx::query(
        "INSERT INTO identity.users (id, login, login_key, email, email_key, password_hash, full_name, phone,
             website, created_at, updated_at, last_request_at, external_user_id, external_id, facebook_id,
             twitter_id, blob_id, custom_data, avatar, user_tags, timezone, is_guest)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
    )
    .bind(sql(user.id.get()))
    .bind(&user.login)
    .bind(&created.login_key)
    .bind(&user.email)
    .bind(&created.email_key)
    .bind(&kept.password_hash)
    .bind(&user.full_name)
    .bind(&user.phone)
    .bind(&user.website)
    .bind(sql(user.created_at.0))
    .bind(sql(user.updated_at.0))
    .bind(user.last_request_at.map(|at| sql(at.0)))
    .bind(&user.external_user_id)
    .bind(&user.external_id)
    .bind(&user.facebook_id)
    .bind(&user.twitter_id)
    .bind(user.blob_id.map(sql))
    .bind(&user.custom_data)
    .bind(&user.avatar)
    .bind(&user.user_tags)
    .bind(user.timezone)
    .bind(user.is_guest)
    .execute(connection)
    .await?;
    Ok(())
}
