//! What of a user is to change: raw fields in, a valid [`Change`] or every broken rule out.
//!
//! Pure. The rules are those of sign-up. Whether a new login or email is still free, and the old
//! password right, only the store can tell.

use domain::Time;

use crate::sign_up::{CUSTOM_DATA_MAX, Checks, NAME_MAX, REFERENCE_MAX, URL_MAX, Unique};
use crate::user::{Kept, Names};
use crate::{FieldError, Password, SessionId};

/// What a client sent to change a user, as it came. `None` keeps a field; an empty text, an empty list or
/// `Some(None)` unsets it.
#[derive(Debug, Clone, Default)]
pub struct RawChange {
    /// Unique name to sign in with.
    pub login: Option<String>,
    /// Unique address to sign in with.
    pub email: Option<String>,
    /// A new password; it cannot be unset.
    pub password: Option<Password>,
    /// The password so far: needed for a new one only.
    pub old_password: Option<Password>,
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
    pub blob_id: Option<Option<u64>>,
    /// Any text.
    pub custom_data: Option<String>,
    /// Any text.
    pub avatar: Option<String>,
    /// Tags, all of them anew; one that holds commas counts as several.
    pub tag_list: Option<Vec<String>>,
    /// Minutes east of UTC.
    pub timezone: Option<Option<i64>>,
}

/// A change that keeps the rules.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub(crate) login: Option<Option<Unique>>,
    pub(crate) email: Option<Option<Unique>>,
    pub(crate) password: Option<Password>,
    pub(crate) old_password: Option<Password>,
    pub(crate) session: Option<SessionId>,
    full_name: Option<Option<String>>,
    phone: Option<Option<String>>,
    website: Option<Option<String>>,
    external_user_id: Option<Option<String>>,
    external_id: Option<Option<String>>,
    facebook_id: Option<Option<String>>,
    twitter_id: Option<Option<String>>,
    blob_id: Option<Option<u64>>,
    custom_data: Option<Option<String>>,
    avatar: Option<Option<String>>,
    user_tags: Option<Option<String>>,
    timezone: Option<Option<i32>>,
}

impl Change {
    /// The change that `raw` describes, or everything that is wrong with it: never an empty list.
    pub fn parse(raw: RawChange) -> Result<Self, Vec<FieldError>> {
        let mut checks = Checks::default();
        let mut text =
            |field, text: Option<String>, max| text.map(|text| checks.text(field, Some(text), max));
        let change = Self {
            full_name: text("full_name", raw.full_name, NAME_MAX),
            phone: text("phone", raw.phone, NAME_MAX),
            website: text("website", raw.website, URL_MAX),
            external_user_id: text("external_user_id", raw.external_user_id, REFERENCE_MAX),
            external_id: text("external_id", raw.external_id, REFERENCE_MAX),
            facebook_id: text("facebook_id", raw.facebook_id, REFERENCE_MAX),
            twitter_id: text("twitter_id", raw.twitter_id, REFERENCE_MAX),
            custom_data: text("custom_data", raw.custom_data, CUSTOM_DATA_MAX),
            avatar: text("avatar", raw.avatar, URL_MAX),
            login: raw.login.map(|login| checks.login(Some(login))),
            email: raw.email.map(|email| checks.email(Some(email))),
            password: raw.password.and_then(|password| checks.password(Some(password))),
            old_password: raw.old_password,
            session: None,
            blob_id: raw.blob_id.map(|blob| checks.blob(blob)),
            user_tags: raw.tag_list.map(|tags| checks.tags(&tags)),
            timezone: raw.timezone.map(|minutes| checks.timezone(minutes)),
        };
        if checks.broken.is_empty() { Ok(change) } else { Err(checks.broken) }
    }

    /// The same, asked for in `session`: the one that outlives a new password.
    pub fn asked_in(self, session: SessionId) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The names that it asks for.
    pub(crate) fn names(&self) -> Names {
        let key =
            |wanted: &Option<Option<Unique>>| wanted.iter().flatten().next().map(|unique| unique.key.clone());
        Names { login: key(&self.login), email: key(&self.email) }
    }

    /// Makes it on `kept`; the password is for the store to change.
    pub(crate) fn apply(&self, kept: &mut Kept, now: Time) {
        let user = &mut kept.user;
        set_unique(&self.login, &mut user.login, &mut kept.login_key);
        set_unique(&self.email, &mut user.email, &mut kept.email_key);
        set(&self.full_name, &mut user.full_name);
        set(&self.phone, &mut user.phone);
        set(&self.website, &mut user.website);
        set(&self.external_user_id, &mut user.external_user_id);
        set(&self.external_id, &mut user.external_id);
        set(&self.facebook_id, &mut user.facebook_id);
        set(&self.twitter_id, &mut user.twitter_id);
        set(&self.blob_id, &mut user.blob_id);
        set(&self.custom_data, &mut user.custom_data);
        set(&self.avatar, &mut user.avatar);
        set(&self.user_tags, &mut user.user_tags);
        set(&self.timezone, &mut user.timezone);
        user.updated_at = user.updated_at.max(now);
    }
}

fn set<T: Clone>(wanted: &Option<Option<T>>, field: &mut Option<T>) {
    if let Some(value) = wanted {
        field.clone_from(value);
    }
}

fn set_unique(wanted: &Option<Option<Unique>>, text: &mut Option<String>, key: &mut Option<String>) {
    if let Some(unique) = wanted {
        *text = unique.as_ref().map(|unique| unique.text.clone());
        *key = unique.as_ref().map(|unique| unique.key.clone());
    }
}
