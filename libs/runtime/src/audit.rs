//! Lines for whoever wants to know later who came in, who was turned away and what an operator
//! did: one function for each kind, all under one target.
//!
//! Nothing here can prove anything to the server: no password, no token, and no name that
//! somebody typed, as people type passwords into the wrong field. A name is told by a keyed
//! hash, the same for the same name in all processes that know the key.

use std::fmt;
use std::net::IpAddr;

use domain::UserId;

/// The target of every line: a filter such as `warn,audit=info` keeps them.
pub const TARGET: &str = "audit";

/// Bytes of a name's hash: enough to tell accounts apart.
const ACCOUNT_BYTES: usize = 8;
/// Keeps these hashes apart from all others under the same key.
const ACCOUNT_DOMAIN: &[u8] = b"name of an account, to be logged";

/// An account that somebody named, as it may be logged: 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Account([u8; ACCOUNT_BYTES]);

impl Account {
    /// The account of that name, which is the same for every spelling only if the caller has
    /// brought it to one.
    pub fn named(key: &[u8; 32], name: &str) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key);
        hasher.update(ACCOUNT_DOMAIN);
        hasher.update(name.as_bytes());
        let mut hash = [0; ACCOUNT_BYTES];
        hasher.finalize_xof().fill(&mut hash);
        Self(hash)
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// Somebody has proved who he is; `how`: by `password`, say.
pub fn signed_in(how: &'static str, user: UserId, session: u64, address: IpAddr) {
    tracing::info!(target: TARGET, how, user.id = user.get(), session.id = session, client = %address, "signed in");
}

/// Somebody has not proved to be who he says.
pub fn sign_in_refused(how: &'static str, account: Account, reason: &'static str, address: IpAddr) {
    tracing::info!(target: TARGET, how, %account, reason, client = %address, "refused to sign in");
}

/// Somebody has ended a session; without a user it was the application's own.
pub fn session_ended(user: Option<UserId>, session: u64, address: IpAddr) {
    let user = user.map(UserId::get);
    tracing::info!(target: TARGET, client = %address, user.id = user, session.id = session, "ended a session");
}

/// A session may not do what it asked for; `endpoint` is the template of its route.
pub fn refused_by_role(user: Option<UserId>, endpoint: &str, address: IpAddr) {
    let user = user.map(UserId::get);
    tracing::info!(target: TARGET, endpoint, client = %address, user.id = user, "refused for want of a right");
}

/// A user has deleted himself.
pub fn user_deleted(user: UserId, address: IpAddr) {
    tracing::info!(target: TARGET, client = %address, user.id = user.get(), "deleted a user");
}

/// An operator has done something to `subject`, which must be no secret.
pub fn administered(act: &'static str, by: &str, subject: impl fmt::Display) {
    tracing::info!(target: TARGET, act, by, %subject, "administered");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_told_by_a_hash_that_only_its_key_gives() {
        let account = Account::named(&[7; 32], "alice");
        assert_eq!(account.to_string().len(), 16);
        assert_eq!(account, Account::named(&[7; 32], "alice"));
        assert_ne!(account, Account::named(&[8; 32], "alice"));
        assert_ne!(account, Account::named(&[7; 32], "bob"));
    }
}
