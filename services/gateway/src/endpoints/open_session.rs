//! `POST /session`: open a session, of a user or of the application's own.
//!
//! A `CB-Token` on the request is ignored, whatever it is: clients send the old one along.

use axum::extract::State;
use axum::response::Response;
use identity::{Credentials, Name, Password, Salt, Unknown, User};

use crate::shown::{SessionAnswer, SessionShown};
use crate::{ApiError, Edge, Params, answer, asked};

const NOT_SUPPORTED: &str = "is not supported by this deployment";

/// Open a session
///
/// Of a user if `user` is there, otherwise of the application's own. A `CB-Token` on the call is ignored.
#[utoipa::path(
    post, path = "/session", tag = "Sessions", operation_id = "open_session",
    request_body = asked::Opening,
    security(()),
    responses((status = 201, description = "The session", body = SessionAnswer), Params, asked::Opening),
)]
pub(super) async fn handle(State(edge): State<Edge>, mut params: Params) -> Result<Response, ApiError> {
    authorise(&edge, &mut params)?;
    for name in ["signature", "provider"] {
        if params.given(name) {
            return Err(ApiError::invalid(name, NOT_SUPPORTED));
        }
    }
    let user = match params.object("user")? {
        Some(asked) => Some(sign_in(&edge, asked).await?),
        None => None,
    };
    let (token, now) = (edge.ids.random(), edge.clock.now());
    let owner = user.as_ref().map(|user| user.id);
    let session = edge.identity.open_session(token, edge.application.id, owner, now).await?;
    Ok(answer::created(&SessionAnswer { session: SessionShown::new(&session, user.as_ref()) }))
}

/// Whether the call comes from a client of the application.
fn authorise(edge: &Edge, params: &mut Params) -> Result<(), ApiError> {
    let id = params.integer("application_id")?.ok_or_else(|| ApiError::missing("application_id"))?;
    let key = params.text("auth_key")?.ok_or_else(|| ApiError::missing("auth_key"))?;
    let known = edge.knows_auth_key(&key);
    if known && u64::try_from(id) == Ok(edge.application.id.get()) {
        Ok(())
    } else {
        Err(ApiError::Unauthorized)
    }
}

async fn sign_in(edge: &Edge, mut asked: Params) -> Result<User, ApiError> {
    if asked.lenient_flag("guest") == Some(true) {
        return Err(ApiError::invalid("guest", NOT_SUPPORTED));
    }
    let (login, email) = (asked.text("login")?, asked.text("email")?);
    let filled = |name: &String| !name.trim().is_empty();
    let name = match (login.filter(filled), email.filter(filled)) {
        (Some(login), _) => Name::Login(login),
        (None, Some(email)) => Name::Email(email),
        (None, None) => return Err(ApiError::missing("login")),
    };
    let password = asked.text("password")?.filter(|password| !password.is_empty());
    let password = Password::new(password.ok_or_else(|| ApiError::missing("password"))?);
    let unknown = if edge.application.create_on_login {
        Unknown::Create(Salt(edge.ids.random()))
    } else {
        Unknown::Refuse
    };
    Ok(edge.identity.sign_in(Credentials { name, password }, unknown, edge.clock.now()).await?)
}
