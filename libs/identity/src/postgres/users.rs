//! Users in PostgreSQL.

use std::collections::HashMap;

use domain::{Time, UserId};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

use super::find::note_terms;
use super::sessions::insert_session;
use super::{Store, Undone, failures};
use crate::session::{NewSession, StoredSession};
use crate::store::{number, sql, user_id};
use crate::user::{Display, Found, Kept, Names, Newcomer, User};
use crate::{Error, FieldError};

impl Store {
    /// Which of the names somebody but `owner` has already; empty: none, for the moment.
    pub(crate) async fn taken(&self, names: Names, owner: Option<UserId>) -> Result<Vec<FieldError>, Error> {
        self.run(async { taken(&mut *self.pool.acquire().await?, &names, owner).await }).await
    }

    /// Stores the user under a fresh id, unless one of his names is taken.
    pub(crate) async fn insert_user(&self, new: Newcomer, now: Time) -> Result<User, Error> {
        let names = Names::of(&new.profile);
        let admitted = self.transact(async {
            let mut transaction = self.pool.begin().await?;
            let admitted = admit(&mut transaction, new, now).await?;
            transaction.commit().await?;
            Ok(admitted)
        });
        match admitted.await? {
            Some(user) => Ok(user),
            None => self.refusal(names).await,
        }
    }

    /// Stores the user and a session of his, or neither.
    pub(crate) async fn insert_with_session(
        &self,
        new: Newcomer,
        session: NewSession,
    ) -> Result<(User, StoredSession), Error> {
        let names = Names::of(&new.profile);
        let admitted = self.transact(async {
            let mut transaction = self.pool.begin().await?;
            let Some(mut user) = admit(&mut transaction, new, session.created_at).await? else {
                return Ok(None);
            };
            let session = NewSession { user: Some(user.id), ..session };
            note_request(&mut transaction, user.id, session.created_at).await?;
            user.last_request_at = Some(session.created_at);
            let stored = insert_session(&mut transaction, session).await?;
            transaction.commit().await?;
            Ok(Some((user, stored)))
        });
        match admitted.await? {
            Some(admitted) => Ok(admitted),
            None => self.refusal(names).await,
        }
    }

    /// Why nobody could be stored under those names.
    async fn refusal<T>(&self, names: Names) -> Result<T, Error> {
        match self.taken(names, None).await? {
            // Whoever had it is gone already; or it is the provider's key.
            taken if taken.is_empty() => Err(Error::Busy),
            taken => Err(Error::Invalid(taken)),
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

    /// The user whom a provider knows as `key`.
    pub(crate) async fn by_provider(&self, key: String) -> Result<Option<Found>, Error> {
        self.find("SELECT * FROM identity.users WHERE provider_key = $1", key).await
    }

    /// The user of that id.
    pub(crate) async fn by_id(&self, user: UserId) -> Result<Option<Found>, Error> {
        let rows = self.by_ids("SELECT * FROM identity.users WHERE id = ANY ($1)", &[user]).await?;
        let Some(kept) = rows.first().map(kept_of).transpose()? else { return Ok(None) };
        let found = Found { user: kept.user, password_hash: kept.password_hash };
        Ok(kept.deleted_at.is_none().then_some(found))
    }

    async fn find(&self, question: &'static str, key: String) -> Result<Option<Found>, Error> {
        let finding = sqlx::query(question).bind(key).fetch_optional(&self.pool);
        let Some(row) = self.run(finding).await? else { return Ok(None) };
        Ok(Some(Found { user: user(&row)?, password_hash: get(&row, "password_hash")? }))
    }

    /// Those of `ids` that exist, in the order given.
    pub(crate) async fn users(&self, ids: Vec<UserId>) -> Result<Vec<User>, Error> {
        let question = "SELECT * FROM identity.users WHERE id = ANY ($1) AND deleted_at IS NULL";
        let rows = self.by_ids(question, &ids).await?;
        let users = rows.iter().map(user).collect::<Result<Vec<_>, _>>()?;
        let users = users.into_iter().map(|user| (user.id, user)).collect::<HashMap<_, _>>();
        Ok(ids.iter().filter_map(|id| users.get(id).cloned()).collect())
    }

    /// How those of `ids` that exist are shown, in the order given.
    pub(crate) async fn displays(&self, ids: Vec<UserId>) -> Result<Vec<Display>, Error> {
        let question = "SELECT id, full_name, login, avatar FROM identity.users
                        WHERE id = ANY ($1) AND deleted_at IS NULL";
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

/// Stores the user under a fresh id; none, if one of his names is taken: then the transaction is over. The
/// counter's row stays locked until the commit.
async fn admit(connection: &mut PgConnection, new: Newcomer, now: Time) -> Result<Option<User>, Undone> {
    let issuing = "UPDATE identity.counters SET last = last + 1 WHERE name = 'user' RETURNING last";
    let issued = sqlx::query_scalar::<_, i64>(issuing).fetch_one(&mut *connection).await?;
    let kept = Kept::new(user_id(issued)?, new, now);
    match insert(connection, &kept).await {
        Ok(()) => Ok(Some(kept.user)),
        Err(error) if failures::is_taken(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn insert(connection: &mut PgConnection, kept: &Kept) -> sqlx::Result<()> {
    let user = &kept.user;
    let at = |time: Option<Time>| time.map(|time| sql(time.0));
    sqlx::query(
        "INSERT INTO identity.users (id, login, login_key, email, email_key, password_hash, full_name, phone,
             website, created_at, updated_at, last_request_at, external_user_id, external_id, facebook_id,
             twitter_id, blob_id, custom_data, avatar, user_tags, timezone, is_guest, provider_key, disabled_at,
             ends_at, deleted_at, is_departing)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
             $23, $24, $25, $26, $27)",
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
    .bind(sql(user.created_at.0))
    .bind(sql(user.updated_at.0))
    .bind(at(user.last_request_at))
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
    .bind(&kept.provider_key)
    .bind(at(kept.disabled_at))
    .bind(at(kept.ends_at))
    .bind(at(kept.deleted_at))
    .bind(kept.is_departing)
    .execute(&mut *connection)
    .await?;
    note_terms(connection, std::slice::from_ref(user)).await
}

/// Which of the names somebody but `owner` has already.
pub(super) async fn taken(
    connection: &mut PgConnection,
    names: &Names,
    owner: Option<UserId>,
) -> sqlx::Result<Vec<FieldError>> {
    let (login, email) = sqlx::query_as::<_, (bool, bool)>(
        "SELECT EXISTS (SELECT FROM identity.users WHERE login_key = $1 AND id IS DISTINCT FROM $3),
             EXISTS (SELECT FROM identity.users WHERE email_key = $2 AND id IS DISTINCT FROM $3)",
    )
    .bind(&names.login)
    .bind(&names.email)
    .bind(owner.map(|owner| sql(owner.get())))
    .fetch_one(connection)
    .await?;
    let fields = [("login", login), ("email", email)];
    Ok(fields.iter().filter(|(_, taken)| *taken).map(|(field, _)| FieldError::taken(field)).collect())
}

/// Notes on the user that a session of his was used; fails if he may have none. His row stays locked until
/// the commit, so that who ends all his sessions after that finds this one too.
pub(super) async fn note_request(
    connection: &mut PgConnection,
    user: UserId,
    at: Time,
) -> Result<(), Undone> {
    let noted = sqlx::query(
        "UPDATE identity.users SET last_request_at = greatest(coalesce(last_request_at, 0), $2)
         WHERE id = $1 AND deleted_at IS NULL AND disabled_at IS NULL",
    )
    .bind(sql(user.get()))
    .bind(sql(at.0))
    .execute(&mut *connection)
    .await?;
    if noted.rows_affected() > 0 {
        return Ok(());
    }
    Err(absence(connection, user).await?.into())
}

/// Why the user may have no session.
pub(super) async fn absence(connection: &mut PgConnection, user: UserId) -> sqlx::Result<Error> {
    let question = "SELECT EXISTS (SELECT FROM identity.users WHERE id = $1 AND deleted_at IS NULL)";
    let exists = sqlx::query_scalar(question).bind(sql(user.get())).fetch_one(connection).await?;
    Ok(if exists { Error::Disabled } else { Error::UserNotFound })
}

/// A column's value.
pub(super) fn get<'r, T>(row: &'r PgRow, column: &str) -> Result<T, Error>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(column).map_err(|error| Error::Store(error.to_string()))
}

/// The moment in a column that may be empty.
pub(super) fn time(row: &PgRow, column: &str) -> Result<Option<Time>, Error> {
    Ok(get::<Option<i64>>(row, column)?.map(number).transpose()?.map(Time))
}

pub(super) fn kept_of(row: &PgRow) -> Result<Kept, Error> {
    Ok(Kept {
        user: user(row)?,
        login_key: get(row, "login_key")?,
        email_key: get(row, "email_key")?,
        password_hash: get(row, "password_hash")?,
        provider_key: get(row, "provider_key")?,
        disabled_at: time(row, "disabled_at")?,
        ends_at: time(row, "ends_at")?,
        deleted_at: time(row, "deleted_at")?,
        is_departing: get(row, "is_departing")?,
    })
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
        last_request_at: time(row, "last_request_at")?,
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
        is_disabled: time(row, "disabled_at")?.is_some(),
    })
}
