//! Sessions in the embedded store.

use std::sync::Arc;

use domain::{ApplicationId, Time};
use rusqlite::{Connection, OptionalExtension, Row};

use super::users::note_request;
use super::{Store, in_transaction, issue};
use crate::Error;
use crate::session::{LiveSessions, NewSession, SessionId, StoredSession, TokenHash, Use};
use crate::store::{damaged, number, session_id, sql, user_id};
use crate::workers::Droppable;

impl Store {
    /// Stores the session under a fresh id; [`Error::UserNotFound`] if its user is gone.
    pub(crate) async fn insert_session(&self, new: NewSession) -> Result<StoredSession, Error> {
        self.write(move |transaction| {
            if let Some(user) = new.user
                && !note_request(transaction, user, new.created_at)?
            {
                return Err(Error::UserNotFound);
            }
            let id = session_id(sql(issue(transaction, "session")?))?;
            transaction
                .prepare_cached(
                    "INSERT INTO sessions
                         (id, token_hash, user_id, application_id, created_at, used_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6)",
                )?
                .execute((
                    sql(id.get()),
                    new.token.0,
                    new.user.map(|user| sql(user.get())),
                    sql(new.application.get()),
                    sql(new.created_at.0),
                    sql(new.expires_at.0),
                ))?;
            Ok(StoredSession {
                id,
                user: new.user,
                application: new.application,
                created_at: new.created_at,
                used_at: new.created_at,
                expires_at: new.expires_at,
            })
        })
        .await
    }

    /// The session that the token proves, expired or not.
    pub(crate) async fn session(&self, token: TokenHash) -> Result<Option<StoredSession>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, user_id, application_id, created_at, used_at, expires_at
                 FROM sessions WHERE token_hash = ?1",
            )?;
            let mut rows = statement.query([token.0])?;
            rows.next()?.map(stored).transpose()
        })
        .await
    }

    /// Removes the session, if it is there, and calls `ended` as soon as that is on the disk:
    /// also when the asker has gone away.
    pub(crate) async fn delete_session(
        &self,
        id: SessionId,
        ended: impl FnOnce(&TokenHash) + Send + 'static,
    ) -> Result<(), Error> {
        let delete = move |connection: &mut _| {
            let token = in_transaction(connection, |transaction| {
                let mut statement =
                    transaction.prepare_cached("DELETE FROM sessions WHERE id = ?1 RETURNING token_hash")?;
                Ok(statement.query_row([sql(id.get())], |row| row.get(0)).optional()?)
            })?;
            if let Some(token) = token {
                ended(&TokenHash(token));
            }
            Ok(())
        };
        self.writer.ask(Droppable::No, delete).await?
    }

    /// Removes at most `batch_max` sessions that have ended by `now`; answers how many.
    ///
    /// Of a session that is in use in memory while its row lags behind, the row is brought up
    /// to date instead. The removed ones are forgotten once their end is on the disk.
    pub(crate) async fn delete_expired(
        &self,
        now: Time,
        batch_max: u32,
        live: Arc<LiveSessions>,
    ) -> Result<usize, Error> {
        let delete = move |connection: &mut _| {
            let removed = in_transaction(connection, |transaction| {
                let mut removed = Vec::new();
                for (id, token) in expired(transaction, now, batch_max)? {
                    match live.get(&token).filter(|session| session.is_live(now)) {
                        Some(session) => write_use(transaction, &session.last_use())?,
                        None => {
                            transaction
                                .prepare_cached("DELETE FROM sessions WHERE id = ?1")?
                                .execute([id])?;
                            removed.push(token);
                        }
                    }
                }
                Ok(removed)
            })?;
            removed.iter().for_each(|token| live.forget(token));
            Ok(removed.len())
        };
        self.writer.ask(Droppable::No, delete).await?
    }
}

/// Notes a use of the session; a session that has been ended meanwhile stays so.
pub(super) fn write_use(connection: &Connection, used: &Use) -> Result<(), Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE sessions SET used_at = max(used_at, ?2), expires_at = max(expires_at, ?3) WHERE id = ?1",
        )?
        .execute([sql(used.session.get()), sql(used.used_at.0), sql(used.expires_at.0)])?;
    if let Some(user) = used.user
        && changed > 0
    {
        note_request(connection, user, used.used_at)?;
    }
    Ok(())
}

fn expired(connection: &Connection, now: Time, batch_max: u32) -> Result<Vec<(i64, TokenHash)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT id, token_hash FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2",
    )?;
    let rows = statement
        .query_map((sql(now.0), batch_max), |row| Ok((row.get(0)?, TokenHash(row.get(1)?))))?
        .collect::<Result<_, _>>()?;
    Ok(rows)
}

pub(super) fn stored(row: &Row<'_>) -> Result<StoredSession, Error> {
    let application = ApplicationId::new(number(row.get("application_id")?)?);
    Ok(StoredSession {
        id: session_id(row.get("id")?)?,
        user: row.get::<_, Option<i64>>("user_id")?.map(user_id).transpose()?,
        application: application.ok_or_else(|| damaged("an application id is out of range"))?,
        created_at: Time(number(row.get("created_at")?)?),
        used_at: Time(number(row.get("used_at")?)?),
        expires_at: Time(number(row.get("expires_at")?)?),
    })
}
