//! `POST /session`: open a session, of a user, of a new guest or of the application's own.
//!
//! A `CB-Token` on the request is ignored, whatever it is: clients send the old one along.

use axum::extract::State;
use axum::response::Response;
use identity::{Session, User};
use runtime::audit;

use super::sign_in::{no_provider, sign_in};
use crate::edge::Signed;
use crate::shown::{SessionAnswer, SessionShown};
use crate::{ApiError, Edge, Params, Visit, answer, asked};

/// The largest number that is exact in a double, and so in JavaScript.
const NONCE_MAX: i64 = (1 << 53) - 1;

/// Open a session
///
/// Of a user if `user` is there, otherwise of the application's own. A `CB-Token` on the call is ignored.
/// Older clients sign the call; a signature that is there has to be right, of these two hours, and new.
#[utoipa::path(
    post, path = "/session", tag = "Sessions", operation_id = "open_session",
    request_body = asked::Opening,
    security(()),
    responses((status = 201, description = "The session", body = SessionAnswer), Params, asked::Opening),
)]
pub(super) async fn handle(
    State(edge): State<Edge>,
    visit: Visit,
    mut params: Params,
) -> Result<Response, ApiError> {
    let signed = Signed::of(&mut params)?;
    authorise(&edge, &mut params)?;
    let spending = signed.map(|signed| edge.spend(&signed)).transpose()?;
    no_provider(&mut params)?;
    let nonce = nonce(&mut params)?;
    let (session, user) = match params.object("user")? {
        Some(asked) => of_a_user(&edge, &visit, asked).await?,
        None => (open(&edge, None).await?, None),
    };
    if let Some(spending) = spending {
        spending.spend();
    }
    let session = SessionShown::new(&session, user.as_ref()).with_nonce(nonce);
    Ok(answer::created(&SessionAnswer { session }))
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

/// What the client calls the request; answered if it is a number that the API can write.
fn nonce(params: &mut Params) -> Result<Option<i64>, ApiError> {
    let nonce = params.text("nonce")?.and_then(|nonce| nonce.trim().parse().ok());
    Ok(nonce.filter(|nonce| (0..=NONCE_MAX).contains(nonce)))
}

async fn of_a_user(
    edge: &Edge,
    visit: &Visit,
    mut asked: Params,
) -> Result<(Session, Option<User>), ApiError> {
    if asked.lenient_flag("guest") == Some(true) {
        return guest(edge, visit, asked).await;
    }
    let (user, attempt) = sign_in(edge, visit, asked).await?;
    let session = open(edge, Some(&user)).await?;
    attempt.succeeded(user.id, session.id.get());
    Ok((session, Some(user)))
}

async fn guest(edge: &Edge, visit: &Visit, mut asked: Params) -> Result<(Session, Option<User>), ApiError> {
    let full_name = asked.text("full_name")?;
    let (token, now) = (edge.ids.random(), edge.clock.now());
    let application = edge.application.id;
    let (session, guest) = edge.identity.open_guest_session(token, application, full_name, now).await?;
    audit::signed_in("guest", guest.id, session.id.get(), visit.client_address());
    Ok((session, Some(guest)))
}

async fn open(edge: &Edge, user: Option<&User>) -> Result<Session, ApiError> {
    let (token, now) = (edge.ids.random(), edge.clock.now());
    let user = user.map(|user| user.id);
    Ok(edge.identity.open_session(token, edge.application.id, user, now).await?)
}
