//! What a new user may look like: raw fields in, a valid [`NewUser`] or every broken rule out.
//!
//! Pure. Uniqueness is not decided here: only the store can.

use std::ops::RangeInclusive;

use domain::INTEGER_ID_MAX;

use crate::{FieldError, Password, canonical};

/// Fewest characters of a login (contract 5.1).
pub const LOGIN_MIN: usize = 3;
/// Most characters of a login (contract 5.1).
pub const LOGIN_MAX: usize = 70;
/// Most characters of an email (RFC 5321's path without its brackets).
pub const EMAIL_MAX: usize = 254;
/// Most bytes of a login's or email's canonical form, so that any store can index it.
pub const KEY_BYTES_MAX: usize = 1_024;
/// Fewest characters of a password (contract 5.1).
pub const PASSWORD_MIN: usize = 8;
/// Most characters of a password.
pub const PASSWORD_MAX: usize = 256;
/// Most characters of a full name and of a phone number.
pub const NAME_MAX: usize = 255;
/// Most characters of a website and of an avatar's address.
pub const URL_MAX: usize = 2_048;
/// Most characters of an id in another system.
pub const REFERENCE_MAX: usize = 255;
/// Most characters of the application's own text about a user.
pub const CUSTOM_DATA_MAX: usize = 10_240;
/// Most tags of a user (contract 5.1).
pub const TAGS_MAX: usize = 5;
/// Most characters of a tag.
pub const TAG_MAX: usize = 64;
/// The westernmost timezone, in minutes from UTC.
pub const TIMEZONE_MIN: i32 = -12 * 60;
/// The easternmost timezone, in minutes from UTC.
pub const TIMEZONE_MAX: i32 = 14 * 60;

/// What a client sent to sign up, as it came. An empty text is an unset one.
#[derive(Debug, Clone, Default)]
pub struct SignUp {
    /// Unique name to sign in with; login or email must be there.
    pub login: Option<String>,
    /// Unique address to sign in with; login or email must be there.
    pub email: Option<String>,
    /// Must be there.
    pub password: Option<Password>,
    /// Name to show.
    pub full_name: Option<String>,
    /// Any text.
    pub phone: Option<String>,
    /// Any text.
    pub website: Option<String>,
    /// Any text.
    pub external_user_id: Option<String>,
    /// Any text.
    pub external_id: Option<String>,
    /// Any text.
    pub facebook_id: Option<String>,
    /// Any text.
    pub twitter_id: Option<String>,
    /// A file's id.
    pub blob_id: Option<u64>,
    /// Any text.
    pub custom_data: Option<String>,
    /// Any text.
    pub avatar: Option<String>,
    /// Tags; one that holds commas counts as several, as a client may send one string.
    pub tag_list: Vec<String>,
    /// Minutes east of UTC.
    pub timezone: Option<i64>,
}

/// A user who may be created, if login and email are still free.
#[derive(Debug, Clone)]
pub struct NewUser {
    pub(crate) password: Password,
    pub(crate) profile: Profile,
}

/// All of a user but his password: everything in it keeps the rules.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    pub(crate) login: Option<Unique>,
    pub(crate) email: Option<Unique>,
    pub(crate) about: About,
}

/// A text that only one user may have, and the key by which that is decided.
#[derive(Debug, Clone)]
pub(crate) struct Unique {
    pub(crate) text: String,
    pub(crate) key: String,
}

/// The fields of a user that need not be unique.
#[derive(Debug, Clone, Default)]
pub(crate) struct About {
    pub(crate) full_name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) website: Option<String>,
    pub(crate) external_user_id: Option<String>,
    pub(crate) external_id: Option<String>,
    pub(crate) facebook_id: Option<String>,
    pub(crate) twitter_id: Option<String>,
    pub(crate) blob_id: Option<u64>,
    pub(crate) custom_data: Option<String>,
    pub(crate) avatar: Option<String>,
    pub(crate) user_tags: Option<String>,
    pub(crate) timezone: Option<i32>,
}

impl NewUser {
    /// The user that `raw` describes, or everything that is wrong with it: never an empty list.
    ///
    /// Lengths count characters. A NUL is refused in every field, other control characters in
    /// login, email and tags. Login and email lose their surrounding white space.
    pub fn parse(mut raw: SignUp) -> Result<Self, Vec<FieldError>> {
        let mut checks = Checks::default();
        let login = checks.login(raw.login.take());
        let email = checks.email(raw.email.take());
        if login.is_none() && email.is_none() && checks.broken.is_empty() {
            checks.refuse("login", "can't be blank");
        }
        let password = checks.password(raw.password.take());
        let about = checks.about(raw);
        match password {
            Some(password) if checks.broken.is_empty() => {
                Ok(Self { password, profile: Profile { login, email, about } })
            }
            _ => Err(checks.broken),
        }
    }
}

impl Unique {
    /// The text, which is known to be valid.
    pub(crate) fn of(text: String) -> Self {
        Self { key: canonical(&text), text }
    }
}

impl Password {
    /// The password, if it may be somebody's.
    pub(crate) fn checked(self) -> Result<Self, Vec<FieldError>> {
        let mut checks = Checks::default();
        checks.password(Some(self)).ok_or(checks.broken)
    }
}

impl Profile {
    /// The profile that `raw` describes, or everything that is wrong with it; the password is left out.
    pub fn parse(mut raw: SignUp) -> Result<Self, Vec<FieldError>> {
        let mut checks = Checks::default();
        let (login, email) = (checks.login(raw.login.take()), checks.email(raw.email.take()));
        let about = checks.about(raw);
        if checks.broken.is_empty() { Ok(Self { login, email, about }) } else { Err(checks.broken) }
    }

    /// What of `raw` keeps the rules of sign-up; the rest is left out, and so is the password. For users
    /// whom another system describes.
    pub fn of_what_fits(mut raw: SignUp) -> Self {
        let mut checks = Checks::default();
        let (login, email) = (checks.login(raw.login.take()), checks.email(raw.email.take()));
        Self { login, email, about: checks.about(raw) }
    }
}

/// The rules broken so far. A check that fails gives `None`, and a reason here.
#[derive(Default)]
pub(crate) struct Checks {
    pub(crate) broken: Vec<FieldError>,
}

impl Checks {
    fn about(&mut self, raw: SignUp) -> About {
        About {
            full_name: self.text("full_name", raw.full_name, NAME_MAX),
            phone: self.text("phone", raw.phone, NAME_MAX),
            website: self.text("website", raw.website, URL_MAX),
            external_user_id: self.text("external_user_id", raw.external_user_id, REFERENCE_MAX),
            external_id: self.text("external_id", raw.external_id, REFERENCE_MAX),
            facebook_id: self.text("facebook_id", raw.facebook_id, REFERENCE_MAX),
            twitter_id: self.text("twitter_id", raw.twitter_id, REFERENCE_MAX),
            blob_id: self.blob(raw.blob_id),
            custom_data: self.text("custom_data", raw.custom_data, CUSTOM_DATA_MAX),
            avatar: self.text("avatar", raw.avatar, URL_MAX),
            user_tags: self.tags(&raw.tag_list),
            timezone: self.timezone(raw.timezone),
        }
    }

    fn refuse(&mut self, field: &'static str, text: impl Into<String>) {
        self.broken.push(FieldError { field, text: text.into() });
    }

    /// Whether `text` has that many characters; lengths in the words of the API.
    fn length(&mut self, field: &'static str, text: &str, range: RangeInclusive<usize>) -> bool {
        // No more is counted than decides: the text may be as long as a request.
        let count = text.chars().take(range.end() + 1).count();
        if count < *range.start() {
            self.refuse(field, format!("is too short (minimum is {} characters)", range.start()));
        } else if count > *range.end() {
            self.refuse(field, format!("is too long (maximum is {} characters)", range.end()));
        }
        range.contains(&count)
    }

    pub(crate) fn text(&mut self, field: &'static str, text: Option<String>, max: usize) -> Option<String> {
        let text = text.filter(|text| !text.is_empty())?;
        if text.contains('\0') {
            self.refuse(field, "is invalid");
            return None;
        }
        self.length(field, &text, 0..=max).then_some(text)
    }

    pub(crate) fn login(&mut self, login: Option<String>) -> Option<Unique> {
        let login = login.filter(|login| !login.is_empty())?;
        let text = login.trim();
        if !self.length("login", text, LOGIN_MIN..=LOGIN_MAX) {
            return None;
        }
        self.unique("login", text)
    }

    pub(crate) fn email(&mut self, email: Option<String>) -> Option<Unique> {
        let email = email.filter(|email| !email.is_empty())?;
        let text = email.trim();
        if !self.length("email", text, 0..=EMAIL_MAX) {
            return None;
        }
        if !is_email(text) {
            self.refuse("email", "is invalid");
            return None;
        }
        self.unique("email", text)
    }

    fn unique(&mut self, field: &'static str, text: &str) -> Option<Unique> {
        let key = canonical(text);
        // A name of invisible characters only would be nobody's and everybody's.
        if key.is_empty() || key.len() > KEY_BYTES_MAX || text.chars().any(char::is_control) {
            self.refuse(field, "is invalid");
            return None;
        }
        Some(Unique { text: text.to_owned(), key })
    }

    pub(crate) fn password(&mut self, password: Option<Password>) -> Option<Password> {
        let Some(password) = password.filter(|password| !password.as_str().is_empty()) else {
            self.refuse("password", "can't be blank");
            return None;
        };
        if password.as_str().contains('\0') {
            self.refuse("password", "is invalid");
            return None;
        }
        self.length("password", password.as_str(), PASSWORD_MIN..=PASSWORD_MAX).then_some(password)
    }

    pub(crate) fn blob(&mut self, blob: Option<u64>) -> Option<u64> {
        let blob = blob?;
        if !(1..=INTEGER_ID_MAX).contains(&blob) {
            self.refuse("blob_id", "is invalid");
            return None;
        }
        Some(blob)
    }

    pub(crate) fn timezone(&mut self, minutes: Option<i64>) -> Option<i32> {
        let minutes = i32::try_from(minutes?).ok().filter(|m| (TIMEZONE_MIN..=TIMEZONE_MAX).contains(m));
        if minutes.is_none() {
            self.refuse("timezone", "is invalid");
        }
        minutes
    }

    /// The tags as one text, each once, in the order given.
    pub(crate) fn tags(&mut self, list: &[String]) -> Option<String> {
        let mut tags = Vec::<&str>::new();
        for tag in list.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|tag| !tag.is_empty()) {
            if tag.chars().any(char::is_control) {
                self.refuse("tag_list", "is invalid");
                return None;
            }
            if !self.length("tag_list", tag, 1..=TAG_MAX) {
                return None;
            }
            if tags.contains(&tag) {
                continue;
            }
            if tags.len() == TAGS_MAX {
                self.refuse("tag_list", format!("has too many tags (maximum is {TAGS_MAX} tags)"));
                return None;
            }
            tags.push(tag);
        }
        (!tags.is_empty()).then(|| tags.join(","))
    }
}

/// `local@domain`: neither with spaces, the domain of at least two labels of letters, digits and
/// inner hyphens. Only a mail can tell whether the address exists.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    (1..=64).contains(&local.chars().count())
        && !local.chars().any(|c| c.is_whitespace() || c.is_control() || c == '@')
        && domain.contains('.')
        && domain.split('.').all(is_label)
}

#[cfg(test)]
#[path = "sign_up_tests.rs"]
mod tests;
