//! Users in PostgreSQL.

use std::collections::HashMap;

use domain::{Time, UserId};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Store, failures};
use crate::sign_up::{NewUser, Unique};
use crate::store::{number, sql, user_id};
use crate::user::{Created, Display, Found, User};
use crate::{Error, FieldError};

impl Store {
    /// Which of the new user's names somebody has already; empty: none, for the moment.
    pub(crate) async fn taken(&self, user: &NewUser) -> Result<Vec<FieldError>, Error> {
        let key = |unique: &Option<Unique>| unique.as_ref().map(|unique| unique.key.clone());
        let asking = sqlx::query_as::<_, (bool, bool)>(
            "SELECT EXISTS (SELECT FROM identity.users WHERE login_key = $1),
                 EXISTS (SELECT FROM identity.users WHERE email_key = $2)",
        )
        .bind(key(&user.profile.login))
        .bind(key(&user.profile.email))
        .fetch_one(&self.pool);
        let (login, email) = self.run(asking).await?;
        let fields = [("login", login), ("email", email)];
        Ok(fields.iter().filter(|(_, taken)| *taken).map(|(field, _)| FieldError::taken(field)).collect())
    }

    /// Stores the user under a fresh id, unless one of his names is taken.
    pub(crate) async fn insert_user(
        &self,
        user: NewUser,
        password_hash: String,
        now: Time,
    ) -> Result<User, Error> {
        let inserted = self.run(async {
            match insert(&user, &password_hash, now).fetch_one(&self.pool).await {
                Ok(row) => row.try_get::<i64, _>("id").map(Some),
                Err(error) if failures::is_taken(&error) => Ok(None),
                Err(error) => Err(error),
            }
        });
        match inserted.await? {
            Some(id) => Ok(Created::of(user_id(id)?, user, now).user),
            None => match self.taken(&user).await? {
                // Whoever had it is gone already.
                taken if taken.is_empty() => Err(Error::Busy),
                taken => Err(Error::Invalid(taken)),
            },
        }
    }

    /// The user of that login, given in canonical form.
    pub(crate) async fn by_login(&self, key: String) -> Result<Option<Found>, Error> {
        self.find("SELECT * FROM identity.users WHERE login_key = $1", key).await
    }

    /// The user of that email, given in canonical form.
    pub(crate) async fn by_email(&self, key: String) -> Result<Option<Found>, Error> {
        self.find("SELECT * FROM identity.users WHERE email_key = $1", key).await
    }

    async fn find(&self, question: &'static str, key: String) -> Result<Option<Found>, Error> {
        let finding = sqlx::query(question).bind(key).fetch_optional(&self.pool);
        let Some(row) = self.run(finding).await? else { return Ok(None) };
        Ok(Some(Found { user: user(&row)?, password_hash: get(&row, "password_hash")? }))
    }

    /// Those of `ids` that exist, in the order given.
    pub(crate) async fn users(&self, ids: Vec<UserId>) -> Result<Vec<User>, Error> {
        let rows = self.by_ids("SELECT * FROM identity.users WHERE id = ANY ($1)", &ids).await?;
        let users = rows.iter().map(user).collect::<Result<Vec<_>, _>>()?;
        let users = users.into_iter().map(|user| (user.id, user)).collect::<HashMap<_, _>>();
        Ok(ids.iter().filter_map(|id| users.get(id).cloned()).collect())
    }

    /// How those of `ids` that exist are shown, in the order given.
    pub(crate) async fn displays(&self, ids: Vec<UserId>) -> Result<Vec<Display>, Error> {
        let question = "SELECT id, full_name, login, avatar FROM identity.users WHERE id = ANY ($1)";
        let mut displays = HashMap::new();
        for row in self.by_ids(question, &ids).await? {
            let id = user_id(get(&row, "id")?)?;
            let display =
                Display::new(id, get(&row, "full_name")?, get(&row, "login")?, get(&row, "avatar")?);
            displays.insert(id, display);
        }
        Ok(ids.iter().filter_map(|id| displays.get(id).cloned()).collect())
    }

    async fn by_ids(&self, question: &'static str, ids: &[UserId]) -> Result<Vec<PgRow>, Error> {
        let numbers = ids.iter().map(|id| sql(id.get())).collect::<Vec<_>>();
        self.run(sqlx::query(question).bind(numbers).fetch_all(&self.pool)).await
    }

    /// From now on only ids above `id` are issued.
    pub(crate) async fn raise_user_counter(&self, id: UserId) -> Result<(), Error> {
        let raising = sqlx::query("UPDATE identity.counters SET last = $1 WHERE name = 'user' AND last < $1")
            .bind(sql(id.get()))
            .execute(&self.pool);
        self.run(raising).await.map(|_| ())
    }
}

type Insert<'q> = sqlx::query::Query<'q, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// Issues a number and stores the user under it, or neither: the counter's row stays locked until
/// that is on the disk.
fn insert<'q>(user: &'q NewUser, password_hash: &'q str, now: Time) -> Insert<'q> {
    let text = |unique: &'q Option<Unique>| unique.as_ref().map(|unique| &*unique.text);
    let key = |unique: &'q Option<Unique>| unique.as_ref().map(|unique| &*unique.key);
    let about = &user.profile.about;
    sqlx::query(
        "WITH counter AS (UPDATE identity.counters SET last = last + 1 WHERE name = 'user' RETURNING last)
         INSERT INTO identity.users (id, login, login_key, email, email_key, password_hash, created_at, updated_at,
             full_name, phone, website, external_user_id, external_id, facebook_id, twitter_id, blob_id,
             custom_data, avatar, user_tags, timezone)
         SELECT last, $1, $2, $3, $4, $5, $6, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18
         FROM counter RETURNING id",
    )
    .bind(text(&user.profile.login))
    .bind(key(&user.profile.login))
    .bind(text(&user.profile.email))
    .bind(key(&user.profile.email))
    .bind(password_hash)
    .bind(sql(now.0))
    .bind(&about.full_name)
    .bind(&about.phone)
    .bind(&about.website)
    .bind(&about.external_user_id)
    .bind(&about.external_id)
    .bind(&about.facebook_id)
    .bind(&about.twitter_id)
    .bind(about.blob_id.map(sql))
    .bind(&about.custom_data)
    .bind(&about.avatar)
    .bind(&about.user_tags)
    .bind(about.timezone)
}

/// A column's value.
pub(super) fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T, Error>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|error| Error::Store(error.to_string()))
}

pub(super) fn user(row: &PgRow) -> Result<User, Error> {
    Ok(User {
        id: user_id(get(row, "id")?)?,
        full_name: get(row, "full_name")?,
        email: get(row, "email")?,
        login: get(row, "login")?,
        phone: get(row, "phone")?,
        website: get(row, "website")?,
        created_at: Time(number(get(row, "created_at")?)?),
        updated_at: Time(number(get(row, "updated_at")?)?),
        last_request_at: get::<Option<i64>>(row, "last_request_at")?.map(number).transpose()?.map(Time),
        external_user_id: get(row, "external_user_id")?,
        external_id: get(row, "external_id")?,
        facebook_id: get(row, "facebook_id")?,
        twitter_id: get(row, "twitter_id")?,
        blob_id: get::<Option<i64>>(row, "blob_id")?.map(number).transpose()?,
        custom_data: get(row, "custom_data")?,
        avatar: get(row, "avatar")?,
        user_tags: get(row, "user_tags")?,
        timezone: get(row, "timezone")?,
        is_guest: get(row, "is_guest")?,
        is_disabled: get::<Option<i64>>(row, "disabled_at")?.is_some(),
    })
}
