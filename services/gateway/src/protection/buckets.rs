//! Token buckets by key, in bounded memory: how often anybody may do one kind of thing.
//!
//! The arithmetic is `governor`'s; what is kept of a key is one point in time. A bucket that
//! is full again is forgotten, so that memory holds who is busy now. If more are busy than
//! there is room for, newcomers share a bucket: they are served worse, nobody unlimited.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use governor::{Quota, RateLimiter};
use runtime::Clock;

/// Parts of the memory, so that requests seldom wait for each other.
const SHARDS: usize = 16;

/// How often: so many at once, and afterwards so many a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// A second, in the long run; 0 is without limit.
    pub per_second: f64,
    /// At once, at least 1.
    pub burst: u32,
}

impl Rate {
    /// Without limit.
    pub const UNLIMITED: Self = Self { per_second: 0.0, burst: 1 };

    fn quota(self) -> Option<Quota> {
        let period = Duration::try_from_secs_f64(1.0 / self.per_second).ok()?;
        Some(Quota::with_period(period)?.allow_burst(NonZeroU32::new(self.burst)?))
    }
}

/// What a bucket says, be it yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level {
    /// What it holds when it is full.
    pub(crate) limit: u32,
    /// What is left in it.
    pub(crate) remaining: u32,
    /// When it is full again; if nothing was left, when there is one again.
    pub(crate) reset: Duration,
}

/// A bucket for each key.
pub(crate) struct Buckets {
    limiter: RateLimiter<Ask, Cells, Ticks, StateInformationMiddleware>,
    burst: u32,
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets").field("burst", &self.burst).finish_non_exhaustive()
    }
}

impl Buckets {
    /// Of that rate, for at most about `keys_max` at a time; none, if there is no limit.
    pub(crate) fn new(rate: Rate, keys_max: usize, clock: Clock) -> Option<Self> {
        let limiter = RateLimiter::new(rate.quota()?, Cells::new(keys_max), Ticks::new(clock));
        Some(Self { limiter, burst: rate.burst })
    }

    /// Takes one out of the bucket of `key`.
    ///
    /// # Errors
    ///
    /// There is none, and nothing was taken.
    pub(crate) fn take(&self, key: u64) -> Result<Level, Level> {
        self.ask(Ask { key, takes: true })
    }

    /// What [`Self::take`] would say; nothing is taken.
    pub(crate) fn look(&self, key: u64) -> Result<Level, Level> {
        self.ask(Ask { key, takes: false })
    }

    fn ask(&self, ask: Ask) -> Result<Level, Level> {
        let limit = self.burst;
        match self.limiter.check_key(&ask) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = limit.saturating_sub(remaining);
                let reset = state.quota().replenish_interval() * missing;
                Ok(Level { limit, remaining, reset })
            }
            Err(not_until) => {
                let reset = not_until.wait_time_from(self.limiter.clock().now());
                Err(Level { limit, remaining: 0, reset })
            }
        }
    }

    /// Forgets every bucket that is full; looks at each. To be called every second or so.
    pub(crate) fn tidy(&self) {
        self.limiter.retain_recent();
    }

    /// How many keys are in memory.
    pub(crate) fn keys(&self) -> usize {
        self.limiter.len()
    }
}

/// Time that passes, as the limiter wants it.
#[derive(Debug)]
struct Ticks {
    clock: Clock,
    begun: Instant,
}

impl Ticks {
    fn new(clock: Clock) -> Self {
        let begun = clock.instant();
        Self { clock, begun }
    }
}

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.clock.instant().duration_since(self.begun)
    }
}

/// Whose bucket, and whether something is taken out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Ask {
    key: u64,
    takes: bool,
}

/// What is kept of each key.
struct Cells {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    shard_keys_max: usize,
}

#[derive(Default)]
struct Shard {
    cells: HashMap<u64, Nanos>,
    /// Of all that found no room.
    shared: Option<Nanos>,
}

impl Cells {
    fn new(keys_max: usize) -> Self {
        let shards = std::array::from_fn(|_| Mutex::default());
        Self { hasher: RandomState::new(), shards, shard_keys_max: keys_max.div_ceil(SHARDS) }
    }

    fn each(&self, mut work: impl FnMut(&mut Shard)) {
        for shard in &self.shards {
            work(&mut shard.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}

impl StateStore for Cells {
    type Key = Ask;

    fn measure_and_replace<T, F, E>(&self, ask: &Ask, decide: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let place = self.hasher.hash_one(ask.key) as usize % SHARDS;
        let mut shard = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        let Shard { cells, shared } = &mut *shard;
        let has_room = cells.len() < self.shard_keys_max;
        match cells.get_mut(&ask.key) {
            Some(cell) => {
                let (answer, next) = decide(Some(*cell))?;
                if ask.takes {
                    *cell = next;
                }
                Ok(answer)
            }
            None if has_room => {
                let (answer, next) = decide(None)?;
                if ask.takes {
                    cells.insert(ask.key, next);
                }
                Ok(answer)
            }
            None => {
                let (answer, next) = decide(*shared)?;
                if ask.takes {
                    *shared = Some(next);
                }
                Ok(answer)
            }
        }
    }
}

impl ShrinkableKeyedStateStore<Ask> for Cells {
    fn retain_recent(&self, drop_below: Nanos) {
        self.each(|shard| shard.cells.retain(|_, cell| *cell > drop_below));
    }

    fn len(&self) -> usize {
        let mut keys = 0;
        self.each(|shard| keys += shard.cells.len());
        keys
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use domain::Time;
    use proptest::prelude::*;

    use super::*;

    const RATE: Rate = Rate { per_second: 2.0, burst: 3 };

    fn buckets(rate: Rate, keys_max: usize) -> (Buckets, runtime::Hands) {
        let (clock, hands) = Clock::manual(Time(1_000));
        (Buckets::new(rate, keys_max, clock).unwrap(), hands)
    }

    #[test]
    fn a_bucket_is_emptied_and_fills_with_time() {
        let (buckets, hands) = buckets(RATE, 100);
        let half = Duration::from_millis(500);
        let level = |remaining, reset| Level { limit: 3, remaining, reset };
        assert_eq!(buckets.take(1), Ok(level(2, half)));
        assert_eq!(buckets.take(1), Ok(level(1, 2 * half)));
        assert_eq!(buckets.take(1), Ok(level(0, 3 * half)));
        assert_eq!(buckets.take(1), Err(level(0, half)));
        assert_eq!(buckets.take(2), Ok(level(2, half)), "everybody has a bucket of his own");
        hands.advance(half / 2);
        assert_eq!(buckets.take(1), Err(level(0, half / 2)));
        hands.advance(half / 2);
        assert_eq!(buckets.take(1), Ok(level(0, 3 * half)));
    }

    #[test]
    fn looking_takes_nothing() {
        let (buckets, _hands) = buckets(RATE, 100);
        for _ in 0..10 {
            assert!(buckets.look(1).is_ok());
        }
        assert_eq!(buckets.keys(), 0);
        while buckets.take(1).is_ok() {}
        assert!(buckets.look(1).is_err());
    }

    #[test]
    fn a_full_bucket_is_forgotten_and_an_empty_one_is_not() {
        let (buckets, hands) = buckets(RATE, 100);
        while buckets.take(1).is_ok() {}
        hands.advance(Duration::from_millis(400));
        assert!(buckets.take(2).is_ok());
        buckets.tidy();
        assert!(buckets.look(1).is_err());
        assert_eq!(buckets.keys(), 2);
        hands.advance(Duration::from_secs(2));
        buckets.tidy();
        assert_eq!(buckets.keys(), 0);
    }

    #[test]
    fn whoever_finds_no_room_shares() {
        let (buckets, _hands) = buckets(RATE, SHARDS);
        let admitted = (0..10_000).filter(|key| buckets.take(*key).is_ok()).count();
        assert_eq!(buckets.keys(), SHARDS);
        assert_eq!(admitted, SHARDS + 3 * SHARDS, "one of each that has room, three of each shared");
    }

    #[test]
    fn a_rate_of_nothing_is_no_limit() {
        let (clock, _hands) = Clock::manual(Time(0));
        for per_second in [0.0, -1.0, f64::NAN] {
            assert!(Buckets::new(Rate { per_second, burst: 1 }, 10, clock.clone()).is_none());
        }
        assert!(Buckets::new(Rate { per_second: 0.1, burst: 5 }, 10, clock).is_some());
    }

    proptest! {
        /// Whatever the pauses: never more than the burst and what has filled since.
        #[test]
        fn no_more_than_the_rate_gets_through(pauses in prop::collection::vec(0..2_000_u64, 1..200)) {
            let (buckets, hands) = buckets(RATE, 100);
            let (mut admitted, mut passed) = (0, Duration::ZERO);
            for pause in pauses {
                hands.advance(Duration::from_millis(pause));
                passed += Duration::from_millis(pause);
                admitted += u32::from(buckets.take(1).is_ok());
                prop_assert!(f64::from(admitted) <= 3.0 + 2.0 * passed.as_secs_f64());
            }
        }
    }
}
