//! Sessions and the tokens that prove them.
//!
//! A token is a secret: it is given out once, kept only as a hash, and hidden
//! in `Debug` output.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use domain::{ApplicationId, INTEGER_ID_MAX, Time, UserId};

use crate::cache::Remembered;

/// The most sessions of one user that are listed.
pub const SESSIONS_SHOWN_MAX: u32 = 1_000;
/// The longest token of another issuer, in bytes.
pub const FOREIGN_TOKEN_BYTES_MAX: usize = 8 * 1_024;
/// The least time between two writings of one session's expiry.
const WRITE_BACK_EVERY: Duration = Duration::from_secs(5 * 60);

/// A session's number: positive, below 2⁵³, never issued twice. It is no secret and proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// The session of that number, if it lies in 1..2⁵³.
    pub fn new(number: u64) -> Option<Self> {
        (1..=INTEGER_ID_MAX).contains(&number).then_some(Self(number))
    }

    /// The number, 1..2⁵³.
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What proves a session: 20 random bytes, spelt as 40 lower-case hex digits; or a signed JWT of
/// another issuer.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

impl Token {
    /// The token of those bytes, which must come from a cryptographic generator.
    pub fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// The token of that spelling, if it is of the form of one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_own = text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        (is_own || is_foreign(text)).then(|| Self(text.to_owned()))
    }

    /// As [`Self::parse`], of a token of another issuer only.
    pub(crate) fn parse_foreign(text: &str) -> Option<Self> {
        is_foreign(text).then(|| Self(text.to_owned()))
    }

    /// The secret itself, for the one answer that carries it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash(*blake3::hash(self.0.as_bytes()).as_bytes())
    }
}

/// Whether the text is of the form of a signed JWT: three parts of URL-safe base 64 between dots.
fn is_foreign(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.len() <= FOREIGN_TOKEN_BYTES_MAX
        && text.bytes().filter(|b| *b == b'.').count() == 2
        && text.split('.').all(is_part)
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What is kept of a token. A plain hash is enough: 160 random bits cannot be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TokenHash(pub(crate) [u8; 32]);

/// A session, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose it is; none: the application's own.
    pub user: Option<UserId>,
    /// The application it was opened for.
    pub application: ApplicationId,
    /// What proves it.
    pub token: Token,
    /// When it was opened.
    pub created_at: Time,
    /// When it was last used.
    pub updated_at: Time,
    /// When it ends unless it is used before.
    pub expires_at: Time,
}

/// Who asks: what a valid token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The session that the token proves.
    pub session: SessionId,
    /// Whose it is; none: the application's own.
    pub user: Option<UserId>,
    /// The application it was opened for.
    pub application: ApplicationId,
    /// When the session ends unless it is used before.
    pub expires_at: Time,
}

/// One of a user's sessions, as he may see it among the others: without its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionSummary {
    /// Its number.
    pub id: SessionId,
    /// When it was opened.
    pub created_at: Time,
    /// When it was last used: up to 5 minutes behind.
    pub used_at: Time,
    /// When it ends unless it is used before: up to 5 minutes behind.
    pub expires_at: Time,
}

/// A session as the store keeps it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredSession {
    pub(crate) id: SessionId,
    pub(crate) user: Option<UserId>,
    pub(crate) application: ApplicationId,
    pub(crate) created_at: Time,
    pub(crate) used_at: Time,
    pub(crate) expires_at: Time,
    /// Beyond which no use moves its end.
    pub(crate) ends_at: Option<Time>,
}

impl StoredSession {
    pub(crate) fn summary(self) -> SessionSummary {
        let Self { id, created_at, used_at, expires_at, .. } = self;
        SessionSummary { id, created_at, used_at, expires_at }
    }
}

/// A session to be stored; its id is issued there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewSession {
    pub(crate) token: TokenHash,
    pub(crate) user: Option<UserId>,
    pub(crate) application: ApplicationId,
    pub(crate) created_at: Time,
    pub(crate) expires_at: Time,
    pub(crate) ends_at: Option<Time>,
}

impl NewSession {
    /// The session as it is stored under the number issued to it.
    pub(crate) fn stored(self, id: SessionId) -> StoredSession {
        StoredSession {
            id,
            user: self.user,
            application: self.application,
            created_at: self.created_at,
            used_at: self.created_at,
            expires_at: self.expires_at,
            ends_at: self.ends_at,
        }
    }
}

/// That a session was used: what is written back of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Use {
    pub(crate) session: SessionId,
    pub(crate) user: Option<UserId>,
    pub(crate) used_at: Time,
    pub(crate) expires_at: Time,
}

/// A session in memory: the stored one, and how far its use has moved it since.
#[derive(Debug)]
pub(crate) struct LiveSession {
    stored: StoredSession,
    used_at: AtomicU64,
    expires_at: AtomicU64,
    written_at: AtomicU64,
}

impl LiveSession {
    pub(crate) fn new(stored: StoredSession) -> Self {
        Self {
            used_at: AtomicU64::new(stored.used_at.0),
            expires_at: AtomicU64::new(stored.expires_at.0),
            written_at: AtomicU64::new(stored.used_at.0),
            stored,
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.stored.id
    }

    pub(crate) fn user(&self) -> Option<UserId> {
        self.stored.user
    }

    pub(crate) fn is_live(&self, now: Time) -> bool {
        now.0 < self.expires_at.load(Relaxed)
    }

    /// Moves the end to `lifetime` after `now`, never beyond the hard end; false if it has ended already.
    /// Time that goes backwards moves nothing.
    pub(crate) fn slide(&self, now: Time, lifetime: Duration) -> bool {
        if !self.is_live(now) {
            return false;
        }
        self.used_at.fetch_max(now.0, Relaxed);
        self.expires_at.fetch_max(slid(now, lifetime, self.stored.ends_at).0, Relaxed);
        true
    }

    /// Another process may have used the session too: its end is the later of both.
    pub(crate) fn catch_up(&self, stored: &StoredSession) {
        self.used_at.fetch_max(stored.used_at.0, Relaxed);
        self.written_at.fetch_max(stored.used_at.0, Relaxed);
        self.expires_at.fetch_max(stored.expires_at.0, Relaxed);
    }

    /// Whether it is time to write the use back. It says so to one of many askers, and
    /// counts as written from then on.
    pub(crate) fn claim_write_back(&self, now: Time, lifetime: Duration) -> bool {
        let every = write_back_every(lifetime);
        let written = self.written_at.load(Relaxed);
        now >= after(Time(written), every)
            && self.written_at.compare_exchange(written, now.0, Relaxed, Relaxed).is_ok()
    }

    /// What has to be written back, if anything has happened since.
    pub(crate) fn unwritten(&self) -> Option<Use> {
        (self.used_at.load(Relaxed) > self.written_at.load(Relaxed)).then(|| self.last_use())
    }

    pub(crate) fn last_use(&self) -> Use {
        Use {
            session: self.stored.id,
            user: self.stored.user,
            used_at: Time(self.used_at.load(Relaxed)),
            expires_at: Time(self.expires_at.load(Relaxed)),
        }
    }

    pub(crate) fn caller(&self) -> Caller {
        Caller {
            session: self.stored.id,
            user: self.stored.user,
            application: self.stored.application,
            expires_at: Time(self.expires_at.load(Relaxed)),
        }
    }

    pub(crate) fn session(&self, token: Token) -> Session {
        Session {
            id: self.stored.id,
            user: self.stored.user,
            application: self.stored.application,
            token,
            created_at: self.stored.created_at,
            updated_at: Time(self.used_at.load(Relaxed)),
            expires_at: Time(self.expires_at.load(Relaxed)),
        }
    }
}

/// The sessions in memory, by their tokens' hashes.
pub(crate) type LiveSessions = Remembered<TokenHash, Arc<LiveSession>>;

/// How far a row may lag behind the use of its session. A short lifetime must not run out in
/// the store while the session is in use.
pub(crate) fn write_back_every(lifetime: Duration) -> Duration {
    WRITE_BACK_EVERY.min(lifetime / 4)
}

/// When a session ends that is used `now`.
pub(crate) fn slid(now: Time, lifetime: Duration, ends_at: Option<Time>) -> Time {
    let slid = after(now, lifetime);
    ends_at.map_or(slid, |ends_at| slid.min(ends_at))
}

/// `time` and `duration` later; the end of time if there is no such moment.
pub(crate) fn after(time: Time, duration: Duration) -> Time {
    Time(time.0.saturating_add(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_forty_lower_case_hex_digits() {
        let token = Token::from_bytes([0xab; 20]);
        assert_eq!(token.as_str(), "ab".repeat(20));
        assert_eq!(Token::parse(token.as_str()), Some(token));
        for text in [
            "",
            "ab",
            "a.b",
            "a.b.c.d",
            "a..c",
            "a.b.",
            "a.b.c=",
            "a.b.\u{e9}",
            &"AB".repeat(20),
            &"ab".repeat(21),
            &"ag".repeat(20),
            &"é".repeat(20),
        ] {
            assert_eq!(Token::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_token_of_another_issuer_is_three_parts_between_dots() {
        assert_eq!(Token::parse("eyJ-0_.x.y"), Token::parse_foreign("eyJ-0_.x.y"));
        assert!(Token::parse("eyJ-0_.x.y").is_some());
        assert_eq!(Token::parse_foreign(&"ab".repeat(20)), None);
        let longest = format!("a.b.{}", "c".repeat(FOREIGN_TOKEN_BYTES_MAX - 4));
        assert!(Token::parse(&longest).is_some());
        assert_eq!(Token::parse(&format!("{longest}c")), None);
    }

    #[test]
    fn debug_hides_the_token() {
        let token = Token::from_bytes([0xab; 20]);
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
