//! The acts, as they are asked for: also the request on the socket, one line of JSON.

use std::convert::Infallible;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is to be done. No `Debug`: some hold a password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Act {
    /// Something with users.
    Users(OfUsers),
    /// Something with sessions.
    Sessions(OfSessions),
    /// Give the application new credentials; the old ones stay good for so long.
    RotateKey { grace_ms: u64 },
}

/// What is to be done with users.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum OfUsers {
    /// Sign somebody up.
    Add(NewUser),
    /// Show some.
    List(Page),
    /// Show one.
    Show(Whom),
    /// Let nobody sign in as him, and end his sessions.
    Disable(Whom),
    /// Let him sign in again.
    Enable(Whom),
    /// Delete him for good.
    Delete(Whom),
    /// Give him another password, and end his sessions.
    ResetPassword { whom: Whom, password: String },
}

/// What is to be done with sessions.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum OfSessions {
    /// Show somebody's.
    List(Whom),
    /// End one.
    Revoke(u64),
    /// End all of somebody's.
    RevokeAll(Whom),
}

/// A user to be signed up.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    pub(crate) login: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) full_name: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) password: String,
}

/// Which users to show: by their numbers, above one of them.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Page {
    pub(crate) after: u64,
    pub(crate) max: u32,
    /// What login, email or full name begins with, in any case.
    pub(crate) prefix: Option<String>,
    pub(crate) only_disabled: bool,
    pub(crate) only_guests: bool,
}

/// A user as an operator names him.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whom {
    /// By his number.
    Id(u64),
    /// By his login.
    Login(String),
    /// By his email.
    Email(String),
}

impl FromStr for Whom {
    type Err = Infallible;

    /// Digits are a number, what has an `@` is an email, all else is a login; `id:`, `login:` and
    /// `email:` before it say so.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let number = |text: &str| text.parse().ok().map(Self::Id);
        Ok(match text.split_once(':') {
            Some(("id", rest)) if number(rest).is_some() => Self::Id(rest.parse().unwrap_or_default()),
            Some(("login", rest)) => Self::Login(rest.to_owned()),
            Some(("email", rest)) => Self::Email(rest.to_owned()),
            _ if text.contains('@') => Self::Email(text.to_owned()),
            _ => number(text).unwrap_or_else(|| Self::Login(text.to_owned())),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_by_number_login_or_email() {
        for (text, whom) in [
            ("7", Whom::Id(7)),
            ("alice", Whom::Login("alice".to_owned())),
            ("alice@example.org", Whom::Email("alice@example.org".to_owned())),
            ("id:7", Whom::Id(7)),
            ("login:7", Whom::Login("7".to_owned())),
            ("login:a@b", Whom::Login("a@b".to_owned())),
            ("email:alice@example.org", Whom::Email("alice@example.org".to_owned())),
            ("id:seven", Whom::Login("id:seven".to_owned())),
        ] {
            assert_eq!(text.parse(), Ok(whom), "{text}");
        }
    }
}
