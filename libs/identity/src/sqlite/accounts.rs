//! What becomes of users in the embedded store.

use std::sync::Arc;

use domain::{Time, UserId};
use rusqlite::{Connection, params};

use super::Store;
use super::find::{forget_terms, note_terms};
use super::resets::drop_resets;
use super::sessions::end_all;
use super::users::{kept, taken};
use crate::Error;
use crate::account::{Amendment, check_names};
use crate::memory::Memory;
use crate::store::{number, sql, user_id};
use crate::user::{Departure, Kept, User};

impl Store {
    /// Changes the user, and his password if there is a new one and the old one is still as it was
    /// seen.
    pub(crate) async fn change_user(
        &self,
        user: UserId,
        amendment: Amendment,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<User, Error> {
        self.write_forgetting(memory, move |transaction, stale| {
            let mut changed = kept(transaction, user)?.ok_or(Error::UserNotFound)?;
            amendment.apply(&mut changed, now)?;
            check_names(&changed, taken(transaction, &changed.names(), Some(user))?)?;
            update(transaction, &changed)?;
            if amendment.ends_resets() {
                drop_resets(transaction, user)?;
            }
            if amendment.ends_sessions() {
                end_all(transaction, user, amendment.session(), stale)?;
            }
            stale.users.push(user);
            Ok(changed.user)
        })
        .await
    }

    /// Leaves tombstones of those of `users` who are not deleted yet, and ends their sessions; how
    /// many.
    pub(crate) async fn delete_users(
        &self,
        users: Vec<UserId>,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<usize, Error> {
        self.write_forgetting(memory, move |transaction, stale| {
            for user in users {
                if bury(transaction, user, now)? {
                    end_all(transaction, user, None, stale)?;
                    drop_resets(transaction, user)?;
                    stale.users.push(user);
                }
            }
            Ok(stale.users.len())
        })
        .await
    }

    /// Guests whose time was over at `now`, at most `batch_max`.
    pub(crate) async fn guests_over(&self, now: Time, batch_max: u32) -> Result<Vec<UserId>, Error> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT id FROM users WHERE ends_at <= ?1 ORDER BY ends_at LIMIT ?2")?;
            let ids = statement.query_map((sql(now.0), batch_max), |row| row.get(0))?;
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            ids.into_iter().map(user_id).collect()
        })
        .await
    }

    /// Deleted users whose dialogs may still hold them, the longest deleted first.
    pub(crate) async fn departures(&self, max: u32) -> Result<Vec<Departure>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, deleted_at FROM users WHERE is_departing = 1 ORDER BY deleted_at, id LIMIT ?1",
            )?;
            let mut rows = statement.query([max])?;
            let mut departures = Vec::new();
            while let Some(row) = rows.next()? {
                let (user, deleted_at) = (user_id(row.get(0)?)?, Time(number(row.get(1)?)?));
                departures.push(Departure { user, deleted_at });
            }
            Ok(departures)
        })
        .await
    }

    /// No dialog holds the deleted user any more.
    pub(crate) async fn departed(&self, user: UserId) -> Result<(), Error> {
        self.write(move |transaction| {
            transaction
                .prepare_cached("UPDATE users SET is_departing = 0 WHERE id = ?1")?
                .execute([sql(user.get())])?;
            Ok(())
        })
        .await
    }

    /// Notes since when the user is disabled, or that he is not; ends his sessions if he is.
    pub(crate) async fn set_disabled(
        &self,
        user: UserId,
        since: Option<Time>,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        self.write_forgetting(memory, move |transaction, stale| {
            let changed = transaction
                .prepare_cached("UPDATE users SET disabled_at = ?2 WHERE id = ?1 AND deleted_at IS NULL")?
                .execute((sql(user.get()), since.map(|since| sql(since.0))))?;
            if changed == 0 {
                return Err(Error::UserNotFound);
            }
            if since.is_some() {
                end_all(transaction, user, None, stale)?;
                drop_resets(transaction, user)?;
            }
            Ok(())
        })
        .await
    }

    /// Sets the user's password and ends his sessions.
    pub(crate) async fn set_password(
        &self,
        user: UserId,
        hash: String,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        self.write_forgetting(memory, move |transaction, stale| {
            renew_password(transaction, user, &hash, now)?;
            end_all(transaction, user, None, stale)
        })
        .await
    }
}

/// Gives the user that password; whoever may reset the old one may not any more.
pub(super) fn renew_password(
    connection: &Connection,
    user: UserId,
    hash: &str,
    now: Time,
) -> Result<(), Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE users SET password_hash = ?2, updated_at = max(updated_at, ?3)
             WHERE id = ?1 AND deleted_at IS NULL",
        )?
        .execute(params![sql(user.get()), hash, sql(now.0)])?;
    if changed == 0 {
        return Err(Error::UserNotFound);
    }
    drop_resets(connection, user)
}

/// Leaves a tombstone: false if there is no such user any more.
fn bury(connection: &Connection, user: UserId, now: Time) -> Result<bool, Error> {
    let changed = connection
        .prepare_cached(
            "UPDATE users SET deleted_at = ?2, updated_at = ?2, is_departing = 1,
                 login = NULL, login_key = NULL, email = NULL, email_key = NULL, password_hash = NULL,
                 provider_key = NULL, full_name = NULL, phone = NULL, website = NULL, last_request_at = NULL,
                 external_user_id = NULL, external_id = NULL, facebook_id = NULL, twitter_id = NULL,
                 blob_id = NULL, custom_data = NULL, avatar = NULL, user_tags = NULL, timezone = NULL,
                 is_guest = 0, ends_at = NULL, disabled_at = NULL
             WHERE id = ?1 AND deleted_at IS NULL",
        )?
        .execute([sql(user.get()), sql(now.0)])?;
    forget_terms(connection, user)?;
    Ok(changed > 0)
}

/// Writes what a user may change of himself.
fn update(connection: &Connection, kept: &Kept) -> Result<(), Error> {
    let user = &kept.user;
    connection
        .prepare_cached(
            "UPDATE users SET login = ?2, login_key = ?3, email = ?4, email_key = ?5, password_hash = ?6,
                 full_name = ?7, phone = ?8, website = ?9, updated_at = ?10, external_user_id = ?11,
                 external_id = ?12, facebook_id = ?13, twitter_id = ?14, blob_id = ?15, custom_data = ?16,
                 avatar = ?17, user_tags = ?18, timezone = ?19
             WHERE id = ?1",
        )?
        .execute(params![
            sql(user.id.get()),
            user.login,
            kept.login_key,
            user.email,
            kept.email_key,
            kept.password_hash,
            user.full_name,
            user.phone,
            user.website,
            sql(user.updated_at.0),
            user.external_user_id,
            user.external_id,
            user.facebook_id,
            user.twitter_id,
            user.blob_id.map(sql),
            user.custom_data,
            user.avatar,
            user.user_tags,
            user.timezone,
        ])?;
    note_terms(connection, user)
}
