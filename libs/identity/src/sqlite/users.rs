//! Users in the embedded store.

use domain::{Time, UserId};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::find::note_terms;
use super::sessions::insert_session;
use super::{Store, issue};
use crate::session::{NewSession, StoredSession};
use crate::store::{number, sql, user_id};
use crate::user::{Display, Found, Kept, Names, Newcomer, User};
use crate::{Error, FieldError};

impl Store {
    /// Which of the names somebody but `owner` has already; empty: none, for the moment.
    pub(crate) async fn taken(&self, names: Names, owner: Option<UserId>) -> Result<Vec<FieldError>, Error> {
        self.read(move |connection| taken(connection, &names, owner)).await
    }

    /// Stores the user under a fresh id, unless one of his names is taken.
    pub(crate) async fn insert_user(&self, new: Newcomer, now: Time) -> Result<User, Error> {
        self.write(move |transaction| admit(transaction, new, now)).await
    }

    /// Stores the user and a session of his, or neither.
    pub(crate) async fn insert_with_session(
        &self,
        new: Newcomer,
        session: NewSession,
    ) -> Result<(User, StoredSession), Error> {
        self.write(move |transaction| {
            let mut user = admit(transaction, new, session.created_at)?;
            let stored = insert_session(transaction, NewSession { user: Some(user.id), ..session })?;
            user.last_request_at = Some(session.created_at);
            Ok((user, stored))
        })
        .await
    }

    /// The user of that login, given in canonical form.
    pub(crate) async fn by_login(&self, key: String) -> Result<Option<Found>, Error> {
        self.read(move |connection| find(connection, "SELECT * FROM users WHERE login_key = ?1", &key)).await
    }

    /// The user of that email, given in canonical form.
    pub(crate) async fn by_email(&self, key: String) -> Result<Option<Found>, Error> {
        self.read(move |connection| find(connection, "SELECT * FROM users WHERE email_key = ?1", &key)).await
    }

    /// The user whom a provider knows as `key`.
    pub(crate) async fn by_provider(&self, key: String) -> Result<Option<Found>, Error> {
        self.read(move |connection| find(connection, "SELECT * FROM users WHERE provider_key = ?1", &key))
            .await
    }

    /// The user of that id.
    pub(crate) async fn by_id(&self, user: UserId) -> Result<Option<Found>, Error> {
        self.read(move |connection| {
            let kept = kept(connection, user)?;
            Ok(kept.map(|kept| Found { user: kept.user, password_hash: kept.password_hash }))
        })
        .await
    }

    /// Those of `ids` that exist, in the order given.
    pub(crate) async fn users(&self, ids: Vec<UserId>) -> Result<Vec<User>, Error> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT * FROM users WHERE id = ?1 AND deleted_at IS NULL")?;
            let mut users = Vec::with_capacity(ids.len());
            for id in ids {
                let mut rows = statement.query([sql(id.get())])?;
                if let Some(row) = rows.next()? {
                    users.push(user(row)?);
                }
            }
            Ok(users)
        })
        .await
    }

    /// How those of `ids` that exist are shown, in the order given.
    pub(crate) async fn displays(&self, ids: Vec<UserId>) -> Result<Vec<Display>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT full_name, login, avatar FROM users WHERE id = ?1 AND deleted_at IS NULL",
            )?;
            let mut displays = Vec::with_capacity(ids.len());
            for id in ids {
                let mut rows = statement.query([sql(id.get())])?;
                if let Some(row) = rows.next()? {
                    displays.push(Display::new(id, row.get(0)?, row.get(1)?, row.get(2)?));
                }
            }
            Ok(displays)
        })
        .await
    }

    /// From now on only ids above `id` are issued.
    pub(crate) async fn raise_user_counter(&self, id: UserId) -> Result<(), Error> {
        self.write(move |transaction| {
            transaction
                .prepare_cached("UPDATE counters SET last = ?1 WHERE name = 'user' AND last < ?1")?
                .execute([sql(id.get())])?;
            Ok(())
        })
        .await
    }
}

/// Stores the user under a fresh id, unless one of his names is taken.
fn admit(connection: &Connection, new: Newcomer, now: Time) -> Result<User, Error> {
    let taken = taken(connection, &Names::of(&new.profile), None)?;
    if !taken.is_empty() {
        return Err(Error::Invalid(taken));
    }
    if let Some(key) = &new.provider_key
        && connection.prepare_cached("SELECT 1 FROM users WHERE provider_key = ?1")?.exists([key])?
    {
        return Err(Error::Busy);
    }
    let kept = Kept::new(user_id(sql(issue(connection, "user")?))?, new, now);
    insert(connection, &kept)?;
    Ok(kept.user)
}

pub(super) fn insert(connection: &Connection, kept: &Kept) -> Result<(), Error> {
    let user = &kept.user;
    let at = |time: Option<Time>| time.map(|time| sql(time.0));
    connection
        .prepare_cached(
            "INSERT INTO users (id, login, login_key, email, email_key, password_hash, full_name, phone,
                 website, created_at, updated_at, last_request_at, external_user_id, external_id, facebook_id, twitter_id,
                 blob_id, custom_data, avatar, user_tags, timezone, is_guest, provider_key, disabled_at, ends_at,
                 deleted_at, is_departing)
             VALUES (:id, :login, :login_key, :email, :email_key, :password_hash, :full_name, :phone,
                 :website, :created_at, :updated_at, :last_request_at, :external_user_id, :external_id, :facebook_id, :twitter_id,
                 :blob_id, :custom_data, :avatar, :user_tags, :timezone, :is_guest, :provider_key, :disabled_at, :ends_at,
                 :deleted_at, :is_departing)",
        )?
        .execute(named_params! {
            ":id": sql(user.id.get()),
            ":login": user.login,
            ":login_key": kept.login_key,
            ":email": user.email,
            ":email_key": kept.email_key,
            ":password_hash": kept.password_hash,
            ":full_name": user.full_name,
            ":phone": user.phone,
            ":website": user.website,
            ":created_at": sql(user.created_at.0),
            ":updated_at": sql(user.updated_at.0),
            ":last_request_at": at(user.last_request_at),
            ":external_user_id": user.external_user_id,
            ":external_id": user.external_id,
            ":facebook_id": user.facebook_id,
            ":twitter_id": user.twitter_id,
            ":blob_id": user.blob_id.map(sql),
            ":custom_data": user.custom_data,
            ":avatar": user.avatar,
            ":user_tags": user.user_tags,
            ":timezone": user.timezone,
            ":is_guest": user.is_guest,
            ":provider_key": kept.provider_key,
            ":disabled_at": at(kept.disabled_at),
            ":ends_at": at(kept.ends_at),
            ":deleted_at": at(kept.deleted_at),
            ":is_departing": kept.is_departing,
        })?;
    note_terms(connection, user)
}

/// Which of the names somebody but `owner` has already.
pub(super) fn taken(
    connection: &Connection,
    names: &Names,
    owner: Option<UserId>,
) -> Result<Vec<FieldError>, Error> {
    let mut taken = Vec::new();
    for (field, key, question) in [
        ("login", &names.login, "SELECT id FROM users WHERE login_key = ?1"),
        ("email", &names.email, "SELECT id FROM users WHERE email_key = ?1"),
    ] {
        let Some(key) = key else { continue };
        let found = connection.prepare_cached(question)?.query_row([key], |row| row.get::<_, i64>(0));
        if found.optional()?.is_some_and(|id| owner.map(|owner| sql(owner.get())) != Some(id)) {
            taken.push(FieldError::taken(field));
        }
    }
    Ok(taken)
}

fn find(connection: &Connection, question: &str, key: &str) -> Result<Option<Found>, Error> {
    let mut statement = connection.prepare_cached(question)?;
    let mut rows = statement.query([key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Found { user: user(row)?, password_hash: row.get("password_hash")? }))
}

/// Everything that is kept of the user, unless he is deleted.
pub(super) fn kept(connection: &Connection, user: UserId) -> Result<Option<Kept>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM users WHERE id = ?1 AND deleted_at IS NULL")?;
    let mut rows = statement.query([sql(user.get())])?;
    rows.next()?.map(kept_of).transpose()
}

pub(super) fn kept_of(row: &Row<'_>) -> Result<Kept, Error> {
    Ok(Kept {
        user: user(row)?,
        login_key: row.get("login_key")?,
        email_key: row.get("email_key")?,
        password_hash: row.get("password_hash")?,
        provider_key: row.get("provider_key")?,
        disabled_at: time(row, "disabled_at")?,
        ends_at: time(row, "ends_at")?,
        deleted_at: time(row, "deleted_at")?,
        is_departing: row.get("is_departing")?,
    })
}

/// The moment in a column that may be empty.
pub(super) fn time(row: &Row<'_>, column: &str) -> Result<Option<Time>, Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(number).transpose()?.map(Time))
}

pub(super) fn user(row: &Row<'_>) -> Result<User, Error> {
    Ok(User {
        id: user_id(row.get("id")?)?,
        full_name: row.get("full_name")?,
        email: row.get("email")?,
        login: row.get("login")?,
        phone: row.get("phone")?,
        website: row.get("website")?,
        created_at: Time(number(row.get("created_at")?)?),
        updated_at: Time(number(row.get("updated_at")?)?),
        last_request_at: time(row, "last_request_at")?,
        external_user_id: row.get("external_user_id")?,
        external_id: row.get("external_id")?,
        facebook_id: row.get("facebook_id")?,
        twitter_id: row.get("twitter_id")?,
        blob_id: row.get::<_, Option<i64>>("blob_id")?.map(number).transpose()?,
        custom_data: row.get("custom_data")?,
        avatar: row.get("avatar")?,
        user_tags: row.get("user_tags")?,
        timezone: row.get("timezone")?,
        is_guest: row.get("is_guest")?,
        is_disabled: time(row, "disabled_at")?.is_some(),
    })
}

/// Notes on the user that a session of his was used; fails if he may have none.
pub(super) fn note_request(connection: &Connection, user: UserId, at: Time) -> Result<(), Error> {
    let noted = connection
        .prepare_cached(
            "UPDATE users SET last_request_at = max(coalesce(last_request_at, 0), ?2)
             WHERE id = ?1 AND deleted_at IS NULL AND disabled_at IS NULL RETURNING id",
        )?
        .query_row([sql(user.get()), sql(at.0)], |_| Ok(()))
        .optional()?;
    match noted {
        Some(()) => Ok(()),
        None => match kept(connection, user)? {
            Some(_) => Err(Error::Disabled),
            None => Err(Error::UserNotFound),
        },
    }
}
