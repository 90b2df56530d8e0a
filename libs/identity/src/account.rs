//! The port: what may happen to a user after he signed up.

use domain::{Time, UserId};

use crate::change::Change;
use crate::identity::{Identity, Name};
use crate::password::{Password, Salt};
use crate::provider::ProviderKey;
use crate::session::{SessionId, Token, TokenHash, after};
use crate::sign_up::Profile;
use crate::user::{Departure, Found, Kept, Names, Newcomer, User};
use crate::{Error, FieldError};

/// Tokens of one user that may reset his password at the same time: with one more, the oldest may not any
/// more.
pub(crate) const RESETS_MAX: u32 = 5;
/// How often a user of a provider is looked for and made in turns, while others take his names or make him.
const TRIES_MAX: u32 = 3;

/// A change, and what its new password comes to.
pub(crate) struct Amendment {
    change: Change,
    password: Option<NewHash>,
}

/// The hash of a new password, and the one that was kept when the old password was found to be right.
struct NewHash {
    seen: String,
    hash: String,
}

/// Who may have a new password with which token, and until when.
pub(crate) struct Reset {
    pub(crate) token: TokenHash,
    pub(crate) user: UserId,
    pub(crate) ends_at: Time,
}

impl Amendment {
    /// Makes the change on `kept`; fails if the password has been changed meanwhile.
    pub(crate) fn apply(&self, kept: &mut Kept, now: Time) -> Result<(), Error> {
        self.change.apply(kept, now);
        let Some(NewHash { seen, hash }) = &self.password else { return Ok(()) };
        if kept.password_hash.as_ref() != Some(seen) {
            return Err(Error::WrongOldPassword);
        }
        kept.password_hash = Some(hash.clone());
        Ok(())
    }

    /// Whether the password is new, so that whoever knew the old one only has to go.
    pub(crate) fn ends_sessions(&self) -> bool {
        self.password.is_some()
    }

    /// The session that goes on all the same.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.change.session
    }

    /// Whether tokens that reset the password are good no more: they have been sent to an email that he may
    /// have left, or the password is new already.
    pub(crate) fn ends_resets(&self) -> bool {
        self.password.is_some() || self.change.email.is_some()
    }
}

/// Whether `changed` may be stored while others have the names `taken`.
pub(crate) fn check_names(changed: &Kept, taken: Vec<FieldError>) -> Result<(), Error> {
    if !taken.is_empty() {
        return Err(Error::Invalid(taken));
    }
    if changed.is_unreachable() {
        return Err(Error::Invalid(vec![FieldError { field: "login", text: "can't be blank".to_owned() }]));
    }
    Ok(())
}

impl Identity {
    /// Changes what `change` names of the user and nothing else. A new password ends his sessions, but the one
    /// that it is asked for in.
    ///
    /// [`Error::Invalid`] if a new login or email has been taken: all that are, at once, or if neither would be
    /// left; [`Error::WrongOldPassword`] for a new password without the old one or with another;
    /// [`Error::UserNotFound`].
    pub async fn change_user(
        &self,
        user: UserId,
        change: Change,
        salt: Salt,
        now: Time,
    ) -> Result<User, Error> {
        let password = match &change.password {
            None => None,
            Some(wanted) => Some(self.new_hash(user, &change, wanted.clone(), salt).await?),
        };
        self.store.change_user(user, Amendment { change, password }, now, &self.memory).await
    }

    async fn new_hash(
        &self,
        user: UserId,
        change: &Change,
        wanted: Password,
        salt: Salt,
    ) -> Result<NewHash, Error> {
        let found = self.store.by_id(user).await?.ok_or(Error::UserNotFound)?;
        // Before the hashes, so that a taken name costs none.
        let taken = self.store.taken(change.names(), Some(user)).await?;
        if !taken.is_empty() {
            return Err(Error::Invalid(taken));
        }
        let (Some(seen), Some(old)) = (found.password_hash, &change.old_password) else {
            return Err(Error::WrongOldPassword);
        };
        if !self.matches(old.clone(), seen.clone()).await? {
            return Err(Error::WrongOldPassword);
        }
        Ok(NewHash { seen, hash: self.hash(wanted, salt).await? })
    }

    /// Deletes the user: a tombstone remains, so that his id is never issued again, and nobody finds him
    /// any more. His login and email are free again. His sessions are dead when this answers, and within a
    /// second in every other process. He is noted among [`Self::departures`]. One who is deleted already, or
    /// never was, is no error.
    pub async fn delete_user(&self, user: UserId, now: Time) -> Result<(), Error> {
        if self.store.delete_users(vec![user], now, &self.memory).await? > 0 {
            self.departing.notify_one();
        }
        Ok(())
    }

    /// Until a user is deleted in this process.
    pub async fn departing(&self) {
        self.departing.notified().await;
    }

    /// Deleted users whose dialogs may still hold them, the longest deleted first, at most `max`.
    pub async fn departures(&self, max: u32) -> Result<Vec<Departure>, Error> {
        self.store.departures(max).await
    }

    /// No dialog holds the deleted user any more.
    pub async fn departed(&self, user: UserId) -> Result<(), Error> {
        self.store.departed(user).await
    }

    /// Lets the user sign in no more, and ends his sessions; or lets him in again.
    /// [`Error::UserNotFound`].
    pub async fn set_disabled(&self, user: UserId, is_disabled: bool, now: Time) -> Result<(), Error> {
        self.store.set_disabled(user, is_disabled.then_some(now), &self.memory).await
    }

    /// Gives the user that password without asking for the old one, and ends his sessions: for an
    /// operator. [`Error::Invalid`] if it breaks the rules; [`Error::UserNotFound`].
    pub async fn set_password(
        &self,
        user: UserId,
        password: Password,
        salt: Salt,
        now: Time,
    ) -> Result<(), Error> {
        let password = password.checked().map_err(Error::Invalid)?;
        self.store.by_id(user).await?.ok_or(Error::UserNotFound)?;
        let hash = self.hash(password, salt).await?;
        self.store.set_password(user, hash, now, &self.memory).await
    }

    /// From now on whoever has `token` (fresh bytes from a cryptographic generator, spelt as
    /// [`crate::Token`]) may set a new password of the user with that email, once, for as long as
    /// `reset_lifetime`. None: nobody who could sign in with a password has that email.
    pub async fn begin_reset(&self, email: &str, token: [u8; 20], now: Time) -> Result<Option<User>, Error> {
        let found = self.known(&Name::Email(email.to_owned())).await?;
        let found = found.map(|found| found.user).filter(|user| !user.is_guest && !user.is_disabled);
        let Some(user) = found else { return Ok(None) };
        let token = Token::from_bytes(token).hash();
        let reset = Reset { token, user: user.id, ends_at: after(now, self.reset_lifetime) };
        self.store.insert_reset(reset).await?;
        Ok(Some(user))
    }

    /// Sets the password of whoever asked for `token`, and ends all his sessions.
    /// [`Error::Invalid`] if it breaks the rules: the token is good for another try then;
    /// [`Error::NoSuchReset`] if the token is malformed, unknown, expired or used.
    pub async fn finish_reset(
        &self,
        token: &str,
        password: Password,
        salt: Salt,
        now: Time,
    ) -> Result<(), Error> {
        let token = Token::parse(token).ok_or(Error::NoSuchReset)?.hash();
        // Before the hash, so that a token of nobody's costs no hashing.
        if !self.store.has_reset(token, now).await? {
            return Err(Error::NoSuchReset);
        }
        let password = password.checked().map_err(Error::Invalid)?;
        let hash = self.hash(password, salt).await?;
        self.store.finish_reset(token, hash, now, &self.memory).await
    }

    /// The user whom an identity provider knows as `key`. At first sight he is made, without a password, as
    /// `profile` says: a login or email that somebody has is left out. Later the profile changes nothing.
    /// [`Error::Disabled`].
    pub async fn user_of_provider(
        &self,
        key: ProviderKey,
        profile: Profile,
        now: Time,
    ) -> Result<User, Error> {
        for _ in 0..TRIES_MAX {
            if let Some(Found { user, .. }) = self.store.by_provider(key.as_str().to_owned()).await? {
                return if user.is_disabled { Err(Error::Disabled) } else { Ok(user) };
            }
            let mut profile = profile.clone();
            for taken in self.store.taken(Names::of(&profile), None).await? {
                match taken.field {
                    "login" => profile.login = None,
                    _ => profile.email = None,
                }
            }
            let provider_key = Some(key.as_str().to_owned());
            let new = Newcomer { profile, provider_key, ..Newcomer::default() };
            match self.store.insert_user(new, now).await {
                // Somebody has just got a name of his, or made him.
                Err(Error::Invalid(_) | Error::Busy) => {}
                other => return other,
            }
        }
        Err(Error::Busy)
    }
}
