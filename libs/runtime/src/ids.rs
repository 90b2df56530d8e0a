//! Makes ids: names in the order of time, and bytes nobody can guess.
//!
//! A made message or dialog id is 4 bytes of seconds, 4 bytes that grow (10 bits of
//! millisecond, 22 bits of counter) and 4 bytes drawn once per process. The first eight
//! never go back, even when the clock does: ids made one after another sort as text in
//! that order. The last four keep processes apart. Such an id can be guessed, and need
//! not be secret; tokens and keys come from [`Ids::random`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use domain::{DialogId, MessageId, Time};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

const COUNTER_BITS: u32 = 22;

/// Seconds are held in 32 bits (until the year 2106); the last one is kept free, so that
/// a clock gone mad leaves room to count on.
const SECONDS_MAX: u64 = u32::MAX as u64 - 1;

/// Makes ids. Cheap to clone; all clones share one order.
#[derive(Clone, Debug)]
pub struct Ids(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    last: AtomicU64,
    process: [u8; 4],
    chance: Chance,
}

#[derive(Debug)]
enum Chance {
    System,
    Seeded(Box<Mutex<StdRng>>),
}

impl Ids {
    /// Ids for a process: its own four bytes, and chance from a generator that is fit for
    /// secrets and seeded by the operating system.
    pub fn system() -> Self {
        Self::new(Chance::System)
    }

    /// The same ids for the same seed and the same calls, for tests.
    pub fn seeded(seed: u64) -> Self {
        Self::new(Chance::Seeded(Box::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    fn new(chance: Chance) -> Self {
        let mut process = [0; 4];
        chance.fill(&mut process);
        Self(Arc::new(Inner { last: AtomicU64::new(0), process, chance }))
    }

    /// A message id that sorts after every id made before it here.
    pub fn message_id(&self, now: Time) -> MessageId {
        let (seconds, rest) = self.next(now);
        MessageId::from_parts(seconds, rest)
    }

    /// A dialog id that sorts after every id made before it here.
    pub fn dialog_id(&self, now: Time) -> DialogId {
        let (seconds, rest) = self.next(now);
        DialogId::from_parts(seconds, rest)
    }

    /// An event's id: a UUID of version 7. Within one millisecond their order is chance.
    pub fn event_id(&self, now: Time) -> [u8; 16] {
        uuid::Builder::from_unix_timestamp_millis(now.0, &self.random()).into_uuid().into_bytes()
    }

    /// `N` bytes nobody can guess, for tokens and keys.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.chance.fill(&mut bytes);
        bytes
    }

    fn next(&self, now: Time) -> (u32, [u8; 8]) {
        let seconds = now.seconds().min(SECONDS_MAX);
        let wanted = seconds << 32 | (now.0 % 1_000) << COUNTER_BITS;
        // Ordering: the value itself is all that is shared.
        let mut last = self.0.last.load(Ordering::Relaxed);
        let made = loop {
            let made = last.wrapping_add(1).max(wanted);
            match self.0.last.compare_exchange_weak(last, made, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break made,
                Err(newer) => last = newer,
            }
        };
        let [s0, s1, s2, s3, g0, g1, g2, g3] = made.to_be_bytes();
        let [p0, p1, p2, p3] = self.0.process;
        (u32::from_be_bytes([s0, s1, s2, s3]), [g0, g1, g2, g3, p0, p1, p2, p3])
    }
}

impl Chance {
    fn fill(&self, bytes: &mut [u8]) {
        match self {
            Self::System => rand::rng().fill_bytes(bytes),
            Self::Seeded(generator) => {
                generator.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time(1_795_441_000_123);

    proptest! {
        #[test]
        fn ids_sort_as_text_in_the_order_made(
            seed: u64,
            times in prop::collection::vec(prop_oneof![Just(NOW.0), NOW.0..NOW.0 + 50, any::<u64>()], 2..100),
        ) {
            let ids = Ids::seeded(seed);
            let made: Vec<String> = times
                .iter()
                .enumerate()
                .map(|(turn, now)| match turn % 2 {
                    0 => ids.message_id(Time(*now)).to_string(),
                    _ => ids.dialog_id(Time(*now)).to_string(),
                })
                .collect();
            prop_assert!(made.windows(2).all(|pair| pair[0] < pair[1]), "{made:?}");
        }

        #[test]
        fn an_id_begins_with_its_second(seed: u64, seconds in 1_000_000_000..SECONDS_MAX, milli in 0..1_000_u64) {
            let id = Ids::seeded(seed).message_id(Time(seconds * 1_000 + milli)).to_string();
            prop_assert_eq!(&id[..8], format!("{seconds:08x}"));
        }
    }

    #[test]
    fn no_two_threads_make_the_same_id() {
        let ids = Ids::system();
        let made: Vec<Vec<MessageId>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..5_000).map(|_| ids.message_id(NOW)).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(made.iter().all(|one| one.is_sorted()));
        assert_eq!(made.into_iter().flatten().collect::<HashSet<_>>().len(), 20_000);
    }

    #[test]
    fn no_two_processes_make_the_same_id() {
        let [one, other] = [Ids::system(), Ids::system()];
        assert_ne!(one.message_id(NOW), other.message_id(NOW));
        assert_ne!(one.dialog_id(NOW), other.dialog_id(NOW));
    }

    #[test]
    fn a_clock_set_back_takes_no_id_back() {
        let ids = Ids::seeded(1);
        let before = ids.message_id(NOW);
        assert!(ids.message_id(Time(NOW.0 - 3_600_000)) > before);
    }

    #[test]
    fn an_event_id_is_a_uuid_of_version_7() {
        let ids = Ids::system();
        let id = uuid::Uuid::from_bytes(ids.event_id(NOW));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(u128::from(NOW.0), id.as_u128() >> 80);
        assert!(ids.event_id(Time(NOW.0 + 1)) > *id.as_bytes());
        assert_ne!(ids.event_id(NOW), ids.event_id(NOW));
    }

    #[test]
    fn chance_is_repeated_only_by_a_seed() {
        assert_eq!(Ids::seeded(7).random::<32>(), Ids::seeded(7).random::<32>());
        assert_ne!(Ids::seeded(7).random::<32>(), Ids::seeded(8).random::<32>());
        assert_ne!(Ids::system().random::<32>(), Ids::system().random::<32>());
    }
}
