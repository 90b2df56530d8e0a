//! What becomes of users in PostgreSQL.

use std::sync::Arc;

use domain::{Time, UserId};
use sqlx::PgConnection;

use super::ended::announce;
use super::find::{forget_terms, note_terms};
use super::resets::drop_resets;
use super::sessions::{end_all, lock_all};
use super::users::{get, kept_of, taken};
use super::{Store, Undone, failures};
use crate::Error;
use crate::account::{Amendment, check_names};
use crate::memory::{Memory, Stale};
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
        let id = [sql(user.get())];
        let (changed, stale) = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                if amendment.ends_sessions() {
                    lock_all(&mut transaction, &id, amendment.session()).await?;
                }
                let row = sqlx::query(
                    "SELECT * FROM identity.users WHERE id = $1 AND deleted_at IS NULL FOR UPDATE",
                )
                .bind(id[0])
                .fetch_optional(&mut *transaction)
                .await?
                .ok_or(Error::UserNotFound)?;
                let mut changed = kept_of(&row)?;
                amendment.apply(&mut changed, now)?;
                check_names(&changed, taken(&mut transaction, &changed.names(), Some(user)).await?)?;
                update(&mut transaction, &changed).await?;
                if amendment.ends_resets() {
                    drop_resets(&mut transaction, &id).await?;
                }
                let tokens = if amendment.ends_sessions() {
                    end_all(&mut transaction, &id, amendment.session()).await?
                } else {
                    vec![]
                };
                let stale = Stale { tokens, users: vec![user] };
                announce(&mut transaction, &stale).await?;
                transaction.commit().await?;
                Ok((changed.user, stale))
            })
            .await?;
        memory.forget(&stale);
        Ok(changed)
    }

    /// Leaves tombstones of those of `users` who are not deleted yet, and ends their sessions; how
    /// many.
    pub(crate) async fn delete_users(
        &self,
        users: Vec<UserId>,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<usize, Error> {
        let stale = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                let named = users.iter().map(|user| sql(user.get())).collect::<Vec<_>>();
                lock_all(&mut transaction, &named, None).await?;
                let buried = bury(&mut transaction, &named, now).await?;
                drop_resets(&mut transaction, &buried).await?;
                let tokens = end_all(&mut transaction, &buried, None).await?;
                let users = buried.into_iter().map(user_id).collect::<Result<_, _>>()?;
                let stale = Stale { tokens, users };
                announce(&mut transaction, &stale).await?;
                transaction.commit().await?;
                Ok(stale)
            })
            .await?;
        memory.forget(&stale);
        Ok(stale.users.len())
    }

    /// Guests whose time was over at `now`, at most `batch_max`.
    pub(crate) async fn guests_over(&self, now: Time, batch_max: u32) -> Result<Vec<UserId>, Error> {
        let asking = sqlx::query_scalar::<_, i64>(
            "SELECT id FROM identity.users WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2",
        )
        .bind(sql(now.0))
        .bind(i64::from(batch_max))
        .fetch_all(&self.pool);
        self.run(asking).await?.into_iter().map(user_id).collect()
    }

    /// Deleted users whose dialogs may still hold them, the longest deleted first.
    pub(crate) async fn departures(&self, max: u32) -> Result<Vec<Departure>, Error> {
        let asking = sqlx::query(
            "SELECT id, deleted_at FROM identity.users WHERE is_departing ORDER BY deleted_at, id LIMIT $1",
        )
        .bind(i64::from(max))
        .fetch_all(&self.pool);
        let rows = self.run(asking).await?;
        let departure = |row| {
            let (user, deleted_at) = (user_id(get(row, "id")?)?, Time(number(get(row, "deleted_at")?)?));
            Ok(Departure { user, deleted_at })
        };
        rows.iter().map(departure).collect()
    }

    /// No dialog holds the deleted user any more.
    pub(crate) async fn departed(&self, user: UserId) -> Result<(), Error> {
        let noting =
            sqlx::query("UPDATE identity.users SET is_departing = false WHERE id = $1 AND is_departing")
                .bind(sql(user.get()))
                .execute(&self.pool);
        self.run(noting).await.map(|_| ())
    }

    /// Notes since when the user is disabled, or that he is not; ends his sessions if he is.
    pub(crate) async fn set_disabled(
        &self,
        user: UserId,
        since: Option<Time>,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        let id = sql(user.get());
        let stale = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                lock_all(&mut transaction, &[id], None).await?;
                let changed = sqlx::query(
                    "UPDATE identity.users SET disabled_at = $2 WHERE id = $1 AND deleted_at IS NULL",
                )
                .bind(id)
                .bind(since.map(|since| sql(since.0)))
                .execute(&mut *transaction)
                .await?;
                if changed.rows_affected() == 0 {
                    return Err(Error::UserNotFound.into());
                }
                let mut stale = Stale::default();
                if since.is_some() {
                    drop_resets(&mut transaction, &[id]).await?;
                    stale.tokens = end_all(&mut transaction, &[id], None).await?;
                }
                announce(&mut transaction, &stale).await?;
                transaction.commit().await?;
                Ok(stale)
            })
            .await?;
        memory.forget(&stale);
        Ok(())
    }

    /// Sets the user's password and ends his sessions.
    pub(crate) async fn set_password(
        &self,
        user: UserId,
        hash: String,
        now: Time,
        memory: &Arc<Memory>,
    ) -> Result<(), Error> {
        let stale = self
            .transact(async {
                let mut transaction = self.pool.begin().await?;
                let stale = renew_password(&mut transaction, user, &hash, now).await?;
                transaction.commit().await?;
                Ok(stale)
            })
            .await?;
        memory.forget(&stale);
        Ok(())
    }
}

/// Gives the user that password, ends his sessions and tells all; whoever may reset the old one may not any
/// more.
pub(super) async fn renew_password(
    connection: &mut PgConnection,
    user: UserId,
    hash: &str,
    now: Time,
) -> Result<Stale, Undone> {
    let id = sql(user.get());
    lock_all(connection, &[id], None).await?;
    let changed = sqlx::query(
        "UPDATE identity.users SET password_hash = $2, updated_at = greatest(updated_at, $3)
         WHERE id = $1 AND deleted_at IS NULL",
    )
    .bind(id)
    .bind(hash)
    .bind(sql(now.0))
    .execute(&mut *connection)
    .await?;
    if changed.rows_affected() == 0 {
        return Err(Error::UserNotFound.into());
    }
    drop_resets(connection, &[id]).await?;
    let stale = Stale { tokens: end_all(connection, &[id], None).await?, users: vec![] };
    announce(connection, &stale).await?;
    Ok(stale)
}

/// Leaves tombstones; of whom.
async fn bury(connection: &mut PgConnection, users: &[i64], now: Time) -> sqlx::Result<Vec<i64>> {
    let locked = sqlx::query_scalar::<_, i64>(
        "SELECT id FROM identity.users WHERE id = ANY ($1) AND deleted_at IS NULL ORDER BY id FOR UPDATE",
    )
    .bind(users)
    .fetch_all(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE identity.users SET deleted_at = $2, updated_at = $2, is_departing = true,
             login = NULL, login_key = NULL, email = NULL, email_key = NULL, password_hash = NULL,
             provider_key = NULL, full_name = NULL, phone = NULL, website = NULL, last_request_at = NULL,
             external_user_id = NULL, external_id = NULL, facebook_id = NULL, twitter_id = NULL,
             blob_id = NULL, custom_data = NULL, avatar = NULL, user_tags = NULL, timezone = NULL,
             is_guest = false, ends_at = NULL, disabled_at = NULL
         WHERE id = ANY ($1)",
    )
    .bind(&locked)
    .bind(sql(now.0))
    .execute(&mut *connection)
    .await?;
    forget_terms(connection, &locked).await?;
    Ok(locked)
}

/// Writes what a user may change of himself.
async fn update(connection: &mut PgConnection, kept: &Kept) -> Result<(), Undone> {
    let user = &kept.user;
    let updated = sqlx::query(
        "UPDATE identity.users SET login = $2, login_key = $3, email = $4, email_key = $5, password_hash = $6,
             full_name = $7, phone = $8, website = $9, updated_at = $10, external_user_id = $11,
             external_id = $12, facebook_id = $13, twitter_id = $14, blob_id = $15, custom_data = $16,
             avatar = $17, user_tags = $18, timezone = $19
         WHERE id = $1",
    )
    .bind(sql(user.id.get()))
    .bind(&user.login)
    .bind(&kept.login_key)
    .bind(&user.email)
    .bind(&kept.email_key)
    .bind(&kept.password_hash)
    .bind(&user.full_name)
    .bind(&user.phone)
    .bind(&user.website)
    .bind(sql(user.updated_at.0))
    .bind(&user.external_user_id)
    .bind(&user.external_id)
    .bind(&user.facebook_id)
    .bind(&user.twitter_id)
    .bind(user.blob_id.map(sql))
    .bind(&user.custom_data)
    .bind(&user.avatar)
    .bind(&user.user_tags)
    .bind(user.timezone)
    .execute(&mut *connection)
    .await;
    match updated {
        Ok(_) => Ok(note_terms(connection, std::slice::from_ref(user)).await?),
        // Somebody got the name in the same moment: the next try is told so.
        Err(error) if failures::is_taken(&error) => Err(Error::Busy.into()),
        Err(error) => Err(error.into()),
    }
}
