//! Users and sessions as clients see them.

use axum::response::Response;
use domain::{Time, UserId};
use identity::{Session, User};
use serde::Serialize;
use utoipa::ToSchema;

use crate::answer::{self, Iso};
use crate::{ApiError, Edge};

/// The largest number that is exact in a double, and so in JavaScript.
const NUMBER_MAX: u64 = (1 << 53) - 1;

/// A user. A tag list is one text.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(crate) struct UserShown<'a> {
    id: u64,
    /// Guests only.
    #[serde(rename = "_id", skip_serializing_if = "Option::is_none")]
    guest_id: Option<String>,
    #[schema(required)]
    full_name: Option<&'a str>,
    #[schema(required)]
    email: Option<&'a str>,
    #[schema(required)]
    login: Option<&'a str>,
    #[schema(required)]
    phone: Option<&'a str>,
    #[schema(required)]
    website: Option<&'a str>,
    created_at: Iso,
    updated_at: Iso,
    #[schema(required)]
    last_request_at: Option<Iso>,
    #[schema(required)]
    external_user_id: Option<Reference<'a>>,
    #[schema(required)]
    external_id: Option<&'a str>,
    #[schema(required)]
    facebook_id: Option<&'a str>,
    #[schema(required)]
    twitter_id: Option<&'a str>,
    #[schema(required)]
    blob_id: Option<u64>,
    #[schema(required)]
    custom_data: Option<&'a str>,
    #[schema(required)]
    avatar: Option<&'a str>,
    #[schema(required)]
    user_tags: Option<&'a str>,
    #[schema(required)]
    timezone: Option<i32>,
    is_guest: bool,
}

/// The id of a user elsewhere: the API's samples and typed clients have a number here, and
/// services whose ids are none keep their text.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum Reference<'a> {
    Number(u64),
    Text(&'a str),
}

impl<'a> Reference<'a> {
    /// A number if it is written as one and every client can hold it.
    fn of(text: &'a str) -> Self {
        match text.parse::<u64>() {
            Ok(number) if number <= NUMBER_MAX && number.to_string() == text => Self::Number(number),
            _ => Self::Text(text),
        }
    }
}

impl<'a> From<&'a User> for UserShown<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            id: user.id.get(),
            guest_id: user.is_guest.then(|| object_id(user.created_at, user.id)),
            full_name: user.full_name.as_deref(),
            email: user.email.as_deref(),
            login: user.login.as_deref(),
            phone: user.phone.as_deref(),
            website: user.website.as_deref(),
            created_at: Iso(user.created_at),
            updated_at: Iso(user.updated_at),
            last_request_at: user.last_request_at.map(Iso),
            external_user_id: user.external_user_id.as_deref().map(Reference::of),
            external_id: user.external_id.as_deref(),
            facebook_id: user.facebook_id.as_deref(),
            twitter_id: user.twitter_id.as_deref(),
            blob_id: user.blob_id,
            custom_data: user.custom_data.as_deref(),
            avatar: user.avatar.as_deref(),
            user_tags: user.user_tags.as_deref(),
            timezone: user.timezone,
            is_guest: user.is_guest,
        }
    }
}

/// A guest's further id, of the form that dialogs' have: the seconds of when he came, and his number.
fn object_id(created_at: Time, id: UserId) -> String {
    // As long as 32 bits hold seconds: until the year 2106.
    format!("{:08x}{:016x}", created_at.seconds() & 0xffff_ffff, id.get())
}

/// `{"items":[…]}`: those of `ids`, at most a page, who exist, in that order.
pub(crate) async fn users(edge: &Edge, ids: &[UserId]) -> Result<Response, ApiError> {
    let found = edge.identity.users(ids).await?;
    let items: Vec<_> = found.iter().map(UserShown::from).collect();
    Ok(answer::ok(&UsersAnswer { items }))
}

/// Users.
#[derive(Serialize, ToSchema)]
pub(crate) struct UsersAnswer<'a> {
    items: Vec<UserShown<'a>>,
}

/// One user.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserAnswer<'a> {
    pub(crate) user: UserShown<'a>,
}

/// One session.
#[derive(Serialize, ToSchema)]
pub(crate) struct SessionAnswer<'a> {
    pub(crate) session: SessionShown<'a>,
}

/// A part of a list of users.
#[derive(Serialize, ToSchema)]
#[schema(as = UsersPart)]
pub(crate) struct UsersShown<'a> {
    pub(crate) limit: u32,
    pub(crate) skip: u64,
    /// How many there are in all.
    pub(crate) total_entries: u64,
    pub(crate) items: Vec<UserShown<'a>>,
}

/// A numbered page of a list of users, each wrapped: the older form.
#[derive(Serialize, ToSchema)]
#[schema(as = UsersPage)]
pub(crate) struct UserPageShown<'a> {
    pub(crate) current_page: u64,
    pub(crate) per_page: u32,
    /// How many there are in all.
    pub(crate) total_entries: u64,
    pub(crate) items: Vec<UserAnswer<'a>>,
}

/// A session; one of the application's own has no user.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionShown<'a> {
    id: u64,
    #[schema(required)]
    user_id: Option<u64>,
    application_id: u64,
    /// What proves the session: `CB-Token` of every other call.
    token: &'a str,
    /// When it was opened, in seconds since 1970.
    ts: u64,
    created_at: Iso,
    updated_at: Iso,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserShown<'a>>,
}

impl<'a> SessionShown<'a> {
    pub(crate) fn new(session: &'a Session, user: Option<&'a User>) -> Self {
        Self {
            id: session.id.get(),
            user_id: session.user.map(UserId::get),
            application_id: session.application.get(),
            token: session.token.as_str(),
            ts: session.created_at.seconds(),
            created_at: Iso(session.created_at),
            updated_at: Iso(session.updated_at),
            nonce: None,
            user: user.map(UserShown::from),
        }
    }

    /// The same as the answer to a request that its client has numbered so.
    pub(crate) fn with_nonce(self, nonce: Option<i64>) -> Self {
        Self { nonce, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_elsewhere_is_a_number_where_it_is_one() {
        for (text, shown) in [
            ("52691165", "52691165"),
            ("0", "0"),
            ("9007199254740991", "9007199254740991"),
            ("9007199254740992", r#""9007199254740992""#),
            ("007", r#""007""#),
            ("+7", r#""+7""#),
            ("-7", r#""-7""#),
            ("7.0", r#""7.0""#),
            ("u-7", r#""u-7""#),
            ("", r#""""#),
        ] {
            assert_eq!(serde_json::to_string(&Reference::of(text)).unwrap(), shown);
        }
    }
}
