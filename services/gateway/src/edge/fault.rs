//! What the libraries say and what clients hear of it: exhaustive, so that a new refusal
//! or failure does not compile until someone has chosen its answer.

use std::time::Duration;

use bus::Unanswered;
use domain::Refusal;
use identity::remote::{NAME_BYTES_MAX, SignInError};
use readmodel::{queries, search};

use crate::error::FieldError;
use crate::{ApiError, Text};

/// When to ask again what was refused because a queue is full or nobody writes.
const RETRY_AFTER_BUSY: Duration = Duration::from_secs(1);
/// When to ask again for what a store could not be reached for.
const RETRY_AFTER_GONE: Duration = Duration::from_secs(2);
/// When to ask again what found no room: somebody has to make some.
const RETRY_AFTER_FULL: Duration = Duration::from_secs(30);

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchDialog | Refusal::NoSuchMessage => Self::NoSuchResource,
            Refusal::NotPermitted | Refusal::Blocked => Self::NotPermitted,
            Refusal::BroadcastDisabled => Self::BroadcastDisabled,
            Refusal::NotSubscribable => {
                Self::Refused("Subscribing is possible only for public dialogs".into())
            }
            Refusal::OccupantsFixed => Self::OccupantsFixed,
            Refusal::TooManyOccupants(max) => Self::too_many("occupants_ids", max),
            Refusal::TooManyAdmins(max) => Self::too_many("admins_ids", max),
            Refusal::AdminNotOccupant => Self::invalid("admins_ids", "must be occupants of the dialog"),
            Refusal::NoSuchPin => Self::invalid("pinned_messages_ids", "must be messages of the dialog"),
            Refusal::TooManyPins(max) => Self::too_many("pinned_messages_ids", max),
            Refusal::TooManyReactions(max) => Self::too_many("reactions", max),
            Refusal::MessageIdTaken => Self::taken("_id"),
            Refusal::TooLarge => Self::BodyTooLarge,
        }
    }
}

impl From<Unanswered> for ApiError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::Busy { retry_after } => Self::Unavailable(retry_after),
            Unanswered::Full => Self::StorageFull(RETRY_AFTER_FULL),
            Unanswered::Unavailable => Self::Unavailable(RETRY_AFTER_BUSY),
        }
    }
}

impl From<identity::Error> for ApiError {
    /// At login an unknown user is told so, because clients sign up on those words.
    fn from(error: identity::Error) -> Self {
        match error {
            identity::Error::Invalid(fields) => Self::Invalid(fields.into_iter().map(field).collect()),
            identity::Error::InvalidPassword => Self::InvalidPassword,
            identity::Error::WrongOldPassword => Self::invalid("old_password", "is invalid"),
            identity::Error::Disabled => Self::AccountDisabled,
            identity::Error::NoSuchReset => Self::invalid("reset_token", "is invalid or has expired"),
            identity::Error::UserNotFound => Self::NoSuchUser,
            identity::Error::NoSuchSession => Self::SessionRequired,
            identity::Error::TooManyIds => Self::too_many("ids", identity::IDS_MAX),
            identity::Error::TooCostly => {
                Self::Refused("Too many users would have to be looked at: ask for fewer".into())
            }
            identity::Error::Busy | identity::Error::Unavailable => Self::Unavailable(RETRY_AFTER_BUSY),
            identity::Error::StorageFull => Self::StorageFull(RETRY_AFTER_FULL),
            error @ identity::Error::Store(_) => Self::internal(error),
        }
    }
}

impl From<SignInError> for ApiError {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Refused(status) => Self::remote_unauthorized(status),
            SignInError::PasswordNeeded => Self::missing("password"),
            SignInError::TooLong => {
                Self::invalid("login", format!("is too long (maximum is {NAME_BYTES_MAX} bytes)"))
            }
            SignInError::Identity(error) => error.into(),
        }
    }
}

fn field(error: identity::FieldError) -> FieldError {
    FieldError { field: Text::Borrowed(error.field), text: error.text.into() }
}

impl From<search::Error> for ApiError {
    /// What is wrong with an index, whoever folds it mends: by folding it again, if need be.
    fn from(error: search::Error) -> Self {
        match error {
            search::Error::Behind | search::Error::Busy => Self::Unavailable(RETRY_AFTER_BUSY),
            search::Error::Unread(error) => {
                tracing::warn!(%error, "the search index cannot be read");
                Self::Unavailable(RETRY_AFTER_GONE)
            }
            search::Error::Missing => Self::NotOffered("There is no search index".into()),
            search::Error::Rows(error) => error.into(),
        }
    }
}

impl From<queries::Error> for ApiError {
    fn from(error: queries::Error) -> Self {
        match error {
            queries::Error::Busy => Self::Unavailable(RETRY_AFTER_BUSY),
            queries::Error::Unavailable | queries::Error::Behind => Self::Unavailable(RETRY_AFTER_GONE),
            queries::Error::TooMany(max) => Self::Refused(
                format!("More than {max} messages would have to be looked at: narrow them by date_sent")
                    .into(),
            ),
            error @ (queries::Error::Lost | queries::Error::Store(_)) => Self::internal(error),
        }
    }
}
