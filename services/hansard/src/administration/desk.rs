//! Where acts are done.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use domain::UserId;
use identity::{Identity, Name, Password, Salt, SessionId, SignUp, User};
use runtime::{Clock, DataFolder, Ids, audit};

use super::act::{Act, NewUser, OfSessions, OfUsers, Page, Whom};
use super::shown::{Done, ShownSession, ShownUser};
use crate::application;

/// Users looked at for one page of a list: a filter that fits few of many goes on with the next page.
const LOOKED_AT_MAX: usize = 10_000;
/// Users read at a time.
const BATCH: u32 = 500;

/// What acts are done with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) identity: Arc<Identity>,
    /// The data folder, held as long as this lives; none in a cluster.
    pub(crate) folder: Option<Arc<DataFolder>>,
    /// Whether the application's credentials are kept there and not configured.
    pub(crate) keeps_credentials: bool,
    /// The keys of the API that is served meanwhile.
    pub(crate) keys: Option<gateway::Keys>,
    /// Held while credentials are replaced: the file and the keys in memory change together.
    pub(crate) rotating: Arc<Mutex<()>>,
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
}

/// The operator who runs this very process.
pub(crate) fn by_this_process() -> String {
    format!("user {} of the system", rustix::process::getuid().as_raw())
}

impl Desk {
    /// Do it, for `by`, and note that in the audit log.
    ///
    /// # Errors
    ///
    /// A sentence for the operator.
    pub(crate) async fn perform(&self, act: Act, by: &str) -> anyhow::Result<Done> {
        match act {
            Act::Users(act) => self.perform_on_users(act, by).await,
            Act::Sessions(act) => self.perform_on_sessions(act, by).await,
            Act::RotateKey { grace_ms } => self.rotate(Duration::from_millis(grace_ms), by),
        }
    }

    async fn perform_on_users(&self, act: OfUsers, by: &str) -> anyhow::Result<Done> {
        let now = self.clock.now();
        match act {
            OfUsers::Add(new) => {
                let user = self.add(new).await?;
                audit::administered("user added", by, user.id);
                Ok(Done::User(ShownUser::of(&user)))
            }
            OfUsers::List(page) => self.list(&page).await,
            OfUsers::Show(whom) => Ok(Done::User(self.shown(self.find(&whom).await?).await?)),
            OfUsers::Disable(whom) => {
                let user = self.find(&whom).await?;
                self.identity.set_disabled(user, true, now).await?;
                audit::administered("user disabled", by, user);
                Ok(Done::User(self.shown(user).await?))
            }
            OfUsers::Enable(whom) => {
                let user = self.find(&whom).await?;
                self.identity.set_disabled(user, false, now).await?;
                audit::administered("user enabled", by, user);
                Ok(Done::User(self.shown(user).await?))
            }
            OfUsers::Delete(whom) => {
                let user = self.find(&whom).await?;
                self.identity.delete_user(user, now).await?;
                audit::administered("user deleted", by, user);
                Ok(Done::Deleted(user.get()))
            }
            OfUsers::ResetPassword { whom, password } => {
                let user = self.find(&whom).await?;
                let salt = Salt(self.ids.random());
                self.identity.set_password(user, Password::new(password), salt, now).await.map_err(told)?;
                audit::administered("password reset", by, user);
                Ok(Done::User(self.shown(user).await?))
            }
        }
    }

    async fn perform_on_sessions(&self, act: OfSessions, by: &str) -> anyhow::Result<Done> {
        match act {
            OfSessions::List(whom) => {
                let sessions = self.identity.sessions_of(self.find(&whom).await?).await?;
                Ok(Done::Sessions(sessions.iter().map(ShownSession::of).collect()))
            }
            OfSessions::Revoke(number) => {
                let session = SessionId::new(number).context("a session's number lies between 1 and 2^53")?;
                self.identity.end_session(session).await?;
                audit::administered("session revoked", by, session);
                Ok(Done::Revoked(session.get()))
            }
            OfSessions::RevokeAll(whom) => {
                let user = self.find(&whom).await?;
                let ended = self.identity.end_other_sessions(user, None).await?;
                audit::administered("all sessions of a user revoked", by, user);
                Ok(Done::Ended(ended))
            }
        }
    }

    fn rotate(&self, grace: Duration, by: &str) -> anyhow::Result<Done> {
        let folder = self.folder.as_ref().filter(|_| self.keeps_credentials);
        let folder =
            folder.context("the application's credentials are configured, not kept in the data folder")?;
        let _turn = self.rotating.lock().unwrap_or_else(PoisonError::into_inner);
        let rotated = application::rotate(folder, (self.clock.now(), grace), &self.ids)?;
        if let Some(keys) = &self.keys {
            keys.replace(rotated.keys.all());
        }
        audit::administered("application's credentials rotated", by, rotated.id);
        let all = rotated.keys.all();
        let today = all.first().context("the application has no credentials")?;
        Ok(Done::Rotated {
            auth_key: today.auth_key.expose().to_owned(),
            auth_secret: today.auth_secret.expose().to_owned(),
        })
    }

    async fn add(&self, new: NewUser) -> anyhow::Result<User> {
        let raw = SignUp {
            login: new.login,
            email: new.email,
            full_name: new.full_name,
            external_id: new.external_id,
            tag_list: new.tags,
            password: Some(Password::new(new.password)),
            ..SignUp::default()
        };
        let user = identity::NewUser::parse(raw).map_err(identity::Error::Invalid).map_err(told)?;
        self.identity.sign_up(user, Salt(self.ids.random()), self.clock.now()).await.map_err(told)
    }

    async fn list(&self, page: &Page) -> anyhow::Result<Done> {
        let (mut users, mut after, mut looked_at) = (vec![], UserId::new(page.after), 0);
        let next = |after: Option<UserId>| Some(after.map_or(0, UserId::get));
        loop {
            let batch = self.identity.list_users_after(after, BATCH).await?;
            let is_last = batch.len() < BATCH as usize;
            for user in batch {
                if users.len() >= page.max as usize {
                    return Ok(Done::Users { users, next: next(after) });
                }
                after = Some(user.id);
                looked_at += 1;
                if page.wants(&user) {
                    users.push(ShownUser::of(&user));
                }
            }
            if is_last {
                return Ok(Done::Users { users, next: None });
            }
            if looked_at >= LOOKED_AT_MAX {
                return Ok(Done::Users { users, next: next(after) });
            }
        }
    }

    async fn shown(&self, user: UserId) -> anyhow::Result<ShownUser> {
        Ok(ShownUser::of(&self.identity.user(user).await?))
    }

    async fn find(&self, whom: &Whom) -> anyhow::Result<UserId> {
        let found = match whom {
            Whom::Id(id) => match UserId::new(*id) {
                Some(id) => self.identity.user(id).await,
                None => Err(identity::Error::UserNotFound),
            },
            Whom::Login(login) => self.identity.user_named(&Name::Login(login.clone())).await,
            Whom::Email(email) => self.identity.user_named(&Name::Email(email.clone())).await,
        };
        found.map(|user| user.id).map_err(|error| match error {
            identity::Error::UserNotFound => anyhow::anyhow!("there is no user {}", whom.shown()),
            other => other.into(),
        })
    }
}

/// A refusal with everything that is wrong, not only with the names of the fields.
fn told(error: identity::Error) -> anyhow::Error {
    match error {
        identity::Error::Invalid(fields) => {
            let each = fields.iter().map(|broken| format!("{} {}", broken.field, broken.text));
            anyhow::anyhow!("{}", each.collect::<Vec<_>>().join("; "))
        }
        other => other.into(),
    }
}

impl Page {
    fn wants(&self, user: &User) -> bool {
        let begins = |prefix: &String| {
            let prefix = identity::canonical(prefix);
            let names = [&user.login, &user.email, &user.full_name];
            names.into_iter().flatten().any(|name| identity::canonical(name).starts_with(&prefix))
        };
        (user.is_disabled || !self.only_disabled)
            && (user.is_guest || !self.only_guests)
            && self.prefix.as_ref().is_none_or(begins)
    }
}

impl Whom {
    fn shown(&self) -> String {
        match self {
            Self::Id(id) => id.to_string(),
            Self::Login(login) => format!("with the login {login:?}"),
            Self::Email(email) => format!("with the email {email:?}"),
        }
    }
}
