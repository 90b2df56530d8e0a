//! The member itself: beats, claims, gives up, and knows when it is lost.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use wire::bus::{Beat, Claim, Holding};

use super::ground::{Ears, Ground, Set};
use super::hold::{Hold, Shared, State};
use super::view::{Mine, View};
use super::{Kind, Member, Settings};
use crate::nats::Error;

/// How long a claim, or giving one back, may take.
const SET_MAX: Duration = Duration::from_secs(2);
/// How long to wait after a claim failed; others take what is free meanwhile.
const REST: Duration = Duration::from_secs(1);
/// How long others may take a partition before the one who gave it up does.
const AVOIDED_FOR: Duration = Duration::from_secs(1);
/// How long the owners have to finish when the member leaves.
const LEAVE_WITHIN: Duration = Duration::from_secs(8);
/// Beats under way whose time of sending is remembered.
const BEATS_MAX: usize = 64;

/// What keeps this member's leases. Has to run for as long as anything is held.
#[derive(Debug)]
pub struct Keeper {
    ground: Ground,
    kind: Kind,
    member: Member,
    settings: Settings,
    holds: mpsc::Sender<Hold>,
}

impl Keeper {
    pub(super) fn new(
        ground: Ground,
        kind: Kind,
        member: Member,
        settings: Settings,
        holds: mpsc::Sender<Hold>,
    ) -> Self {
        Self { ground, kind, member, settings, holds }
    }

    /// Share in the partitions until `stop`; then ask for everything held, and return once
    /// it is given back, after 8 s at the latest.
    ///
    /// # Errors
    ///
    /// The others cannot be heard at all.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let mut ears = self.ground.listen(self.kind).await?;
        let mut tick = interval(self.settings.beat);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stop = pin!(stop);
        let mut life = Life::new(self);
        loop {
            let returned = Arc::clone(&life.returned);
            tokio::select! {
                beat = ears.next() => match beat {
                    Some(beat) => life.hear(beat),
                    None => ears = listen_again(&life.keeper).await?,
                },
                _ = tick.tick() => life.told = false,
                () = returned.notified() => {}
                Some(done) = life.work.next() => life.done(done),
                () = &mut stop, if life.leaving.is_none() => life.leave(),
            }
            life.act();
            if !life.told {
                life.tell().await;
            }
            if life.has_left() {
                return Ok(());
            }
        }
    }
}

async fn listen_again(keeper: &Keeper) -> Result<Ears, Error> {
    tokio::time::sleep(keeper.settings.beat).await;
    keeper.ground.listen(keeper.kind).await
}

/// A partition held.
#[derive(Debug)]
struct Held {
    claim: u64,
    since: Instant,
    shared: Arc<Shared>,
    /// Its claim is being given back.
    returning: bool,
}

/// What was tried beside the loop, and what came of it.
enum Done {
    Claimed { partition: u32, outcome: Result<Claimed, String> },
    Returned { partition: u32 },
}

/// What a look at a claim led to.
enum Claimed {
    Won(u64),
    /// Somebody may hold it.
    Taken {
        revision: u64,
        holder: Option<[u8; 16]>,
    },
    Overtaken,
}

struct Life {
    keeper: Keeper,
    view: View,
    held: BTreeMap<u32, Held>,
    mine: Mine,
    /// Claims seen to be free at that revision, to be set.
    avoided: HashMap<u32, Instant>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    returned: Arc<Notify>,
    heard_until: watch::Sender<Option<Instant>>,
    /// When the newest beats were sent.
    sent: VecDeque<(u64, Instant)>,
    count: u64,
    /// Whether the others know what is held now.
    told: bool,
    resting_until: Option<Instant>,
    /// By when this member is gone.
    leaving: Option<Instant>,
}

impl Life {
    fn new(keeper: Keeper) -> Self {
        let view = View::new(keeper.member.id, keeper.ground.partitions(), keeper.settings.term);
        Self {
            keeper,
            view,
            held: BTreeMap::new(),
            mine: Mine::default(),
            avoided: HashMap::new(),
            work: FuturesUnordered::new(),
            returned: Arc::default(),
            heard_until: watch::Sender::new(None),
            sent: VecDeque::new(),
            count: 0,
            told: false,
            resting_until: None,
            leaving: None,
        }
    }

    fn hear(&mut self, beat: Beat) {
        let now = Instant::now();
        if beat.member != self.keeper.member.id {
            self.view.hear(beat, now);
            return;
        }
        while self.sent.front().is_some_and(|(count, _)| *count < beat.count) {
            self.sent.pop_front();
        }
        let Some((_, sent)) = self.sent.pop_front_if(|(count, _)| *count == beat.count) else { return };
        // First what is lost: what was held before a pause is not held again after it.
        self.lose_if_unheard(now);
        self.view.hear_myself(sent, now);
        let Settings { term, guard, .. } = self.keeper.settings;
        self.heard_until.send_replace(Some(sent + term.saturating_sub(guard)));
    }

    fn is_heard(&self, now: Instant) -> bool {
        self.heard_until.borrow().is_some_and(|until| now < until)
    }

    fn lose_if_unheard(&mut self, now: Instant) {
        if self.held.is_empty() || self.is_heard(now) {
            return;
        }
        tracing::warn!(
            kind = self.keeper.kind.name(),
            member = self.keeper.member.name,
            partitions = ?self.held.keys().collect::<Vec<_>>(),
            "not heard by the others for too long; what was held is lost"
        );
        for partition in self.held.keys().copied().collect::<Vec<_>>() {
            self.end(partition);
        }
    }

    /// It is not held any more.
    fn end(&mut self, partition: u32) {
        if let Some(held) = self.held.remove(&partition) {
            held.shared.state.send_replace(State::Over);
            self.told = false;
        }
    }

    /// Everything that follows from what is known now.
    fn act(&mut self) {
        let now = Instant::now();
        self.lose_if_unheard(now);
        self.lose_what_was_taken();
        self.avoided.retain(|_, until| now < *until);
        self.collect_returned(now);
        self.count_mine();
        if self.leaving.is_some() {
            return;
        }
        for partition in self.view.surplus(&self.mine) {
            self.ask_for(partition);
        }
        if self.resting_until.is_none_or(|until| until <= now) && self.is_heard(now) {
            self.resting_until = None;
            for partition in self.view.wanted(&self.mine) {
                self.look_at(partition);
            }
        }
    }

    fn lose_what_was_taken(&mut self) {
        let overtaken = |(partition, held): (&u32, &Held)| {
            self.view.is_overtaken(*partition, held.claim).then_some(*partition)
        };
        for partition in self.held.iter().filter_map(overtaken).collect::<Vec<_>>() {
            tracing::warn!(
                kind = self.keeper.kind.name(),
                partition,
                "another holds the partition; it is lost"
            );
            self.end(partition);
        }
    }

    /// Give the claims back of what the owners have finished with.
    fn collect_returned(&mut self, now: Instant) {
        for (partition, held) in &mut self.held {
            if *held.shared.state.borrow() != State::Returned || held.returning {
                continue;
            }
            held.returning = true;
            self.told = false;
            self.avoided.insert(*partition, now + AVOIDED_FOR);
            let (ground, kind) = (self.keeper.ground.clone(), self.keeper.kind);
            let (partition, claim) = (*partition, held.claim);
            self.work.push(Box::pin(async move {
                let nobody = Claim { member: None, name: String::new() };
                let set = timeout(SET_MAX, ground.set(kind, partition, claim, nobody)).await;
                if !matches!(set, Ok(Ok(Set::Done(_)))) {
                    // Nobody says that he holds it; after a term it is free all the same.
                    tracing::debug!(partition, ?set, "a claim could not be given back");
                }
                Done::Returned { partition }
            }));
        }
    }

    fn count_mine(&mut self) {
        let states = self.held.iter().map(|(partition, held)| (*partition, *held.shared.state.borrow()));
        let (kept, giving): (Vec<_>, Vec<_>) = states.partition(|(_, state)| *state == State::Held);
        self.mine.kept = kept.into_iter().map(|(partition, _)| partition).collect();
        self.mine.giving = giving.into_iter().map(|(partition, _)| partition).collect();
        self.mine.avoided = self.avoided.keys().copied().collect();
    }

    fn ask_for(&mut self, partition: u32) {
        if let Some(held) = self.held.get(&partition) {
            tracing::info!(kind = self.keeper.kind.name(), partition, "giving the partition up to another");
            let asked = |state: &mut State| {
                let held = *state == State::Held;
                if held {
                    *state = State::Asked;
                }
                held
            };
            held.shared.state.send_if_modified(asked);
            self.mine.kept.remove(&partition);
            self.mine.giving.insert(partition);
            self.told = false;
        }
    }

    /// See who claims the partition, and claim it if it is free.
    fn look_at(&mut self, partition: u32) {
        self.mine.claiming.insert(partition);
        let (ground, kind) = (self.keeper.ground.clone(), self.keeper.kind);
        self.work.push(Box::pin(async move {
            let read = timeout(SET_MAX, ground.claim(kind, partition)).await;
            let outcome = match read {
                Ok(Ok((revision, claim))) => Ok(Claimed::Taken { revision, holder: claim.member }),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("timed out".to_owned()),
            };
            Done::Claimed { partition, outcome }
        }));
    }

    fn set(&mut self, partition: u32, revision: u64) {
        self.mine.claiming.insert(partition);
        let (ground, kind) = (self.keeper.ground.clone(), self.keeper.kind);
        let Member { id, name } = self.keeper.member.clone();
        self.work.push(Box::pin(async move {
            let claim = Claim { member: Some(id), name };
            let set = timeout(SET_MAX, ground.set(kind, partition, revision, claim)).await;
            let outcome = match set {
                Ok(Ok(Set::Done(revision))) => Ok(Claimed::Won(revision)),
                Ok(Ok(Set::Overtaken)) => Ok(Claimed::Overtaken),
                Ok(Err(error)) => Err(error.to_string()),
                Err(_) => Err("timed out".to_owned()),
            };
            Done::Claimed { partition, outcome }
        }));
    }

    fn done(&mut self, done: Done) {
        let now = Instant::now();
        match done {
            Done::Returned { partition } => self.end(partition),
            Done::Claimed { partition, outcome } => {
                self.mine.claiming.remove(&partition);
                match outcome {
                    Ok(Claimed::Won(claim)) => self.won(partition, claim, now),
                    Ok(Claimed::Taken { revision, holder }) => {
                        if self.leaving.is_none() && self.view.is_free(partition, revision, holder, now) {
                            self.set(partition, revision);
                        } else {
                            self.avoided.insert(partition, now + self.keeper.settings.beat / 4);
                        }
                    }
                    Ok(Claimed::Overtaken) => {}
                    Err(error) => {
                        tracing::warn!(
                            kind = self.keeper.kind.name(),
                            partition,
                            error,
                            "a partition cannot be claimed; trying again"
                        );
                        self.resting_until = Some(now + REST);
                        self.told = false;
                    }
                }
            }
        }
    }

    fn won(&mut self, partition: u32, claim: u64, now: Instant) {
        tracing::info!(kind = self.keeper.kind.name(), partition, "holding the partition");
        let shared = Arc::new(Shared {
            state: watch::Sender::new(State::Held),
            standing: Mutex::default(),
            returned: Arc::clone(&self.returned),
        });
        let hold = Hold::new(partition, Arc::clone(&shared), self.heard_until.subscribe());
        self.held.insert(partition, Held { claim, since: now, shared, returning: false });
        self.told = false;
        // Without an owner who takes it, it is given back as it is dropped.
        let taken = self.leaving.is_none() && self.keeper.holds.try_send(hold).is_ok();
        if !taken {
            tracing::debug!(partition, "nobody takes the partition; giving it back");
        }
    }

    fn leave(&mut self) {
        self.leaving = Some(Instant::now() + LEAVE_WITHIN);
        self.told = false;
        for partition in self.held.keys().copied().collect::<Vec<_>>() {
            self.ask_for(partition);
        }
    }

    fn has_left(&self) -> bool {
        let Some(by) = self.leaving else { return false };
        let empty = self.held.is_empty() && self.work.is_empty();
        empty && self.told || Instant::now() >= by
    }

    async fn tell(&mut self) {
        let now = Instant::now();
        self.count += 1;
        let holding = |(partition, held): (&u32, &Held)| Holding {
            partition: *partition,
            claim: held.claim,
            held_for: now.duration_since(held.since),
            yielding: *held.shared.state.borrow() != State::Held,
            standing: held.shared.standing.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        let beat = Beat {
            member: self.keeper.member.id,
            name: self.keeper.member.name.clone(),
            count: self.count,
            leaving: self.leaving.is_some() || self.resting_until.is_some(),
            holdings: self.held.iter().map(holding).collect(),
        };
        self.sent.push_back((self.count, now));
        if self.sent.len() > BEATS_MAX {
            self.sent.pop_front();
        }
        if let Err(error) = self.keeper.ground.beat(self.keeper.kind, beat).await {
            tracing::debug!(%error, "a beat could not be sent");
        }
        self.told = true;
    }
}
