//! Sessions in the embedded store.

use std::sync::Arc;

use domain::{ApplicationId, Time, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::users::{note_request, time};
use super::{Store, issue};
use crate::Error;
use crate::memory::{Memory, Stale};
use crate::session::{NewSession, SessionId, SessionSummary, StoredSession, TokenHash, Use};
use crate::store::{damaged, number, session_id, sql, user_id};

impl Store {
    /// Stores the session under a fresh id; [`Error::UserNotFound`] or [`Error::Disabled`] if its user may
    /// have none.
    pub(crate) async fn insert_session(&self, new: NewSession) -> Result<StoredSession, Error> {
        self.write(move |transaction| insert_session(transaction, new)).await
    }

    /// As [`Self::insert_session`], unless the token has a session already, which is prolonged then;
    /// [`Error::NoSuchSession`] if that was ended.
    pub(crate) async fn insert_foreign(&self, new: NewSession) -> Result<StoredSession, Error> {
        self.write(move |transaction| {
            let known = transaction
                .prepare_cached("SELECT is_ended FROM sessions WHERE token_hash = ?1")?
                .query_row([new.token.0], |row| row.get::<_, bool>(0))
                .optional()?;
            match known {
                None => return insert_session(transaction, new),
                Some(true) => return Err(Error::NoSuchSession),
                Some(false) => {}
            }
            transaction
                .prepare_cached(
                    "UPDATE sessions SET used_at = max(used_at, ?2), expires_at = max(expires_at, ?3)
                     WHERE token_hash = ?1",
                )?
                .execute(params![new.token.0, sql(new.created_at.0), sql(new.expires_at.0)])?;
            session(transaction, new.token)?.ok_or(Error::NoSuchSession)
        })
        .await
    }

    /// The session that the token proves, expired or not.
    pub(crate) async fn session(&self, token: TokenHash) -> Result<Option<StoredSession>, Error> {
        self.read(move |connection| session(connection, token)).await
    }

    /// Makes the session that user's, or nobody's, as of that use of it.
    pub(crate) async fn switch_session(
        &self,
        used: Use,
        user: Option<UserId>,
        memory: &Arc<Memory>,
    ) -> Result<StoredSession, Error> {
        self.write_forgetting(memory, move |transaction, stale| {
            if let Some(user) = user {
                note_request(transaction, user, used.used_at)?;
            }
            let token = transaction
                .prepare_cached(
                    "UPDATE sessions SET user_id = ?2, used_at = max(used_at, ?3), expires_at = max(expires_at, ?4)
                     WHERE id = ?1 AND is_ended = 0 RETURNING token_hash",
                )?
                .query_row(
                    params![
                        sql(used.session.get()),
                        user.map(|user| sql(user.get())),
                        sql(used.used_at.0),
                        sql(used.expires_at.0)
                    ],
                    |row| row.get(0).map(TokenHash),
                )
                .optional()?
                .ok_or(Error::NoSuchSession)?;
            stale.tokens.push(token);
            session(transaction, token)?.ok_or(Error::NoSuchSession)
        })
        .await
    }

    /// Removes the session, if it is there, durably, and forgets it then.
    pub(crate) async fn delete_session(&self, id: SessionId, memory: &Arc<Memory>) -> Result<(), Error> {
        let question = "SELECT id FROM sessions WHERE id = ?1 AND is_ended = 0";
        self.write_forgetting(memory, move |transaction, stale| {
            end(transaction, ids(transaction, question, params![sql(id.get())])?, stale)
        })
        .await
    }

    /// As [`Self::delete_session`], if it is that owner's; whether it was.
    pub(crate) async fn delete_session_of(
        &self,
        owner: Option<UserId>,
        id: SessionId,
        memory: &Arc<Memory>,
    ) -> Result<bool, Error> {
        let question = "SELECT id FROM sessions WHERE id = ?1 AND user_id IS ?2 AND is_ended = 0";
        self.write_forgetting(memory, move |transaction, stale| {
            let owner = owner.map(|owner| sql(owner.get()));
            end(transaction, ids(transaction, question, params![sql(id.get()), owner])?, stale)?;
            Ok(!stale.tokens.is_empty())
        })
        .await
    }

    /// Removes the user's sessions but `kept`; how many.
    pub(crate) async fn delete_sessions_of(
        &self,
        user: UserId,
        kept: Option<SessionId>,
        memory: &Arc<Memory>,
    ) -> Result<u64, Error> {
        self.write_forgetting(memory, move |transaction, stale| {
            end_all(transaction, user, kept, stale)?;
            Ok(stale.tokens.len() as u64)
        })
        .await
    }

    /// The user's sessions, the newest first, at most `max`.
    pub(crate) async fn sessions_of(&self, user: UserId, max: u32) -> Result<Vec<SessionSummary>, Error> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM sessions WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2")?;
            let mut rows = statement.query((sql(user.get()), max))?;
            let mut sessions = Vec::new();
            while let Some(row) = rows.next()? {
                sessions.push(stored(row)?.summary());
            }
            Ok(sessions)
        })
        .await
    }

    /// Removes at most `batch_max` sessions that have ended by `now`; answers how many.
    ///
    /// Of a session that is in use in memory while its row lags behind, the row is brought up
    /// to date instead. The removed ones are forgotten once their end is on the disk.
    pub(crate) async fn delete_expired(
        &self,
        now: Time,
        batch_max: u32,
        memory: &Arc<Memory>,
    ) -> Result<usize, Error> {
        let live = Arc::clone(memory);
        self.write_forgetting(memory, move |transaction, stale| {
            for (id, token) in expired(transaction, now, batch_max)? {
                match live.sessions.get(&token).filter(|session| session.is_live(now)) {
                    Some(session) => write_use(transaction, &session.last_use())?,
                    None => {
                        transaction.prepare_cached("DELETE FROM sessions WHERE id = ?1")?.execute([id])?;
                        stale.tokens.push(token);
                    }
                }
            }
            Ok(stale.tokens.len())
        })
        .await
    }
}

/// Stores the session under a fresh id.
pub(super) fn insert_session(connection: &Connection, new: NewSession) -> Result<StoredSession, Error> {
    if let Some(user) = new.user {
        note_request(connection, user, new.created_at)?;
    }
    let stored = new.stored(session_id(sql(issue(connection, "session")?))?);
    insert(connection, new.token, &stored, false)?;
    Ok(stored)
}

pub(super) fn insert(
    connection: &Connection,
    token: TokenHash,
    stored: &StoredSession,
    is_ended: bool,
) -> Result<(), Error> {
    connection
        .prepare_cached(
            "INSERT INTO sessions
                 (id, token_hash, user_id, application_id, created_at, used_at, expires_at, ends_at, is_ended)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            sql(stored.id.get()),
            token.0,
            stored.user.map(|user| sql(user.get())),
            sql(stored.application.get()),
            sql(stored.created_at.0),
            sql(stored.used_at.0),
            sql(stored.expires_at.0),
            stored.ends_at.map(|at| sql(at.0)),
            is_ended,
        ])?;
    Ok(())
}

fn session(connection: &Connection, token: TokenHash) -> Result<Option<StoredSession>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM sessions WHERE token_hash = ?1 AND is_ended = 0")?;
    let mut rows = statement.query([token.0])?;
    rows.next()?.map(stored).transpose()
}

/// Ends all sessions of the user but `kept`.
pub(super) fn end_all(
    connection: &Connection,
    user: UserId,
    kept: Option<SessionId>,
    stale: &mut Stale,
) -> Result<(), Error> {
    let question = "SELECT id FROM sessions WHERE user_id = ?1 AND id IS NOT ?2 AND is_ended = 0";
    let kept = kept.map(|kept| sql(kept.get()));
    end(connection, ids(connection, question, params![sql(user.get()), kept])?, stale)
}

fn ids(connection: &Connection, question: &str, about: &[&dyn rusqlite::ToSql]) -> Result<Vec<i64>, Error> {
    let mut statement = connection.prepare_cached(question)?;
    let ids = statement.query_map(about, |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

/// Removes the sessions; of one with a hard end the token is kept until then.
fn end(connection: &Connection, ids: Vec<i64>, stale: &mut Stale) -> Result<(), Error> {
    for id in ids {
        let gone = connection
            .prepare_cached("DELETE FROM sessions WHERE id = ?1 AND ends_at IS NULL RETURNING token_hash")?
            .query_row([id], |row| row.get(0).map(TokenHash))
            .optional()?;
        let token = match gone {
            Some(token) => token,
            None => connection
                .prepare_cached(
                    "UPDATE sessions SET is_ended = 1, user_id = NULL, expires_at = ends_at WHERE id = ?1
                     RETURNING token_hash",
                )?
                .query_row([id], |row| row.get(0).map(TokenHash))?,
        };
        stale.tokens.push(token);
    }
    Ok(())
}

/// Notes a use of the session; a session that has been ended meanwhile stays so.
pub(super) fn write_use(connection: &Connection, used: &Use) -> Result<(), Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE sessions SET used_at = max(used_at, ?2), expires_at = max(expires_at, ?3)
             WHERE id = ?1 AND is_ended = 0",
        )?
        .execute([sql(used.session.get()), sql(used.used_at.0), sql(used.expires_at.0)])?;
    if let Some(user) = used.user
        && changed > 0
    {
        match note_request(connection, user, used.used_at) {
            // The session is another's by now.
            Err(Error::UserNotFound | Error::Disabled) => {}
            other => other?,
        }
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
        ends_at: time(row, "ends_at")?,
    })
}
