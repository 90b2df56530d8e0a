//! Whoever guesses an account's password has to wait longer and longer; its owner does not.
//!
//! Failures are counted for each account. Beyond a few of them, an address from which nobody
//! has come in to that account waits before each further try, at most half a minute; one
//! from which its owner has come in lately goes on as ever, and so do sessions. The wait is
//! each address's own, so that nobody who asks all the time takes the turn of another. What is
//! known is kept in memory, in bounds: a process that starts again has forgotten it, and then
//! the owner waits half a minute like everybody else, once.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use runtime::audit::Account;

/// How long an address from which somebody came in counts as his.
const KNOWN_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How long after the last failure an account's failures are forgotten.
const FAILURES_KEPT: Duration = Duration::from_secs(60 * 60);
/// The first wait; it doubles with each further failure.
const WAIT_FIRST: Duration = Duration::from_secs(1);

/// Failures by account, and who may go on.
#[derive(Debug)]
pub(crate) struct Guesses {
    failures_max: u32,
    wait_max: Duration,
    accounts: Cache<Account, Failures>,
    visitors: Cache<(Account, u64), Visitor>,
    /// Held while something changes: the caches alone would lose one of two failures at once.
    changing: Mutex<()>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
}

/// What is known of an address at an account.
#[derive(Debug, Clone, Copy)]
enum Visitor {
    /// Somebody came in from there.
    Known { since: Instant },
    /// He may not try again before then.
    Waiting { until: Instant },
}

impl Guesses {
    /// After `failures_max` failures one waits, at most `wait_max`; at most `keys_max` accounts and
    /// as many visitors are kept. With 0 failures nobody ever waits.
    pub(crate) fn new(failures_max: u32, wait_max: Duration, keys_max: u64) -> Self {
        let (accounts, visitors) = (Cache::new(keys_max), Cache::new(keys_max));
        Self { failures_max, wait_max, accounts, visitors, changing: Mutex::new(()) }
    }

    /// Whether somebody at `address` may try to come in to `account` now.
    ///
    /// # Errors
    ///
    /// How long he has to wait. He may try then, however often others try meanwhile.
    pub(crate) fn admit(&self, account: Account, address: u64, now: Instant) -> Result<(), Duration> {
        if self.failures_max == 0 {
            return Ok(());
        }
        let wait = self.wait(account, now);
        if wait.is_zero() {
            return Ok(());
        }
        let _changing = self.changing();
        match self.visitors.get(&(account, address)) {
            Some(Visitor::Known { since }) if now - since < KNOWN_FOR => Ok(()),
            Some(Visitor::Waiting { until }) if now < until => Err(until - now),
            Some(Visitor::Waiting { .. }) => {
                // One try a turn, however many are sent at once.
                self.waits(account, address, now + wait);
                Ok(())
            }
            Some(Visitor::Known { .. }) | None => {
                self.waits(account, address, now + wait);
                Err(wait)
            }
        }
    }

    /// He has not come in.
    pub(crate) fn failed(&self, account: Account, address: u64, now: Instant) {
        if self.failures_max == 0 {
            return;
        }
        let _changing = self.changing();
        let count = self.failures(account, now).saturating_add(1);
        self.accounts.insert(account, Failures { count, last: now });
        let wait = self.wait(account, now);
        let is_known = matches!(self.visitors.get(&(account, address)), Some(Visitor::Known { .. }));
        if !wait.is_zero() && !is_known {
            self.waits(account, address, now + wait);
        }
    }

    /// He has come in: from there he always may, for some weeks.
    pub(crate) fn succeeded(&self, account: Account, address: u64, now: Instant) {
        if self.failures_max > 0 {
            let _changing = self.changing();
            self.visitors.insert((account, address), Visitor::Known { since: now });
        }
    }

    fn waits(&self, account: Account, address: u64, until: Instant) {
        self.visitors.insert((account, address), Visitor::Waiting { until });
    }

    fn failures(&self, account: Account, now: Instant) -> u32 {
        let failures = self.accounts.get(&account);
        failures.filter(|failures| now - failures.last < FAILURES_KEPT).map_or(0, |failures| failures.count)
    }

    /// How long a stranger waits now before a try.
    fn wait(&self, account: Account, now: Instant) -> Duration {
        match self.failures(account, now).checked_sub(self.failures_max) {
            None => Duration::ZERO,
            Some(beyond) => {
                let factor = 1_u32.checked_shl(beyond).unwrap_or(u32::MAX);
                WAIT_FIRST.saturating_mul(factor).min(self.wait_max)
            }
        }
    }

    fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::Time;
    use runtime::{Clock, Hands};

    use super::*;

    const HOME: u64 = 1;
    const ELSEWHERE: u64 = 2;
    const ATTACKER: u64 = 3;
    const SECOND: Duration = Duration::from_secs(1);

    struct World {
        guesses: Guesses,
        clock: Clock,
        hands: Hands,
        alice: Account,
    }

    fn world() -> World {
        let (clock, hands) = Clock::manual(Time(1_700_000_000_000));
        let guesses = Guesses::new(5, 30 * SECOND, 1_000);
        World { guesses, clock, hands, alice: Account::named(&[0; 32], "alice") }
    }

    impl World {
        fn now(&self) -> Instant {
            self.clock.instant()
        }

        fn admit(&self, address: u64) -> Result<(), Duration> {
            self.guesses.admit(self.alice, address, self.now())
        }

        fn fail(&self, address: u64) {
            self.guesses.failed(self.alice, address, self.now());
        }
    }

    #[test]
    fn a_few_mistakes_cost_nothing_and_more_cost_ever_longer_waits() {
        let world = world();
        for _ in 0..5 {
            assert_eq!(world.admit(ATTACKER), Ok(()));
            world.fail(ATTACKER);
        }
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(world.admit(ATTACKER), Err(seconds * SECOND));
            world.hands.advance(seconds * SECOND);
            assert_eq!(world.admit(ATTACKER), Ok(()));
            world.fail(ATTACKER);
        }
        let bob = Account::named(&[0; 32], "bob");
        assert_eq!(
            world.guesses.admit(bob, ATTACKER, world.now()),
            Ok(()),
            "others have nothing to do with it"
        );
    }

    #[test]
    fn the_owner_goes_on_where_he_has_come_in_before() {
        let world = world();
        world.guesses.succeeded(world.alice, HOME, world.now());
        for _ in 0..100 {
            world.fail(ATTACKER);
        }
        assert_eq!(world.admit(HOME), Ok(()));
        world.fail(HOME);
        assert_eq!(world.admit(HOME), Ok(()), "a typing error at home is none of an attacker's");
        world.hands.advance(KNOWN_FOR);
        for _ in 0..6 {
            world.fail(ATTACKER);
        }
        assert!(world.admit(HOME).is_err(), "that was long ago");
    }

    #[test]
    fn nobody_takes_the_turn_of_the_owner_at_a_new_place() {
        let world = world();
        for _ in 0..100 {
            world.fail(ATTACKER);
        }
        assert_eq!(world.admit(ELSEWHERE), Err(30 * SECOND));
        for _ in 0..30 {
            world.hands.advance(SECOND);
            let _ = world.admit(ATTACKER).map(|()| world.fail(ATTACKER));
        }
        assert_eq!(world.admit(ELSEWHERE), Ok(()));
        world.guesses.succeeded(world.alice, ELSEWHERE, world.now());
        world.fail(ATTACKER);
        assert_eq!(world.admit(ELSEWHERE), Ok(()));
        assert!(world.admit(ATTACKER).is_err(), "his success is not the attacker's");
    }

    #[test]
    fn failures_are_forgotten_in_time() {
        let world = world();
        for _ in 0..20 {
            world.fail(ATTACKER);
        }
        world.hands.advance(FAILURES_KEPT);
        assert_eq!(world.admit(ELSEWHERE), Ok(()));
    }

    #[test]
    fn switched_off_it_knows_nobody() {
        let world = World { guesses: Guesses::new(0, 30 * SECOND, 1_000), ..world() };
        for _ in 0..20 {
            world.fail(ATTACKER);
        }
        assert_eq!(world.admit(ATTACKER), Ok(()));
    }
}
