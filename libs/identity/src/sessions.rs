//! The port: sessions.
//!
//! Each is durable before it is answered, and its token forgotten here before its end is.

use std::sync::Arc;

use domain::{ApplicationId, Time, UserId};

use crate::identity::Identity;
use crate::session::{LiveSession, NewSession, SESSIONS_SHOWN_MAX, TokenHash, after, slid};
use crate::sign_up::{Profile, Unique};
use crate::user::{Newcomer, User};
use crate::{Caller, Error, Session, SessionId, SessionSummary, SignUp, Token};

/// What makes a guest's login of his token, so that it tells nothing of it: a purpose of its own.
const GUEST_LOGIN: &str = "hansard 2026 login of a guest";

impl Identity {
    /// Opens a session that `token` (fresh bytes from a cryptographic generator) proves; of
    /// the application itself if there is no `user`. Durable when answered.
    ///
    /// [`Error::UserNotFound`]; [`Error::Disabled`].
    pub async fn open_session(
        &self,
        token: [u8; 20],
        application: ApplicationId,
        user: Option<UserId>,
        now: Time,
    ) -> Result<Session, Error> {
        let token = Token::from_bytes(token);
        let hash = token.hash();
        let begun = self.memory.sessions.epoch();
        let expires_at = after(now, self.session_lifetime);
        let new = NewSession { token: hash, user, application, created_at: now, expires_at, ends_at: None };
        let stored = self.store.insert_session(new).await?;
        let live = self.memory.sessions.keep(hash, Arc::new(LiveSession::new(stored)), begun);
        Ok(live.session(token))
    }

    /// Who asks with `token`, and moves his session's end to one lifetime after `now`.
    ///
    /// Without any waiting if the session is in memory. What is on the disk of the end lags at most 5
    /// minutes behind, and by so much a session may end early after a crash.
    /// [`Error::NoSuchSession`] if the token is malformed, unknown, expired or ended.
    pub async fn authenticate(&self, token: &str, now: Time) -> Result<Caller, Error> {
        let token = Token::parse(token).ok_or(Error::NoSuchSession)?;
        Ok(self.live_session(&token, now).await?.caller())
    }

    /// Whether the session of `token` is in memory, so that authenticating it asks no store; that
    /// says nothing about whether it has ended.
    pub fn remembers(&self, token: &str) -> bool {
        Token::parse(token).is_some_and(|token| self.memory.sessions.get(&token.hash()).is_some())
    }

    /// The session of `token` as the API shows it. It counts as a use, and fails, like
    /// [`Self::authenticate`].
    pub async fn session(&self, token: &str, now: Time) -> Result<Session, Error> {
        let token = Token::parse(token).ok_or(Error::NoSuchSession)?;
        Ok(self.live_session(&token, now).await?.session(token))
    }

    /// As [`Self::authenticate`], for a caller who would be refused because his session has no user: it may have
    /// become a user's in another process a moment ago, so that a shared store is asked again.
    pub async fn authenticate_anew(&self, token: &str, now: Time) -> Result<Caller, Error> {
        if !self.store.is_shared() {
            return self.authenticate(token, now).await;
        }
        let token = Token::parse(token).ok_or(Error::NoSuchSession)?;
        let hash = token.hash();
        let session = self.reload(hash, self.memory.sessions.get(&hash), now).await?;
        Ok(self.used(session, now)?.caller())
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
        let about = SignUp { full_name, ..SignUp::default() };
        let mut profile = Profile::parse(about).map_err(Error::Invalid)?;
        let token = Token::from_bytes(token);
        profile.login = Some(Unique::of(guest_login(&token)));
        let ends_at = after(now, self.guest_lifetime);
        let session = NewSession {
            token: token.hash(),
            user: None,
            application,
            created_at: now,
            expires_at: ends_at,
            ends_at: Some(ends_at),
        };
        let new = Newcomer { profile, ends_at: Some(ends_at), ..Newcomer::default() };
        let begun = self.memory.sessions.epoch();
        let (user, stored) = self.store.insert_with_session(new, session).await?;
        let live = self.memory.sessions.keep(session.token, Arc::new(LiveSession::new(stored)), begun);
        Ok((live.session(token), user))
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
        let token = Token::parse_foreign(token).filter(|_| now < ends_at).ok_or(Error::NoSuchSession)?;
        match self.live_session(&token, now).await {
            Ok(session) => return Ok(session.caller()),
            Err(Error::NoSuchSession) => {}
            Err(error) => return Err(error),
        }
        let hash = token.hash();
        // One that has run out goes on as what the store says then.
        if self.memory.sessions.get(&hash).is_some() {
            self.memory.sessions.forget(&hash);
        }
        let begun = self.memory.sessions.epoch();
        let expires_at = slid(now, self.session_lifetime, Some(ends_at));
        let (user, ends_at) = (Some(user), Some(ends_at));
        let new = NewSession { token: hash, user, application, created_at: now, expires_at, ends_at };
        let stored = self.store.insert_foreign(new).await?;
        let live = self.memory.sessions.keep(hash, Arc::new(LiveSession::new(stored)), begun);
        Ok(live.caller())
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
        let token = Token::parse(token).ok_or(Error::NoSuchSession)?;
        let used = self.live_session(&token, now).await?.last_use();
        let stored = self.store.switch_session(used, user, &self.memory).await?;
        Ok(LiveSession::new(stored).session(token))
    }

    /// Ends the session: when this answers, its token is dead here, also after a crash, and within a
    /// second in every other process on the same store. Other sessions of the same user go on. One that has ended already is no error.
    pub async fn end_session(&self, session: SessionId) -> Result<(), Error> {
        self.store.delete_session(session, &self.memory).await
    }

    /// Ends the session, as [`Self::end_session`] does, if it is one of that owner's: a user, or the
    /// application itself. False if it is not.
    pub async fn end_session_of(&self, owner: Option<UserId>, session: SessionId) -> Result<bool, Error> {
        self.store.delete_session_of(owner, session, &self.memory).await
    }

    /// Ends all sessions of the user but `kept`; how many.
    pub async fn end_other_sessions(&self, user: UserId, kept: Option<SessionId>) -> Result<u64, Error> {
        self.store.delete_sessions_of(user, kept, &self.memory).await
    }

    /// The user's sessions, the newest first, at most [`crate::SESSIONS_SHOWN_MAX`].
    pub async fn sessions_of(&self, user: UserId) -> Result<Vec<SessionSummary>, Error> {
        self.store.sessions_of(user, SESSIONS_SHOWN_MAX).await
    }

    /// Writes back how far sessions in use have moved. Before a process ends, so that none
    /// ends early after it.
    pub async fn flush(&self) -> Result<(), Error> {
        let uses = self.memory.sessions.values().filter_map(|session| session.unwritten()).collect();
        self.store.write_uses(uses).await
    }

    async fn live_session(&self, token: &Token, now: Time) -> Result<Arc<LiveSession>, Error> {
        let hash = token.hash();
        let vouched = self.store.vouches_for_memory();
        let remembered = self.memory.sessions.get(&hash);
        let session = match remembered {
            Some(session) if vouched && (session.is_live(now) || !self.store.is_shared()) => session,
            remembered => self.reload(hash, remembered, now).await?,
        };
        self.used(session, now)
    }

    /// Notes the use of the session, unless it has ended.
    fn used(&self, session: Arc<LiveSession>, now: Time) -> Result<Arc<LiveSession>, Error> {
        if !session.slide(now, self.session_lifetime) {
            return Err(Error::NoSuchSession);
        }
        if session.claim_write_back(now, self.session_lifetime) {
            self.store.note_use(session.last_use());
        }
        Ok(session)
    }

    /// The session as the store has it now: one that is not in memory, or may have been ended or
    /// prolonged by another process.
    async fn reload(
        &self,
        hash: TokenHash,
        remembered: Option<Arc<LiveSession>>,
        now: Time,
    ) -> Result<Arc<LiveSession>, Error> {
        let begun = self.memory.sessions.epoch();
        let stored = self.store.session(hash).await?;
        match (stored, remembered) {
            (Some(stored), Some(session)) if stored.user == session.user() => {
                session.catch_up(&stored);
                Ok(session)
            }
            (Some(stored), Some(_)) => {
                // It is another's by now; whoever asks next loads it.
                self.memory.sessions.forget(&hash);
                Ok(Arc::new(LiveSession::new(stored)))
            }
            (Some(stored), None) if now < stored.expires_at => {
                Ok(self.memory.sessions.keep(hash, Arc::new(LiveSession::new(stored)), begun))
            }
            (None, Some(_)) => {
                self.memory.sessions.forget(&hash);
                Err(Error::NoSuchSession)
            }
            (Some(_) | None, None) => Err(Error::NoSuchSession),
        }
    }
}

/// The login of the guest whom `token` brings: nobody can tell the token by it.
fn guest_login(token: &Token) -> String {
    let hash = blake3::Hasher::new_derive_key(GUEST_LOGIN).update(token.as_str().as_bytes()).finalize();
    format!("guest_login_{}", &hash.to_hex()[..40])
}
