//! The port: what may happen to a user after he signed up.

use domain::{ApplicationId, Time, UserId};

use crate::change::Change;
use crate::provider::ProviderKey;
use crate::sign_up::Profile;
use crate::user::{Departure, User};
use crate::{Caller, Error, Identity, Password, Salt, Session, SessionId, SessionSummary};

fn unbuilt<T>() -> Result<T, Error> {
    Err(Error::Store("not built yet".to_owned()))
}

impl Identity {
    /// Changes what `change` names of the user and nothing else.
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
        let _ = (user, change, salt, now);
        unbuilt()
    }

    /// Deletes the user: a tombstone remains, so that his id is never issued again, and nobody finds him
    /// any more. His login and email are free again. His sessions are dead when this answers, and within a
    /// second in every other process. He is noted among [`Self::departures`]. One who is deleted already, or
    /// never was, is no error.
    pub async fn delete_user(&self, user: UserId, now: Time) -> Result<(), Error> {
        let _ = (user, now);
        unbuilt()
    }

    /// Deleted users whose dialogs may still hold them, the longest deleted first, at most `max`.
    pub async fn departures(&self, max: u32) -> Result<Vec<Departure>, Error> {
        let _ = max;
        unbuilt()
    }

    /// No dialog holds the deleted user any more.
    pub async fn departed(&self, user: UserId) -> Result<(), Error> {
        let _ = user;
        unbuilt()
    }

    /// Lets the user sign in no more, and ends his sessions; or lets him in again.
    /// [`Error::UserNotFound`].
    pub async fn set_disabled(&self, user: UserId, is_disabled: bool, now: Time) -> Result<(), Error> {
        let _ = (user, is_disabled, now);
        unbuilt()
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
        let _ = (user, password, salt, now);
        unbuilt()
    }

    /// From now on whoever has `token` (fresh bytes from a cryptographic generator, spelt as
    /// [`crate::Token`]) may set a new password of the user with that email, once, for as long as
    /// `reset_lifetime`. None: nobody who could sign in with a password has that email.
    pub async fn begin_reset(&self, email: &str, token: [u8; 20], now: Time) -> Result<Option<User>, Error> {
        let _ = (email, token, now);
        unbuilt()
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
        let _ = (token, password, salt, now);
        unbuilt()
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
        let _ = (key, profile, now);
        unbuilt()
    }

    /// Makes a guest, who has no password, and opens his session: both live for `guest_lifetime`, however
    /// much they are used. `token` as for [`Self::open_session`]; it does not show in the guest's login.
    /// [`Error::Invalid`] if the name breaks the rules.
    pub async fn open_guest_session(
        &self,
        token: [u8; 20],
        application: ApplicationId,
        full_name: Option<String>,
        now: Time,
    ) -> Result<(Session, User), Error> {
        let _ = (token, application, full_name, now);
        unbuilt()
    }

    /// Opens the session that a token of another issuer proves, or finds it opened already. It slides like
    /// any other, but never beyond `ends_at`; from then on [`Self::authenticate`] knows the token too.
    ///
    /// The token must have been verified. [`Error::NoSuchSession`] if it is not of the form of a signed JWT,
    /// if `now` is not before `ends_at`, or if its session was ended before: that is remembered until then.
    /// [`Error::UserNotFound`]; [`Error::Disabled`].
    pub async fn open_foreign_session(
        &self,
        token: &str,
        application: ApplicationId,
        (user, ends_at): (UserId, Time),
        now: Time,
    ) -> Result<Caller, Error> {
        let _ = (token, application, user, ends_at, now);
        unbuilt()
    }

    /// From now on the session of `token` is that user's, or the application's own; token, number and hard end
    /// stay. Durable when answered; another process may take it for what it was for up to a second.
    /// [`Error::NoSuchSession`]; [`Error::UserNotFound`]; [`Error::Disabled`].
    pub async fn switch_session(
        &self,
        token: &str,
        user: Option<UserId>,
        now: Time,
    ) -> Result<Session, Error> {
        let _ = (token, user, now);
        unbuilt()
    }

    /// As [`Self::authenticate`], for a caller who would be refused because his session has no user: it may have
    /// become a user's in another process a moment ago, so that a shared store is asked again.
    pub async fn authenticate_anew(&self, token: &str, now: Time) -> Result<Caller, Error> {
        self.authenticate(token, now).await
    }

    /// Ends the session, as [`Self::end_session`] does, if it is one of that owner's: a user, or the
    /// application itself. False if it is not.
    pub async fn end_session_of(&self, owner: Option<UserId>, session: SessionId) -> Result<bool, Error> {
        let _ = (owner, session);
        unbuilt()
    }

    /// Ends all sessions of the user but `kept`; how many.
    pub async fn end_other_sessions(&self, user: UserId, kept: Option<SessionId>) -> Result<u64, Error> {
        let _ = (user, kept);
        unbuilt()
    }

    /// The user's sessions, the newest first, at most [`crate::SESSIONS_SHOWN_MAX`].
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionSummary>, Error> {
        let _ = user;
        unbuilt()
    }
}
