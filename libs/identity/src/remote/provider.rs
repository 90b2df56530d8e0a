//! A team's own service that says whether a name and a password are somebody's, and whose.
//!
//! It is asked by one GET of an address made from a template. What it answers is mapped to a
//! user; his id there is the key by which he is found again. It decides alone: a password that
//! is kept here counts only if the operator says so.

use std::fmt;
use std::time::Duration;

use domain::Time;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use url::{Position, Url};

use super::http::{Asker, Failure, address};
use super::json;
use super::template::Template;
use crate::sign_up::{REFERENCE_MAX, SignUp};
use crate::{Credentials, Error, Identity, Name, OpenError, Password, Profile, ProviderKey, Unknown, User};

/// Most bytes of a name, and of a password, that are sent to a provider: it may be a token.
pub const NAME_BYTES_MAX: usize = 4 * 1024;
/// What stands for a name and a password while the template's address is read.
const STAND_IN_LOGIN: &str = "hansardloginhere";
const STAND_IN_PASSWORD: &str = "hansardpasswordhere";

/// How a provider is asked.
#[derive(Clone)]
pub struct ProviderSettings {
    /// The address, with `#{login}` and, if it wants to see it, `#{password}` in its path or query.
    pub url: String,
    /// How long an answer may take, connecting included.
    pub time_max: Duration,
    /// How many may be asked for at once; one more is refused as busy.
    pub requests_max: usize,
    /// Whether users with a password of their own here sign in with it, before the provider is asked.
    pub local_users: bool,
    /// Where in the answer what is known of a user lies.
    pub fields: Fields,
}

impl fmt::Debug for ProviderSettings {
    /// Without the address: it may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProviderSettings").field("fields", &self.fields).finish_non_exhaustive()
    }
}

/// For each field of a user a text in which `#{a.b}` is what lies there in the provider's JSON;
/// an empty one maps nothing.
#[derive(Debug, Clone, Default)]
pub struct Fields {
    /// The one that must be there: his id at the provider, unique and never given to another. A text or a whole number.
    pub uid: String,
    /// His name to show.
    pub full_name: String,
    /// His email.
    pub email: String,
    /// His login.
    pub login: String,
    /// His phone.
    pub phone: String,
    /// His website.
    pub website: String,
    /// Where his picture is.
    pub avatar: String,
    /// The application's own text about him.
    pub custom_data: String,
    /// His tags.
    pub tag_list: String,
    /// The older of two ids in the application's own system.
    pub external_user_id: String,
}

/// Why a provider let nobody in.
#[derive(Debug, thiserror::Error)]
pub enum SignInError {
    /// What the provider answered, or what was there instead of an answer: a status, and perhaps a few words.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// The provider wants to see a password, and there is none.
    #[error("the identity provider asks for a password")]
    PasswordNeeded,
    /// The name or the password is too long for an address.
    #[error("a name or password is longer than {NAME_BYTES_MAX} bytes")]
    TooLong,
    /// The user could not be found or made.
    #[error(transparent)]
    Identity(#[from] Error),
}

/// The provider of a deployment.
pub struct Provider {
    asker: Asker,
    address: Template,
    wants_password: bool,
    local_users: bool,
    uid: Template,
    mapped: Mapped,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider").finish_non_exhaustive()
    }
}

/// What is known of somebody at the provider.
struct Known {
    key: ProviderKey,
    profile: Profile,
}

impl Provider {
    /// Checks the settings; asks nobody.
    pub fn new(settings: &ProviderSettings) -> Result<Self, OpenError> {
        let address = address_of(&settings.url)?;
        let field = |name, text: &str| template(name, text);
        let uid = field("identity.provider.fields.uid", &settings.fields.uid)?;
        if uid.gaps().next().is_none() {
            return refuse(
                "identity.provider.fields.uid",
                "must say where a user's id lies, such as #{user.id}",
            );
        }
        let wants_password = address.gaps().any(|gap| gap == "password");
        Ok(Self {
            asker: Asker::new(settings.time_max, settings.requests_max)?,
            wants_password,
            address,
            local_users: settings.local_users,
            uid,
            mapped: Mapped::new(&settings.fields)?,
        })
    }

    /// The user whom the provider knows by that name, and perhaps password: made at first sight, found
    /// from then on. It opens no session.
    pub async fn sign_in(
        &self,
        identity: &Identity,
        name: Name,
        password: Option<Password>,
        now: Time,
    ) -> Result<User, SignInError> {
        if let Some(password) = password.clone().filter(|_| self.local_users) {
            let credentials = Credentials { name: name.clone(), password };
            match identity.sign_in(credentials, Unknown::Refuse, now).await {
                // He may be another one for the provider, or have no password here.
                Err(Error::UserNotFound | Error::InvalidPassword) => {}
                local => return Ok(local?),
            }
        }
        let (Name::Login(login) | Name::Email(login)) = name;
        let known = self.ask(&login, password.as_ref()).await?;
        Ok(identity.user_of_provider(known.key, known.profile, now).await?)
    }

    async fn ask(&self, login: &str, password: Option<&Password>) -> Result<Known, SignInError> {
        let password = password.map(Password::as_str).filter(|password| !password.is_empty());
        if self.wants_password && password.is_none() {
            // Some directories take an empty password for no wish to be known, and say yes.
            return Err(SignInError::PasswordNeeded);
        }
        let password = password.unwrap_or_default();
        if login.len().max(password.len()) > NAME_BYTES_MAX {
            return Err(SignInError::TooLong);
        }
        let answer = match self.url(login, password) {
            Some(url) => self.asker.get(url).await,
            None => Err(Failure::Unusable("this name cannot be asked for")),
        };
        let known = answer.and_then(|answer| self.known(&answer));
        known.map_err(|failure| match failure {
            Failure::Busy => SignInError::Identity(Error::Busy),
            failure => {
                tracing::debug!(%failure, "the identity provider let nobody in");
                SignInError::Refused(failure.to_string())
            }
        })
    }

    /// The address to ask; none, if the name would lead elsewhere, as `..` in a path does.
    fn url(&self, login: &str, password: &str) -> Option<Url> {
        let written = self.address.fill(|gap| match gap {
            "login" => Some(encoded(login)),
            _ => Some(encoded(password)),
        })?;
        Url::parse(&written).ok().filter(|read| read.as_str() == written)
    }

    fn known(&self, answer: &Value) -> Result<Known, Failure> {
        let uid = self.uid.fill(|path| json::scalar(json::at(answer, path)?)).filter(|uid| !uid.is_empty());
        let uid = uid.ok_or(Failure::Unusable("without a user's id"))?;
        let fits = uid.chars().nth(REFERENCE_MAX).is_none();
        let key = ProviderKey::custom(&uid).filter(|_| fits);
        let key = key.ok_or(Failure::Unusable("the user's id cannot be kept"))?;
        let profile = SignUp { external_id: Some(uid), ..self.mapped.of(answer) };
        Ok(Known { key, profile: Profile::of_what_fits(profile) })
    }
}

/// [`Fields`], parsed.
struct Mapped {
    full_name: Template,
    email: Template,
    login: Template,
    phone: Template,
    website: Template,
    avatar: Template,
    custom_data: Template,
    tag_list: Template,
    external_user_id: Template,
}

impl Mapped {
    fn new(fields: &Fields) -> Result<Self, OpenError> {
        Ok(Self {
            full_name: template("identity.provider.fields.full_name", &fields.full_name)?,
            email: template("identity.provider.fields.email", &fields.email)?,
            login: template("identity.provider.fields.login", &fields.login)?,
            phone: template("identity.provider.fields.phone", &fields.phone)?,
            website: template("identity.provider.fields.website", &fields.website)?,
            avatar: template("identity.provider.fields.avatar", &fields.avatar)?,
            custom_data: template("identity.provider.fields.custom_data", &fields.custom_data)?,
            tag_list: template("identity.provider.fields.tag_list", &fields.tag_list)?,
            external_user_id: template(
                "identity.provider.fields.external_user_id",
                &fields.external_user_id,
            )?,
        })
    }

    fn of(&self, answer: &Value) -> SignUp {
        let text = |template: &Template| {
            if template.is_empty() {
                return None;
            }
            template.fill(|path| json::text(json::at(answer, path)?))
        };
        SignUp {
            full_name: text(&self.full_name),
            email: text(&self.email),
            login: text(&self.login),
            phone: text(&self.phone),
            website: text(&self.website),
            avatar: text(&self.avatar),
            custom_data: text(&self.custom_data),
            tag_list: text(&self.tag_list).into_iter().collect(),
            external_user_id: text(&self.external_user_id),
            ..SignUp::default()
        }
    }
}

fn refuse<T>(name: &'static str, reason: impl Into<String>) -> Result<T, OpenError> {
    Err(OpenError::Setting { name, reason: reason.into() })
}

fn template(name: &'static str, text: &str) -> Result<Template, OpenError> {
    Template::parse(text).or_else(|reason| refuse(name, reason))
}

/// The template of addresses, in the spelling that a URL has once it was read.
fn address_of(text: &str) -> Result<Template, OpenError> {
    const NAME: &str = "identity.provider.url";
    let given = template(NAME, text)?;
    if let Some(other) = given.gaps().find(|gap| !matches!(*gap, "login" | "password")) {
        return refuse(NAME, format!("has #{{{other}}}; there are #{{login}} and #{{password}} only"));
    }
    if !given.gaps().any(|gap| gap == "login") {
        return refuse(NAME, "must say where the name goes: #{login}");
    }
    let stand_in = |gap: &str| if gap == "login" { STAND_IN_LOGIN } else { STAND_IN_PASSWORD };
    let url = address(NAME, &given.fill(|gap| Some(stand_in(gap).to_owned())).unwrap_or_default())?;
    let allowed = &url[Position::BeforePath..Position::AfterQuery];
    let is_elsewhere =
        |stand_in: &str| url.as_str().matches(stand_in).count() > allowed.matches(stand_in).count();
    if is_elsewhere(STAND_IN_LOGIN) || is_elsewhere(STAND_IN_PASSWORD) {
        return refuse(NAME, "may have #{login} and #{password} in its path and query only");
    }
    let read = url.as_str().replace(STAND_IN_LOGIN, "#{login}").replace(STAND_IN_PASSWORD, "#{password}");
    template(NAME, &read)
}

/// The text as a part of an address that stays one part: whatever could divide it is encoded.
fn encoded(text: &str) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}

#[cfg(test)]
#[path = "provider_tests.rs"]
mod tests;
