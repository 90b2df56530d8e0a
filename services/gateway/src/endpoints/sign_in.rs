//! From what somebody proves himself with to the user he is: the one way, for
//! `POST /session` and `POST /login` alike.
//!
//! A name that nobody has is told, as clients sign up on those words, so that nothing is
//! gained by taking as long for it as for a wrong password.

use identity::remote::{Provider, SignInError};
use identity::{Credentials, Error, Name, Password, Salt, Unknown, User};

use crate::protection::Attempt;
use crate::{ApiError, Edge, Params, Visit};

/// What a deployment without it says of a way to sign in.
pub(super) const NOT_SUPPORTED: &str = "is not supported by this deployment";

/// The user whom `asked` names and proves: `login` or `email`, and `password`. Somebody of
/// whom nobody has heard is signed up, where the application wants that. If the application has
/// an identity provider, that decides instead, and may be content with a name. Whoever gives him a
/// session says so to the attempt.
///
/// # Errors
///
/// 401, 403, 404, 422 or 429 in the words of the API; nothing has changed.
pub(super) async fn sign_in<'a>(
    edge: &'a Edge,
    visit: &'a Visit,
    mut asked: Params,
) -> Result<(User, Attempt<'a>), ApiError> {
    let name = name(&mut asked)?;
    let password = asked.text("password")?.filter(|password| !password.is_empty()).map(Password::new);
    if let Some(provider) = &edge.remote.provider {
        return sign_in_outside(provider, (edge, visit), name, password).await;
    }
    let password = password.ok_or_else(|| ApiError::missing("password"))?;
    let unknown = if edge.application.create_on_login {
        Unknown::Create(Salt(edge.ids.random()))
    } else {
        Unknown::Refuse
    };
    let (Name::Login(called) | Name::Email(called)) = &name;
    let attempt = edge.protection.attempt("password", edge.account(called), visit)?;
    match edge.identity.sign_in(Credentials { name, password }, unknown, edge.clock.now()).await {
        Ok(user) => Ok((user, attempt)),
        Err(error) => {
            if let Some(reason) = reason(&error) {
                attempt.refused(reason);
            }
            Err(error.into())
        }
    }
}

async fn sign_in_outside<'a>(
    provider: &Provider,
    (edge, visit): (&'a Edge, &'a Visit),
    name: Name,
    password: Option<Password>,
) -> Result<(User, Attempt<'a>), ApiError> {
    let (Name::Login(called) | Name::Email(called)) = &name;
    let attempt = edge.protection.attempt("provider", edge.account(called), visit)?;
    match provider.sign_in(&edge.identity, name, password, edge.clock.now()).await {
        Ok(user) => Ok((user, attempt)),
        Err(error) => {
            let reason = match &error {
                // What else may have happened to the provider says nothing of him.
                SignInError::Refused(status) => status.starts_with('4').then_some("no such user"),
                SignInError::PasswordNeeded | SignInError::TooLong => None,
                SignInError::Identity(error) => reason(error),
            };
            if let Some(reason) = reason {
                attempt.refused(reason);
            }
            Err(error.into())
        }
    }
}

/// Why he is not who he says; none if that is not known.
fn reason(error: &Error) -> Option<&'static str> {
    match error {
        Error::InvalidPassword => Some("wrong password"),
        Error::UserNotFound => Some("no such user"),
        Error::Disabled => Some("disabled"),
        Error::Invalid(_)
        | Error::WrongOldPassword
        | Error::NoSuchReset
        | Error::NoSuchSession
        | Error::TooManyIds
        | Error::TooCostly
        | Error::Busy
        | Error::StorageFull
        | Error::Unavailable
        | Error::Store(_) => None,
    }
}

/// By what he calls himself. A login goes before an email.
fn name(asked: &mut Params) -> Result<Name, ApiError> {
    let (login, email) = (asked.text("login")?, asked.text("email")?);
    let filled = |name: &String| !name.trim().is_empty();
    match (login.filter(filled), email.filter(filled)) {
        (Some(login), _) => Ok(Name::Login(login)),
        (None, Some(email)) => Ok(Name::Email(email)),
        (None, None) => Err(ApiError::missing("login")),
    }
}

/// 422 for `provider`: whoever is known to Facebook, Twitter or Firebase has to be vouched
/// for by somebody, and no deployment has anybody who does.
pub(super) fn no_provider(params: &mut Params) -> Result<(), ApiError> {
    match params.text("provider")? {
        Some(provider) if !provider.trim().is_empty() => Err(ApiError::invalid("provider", NOT_SUPPORTED)),
        Some(_) | None => Ok(()),
    }
}
