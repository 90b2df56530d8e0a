//! Sessions in PostgreSQL.

use std::time::Duration;

use domain::{ApplicationId, Time};
use sqlx::postgres::PgRow;
use tokio::time::Instant;

use super::Store;
use super::link::FRESH_MAX;
use super::users::get;
use crate::Error;
use crate::session::{LiveSessions, NewSession, SessionId, StoredSession, TokenHash};
use crate::store::{damaged, number, session_id, sql, user_id};

/// How long an end is kept for processes that have not read it: one that slept longer forgets all
/// its sessions instead.
const ENDS_KEPT: Duration = Duration::from_secs(10 * 60);

impl Store {
    /// Stores the session under a fresh id; [`Error::UserNotFound`] if its user is gone.
    pub(crate) async fn insert_session(&self, new: NewSession) -> Result<StoredSession, Error> {
        let statement = match new.user {
            Some(_) => {
                "WITH client AS (
                     UPDATE identity.users SET last_request_at = greatest(coalesce(last_request_at, 0), $4)
                     WHERE id = $2 RETURNING id)
                 INSERT INTO identity.sessions (token_hash, user_id, application_id, created_at, used_at, expires_at)
                 SELECT $1, id, $3, $4, $4, $5 FROM client RETURNING id"
            }
            None => {
                "INSERT INTO identity.sessions (token_hash, user_id, application_id, created_at, used_at, expires_at)
                 VALUES ($1, $2, $3, $4, $4, $5) RETURNING id"
            }
        };
        let inserting = sqlx::query_scalar::<_, i64>(statement)
            .bind(new.token.0)
            .bind(new.user.map(|user| sql(user.get())))
            .bind(sql(new.application.get()))
            .bind(sql(new.created_at.0))
            .bind(sql(new.expires_at.0))
            .fetch_optional(&self.pool);
        let id = self.run(inserting).await?.ok_or(Error::UserNotFound)?;
        Ok(StoredSession {
            id: session_id(id)?,
            user: new.user,
            application: new.application,
            created_at: new.created_at,
            used_at: new.created_at,
            expires_at: new.expires_at,
        })
    }

    /// The session that the token proves, expired or not, as it was less than a second ago.
    pub(crate) async fn session(&self, token: TokenHash) -> Result<Option<StoredSession>, Error> {
        let asked = Instant::now();
        let reading = sqlx::query(
            "SELECT id, user_id, application_id, created_at, used_at, expires_at
             FROM identity.sessions WHERE token_hash = $1",
        )
        .bind(token.0)
        .fetch_optional(&self.pool);
        let row = self.run(reading).await?;
        if asked.elapsed() > FRESH_MAX {
            // It may have been ended since.
            return Err(Error::Busy);
        }
        row.as_ref().map(stored).transpose()
    }

    /// Removes the session, if it is there, tells all who have it in memory, and forgets it here.
    /// If the asker goes away before that, this process learns of it like the others.
    pub(crate) async fn delete_session(&self, id: SessionId, live: &LiveSessions) -> Result<(), Error> {
        let deleting = sqlx::query_scalar::<_, [u8; 32]>(
            "WITH gone AS (DELETE FROM identity.sessions WHERE id = $1 RETURNING token_hash),
                 counter AS (
                     UPDATE identity.counters SET last = last + 1
                     WHERE name = 'ended' AND EXISTS (SELECT FROM gone) RETURNING last)
             INSERT INTO identity.ended (number, token_hash)
             SELECT counter.last, gone.token_hash FROM gone, counter RETURNING token_hash",
        )
        .bind(sql(id.get()))
        .fetch_optional(&self.pool);
        match self.run(deleting).await? {
            Some(token) => live.forget(&TokenHash(token)),
            // Another process ended it, and this one may not have read that yet.
            None => live.forget_if(|session| session.id() == id),
        }
        Ok(())
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
        live: &LiveSessions,
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
            match live.get(&TokenHash(token)).filter(|session| session.is_live(now)) {
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
        removed.iter().for_each(|token| live.forget(&TokenHash(*token)));
        Ok(removed.len())
    }
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
    })
}
