//! Sessions in PostgreSQL.
//!
//! Whoever changes several rows locks sessions first, by number, then users, by number, then the counter
//! of ends: so that nobody waits for each other.

use std::sync::Arc;
use std::time::Duration;

use domain::{ApplicationId, Time, UserId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use tokio::time::Instant;

use super::ended::announce;
use super::link::FRESH_MAX;
use super::users::{absence, get, note_request, time};
use super::{Store, Undone};
use crate::Error;
use crate::memory::{Memory, Stale};
use crate::session::{NewSession, SessionId, SessionSummary, StoredSession, TokenHash, Use};
use crate::store::{damaged, number, session_id, sql, user_id};

/// How long an end is kept for processes that have not read it: one that slept longer forgets all
/// its sessions instead.
const ENDS_KEPT: Duration = Duration::from_secs(10 * 60);

impl Store {
    /// Stores the session under a fresh id; [`Error::UserNotFound`] or [`Error::Disabled`] if its user may
    /// have none.
    pub(crate) async fn insert_session(&self, new: NewSession) -> Result<StoredSession, Error> {
        let Some(user) = new.user else {
            let inserting = async { insert_session(&mut *self.pool.acquire().await?, new).await };
            return self.transact(inserting).await;
        };
        // In one go, as this is asked most often.
        let inserting = sqlx::query_scalar::<_, i64>(
            "WITH client AS (
                 UPDATE identity.users SET last_request_at = greatest(coalesce(last_request_at, 0), $4)
                 WHERE id = $2 AND deleted_at IS NULL AND disabled_at IS NULL RETURNING id)
             INSERT INTO identity.sessions
                 (token_hash, user_id, application_id, created_at, used_at, expires_at, ends_at)
             SELECT $1, id, $3, $4, $4, $5, $6 FROM client RETURNING id",
        )
        .bind(new.token.0)
        .bind(sql(user.get()))
        .bind(sql(new.application.get()))
        .bind(sql(new.created_at.0))
        .bind(sql(new.expires_at.0))
        .bind(new.ends_at.map(|at| sql(at.0)))
        .fetch_optional(&self.pool);
        match self.run(inserting).await? {
            Some(id) => Ok(new.stored(session_id(id)?)),
            None => {
                let why = async { absence(&mut *self.pool.acquire().await?, user).await };
                Err(self.run(why).await?)
            }
        }
    }

    /// As [`Self::insert_session`], unless the token has a session already, which is prolonged then;
    /// [`Error::NoSuchSession`] if that was ended.
    pub(crate) async fn insert_foreign(&self, new: NewSession) -> Result<StoredSession, Error> {
        self.transact(async {
            let mut transaction = self.pool.begin().await?;
            let row = sqlx::query(
                "INSERT INTO identity.sessions AS known
                     (token_hash, user_id, application_id, created_at, used_at, expires_at, ends_at)
                 VALUES ($1, $2, $3, $4, $4, $5, $6)
                 ON CONFLICT (token_hash) DO UPDATE SET used_at = greatest(known.used_at, excluded.used_at),
                     expires_at = greatest(known.expires_at, excluded.expires_at)
                 WHERE NOT known.is_ended RETURNING *",
            )
            .bind(new.token.0)
            .bind(new.user.map(|user| sql(user.get())))
            .bind(sql(new.application.get()))
            .bind(sql(new.created_at.0))
            .bind(sql(new.expires_at.0))
            .bind(new.ends_at.map(|at| sql(at.0)))
            .fetch_optional(&mut *transaction)
            .await?;
            let stored = row.as_ref().map(stored).transpose()?.ok_or(Error::NoSuchSession)?;
            if let Some(user) = stored.user {
                note_request(&mut transaction, user, new.created_at).await?;
            }
            transaction.commit().await?;
            Ok(stored)
        })
        .await
    }

    /// The session that the token proves, expired or not, as it was less than a second ago.
    pub(crate) async fn session(&self, token: TokenHash) -> Result<Option<StoredSession>, Error> {
        let asked = Instant::now();
        let reading = sqlx::query("SELECT * FROM identity.sessions WHERE token_hash = $1 AND NOT is_ended")
            .bind(token.0)
            .fetch_optional(&self.pool);
        let row = self.run(reading).await?;
        if asked.elapsed() > FRESH_MAX {
            // It may have been ended since.
            return Err(Error::Busy);
        }
        row.as_ref().map(stored).transpose()
    }

    /// Makes the session that user's, or nobody's, as of that use of it.
    pub(crate) async fn switch_session(
        &self,
        used: Use,
        user: Option<UserId>,
        memory: &Arc<Memory>,
    ) -> Result<StoredSession, Error> {
        let (stored, stale) = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                meant(&mut transaction, used.session, None).await?;
                if let Some(user) = user {
                    note_request(&mut transaction, user, used.used_at).await?;
                }
                let row = sqlx::query(
                    "UPDATE identity.sessions SET user_id = $2, used_at = greatest(used_at, $3),
                         expires_at = greatest(expires_at, $4)
                     WHERE id = $1 AND NOT is_ended RETURNING *",
                )
                .bind(sql(used.session.get()))
                .bind(user.map(|user| sql(user.get())))
                .bind(sql(used.used_at.0))
                .bind(sql(used.expires_at.0))
                .fetch_optional(&mut *transaction)
                .await?
                .ok_or(Error::NoSuchSession)?;
                let stale = Stale { tokens: vec![TokenHash(get(&row, "token_hash")?)], users: vec![] };
                announce(&mut transaction, &stale).await?;
                transaction.commit().await?;
                Ok((stored(&row)?, stale))
            })
            .await?;
        memory.forget(&stale);
        Ok(stored)
    }

    /// Removes the session, if it is there, tells all who have it in memory, and forgets it here.
    /// If the asker goes away before that, this process learns of it like the others.
    pub(crate) async fn delete_session(&self, id: SessionId, memory: &Arc<Memory>) -> Result<(), Error> {
        if !self.delete(id, None, memory).await? {
            // Another process ended it, and this one may not have read that yet.
            memory.sessions.forget_if(|session| session.id() == id);
        }
        Ok(())
    }

    /// As [`Self::delete_session`], if it is that owner's; whether it was.
    pub(crate) async fn delete_session_of(
        &self,
        owner: Option<UserId>,
        id: SessionId,
        memory: &Arc<Memory>,
    ) -> Result<bool, Error> {
        self.delete(id, Some(owner), memory).await
    }

    async fn delete(
        &self,
        id: SessionId,
        owner: Option<Option<UserId>>,
        memory: &Arc<Memory>,
    ) -> Result<bool, Error> {
        let stale = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                let ids = meant(&mut transaction, id, owner).await?;
                let stale = Stale { tokens: end(&mut transaction, &ids).await?, users: vec![] };
                announce(&mut transaction, &stale).await?;
                transaction.commit().await?;
                Ok(stale)
            })
            .await?;
        memory.forget(&stale);
        Ok(!stale.tokens.is_empty())
    }

    /// Removes the user's sessions but `kept`; how many.
    pub(crate) async fn delete_sessions_of(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        memory: &Arc<Memory>,
    ) -> Result<u64, Error> {
        let stale = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                let tokens = end_all(&mut transaction, &[sql(user.get())], kept).await?;
                let stale = Stale { tokens, users: vec![] };
                announce(&mut transaction, &stale).await?;
                transaction.commit().await?;
                Ok(stale)
            })
            .await?;
        memory.forget(&stale);
        Ok(stale.tokens.len() as u64)
    }

    /// The user's sessions, the newest first, at most `max`.
    pub(crate) async fn sessions_of(&self, user: UserId, max: u32) -> Result<Vec<SessionSummary>, Error> {
        let question = "SELECT * FROM identity.sessions WHERE user_id = $1 ORDER BY id DESC LIMIT $2";
        let asking = sqlx::query(question).bind(sql(user.get())).bind(i64::from(max)).fetch_all(&self.pool);
        self.run(asking).await?.iter().map(|row| Ok(stored(row)?.summary())).collect()
    }

    /// Removes at most `batch_max` sessions that have ended by `now`, and forgets them; answers how
    /// many.
    ///
    /// A row may lag behind its session's use in another process, so that it stays for as long as
    /// that can be; of one in use here, the row is brought up to date instead. Old ends are removed too.
    pub(crate) async fn delete_expired(
        &self,
        now: Time,
        batch_max: u32,
        memory: &Arc<Memory>,
    ) -> Result<usize, Error> {
        let lag = u64::try_from(self.lag_max.as_millis()).unwrap_or(u64::MAX);
        let until = sql(now.0.saturating_sub(lag));
        let reading = sqlx::query_as::<_, (i64, [u8; 32])>(
            "SELECT id, token_hash FROM identity.sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2",
        )
        .bind(until)
        .bind(i64::from(batch_max))
        .fetch_all(&self.pool);
        let (mut used, mut ended) = (Vec::new(), Vec::new());
        for (id, token) in self.run(reading).await? {
            match memory.sessions.get(&TokenHash(token)).filter(|session| session.is_live(now)) {
                Some(session) => used.push(session.last_use()),
                None => ended.push(id),
            }
        }
        if !used.is_empty() {
            self.write_uses(used).await?;
        }
        let deleting = async {
            sqlx::query("DELETE FROM identity.ended WHERE ended_at < now() - make_interval(secs => $1)")
                .bind(ENDS_KEPT.as_secs_f64())
                .execute(&self.pool)
                .await?;
            // In one order by all who lock several; and none that was used meanwhile.
            sqlx::query_scalar::<_, [u8; 32]>(
                "DELETE FROM identity.sessions WHERE id IN (
                     SELECT id FROM identity.sessions WHERE id = ANY ($1) AND expires_at <= $2 ORDER BY id FOR UPDATE)
                 RETURNING token_hash",
            )
            .bind(&ended)
            .bind(until)
            .fetch_all(&self.pool)
            .await
        };
        let removed = self.run(deleting).await?;
        removed.iter().for_each(|token| memory.sessions.forget(&TokenHash(*token)));
        Ok(removed.len())
    }
}

/// Stores the session under a fresh id.
pub(super) async fn insert_session(
    connection: &mut PgConnection,
    new: NewSession,
) -> Result<StoredSession, Undone> {
    let id = sqlx::query_scalar::<_, i64>(
        "INSERT INTO identity.sessions
             (token_hash, user_id, application_id, created_at, used_at, expires_at, ends_at)
         VALUES ($1, $2, $3, $4, $4, $5, $6) RETURNING id",
    )
    .bind(new.token.0)
    .bind(new.user.map(|user| sql(user.get())))
    .bind(sql(new.application.get()))
    .bind(sql(new.created_at.0))
    .bind(sql(new.expires_at.0))
    .bind(new.ends_at.map(|at| sql(at.0)))
    .fetch_one(connection)
    .await?;
    Ok(new.stored(session_id(id)?))
}

/// The session of that number, locked, if it goes on, and is that owner's where one is named.
async fn meant(
    connection: &mut PgConnection,
    id: SessionId,
    owner: Option<Option<UserId>>,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(
        "SELECT id FROM identity.sessions
         WHERE id = $1 AND NOT is_ended AND (NOT $2 OR user_id IS NOT DISTINCT FROM $3) FOR UPDATE",
    )
    .bind(sql(id.get()))
    .bind(owner.is_some())
    .bind(owner.flatten().map(|owner| sql(owner.get())))
    .fetch_all(connection)
    .await
}

/// The users' sessions but `kept`, locked.
pub(super) async fn lock_all(
    connection: &mut PgConnection,
    users: &[i64],
    kept: Option<SessionId>,
) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(
        "SELECT id FROM identity.sessions
         WHERE user_id = ANY ($1) AND id IS DISTINCT FROM $2 AND NOT is_ended ORDER BY id FOR UPDATE",
    )
    .bind(users)
    .bind(kept.map(|kept| sql(kept.get())))
    .fetch_all(connection)
    .await
}

/// Ends all sessions of the users but `kept`; their tokens.
pub(super) async fn end_all(
    connection: &mut PgConnection,
    users: &[i64],
    kept: Option<SessionId>,
) -> sqlx::Result<Vec<TokenHash>> {
    let ids = lock_all(connection, users, kept).await?;
    end(connection, &ids).await
}

/// Removes the sessions, which are locked; of one with a hard end the token is kept until then.
async fn end(connection: &mut PgConnection, ids: &[i64]) -> sqlx::Result<Vec<TokenHash>> {
    let tokens = sqlx::query_scalar::<_, [u8; 32]>(
        "WITH gone AS (
                 DELETE FROM identity.sessions WHERE id = ANY ($1) AND ends_at IS NULL RETURNING token_hash),
             kept AS (
                 UPDATE identity.sessions SET is_ended = true, user_id = NULL, expires_at = ends_at
                 WHERE id = ANY ($1) AND ends_at IS NOT NULL RETURNING token_hash)
         SELECT token_hash FROM gone UNION ALL SELECT token_hash FROM kept",
    )
    .bind(ids)
    .fetch_all(connection)
    .await?;
    Ok(tokens.into_iter().map(TokenHash).collect())
}

pub(super) fn stored(row: &PgRow) -> Result<StoredSession, Error> {
    let application = ApplicationId::new(number(get(row, "application_id")?)?);
    Ok(StoredSession {
        id: session_id(get(row, "id")?)?,
        user: get::<Option<i64>>(row, "user_id")?.map(user_id).transpose()?,
        application: application.ok_or_else(|| damaged("an application id is out of range"))?,
        created_at: Time(number(get(row, "created_at")?)?),
        used_at: Time(number(get(row, "used_at")?)?),
        expires_at: Time(number(get(row, "expires_at")?)?),
        ends_at: time(row, "ends_at")?,
    })
}
