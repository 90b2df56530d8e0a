//! What can go wrong, as far as a caller acts on it.
//!
//! Refusals are typed so that the edge can choose a status for each; what only an
//! operator can act on is text.

/// One field that breaks a rule, in the words that clients know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name in the API: `login`, `email`, `password`, `tag_list`, …
    pub field: &'static str,
    /// What is wrong with it, for example `has already been taken.`
    pub text: String,
}

impl FieldError {
    /// Somebody else has that name already.
    pub(crate) fn taken(field: &'static str) -> Self {
        Self { field, text: "has already been taken.".to_owned() }
    }
}

/// Why identity did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Fields that break a rule: never empty, at most a few per field. Nothing changed.
    #[error("invalid fields: {}", .0.iter().map(|f| f.field).collect::<Vec<_>>().join(", "))]
    Invalid(Vec<FieldError>),
    /// The user exists and this is not the password.
    #[error("invalid password")]
    InvalidPassword,
    /// A new password was asked for, without the old one or with another.
    #[error("wrong old password")]
    WrongOldPassword,
    /// The user exists and an operator has disabled him.
    #[error("the account is disabled")]
    Disabled,
    /// The token of a password's reset is malformed, unknown, expired or used.
    #[error("no such reset")]
    NoSuchReset,
    /// No user of that login, email or id; or he is deleted.
    #[error("user not found")]
    UserNotFound,
    /// The token is malformed, unknown, expired or ended.
    #[error("required session does not exist")]
    NoSuchSession,
    /// More than [`crate::IDS_MAX`] ids in one call.
    #[error("too many ids in one call")]
    TooManyIds,
    /// More would have to be looked at than one call may: asking for less may help.
    #[error("the search would take too long")]
    TooCostly,
    /// A queue is full. Nothing changed; asking again later may work.
    #[error("identity is busy")]
    Busy,
    /// The disk is full. Nothing changed; it works again as soon as there is space.
    #[error("no space left for identity's store")]
    StorageFull,
    /// The store cannot be reached at the moment: known at once to whoever asks while that is so.
    /// Of a change that was under way it is unknown whether it happened.
    #[error("identity's store cannot be reached")]
    Unavailable,
    /// The store failed in another way, in words for an operator. Whether the change
    /// happened can be unknown.
    #[error("identity's store failed: {0}")]
    Store(String),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked, DiskFull};
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::StorageFull,
            Some(DatabaseBusy | DatabaseLocked) => Self::Busy,
            _ => Self::Store(error.to_string()),
        }
    }
}

/// Why identity could not be opened. All of these are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The place holds something else; it was left as it was.
    #[error("{path} is not an identity store of Hansard")]
    Foreign {
        /// The file, or the database.
        path: String,
    },
    /// A newer Hansard wrote the store; it was left as it was.
    #[error("{path} has format {found}, this version of Hansard knows formats up to {known}")]
    Newer {
        /// The file, or the database.
        path: String,
        /// The format that the store says it has.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// A copy into the store was begun and not finished.
    #[error(
        "a copy into {path} has not been finished: let `hansard copy` go on, or begin anew in an empty place"
    )]
    Unfinished {
        /// The file, or the database.
        path: String,
    },
    /// The store is in use already, so that nothing can be copied into it.
    #[error("{path} has users already: copy into an empty place")]
    NotEmpty {
        /// The file, or the database.
        path: String,
    },
    /// A setting is out of range.
    #[error("setting {name}: {reason}")]
    Setting {
        /// The setting's name in [`crate::Settings`].
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The database cannot be reached at the moment: trying again may help.
    #[error("cannot reach PostgreSQL at {address}: {reason}")]
    Unavailable {
        /// Host, port and database.
        address: String,
        /// What the system or the server said.
        reason: String,
    },
    /// The store or a thread could not be opened or started.
    #[error("cannot open {path}: {reason}")]
    Failed {
        /// The file, or the database.
        path: String,
        /// What the system said.
        reason: String,
    },
}
