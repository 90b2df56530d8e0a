//! What keeps one client from taking what is everybody's: how often a session, an address or a
//! guesser may ask.
//!
//! Whoever is over a limit costs as little as possible: it is known before his body is
//! read, before his token is looked up in a store and before a password is hashed. Counts are
//! this process's own and are gone with it.

mod admission;
mod attempt;
mod buckets;
mod guesses;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use runtime::Clock;

use crate::front::bucket;
use crate::{ApiError, Visit};
pub(crate) use attempt::Attempt;
use buckets::Buckets;
pub(crate) use buckets::Level;
pub use buckets::Rate;
use guesses::Guesses;

/// How often who may ask for what.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Requests of one session.
    pub session: Rate,
    /// Sign-ins and new sessions from one address.
    pub sign_in: Rate,
    /// Sign-ups from one address.
    pub sign_up: Rate,
    /// Requests for a new password from one address.
    pub reset: Rate,
    /// Tokens that are none, from one address; beyond that no unknown token of it is looked up.
    pub bad_token: Rate,
    /// Sessions or addresses for which each of these is kept; if more are busy, newcomers share.
    pub keys_max: usize,
    /// Failed sign-ins of an account after which strangers to it have to wait; 0: never.
    pub failures_max: u32,
    /// The longest wait.
    pub failure_wait_max: Duration,
}

impl Default for Rates {
    /// The API's numbers for sessions; for addresses what a household or a small office needs.
    fn default() -> Self {
        Self {
            session: Rate { per_second: 20.0, burst: 40 },
            sign_in: Rate { per_second: 5.0, burst: 20 },
            sign_up: Rate { per_second: 1.0, burst: 10 },
            reset: Rate { per_second: 0.1, burst: 5 },
            bad_token: Rate { per_second: 20.0, burst: 100 },
            keys_max: 100_000,
            failures_max: 5,
            failure_wait_max: Duration::from_secs(30),
        }
    }
}

impl Rates {
    /// No limit at all.
    pub const NONE: Self = Self {
        session: Rate::UNLIMITED,
        sign_in: Rate::UNLIMITED,
        sign_up: Rate::UNLIMITED,
        reset: Rate::UNLIMITED,
        bad_token: Rate::UNLIMITED,
        keys_max: 0,
        failures_max: 0,
        failure_wait_max: Duration::ZERO,
    };
}

/// The limits and what has been counted. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Protection(Arc<Counted>);

struct Counted {
    session: Option<Buckets>,
    sign_in: Option<Buckets>,
    sign_up: Option<Buckets>,
    reset: Option<Buckets>,
    bad_token: Option<Buckets>,
    guesses: Guesses,
    clock: Clock,
}

impl fmt::Debug for Protection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Protection").finish_non_exhaustive()
    }
}

impl Protection {
    /// Nothing has been counted yet.
    pub fn new(rates: &Rates, clock: Clock) -> Self {
        let buckets = |rate| Buckets::new(rate, rates.keys_max, clock.clone());
        Self(Arc::new(Counted {
            session: buckets(rates.session),
            sign_in: buckets(rates.sign_in),
            sign_up: buckets(rates.sign_up),
            reset: buckets(rates.reset),
            bad_token: buckets(rates.bad_token),
            guesses: Guesses::new(rates.failures_max, rates.failure_wait_max, rates.keys_max as u64),
            clock,
        }))
    }

    /// Forgets whoever has not been busy lately. To be called every second.
    pub fn tidy(&self) {
        let Counted { session, sign_in, sign_up, reset, bad_token, .. } = &*self.0;
        let mut keys = 0;
        for buckets in [session, sign_in, sign_up, reset, bad_token].into_iter().flatten() {
            buckets.tidy();
            keys += buckets.keys();
        }
        metrics::gauge!("protection_keys").set(keys as f64);
    }

    /// One more request of that session.
    ///
    /// # Errors
    ///
    /// 429: it has to wait.
    pub(crate) fn asked_by(&self, session: u64, visit: &Visit) -> Result<(), ApiError> {
        self.0.session.as_ref().map_or(Ok(()), |buckets| told(buckets.take(session), visit))
    }

    /// Whether the visitor's token may be looked up: not one that is unknown here, if many bad
    /// ones came from his address.
    ///
    /// # Errors
    ///
    /// 429.
    pub(crate) fn may_try_token(
        &self,
        visit: &Visit,
        is_known: impl FnOnce() -> bool,
    ) -> Result<(), ApiError> {
        let Some(buckets) = &self.0.bad_token else { return Ok(()) };
        match buckets.look(bucket(visit.client_address())) {
            Ok(_) => Ok(()),
            Err(_) if is_known() => Ok(()),
            refused @ Err(_) => told(refused, visit),
        }
    }

    /// The visitor's token was none.
    pub(crate) fn tried_bad_token(&self, visit: &Visit) {
        if let Some(buckets) = &self.0.bad_token {
            // That it is one too many is told to the next one.
            let _ = buckets.take(bucket(visit.client_address()));
        }
    }
}

/// What the bucket says, to be told with the answer.
fn told(said: Result<Level, Level>, visit: &Visit) -> Result<(), ApiError> {
    let (Ok(level) | Err(level)) = said;
    visit.note_level(level);
    said.map(|_| ()).map_err(|level| ApiError::TooManyRequests(level.reset))
}
