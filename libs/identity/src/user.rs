//! A user as others may see him. Passwords are no part of it.

use domain::{Time, UserId};

use crate::sign_up::{Profile, Unique};

/// The most ids that one call may name.
pub const IDS_MAX: usize = 1_000;

/// Everything the API shows of a user, under its names there. What was never set is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Issued here, once for ever.
    pub id: UserId,
    /// How he is shown to others.
    pub full_name: Option<String>,
    /// Unique, see [`crate::canonical()`]; as typed at sign-up, without surrounding space.
    pub email: Option<String>,
    /// Unique, see [`crate::canonical()`]; as typed at sign-up, without surrounding space.
    pub login: Option<String>,
    /// Any text.
    pub phone: Option<String>,
    /// Any text.
    pub website: Option<String>,
    /// When he signed up.
    pub created_at: Time,
    /// When anything of him was last changed.
    pub updated_at: Time,
    /// When a session of his was opened or last written back: up to 5 minutes behind.
    pub last_request_at: Option<Time>,
    /// His id in the application's own system: the older of two such fields.
    pub external_user_id: Option<String>,
    /// His id in the application's own system.
    pub external_id: Option<String>,
    /// His id at Facebook.
    pub facebook_id: Option<String>,
    /// His id at Twitter.
    pub twitter_id: Option<String>,
    /// The file that is his picture, below 2⁵³.
    pub blob_id: Option<u64>,
    /// Any text, for the application's own use.
    pub custom_data: Option<String>,
    /// Where his picture is.
    pub avatar: Option<String>,
    /// Tags, joined with commas.
    pub user_tags: Option<String>,
    /// Minutes east of UTC.
    pub timezone: Option<i32>,
    /// Whether he is a guest.
    pub is_guest: bool,
    /// Whether an operator has disabled him. Not shown in the API.
    pub is_disabled: bool,
}

/// A deleted user whose dialogs may still hold him.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// Who.
    pub user: UserId,
    /// When he was deleted.
    pub deleted_at: Time,
}

/// How a user is shown beside a dialog or a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Display {
    /// Who.
    pub id: UserId,
    /// His full name, else his login, else his id in digits; never an email.
    pub name: String,
    /// Where his picture is.
    pub avatar: Option<String>,
}

impl Display {
    pub(crate) fn new(
        id: UserId,
        full_name: Option<String>,
        login: Option<String>,
        avatar: Option<String>,
    ) -> Self {
        Self { id, name: full_name.or(login).unwrap_or_else(|| id.to_string()), avatar }
    }
}

/// A user and what is kept of his password.
pub(crate) struct Found {
    pub(crate) user: User,
    pub(crate) password_hash: Option<String>,
}

/// A user to be stored; his id is issued there.
#[derive(Clone, Default)]
pub(crate) struct Newcomer {
    pub(crate) profile: Profile,
    pub(crate) password_hash: Option<String>,
    pub(crate) provider_key: Option<String>,
    /// When he is deleted again: a guest.
    pub(crate) ends_at: Option<Time>,
}

/// Everything that is kept of a user.
pub(crate) struct Kept {
    pub(crate) user: User,
    pub(crate) login_key: Option<String>,
    pub(crate) email_key: Option<String>,
    pub(crate) password_hash: Option<String>,
    pub(crate) provider_key: Option<String>,
    pub(crate) disabled_at: Option<Time>,
    pub(crate) ends_at: Option<Time>,
    pub(crate) deleted_at: Option<Time>,
    pub(crate) is_departing: bool,
}

impl Kept {
    /// Whoever comes new, under the number issued to him.
    pub(crate) fn new(id: UserId, new: Newcomer, now: Time) -> Self {
        let split = |unique: Option<Unique>| unique.map(|unique| (unique.text, unique.key)).unzip();
        let (login, login_key) = split(new.profile.login);
        let (email, email_key) = split(new.profile.email);
        let about = new.profile.about;
        let user = User {
            id,
            full_name: about.full_name,
            email,
            login,
            phone: about.phone,
            website: about.website,
            created_at: now,
            updated_at: now,
            last_request_at: None,
            external_user_id: about.external_user_id,
            external_id: about.external_id,
            facebook_id: about.facebook_id,
            twitter_id: about.twitter_id,
            blob_id: about.blob_id,
            custom_data: about.custom_data,
            avatar: about.avatar,
            user_tags: about.user_tags,
            timezone: about.timezone,
            is_guest: new.ends_at.is_some(),
            is_disabled: false,
        };
        Self {
            user,
            login_key,
            email_key,
            password_hash: new.password_hash,
            provider_key: new.provider_key,
            disabled_at: None,
            ends_at: new.ends_at,
            deleted_at: None,
            is_departing: false,
        }
    }

    /// His names, as far as others may not have them.
    pub(crate) fn names(&self) -> Names {
        Names { login: self.login_key.clone(), email: self.email_key.clone() }
    }

    /// Whether nobody could ever sign in as him.
    pub(crate) fn is_unreachable(&self) -> bool {
        self.login_key.is_none() && self.email_key.is_none() && self.provider_key.is_none()
    }
}

/// Keys of a login and an email, of which nobody else may have either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    pub(crate) login: Option<String>,
    pub(crate) email: Option<String>,
}

impl Names {
    /// Those of `profile`.
    pub(crate) fn of(profile: &Profile) -> Self {
        let key = |unique: &Option<Unique>| unique.as_ref().map(|unique| unique.key.clone());
        Self { login: key(&profile.login), email: key(&profile.email) }
    }
}
