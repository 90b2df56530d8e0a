//! `POST /users`: sign up. It takes the application's auth key in `CB-AuthKey`, or any
//! session, and changes nothing about that session.

use axum::extract::{FromRequestParts, State};
use axum::response::Response;
use http::request::Parts;
use identity::{NewUser, Password, Salt, SignUp};

use crate::edge::{Session, token};
use crate::shown::{UserAnswer, UserShown};
use crate::{ApiError, Edge, Params, answer, asked};

/// Entries of `tag_list` that are read at all; how many tags a user may have is identity's rule.
pub(super) const TAG_ENTRIES_MAX: usize = 100;

/// Whom the team's own system does not know must not take a name beside it.
const BY_PROVIDER: &str = "Users are made by the application's identity provider";

/// Somebody who may sign users up. Fails with 401.
pub(super) struct Authorised;

impl FromRequestParts<Edge> for Authorised {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, ApiError> {
        let key = parts.headers.get("cb-authkey").filter(|key| !key.is_empty());
        match key {
            Some(key) if key.to_str().is_ok_and(|key| edge.knows_auth_key(key)) => Ok(Self),
            Some(_) if token(parts, edge).is_none() => Err(ApiError::Unauthorized),
            Some(_) | None => Session::from_request_parts(parts, edge).await.map(|_| Self),
        }
    }
}

/// Sign a user up
///
/// With the application's auth key, or with any session.
#[utoipa::path(
    post, path = "/users", tag = "Users", operation_id = "sign_up",
    request_body = asked::SigningUp,
    security(("CB-AuthKey" = []), ("CB-Token" = [])),
    responses((status = 201, description = "The user", body = UserAnswer), Session, Params),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    _: Authorised,
    mut params: Params,
) -> Result<Response, ApiError> {
    if edge.remote.provider.is_some() {
        return Err(ApiError::Refused(BY_PROVIDER.into()));
    }
    let asked = params.object("user")?.ok_or_else(|| ApiError::missing("user"))?;
    let user = NewUser::parse(read(asked)?).map_err(identity::Error::Invalid)?;
    let user = edge.identity.sign_up(user, Salt(edge.ids.random()), edge.clock.now()).await?;
    Ok(answer::created(&UserAnswer { user: UserShown::from(&user) }))
}

fn read(mut asked: Params) -> Result<SignUp, ApiError> {
    Ok(SignUp {
        login: asked.text("login")?,
        email: asked.text("email")?,
        password: asked.text("password")?.map(Password::new),
        full_name: asked.text("full_name")?,
        phone: asked.text("phone")?,
        website: asked.text("website")?,
        external_user_id: asked.text("external_user_id")?,
        external_id: asked.text("external_id")?,
        facebook_id: asked.text("facebook_id")?,
        twitter_id: asked.text("twitter_id")?,
        blob_id: blob_id(&mut asked)?,
        custom_data: asked.text("custom_data")?,
        avatar: asked.text("avatar")?,
        tag_list: asked.texts("tag_list", TAG_ENTRIES_MAX)?.unwrap_or_default(),
        timezone: asked.integer("timezone")?,
    })
}

/// The number of a file. What is none stays one for identity to refuse.
pub(super) fn blob_id(asked: &mut Params) -> Result<Option<u64>, ApiError> {
    Ok(asked.integer("blob_id")?.map(|blob| u64::try_from(blob).unwrap_or(0)))
}
