//! What one member knows of all, and what follows: who is dead, what to claim, what to give
//! up. Pure: times are arguments.
//!
//! The rule of shares: with n members that take, each holds ⌊P/n⌋ or ⌈P/n⌉ of P partitions.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;
use wire::bus::Beat;

/// A member's id.
pub(super) type Id = [u8; 16];

/// Partitions that are given up at the same time, so that a newcomer does not stop half of
/// the log at once.
const GIVEN_UP_MAX: usize = 4;

#[derive(Debug)]
struct Other {
    heard: Instant,
    beat: Beat,
}

/// What this member knows.
#[derive(Debug)]
pub(super) struct View {
    me: Id,
    partitions: u32,
    term: Duration,
    others: BTreeMap<Id, Other>,
    /// When the newest of my beats that came back was sent: by then I had heard all others'.
    echoed: Option<Instant>,
    /// Claims by others that I have seen, and since when each is the same.
    claims: HashMap<u32, (u64, Instant)>,
}

/// What this member has in its hands.
#[derive(Debug, Default, Clone)]
pub(super) struct Mine {
    /// Held, and to be kept.
    pub(super) kept: BTreeSet<u32>,
    /// Held, and about to be given up.
    pub(super) giving: BTreeSet<u32>,
    /// Claimed, and not known to be won yet.
    pub(super) claiming: BTreeSet<u32>,
    /// Given up by its owner just now: others first.
    pub(super) avoided: BTreeSet<u32>,
}

impl View {
    pub(super) fn new(me: Id, partitions: u32, term: Duration) -> Self {
        Self { me, partitions, term, others: BTreeMap::new(), echoed: None, claims: HashMap::new() }
    }

    /// Another's beat arrived.
    pub(super) fn hear(&mut self, beat: Beat, now: Instant) {
        if self.others.get(&beat.member).is_some_and(|other| other.beat.count >= beat.count) {
            return;
        }
        self.others.insert(beat.member, Other { heard: now, beat });
    }

    /// My own beat, sent at `sent`, came back. Who was away himself cannot tell who is
    /// dead: then everybody's silence begins anew.
    pub(super) fn hear_myself(&mut self, sent: Instant, now: Instant) {
        let was_away = self.echoed.is_none_or(|before| sent.duration_since(before) > self.term / 2);
        if was_away {
            for other in self.others.values_mut() {
                other.heard = now;
            }
            for (_, since) in self.claims.values_mut() {
                *since = now;
            }
        }
        self.echoed = Some(sent);
        let silent: Vec<Id> =
            self.others.keys().copied().filter(|id| self.silent_for(*id) > self.term * 4).collect();
        for id in silent {
            self.others.remove(&id);
        }
    }

    /// For how long a member has certainly said nothing: up to the moment at which I sent
    /// what I have heard back since, and so would have heard him too.
    fn silent_for(&self, id: Id) -> Duration {
        match (self.others.get(&id), self.echoed) {
            (Some(other), Some(echoed)) => echoed.saturating_duration_since(other.heard),
            (_, _) => Duration::ZERO,
        }
    }

    fn is_living(&self, id: Id) -> bool {
        self.others.contains_key(&id) && self.silent_for(id) < self.term
    }

    fn living(&self) -> impl Iterator<Item = &Beat> {
        self.others.iter().filter(|(id, _)| self.is_living(**id)).map(|(_, other)| &other.beat)
    }

    /// Whether a living member says that it holds the partition.
    fn is_held_by_another(&self, partition: u32) -> bool {
        self.living().any(|beat| beat.holdings.iter().any(|holding| holding.partition == partition))
    }

    /// Whether another holds the partition by a claim newer than mine.
    pub(super) fn is_overtaken(&self, partition: u32, claim: u64) -> bool {
        self.living().any(|beat| {
            beat.holdings.iter().any(|holding| holding.partition == partition && holding.claim > claim)
        })
    }

    /// Whether a claim of that revision, by `holder`, binds nobody: it is free or mine, its
    /// holder is dead, or it has stood for a term without anybody saying that he holds it.
    pub(super) fn is_free(
        &mut self,
        partition: u32,
        revision: u64,
        holder: Option<Id>,
        now: Instant,
    ) -> bool {
        let Some(holder) = holder.filter(|holder| *holder != self.me) else { return true };
        let seen = self.claims.entry(partition).or_insert((revision, now));
        if seen.0 != revision {
            *seen = (revision, now);
        }
        let since = seen.1;
        if self.is_held_by_another(partition) {
            return false;
        }
        let known = self.others.contains_key(&holder);
        if known && !self.is_living(holder) {
            return true;
        }
        self.echoed.is_some_and(|echoed| echoed.saturating_duration_since(since) >= self.term)
    }

    /// How many partitions each living member that takes has, the ones it will keep.
    fn counts(&self) -> BTreeMap<Id, usize> {
        let kept = |beat: &Beat| beat.holdings.iter().filter(|holding| !holding.yielding).count();
        self.living().filter(|beat| !beat.leaving).map(|beat| (beat.member, kept(beat))).collect()
    }

    /// The smaller and the larger share of each, me included.
    fn shares(&self) -> (usize, usize) {
        let (partitions, members) = (self.partitions as usize, self.counts().len() + 1);
        (partitions / members, partitions.div_ceil(members))
    }

    /// Partitions in the order in which I like them, which is another for each member.
    fn liked(&self) -> impl Iterator<Item = u32> + use<> {
        let counts = self.counts();
        let before = counts.keys().filter(|id| **id < self.me).count();
        let partitions = self.partitions;
        let first = before * partitions as usize / (counts.len() + 1);
        let first = u32::try_from(first).unwrap_or(0);
        (0..partitions).map(move |n| (first + n) % partitions)
    }

    /// What to claim now. Up to the smaller share at once; beyond it only while nobody has
    /// less.
    pub(super) fn wanted(&self, mine: &Mine) -> Vec<u32> {
        // Before I have heard myself I have heard nobody.
        if self.echoed.is_none() {
            return vec![];
        }
        let (smaller, larger) = self.shares();
        let have = mine.kept.len() + mine.claiming.len();
        let room = if have < smaller {
            smaller - have
        } else {
            let nobody_has_less = self.counts().values().all(|count| *count >= smaller);
            usize::from(have < larger && nobody_has_less)
        };
        let free = |partition: &u32| {
            let busy = [&mine.kept, &mine.giving, &mine.claiming, &mine.avoided];
            !busy.iter().any(|set| set.contains(partition)) && !self.is_held_by_another(*partition)
        };
        self.liked().filter(free).take(room).collect()
    }

    /// What to give up now, because another has less than his share.
    pub(super) fn surplus(&self, mine: &Mine) -> Vec<u32> {
        let (smaller, larger) = self.shares();
        let counts = self.counts();
        let have = mine.kept.len();
        let too_many = if have > larger {
            (have - larger).min(GIVEN_UP_MAX.saturating_sub(mine.giving.len()))
        } else {
            // All partitions are held, and still somebody has too few: one of the richest,
            // the first by name, gives him one.
            let held = have + counts.values().sum::<usize>();
            let poor = counts.values().any(|count| *count < smaller);
            let first = !counts.iter().any(|(id, count)| *count > have || *count == have && *id < self.me);
            usize::from(have > smaller && poor && held == self.partitions as usize && first)
        };
        let mut kept: Vec<u32> = self.liked().filter(|partition| mine.kept.contains(partition)).collect();
        kept.split_off(kept.len() - too_many.min(kept.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::bus::{Holding, Standing};

    const ME: Id = [5; 16];
    const OTHER: Id = [9; 16];
    const TERM: Duration = Duration::from_millis(1_500);

    fn beat(count: u64, partitions: &[u32]) -> Beat {
        let holding = |partition: &u32| Holding {
            partition: *partition,
            claim: 3,
            held_for: Duration::ZERO,
            yielding: false,
            standing: Standing::default(),
        };
        let holdings = partitions.iter().map(holding).collect();
        Beat { member: OTHER, name: "other".to_owned(), count, leaving: false, holdings }
    }

    /// Time, and a view in which I hear myself every 300 ms, and the other in the first one.
    struct World {
        view: View,
        start: Instant,
    }

    impl World {
        fn new() -> Self {
            let mut world = Self { view: View::new(ME, 4, TERM), start: Instant::now() };
            world.hear_myself(0);
            world.hear(1, 10);
            world
        }

        fn at(&self, millis: u64) -> Instant {
            self.start + Duration::from_millis(millis)
        }

        fn hear_myself(&mut self, millis: u64) {
            let now = self.at(millis);
            self.view.hear_myself(now, now);
        }

        fn hear(&mut self, count: u64, millis: u64) {
            let now = self.at(millis);
            self.view.hear(beat(count, &[0]), now);
        }

        fn is_free(&mut self, revision: u64, holder: Option<Id>, millis: u64) -> bool {
            let now = self.at(millis);
            self.view.is_free(0, revision, holder, now)
        }
    }

    #[test]
    fn who_is_silent_for_a_term_is_dead() {
        let mut world = World::new();
        for millis in (300..=1_500).step_by(300) {
            world.hear_myself(millis);
            assert!(!world.is_free(3, Some(OTHER), millis), "after {millis} ms");
        }
        world.hear_myself(1_800);
        assert!(world.is_free(3, Some(OTHER), 1_800));
    }

    #[test]
    fn time_that_passes_without_a_word_of_my_own_says_nothing() {
        let mut world = World::new();
        assert!(!world.is_free(3, Some(OTHER), 60_000), "I may be the one who is not heard");
    }

    #[test]
    fn who_was_away_himself_cannot_tell_who_is_dead() {
        let mut world = World::new();
        // Away for ten terms: the other's beats of that time are lost.
        world.hear_myself(15_000);
        assert!(!world.is_free(3, Some(OTHER), 15_001));
        for millis in (15_300..=16_500).step_by(300) {
            world.hear_myself(millis);
        }
        assert!(world.is_free(3, Some(OTHER), 16_500), "he has had a term to say something");
    }

    #[test]
    fn a_claim_binds_while_somebody_says_that_he_holds_it() {
        let mut world = World::new();
        assert!(world.is_free(3, None, 20), "nobody's");
        assert!(world.is_free(3, Some(ME), 20), "mine");
        assert!(!world.is_free(3, Some([1; 16]), 20), "a stranger's, whom I may not have heard yet");
        let mut count = 1;
        for millis in (300..=3_000).step_by(300) {
            world.hear_myself(millis);
            count += 1;
            world.hear(count, millis);
        }
        assert!(!world.is_free(3, Some([1; 16]), 3_000), "the other says that he holds it");
        world.view.hear(beat(count + 1, &[]), world.start + Duration::from_millis(3_001));
        assert!(world.is_free(3, Some([1; 16]), 3_001), "the same for a term, and nobody holds it");
        assert!(!world.is_free(4, Some([1; 16]), 3_002), "a new claim has its own term");
    }
}
