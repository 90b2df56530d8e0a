//! Who asks. An endpoint that takes a [`Caller`] or a [`Session`] can only be reached by
//! one: asking for it is the authentication.

use axum::extract::FromRequestParts;
use domain::UserId;
use futures::future::join_all;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use http::request::Parts;
use identity::SessionId;
use identity::remote::is_foreign;

use super::position::MIN_LOG_POSITION;
use super::{Edge, LogPosition, RETRY_AFTER_LAG};
use crate::{ApiError, Visit};

/// How a token of an issuer is carried.
const BEARER: &str = "Bearer ";

/// A valid session of the application, be it a user's or the application's own.
///
/// Fails with 401: without a token in so many words, otherwise in the exact words that
/// make clients open a new session.
pub(crate) struct Session {
    /// What its token says.
    pub(crate) caller: identity::Caller,
    /// The token.
    pub(crate) token: String,
}

/// A user with a valid session.
///
/// Fails as [`Session`] does; with 403 for a session of the application's own; and for a
/// `Min-Log-Position` that is malformed (400), of another log (422) or not reached by the
/// read models in time (503).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller(pub(crate) UserId);

/// A [`Caller`], and the session that he asks in.
pub(crate) struct SignedIn {
    /// The user.
    pub(crate) user: UserId,
    /// His session.
    pub(crate) session: SessionId,
}

/// The token that a request carries; an empty one is none. Tokens of an issuer are also
/// carried as the standard says, where there is one.
pub(crate) fn token<'a>(parts: &'a Parts, edge: &Edge) -> Option<&'a [u8]> {
    let own = parts.headers.get("cb-token").map(HeaderValue::as_bytes).filter(|token| !token.is_empty());
    own.or_else(|| edge.remote.tokens.as_ref().and_then(|_| bearer(parts)))
}

fn bearer(parts: &Parts) -> Option<&[u8]> {
    let (scheme, token) = parts.headers.get(AUTHORIZATION)?.as_bytes().split_at_checked(BEARER.len())?;
    scheme
        .eq_ignore_ascii_case(BEARER.as_bytes())
        .then_some(token.trim_ascii())
        .filter(|token| !token.is_empty())
}

/// Who asks, and the token that proves it.
async fn authenticate<'a>(parts: &'a Parts, edge: &Edge) -> Result<(identity::Caller, &'a str), ApiError> {
    let token = token(parts, edge).ok_or(ApiError::TokenRequired)?;
    let token = std::str::from_utf8(token).map_err(|_| ApiError::SessionRequired)?;
    let Some(visit) = parts.extensions.get::<Visit>() else {
        return Err(ApiError::internal(anyhow::anyhow!("a request has not come through the front")));
    };
    let caller = known(token, edge, visit).await?;
    visit.session_expires(caller.expires_at);
    if let Some(user) = caller.user {
        visit.is_of(user);
    }
    edge.protection.asked_by(caller.session.get(), visit)?;
    Ok((caller, token))
}

/// Whose session that is. Where many bad tokens come from, none is looked up that is not in
/// memory.
async fn known(token: &str, edge: &Edge, visit: &Visit) -> Result<identity::Caller, ApiError> {
    edge.protection.may_try_token(visit, || edge.identity.remembers(token))?;
    let refused = match proven(token, edge).await {
        Ok(caller) if caller.application == edge.application.id => return Ok(caller),
        Ok(_) => ApiError::SessionRequired,
        Err(error) => error.into(),
    };
    if matches!(refused, ApiError::SessionRequired) {
        edge.protection.tried_bad_token(visit);
    }
    Err(refused)
}

/// What the token proves: our own by itself, an issuer's as long as he is one.
async fn proven(token: &str, edge: &Edge) -> Result<identity::Caller, identity::Error> {
    let (application, now) = (edge.application.id, edge.clock.now());
    match &edge.remote.tokens {
        Some(tokens) if is_foreign(token) => {
            tokens.authenticate(&edge.identity, token, application, now).await
        }
        None if is_foreign(token) => Err(identity::Error::NoSuchSession),
        Some(_) | None => edge.identity.authenticate(token, now).await,
    }
}

impl FromRequestParts<Edge> for Session {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, ApiError> {
        let (caller, token) = authenticate(parts, edge).await?;
        Ok(Self { caller, token: token.to_owned() })
    }
}

impl FromRequestParts<Edge> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, ApiError> {
        SignedIn::from_request_parts(parts, edge).await.map(|caller| Self(caller.user))
    }
}

impl FromRequestParts<Edge> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, edge: &Edge) -> Result<Self, ApiError> {
        let (caller, token) = authenticate(parts, edge).await?;
        let user = match caller.user {
            Some(user) => user,
            // It may have become a user's in another process a moment ago.
            None => {
                let anew = edge.identity.authenticate_anew(token, edge.clock.now()).await?;
                anew.user.ok_or(ApiError::UserRequired)?
            }
        };
        if let Some(header) = parts.headers.get(MIN_LOG_POSITION) {
            reach(edge, &LogPosition::parse(header, edge.epoch)?).await?;
        }
        Ok(Self { user, session: caller.session })
    }
}

/// Wait until the read models know everything before `wanted`.
async fn reach(edge: &Edge, wanted: &LogPosition) -> Result<(), ApiError> {
    let reached = join_all(wanted.positions().map(|position| edge.reach(position))).await;
    if reached.into_iter().all(|visible| visible) {
        Ok(())
    } else {
        Err(ApiError::Unavailable(RETRY_AFTER_LAG))
    }
}
