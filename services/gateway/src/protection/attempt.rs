//! Somebody tries to sign in: slowed if he guesses, and told to the audit however it ends.

use domain::UserId;
use runtime::audit::{self, Account};

use super::Protection;
use crate::front::bucket;
use crate::{ApiError, Visit};

/// One try. It is ended by saying how it went; one that is dropped counts for nothing, as
/// when a store was away.
#[derive(Debug)]
#[must_use = "how it went is to be said"]
pub(crate) struct Attempt<'a> {
    protection: &'a Protection,
    visit: &'a Visit,
    how: &'static str,
    account: Account,
}

impl Protection {
    /// The visitor tries to sign in to `account`; `how`: by `password`, say.
    ///
    /// # Errors
    ///
    /// 429: somebody has guessed there, and he has to wait.
    pub(crate) fn attempt<'a>(
        &'a self,
        how: &'static str,
        account: Account,
        visit: &'a Visit,
    ) -> Result<Attempt<'a>, ApiError> {
        let address = visit.client_address();
        let now = self.0.clock.instant();
        if let Err(wait) = self.0.guesses.admit(account, bucket(address), now) {
            audit::sign_in_refused(how, account, "too many failures", address);
            return Err(ApiError::TooManyRequests(wait));
        }
        Ok(Attempt { protection: self, visit, how, account })
    }
}

impl Attempt<'_> {
    /// He has not proved to be who he says.
    pub(crate) fn refused(self, reason: &'static str) {
        let Self { protection, visit, how, account } = self;
        let address = visit.client_address();
        protection.0.guesses.failed(account, bucket(address), protection.0.clock.instant());
        audit::sign_in_refused(how, account, reason, address);
    }

    /// He has, and has that session.
    pub(crate) fn succeeded(self, user: UserId, session: u64) {
        let Self { protection, visit, how, account } = self;
        let address = visit.client_address();
        protection.0.guesses.succeeded(account, bucket(address), protection.0.clock.instant());
        audit::signed_in(how, user, session, address);
    }
}
