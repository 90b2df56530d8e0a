//! `PUT /users/{id}`: somebody changes himself; `PUT /users` is the same without saying who, as
//! clients ask that have lost their user's number.
//!
//! What is not named stays, `null` and an empty text unset a field, and a new password needs the
//! old one; it ends his other sessions.

use axum::extract::State;
use axum::response::Response;
use domain::UserId;
use identity::{Change, Password, RawChange, Salt};

use super::sign_up::{TAG_ENTRIES_MAX, blob_id};
use crate::edge::{Caller, SignedIn};
use crate::shown::{UserAnswer, UserShown};
use crate::{ApiError, Edge, Params, Path, answer, asked, fields};

/// Change oneself
///
/// What is not named stays; `null` and an empty text unset a field.
#[utoipa::path(
    put, path = "/users/{id}", tag = "Users", operation_id = "change_user",
    params(asked::OwnPath), request_body = asked::ChangingUser,
    responses((status = 200, description = "The user", body = UserAnswer), Caller, Params, asked::OwnPath),
)]
pub(super) async fn named(
    State(edge): State<Edge>,
    caller: SignedIn,
    Path(user): Path<UserId>,
    params: Params,
) -> Result<Response, ApiError> {
    fields::own(&edge, caller.user, user).await?;
    change(&edge, &caller, params).await
}

/// Change oneself, by the session
#[utoipa::path(
    put, path = "/users", tag = "Users", operation_id = "change_own_user",
    request_body = asked::ChangingUser,
    responses((status = 200, description = "The user", body = UserAnswer), Caller, Params, asked::ChangingUser),
)]
pub(super) async fn own(
    State(edge): State<Edge>,
    caller: SignedIn,
    params: Params,
) -> Result<Response, ApiError> {
    change(&edge, &caller, params).await
}

async fn change(edge: &Edge, caller: &SignedIn, mut params: Params) -> Result<Response, ApiError> {
    let asked = params.object("user")?.ok_or_else(|| ApiError::missing("user"))?;
    let change = Change::parse(read(asked)?).map_err(identity::Error::Invalid)?.asked_in(caller.session);
    let salt = Salt(edge.ids.random());
    let user = edge.identity.change_user(caller.user, change, salt, edge.clock.now()).await?;
    Ok(answer::ok(&UserAnswer { user: UserShown::from(&user) }))
}

fn read(mut asked: Params) -> Result<RawChange, ApiError> {
    let [password, old_password] =
        [asked.text("password")?, asked.text("old_password")?].map(|text| text.map(Password::new));
    let blob_id = asked.given("blob_id").then(|| blob_id(&mut asked)).transpose()?;
    let timezone = asked.given("timezone").then(|| asked.integer("timezone")).transpose()?;
    let tag_list = asked.given("tag_list").then(|| asked.texts("tag_list", TAG_ENTRIES_MAX)).transpose()?;
    let mut text = |name: &'static str| {
        let is_given = asked.given(name);
        asked.text(name).map(|text| text.or_else(|| is_given.then(String::new)))
    };
    Ok(RawChange {
        login: text("login")?,
        email: text("email")?,
        password,
        old_password,
        full_name: text("full_name")?,
        phone: text("phone")?,
        website: text("website")?,
        external_user_id: text("external_user_id")?,
        external_id: text("external_id")?,
        facebook_id: text("facebook_id")?,
        twitter_id: text("twitter_id")?,
        blob_id,
        custom_data: text("custom_data")?,
        avatar: text("avatar")?,
        tag_list: tag_list.map(Option::unwrap_or_default),
        timezone,
    })
}
