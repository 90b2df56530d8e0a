//! The one place that asks the system what time it is.
//!
//! The wall clock may jump, also backwards: what must not go back keeps its own last
//! value. Durations are measured with [`Clock::instant`], which never goes back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use domain::Time;

/// Tells the time. Cheap to clone; every clone shows the same time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Hands),
}

impl Clock {
    /// The clock of the system.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock for tests that shows `start` until its hands are moved.
    pub fn manual(start: Time) -> (Self, Hands) {
        let face = Face { wall: Duration::from_millis(start.0), instant: Instant::now() };
        let hands = Hands(Arc::new(Mutex::new(face)));
        (Self(Source::Manual(hands.clone())), hands)
    }

    /// Milliseconds since 1970 by the wall clock; 0 if it stands before that.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
    pub fn now(&self) -> Time {
        let wall = match &self.0 {
            Source::System => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
            Source::Manual(hands) => hands.face().wall,
        };
        Time(u64::try_from(wall.as_millis()).unwrap_or(u64::MAX))
    }

    /// A point in time that only measures: it never goes back.
    pub fn instant(&self) -> Instant {
        match &self.0 {
            Source::System => Instant::now(),
            Source::Manual(hands) => hands.face().instant,
        }
    }
}

/// Moves a manual [`Clock`].
#[derive(Clone, Debug)]
pub struct Hands(Arc<Mutex<Face>>);

#[derive(Debug)]
struct Face {
    wall: Duration,
    instant: Instant,
}

impl Hands {
    /// Let `by` pass, on the wall and in instants.
    pub fn advance(&self, by: Duration) {
        let mut face = self.face();
        face.wall += by;
        face.instant += by;
    }

    /// Set the wall clock, also backwards, as an administrator would; no time passes.
    pub fn set(&self, wall: Time) {
        self.face().wall = Duration::from_millis(wall.0);
    }

    fn face(&self) -> MutexGuard<'_, Face> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let (clock, hands) = Clock::manual(Time(1_000));
        let (other, begun) = (clock.clone(), clock.instant());
        assert_eq!(clock.now(), Time(1_000));
        hands.advance(Duration::from_micros(2_500));
        assert_eq!(other.now(), Time(1_002));
        assert_eq!(other.instant() - begun, Duration::from_micros(2_500));
    }

    #[test]
    fn a_wall_clock_set_back_takes_no_instant_back() {
        let (clock, hands) = Clock::manual(Time(5_000));
        let begun = clock.instant();
        hands.set(Time(10));
        assert_eq!((clock.now(), clock.instant()), (Time(10), begun));
    }

    #[test]
    fn the_system_clock_counts_milliseconds_since_1970() {
        let clock = Clock::system();
        let (first, second) = (clock.instant(), clock.instant());
        assert!(first <= second);
        let year_2020 = Time(1_577_836_800_000);
        let year_2200 = Time(7_258_118_400_000);
        assert!((year_2020..year_2200).contains(&clock.now()));
    }
}
