//! What goes wrong at the edge, and the exact answer that clients see for it.
//!
//! One type for every endpoint, one exhaustive mapping to status and one to body. The
//! API has three body shapes, and clients match some texts: a list of texts, `base`
//! with a list of texts, or a list of texts for each field. Nothing here decides what
//! is refused; that is the domain's and identity's.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use domain::MalformedId;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::answer;

/// A sentence shown to the client.
pub type Text = Cow<'static, str>;

/// Why a request gets no 2xx.
#[derive(Debug)]
pub enum ApiError {
    /// 400: bytes that are no request: broken JSON, text that is not UTF-8.
    Malformed(Text),
    /// 401 in the exact words that make clients open a new session and ask again.
    SessionRequired,
    /// 401: the call came without any token.
    TokenRequired,
    /// 401: the application's credentials are wrong.
    Unauthorized,
    /// 401: the user exists, the password is another.
    InvalidPassword,
    /// 401: the request for a session bears a signature that does not let it through.
    SignatureRefused(&'static str),
    /// 403: a session of an application where one of a user is needed.
    UserRequired,
    /// 403: what is asked for exists, but not for this caller.
    NotPermitted,
    /// 403: an operator has disabled the user.
    AccountDisabled,
    /// 403: occupants of a private or broadcast dialog do not change.
    OccupantsFixed,
    /// 403: the application does not let users make broadcast dialogs.
    BroadcastDisabled,
    /// 404: no such dialog, message or other thing, or none that the caller may know of.
    NoSuchResource,
    /// 404: no such user at login; clients sign up on these words.
    NoSuchUser,
    /// 404: no such path, or not with this method.
    NoSuchEndpoint,
    /// 413: a body above the limit.
    BodyTooLarge,
    /// 414: path and query above the limit.
    UriTooLong,
    /// 431: headers above the limit.
    HeadTooLarge,
    /// 415: a body that is neither JSON nor a form.
    UnsupportedMedia,
    /// 422: fields that cannot be accepted, in the order they were found.
    Invalid(Vec<FieldError>),
    /// 422: the request as a whole cannot be accepted.
    Refused(Text),
    /// 429: over the rate; the time after which it is worth asking again.
    TooManyRequests(Duration),
    /// 500: our fault. The cause is logged with the request's id and never shown.
    Internal(Arc<anyhow::Error>),
    /// 503: not now; the time after which it is worth asking again.
    Unavailable(Duration),
    /// 503: not in this deployment, whenever one asks.
    NotOffered(Text),
    /// 507: nowhere to write to; the time after which it is worth asking again.
    StorageFull(Duration),
}

/// One field that cannot be accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The parameter's name as the client spells it.
    pub field: Text,
    /// What is wrong with it, to be read after its name.
    pub text: Text,
}

/// The cause of a 500, left in the answer's extensions for whoever logs the request.
#[derive(Debug, Clone)]
pub(crate) struct Fault(pub(crate) Arc<anyhow::Error>);

/// Left in the answer's extensions: the session is valid, and may not do what it asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RefusedByRole;

impl ApiError {
    /// 422 for one field.
    pub fn invalid(field: impl Into<Text>, text: impl Into<Text>) -> Self {
        Self::Invalid(vec![FieldError { field: field.into(), text: text.into() }])
    }

    /// 422: a field that has to be there is not.
    pub fn missing(field: impl Into<Text>) -> Self {
        Self::invalid(field, "is required")
    }

    /// 422: a list with more than `max` entries.
    pub fn too_many(field: impl Into<Text>, max: usize) -> Self {
        Self::invalid(field, format!("has too many entries (maximum is {max})"))
    }

    /// 422: a private dialog that names nobody but its creator.
    pub fn no_opponent() -> Self {
        Self::invalid("occupants_ids", "occupants_ids field must contain an opponent user id")
    }

    /// 422: a private dialog without the parameter that names the other user.
    pub fn opponent_missing() -> Self {
        Self::invalid("occupants_ids", "Occupants_ids is missing opponent ID.")
    }

    /// 422: a private dialog of more than two.
    pub fn too_many_opponents() -> Self {
        Self::invalid("occupants_ids", "Too many occupants for Private Dialog.")
    }

    /// 422: occupants who are no users of the application.
    pub fn unknown_occupants() -> Self {
        Self::invalid("occupants_ids", "Occupants with these IDs do not exist.")
    }

    /// 422: a login, email or other unique field that somebody else has.
    pub fn taken(field: impl Into<Text>) -> Self {
        Self::invalid(field, "has already been taken.")
    }

    /// 422: a text of fewer than `min` characters.
    pub fn too_short(field: impl Into<Text>, min: usize) -> Self {
        Self::invalid(field, format!("is too short (minimum is {min} characters)"))
    }

    /// 422: a text of more than `max` characters.
    pub fn too_long(field: impl Into<Text>, max: usize) -> Self {
        Self::invalid(field, format!("is too long (maximum is {max} characters)"))
    }

    /// 422: the application's own identity provider let nobody in; with the status that it
    /// answered, or what happened instead.
    pub fn remote_unauthorized(status: impl fmt::Display) -> Self {
        Self::Refused(
            format!("Bad Authentication data. Unauthorized on remote side. Status: {status}").into(),
        )
    }

    /// 422: listing all users is off for the application.
    pub fn listing_disabled() -> Self {
        Self::Refused("Listing users is disabled in the application's settings".into())
    }

    /// 500, keeping the cause for the log.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(Arc::new(cause.into()))
    }

    /// The whole mapping to a status. No catch-all: a new error does not compile until
    /// someone has chosen.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::SessionRequired
            | Self::TokenRequired
            | Self::Unauthorized
            | Self::InvalidPassword
            | Self::SignatureRefused(_) => StatusCode::UNAUTHORIZED,
            Self::UserRequired
            | Self::NotPermitted
            | Self::AccountDisabled
            | Self::OccupantsFixed
            | Self::BroadcastDisabled => StatusCode::FORBIDDEN,
            Self::NoSuchResource | Self::NoSuchUser | Self::NoSuchEndpoint => StatusCode::NOT_FOUND,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UriTooLong => StatusCode::URI_TOO_LONG,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::Refused(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Unavailable(_) | Self::NotOffered(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::StorageFull(_) => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// The value of `errors`: which of the three shapes, and the words.
    fn errors(&self) -> Value {
        match self {
            Self::Malformed(text) => json!([text]),
            Self::SessionRequired => base("Required session does not exist"),
            Self::TokenRequired => json!(["Token is required"]),
            Self::Unauthorized => json!(["Unauthorized"]),
            Self::InvalidPassword => json!(["Invalid password"]),
            Self::SignatureRefused(text) => json!([text]),
            Self::UserRequired => base("Forbidden. Need user."),
            Self::NotPermitted => base("You don't have appropriate permissions to perform this operation"),
            Self::AccountDisabled => base("This account is disabled"),
            Self::OccupantsFixed => {
                json!(["Updating occupants_ids is possible only for 'group' and 'public' chat dialogs"])
            }
            Self::BroadcastDisabled => json!([
                "You do not have appropriate permissions. Broadcast dialogs can be created only via Admin panel."
            ]),
            Self::NoSuchResource => json!(["The resource wasn't found"]),
            Self::NoSuchUser => json!(["User not found"]),
            Self::NoSuchEndpoint => json!(["Not found"]),
            Self::BodyTooLarge => json!(["The request body is too large"]),
            Self::UriTooLong => json!(["The request address is too long"]),
            Self::HeadTooLarge => json!(["The request headers are too large"]),
            Self::UnsupportedMedia => json!(["The request body must be JSON or a URL-encoded form"]),
            Self::Invalid(fields) => by_field(fields),
            Self::Refused(text) => base(text),
            Self::TooManyRequests(_) => json!(["Too many requests"]),
            Self::Internal(_) => json!(["Internal server error"]),
            Self::Unavailable(_) => json!(["Service temporarily unavailable"]),
            Self::NotOffered(text) => json!([text]),
            Self::StorageFull(_) => json!(["Insufficient storage"]),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        if let Self::TooManyRequests(wait) | Self::Unavailable(wait) | Self::StorageFull(wait) = self {
            return Some(*wait);
        }
        None
    }
}

fn base(text: &str) -> Value {
    json!({ "base": [text] })
}

fn by_field(fields: &[FieldError]) -> Value {
    let mut errors = Map::new();
    for FieldError { field, text } in fields {
        let texts = errors.entry(field.as_ref()).or_insert_with(|| json!([]));
        if let Value::Array(texts) = texts {
            texts.push(json!(text));
        }
    }
    Value::Object(errors)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "errors": self.errors() });
        let mut response = answer::json(self.status(), &body);
        if let Some(wait) = self.retry_after() {
            // Whole seconds, rounded up: 0 would invite to ask again at once.
            let seconds = wait.as_millis().div_ceil(1000).clamp(1, 86_400) as u64;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if matches!(self, Self::NotPermitted | Self::UserRequired) {
            response.extensions_mut().insert(RefusedByRole);
        }
        if let Self::Internal(cause) = self {
            response.extensions_mut().insert(Fault(cause));
        }
        response
    }
}

impl From<MalformedId> for ApiError {
    /// An id of the wrong form names nothing, so it is not found like any other.
    fn from(_: MalformedId) -> Self {
        Self::NoSuchResource
    }
}

impl From<Infallible> for ApiError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table of all errors")]
    fn every_error_has_the_words_that_clients_know() {
        let wait = Duration::from_secs(1);
        let errors = [
            ApiError::Malformed("Malformed JSON".into()),
            ApiError::SessionRequired,
            ApiError::TokenRequired,
            ApiError::Unauthorized,
            ApiError::InvalidPassword,
            ApiError::UserRequired,
            ApiError::NotPermitted,
            ApiError::AccountDisabled,
            ApiError::OccupantsFixed,
            ApiError::BroadcastDisabled,
            ApiError::NoSuchResource,
            ApiError::NoSuchUser,
            ApiError::NoSuchEndpoint,
            ApiError::BodyTooLarge,
            ApiError::UriTooLong,
            ApiError::HeadTooLarge,
            ApiError::UnsupportedMedia,
            ApiError::no_opponent(),
            ApiError::opponent_missing(),
            ApiError::too_many_opponents(),
            ApiError::unknown_occupants(),
            ApiError::taken("login"),
            ApiError::too_short("password", 8),
            ApiError::too_long("message", 10_000),
            ApiError::too_many("ids", 100),
            ApiError::missing("name"),
            ApiError::remote_unauthorized(403),
            ApiError::listing_disabled(),
            ApiError::TooManyRequests(wait),
            ApiError::internal(anyhow::anyhow!("never shown")),
            ApiError::Unavailable(wait),
            ApiError::StorageFull(wait),
        ];
        let mut shown = String::new();
        for error in errors {
            shown.push_str(&format!("{} {}\n", error.status().as_u16(), error.errors()));
        }
        insta::assert_snapshot!(shown, @r#"
        400 ["Malformed JSON"]
        401 {"base":["Required session does not exist"]}
        401 ["Token is required"]
        401 ["Unauthorized"]
        401 ["Invalid password"]
        403 {"base":["Forbidden. Need user."]}
        403 {"base":["You don't have appropriate permissions to perform this operation"]}
        403 {"base":["This account is disabled"]}
        403 ["Updating occupants_ids is possible only for 'group' and 'public' chat dialogs"]
        403 ["You do not have appropriate permissions. Broadcast dialogs can be created only via Admin panel."]
        404 ["The resource wasn't found"]
        404 ["User not found"]
        404 ["Not found"]
        413 ["The request body is too large"]
        414 ["The request address is too long"]
        431 ["The request headers are too large"]
        415 ["The request body must be JSON or a URL-encoded form"]
        422 {"occupants_ids":["occupants_ids field must contain an opponent user id"]}
        422 {"occupants_ids":["Occupants_ids is missing opponent ID."]}
        422 {"occupants_ids":["Too many occupants for Private Dialog."]}
        422 {"occupants_ids":["Occupants with these IDs do not exist."]}
        422 {"login":["has already been taken."]}
        422 {"password":["is too short (minimum is 8 characters)"]}
        422 {"message":["is too long (maximum is 10000 characters)"]}
        422 {"ids":["has too many entries (maximum is 100)"]}
        422 {"name":["is required"]}
        422 {"base":["Bad Authentication data. Unauthorized on remote side. Status: 403"]}
        422 {"base":["Listing users is disabled in the application's settings"]}
        429 ["Too many requests"]
        500 ["Internal server error"]
        503 ["Service temporarily unavailable"]
        507 ["Insufficient storage"]
        "#);
    }

    #[test]
    fn what_is_not_offered_says_what_and_not_when() {
        let response = ApiError::NotOffered("Search is switched off".into()).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!response.headers().contains_key(header::RETRY_AFTER));
    }

    #[test]
    fn several_fields_are_shown_at_once() {
        let error = |field, text| FieldError { field: Text::Borrowed(field), text: Text::Borrowed(text) };
        let errors = ApiError::Invalid(vec![
            error("login", "is too short"),
            error("password", "is required"),
            error("login", "has already been taken."),
        ]);
        assert_eq!(
            errors.errors().to_string(),
            r#"{"login":["is too short","has already been taken."],"password":["is required"]}"#
        );
    }
}
