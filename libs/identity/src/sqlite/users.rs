//! Users in the embedded store.

use domain::{Time, UserId};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::{Store, issue};
use crate::sign_up::NewUser;
use crate::store::{number, sql, user_id};
use crate::user::{Created, Display, Found, User};
use crate::{Error, FieldError};

impl Store {
    /// Which of the new user's names somebody has already; empty: none, for the moment.
    pub(crate) async fn taken(&self, user: &NewUser) -> Result<Vec<FieldError>, Error> {
        let user = user.clone();
        self.read(move |connection| taken(connection, &user)).await
    }

    /// Stores the user under a fresh id, unless one of his names is taken.
    pub(crate) async fn insert_user(
        &self,
        user: NewUser,
        password_hash: String,
        now: Time,
    ) -> Result<User, Error> {
        self.write(move |transaction| {
            let taken = taken(transaction, &user)?;
            if !taken.is_empty() {
                return Err(Error::Invalid(taken));
            }
            let id = user_id(sql(issue(transaction, "user")?))?;
            let user = Created::of(id, user, now);
            insert(transaction, &user, Some(&password_hash))?;
            Ok(user.user)
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

    /// Those of `ids` that exist, in the order given.
    pub(crate) async fn users(&self, ids: Vec<UserId>) -> Result<Vec<User>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM users WHERE id = ?1")?;
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
            let mut statement =
                connection.prepare_cached("SELECT full_name, login, avatar FROM users WHERE id = ?1")?;
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

pub(super) fn insert(
    connection: &Connection,
    new: &Created,
    password_hash: Option<&str>,
) -> Result<(), Error> {
    let user = &new.user;
    connection
        .prepare_cached(
            "INSERT INTO users (id, login, login_key, email, email_key, password_hash, full_name, phone,
                 website, created_at, updated_at, last_request_at, external_user_id, external_id, facebook_id, twitter_id,
                 blob_id, custom_data, avatar, user_tags, timezone, is_guest)
             VALUES (:id, :login, :login_key, :email, :email_key, :password_hash, :full_name, :phone,
                 :website, :created_at, :updated_at, :last_request_at, :external_user_id, :external_id, :facebook_id, :twitter_id,
                 :blob_id, :custom_data, :avatar, :user_tags, :timezone, :is_guest)",
        )?
        .execute(named_params! {
            ":id": sql(user.id.get()),
            ":login": user.login,
            ":login_key": new.login_key,
            ":email": user.email,
            ":email_key": new.email_key,
            ":password_hash": password_hash,
            ":full_name": user.full_name,
            ":phone": user.phone,
            ":website": user.website,
            ":created_at": sql(user.created_at.0),
            ":updated_at": sql(user.updated_at.0),
            ":last_request_at": user.last_request_at.map(|at| sql(at.0)),
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
        })?;
    Ok(())
}

fn taken(connection: &Connection, user: &NewUser) -> Result<Vec<FieldError>, Error> {
    let mut taken = Vec::new();
    for (field, unique, question) in [
        ("login", &user.profile.login, "SELECT 1 FROM users WHERE login_key = ?1"),
        ("email", &user.profile.email, "SELECT 1 FROM users WHERE email_key = ?1"),
    ] {
        if let Some(unique) = unique
            && connection.prepare_cached(question)?.exists([&unique.key])?
        {
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
        last_request_at: row.get::<_, Option<i64>>("last_request_at")?.map(number).transpose()?.map(Time),
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
        is_disabled: row.get::<_, Option<i64>>("disabled_at")?.is_some(),
    })
}

/// Notes on the user that a session of his was used; false if there is no such user.
pub(super) fn note_request(connection: &Connection, user: UserId, at: Time) -> Result<bool, Error> {
    let noted = connection
        .prepare_cached(
            "UPDATE users SET last_request_at = max(coalesce(last_request_at, 0), ?2) WHERE id = ?1
             RETURNING id",
        )?
        .query_row([sql(user.get()), sql(at.0)], |_| Ok(()))
        .optional()?;
    Ok(noted.is_some())
}
