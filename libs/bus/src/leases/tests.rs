//! Members within one process, in time that is only thought: whatever happens to them,
//! nobody holds what another holds, and in the end all is held and fairly shared.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use super::{Ground, Hold, Kind, Member, Settings, Standing, holders, join};

/// Long enough for everybody to be noticed and everything to be shared out.
const SETTLED: Duration = Duration::from_secs(10);

/// A process that shares in the partitions: takes what it gets, and gives back what is
/// asked for after a moment.
struct Process {
    keeper: AbortHandle,
    paused: watch::Sender<bool>,
    stop: watch::Sender<bool>,
    /// What it believes to hold; it looks at its own clock only.
    holds: Arc<Mutex<BTreeMap<u32, Arc<Hold>>>>,
    living: bool,
}

struct World {
    ground: Ground,
    partitions: u32,
    processes: Vec<Process>,
    tasks: JoinSet<()>,
}

impl World {
    fn new(partitions: u32) -> Self {
        Self { ground: Ground::memory(partitions), partitions, processes: vec![], tasks: JoinSet::new() }
    }

    fn start(&mut self) {
        let number = u8::try_from(self.processes.len()).unwrap();
        // Later ones come before and after earlier ones in the order of ids.
        let id = [number.wrapping_mul(89); 16];
        let member = Member { id, name: format!("process-{number}") };
        let (mut leases, keeper) = join(self.ground.clone(), Kind::Writer, member, Settings::default());
        let (paused, stop) = (watch::Sender::new(false), watch::Sender::new(false));
        let mut stopped = stop.subscribe();
        let running = keeper.run(async move { stopped.wait_for(|stop| *stop).await.map(drop).unwrap() });
        let keeper = self.tasks.spawn(pausable(paused.subscribe(), async { running.await.unwrap() }));
        let holds: Arc<Mutex<BTreeMap<u32, Arc<Hold>>>> = Arc::default();
        let owned = Arc::clone(&holds);
        self.tasks.spawn(pausable(paused.subscribe(), async move {
            let mut owners = JoinSet::new();
            while let Some(hold) = leases.next().await {
                let hold = Arc::new(hold);
                owned.lock().unwrap().insert(hold.partition(), Arc::clone(&hold));
                owners.spawn(own(hold, Arc::clone(&owned)));
            }
            owners.join_all().await;
        }));
        self.processes.push(Process { keeper, paused, stop, holds, living: true });
    }

    /// Let time pass, and look every 10 ms whether two believe to hold the same.
    async fn pass(&self, span: Duration) {
        for _ in 0..span.as_millis() / 10 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            for partition in 0..self.partitions {
                let believers = self.believers(partition);
                assert!(believers.len() < 2, "{believers:?} believe to hold {partition}");
            }
        }
    }

    fn believers(&self, partition: u32) -> Vec<usize> {
        let believes = |process: &Process| {
            process.holds.lock().unwrap().get(&partition).is_some_and(|hold| hold.is_held())
        };
        (0..self.processes.len()).filter(|number| believes(&self.processes[*number])).collect()
    }

    /// How many partitions each living process holds, if all are held.
    fn shares(&self) -> Vec<usize> {
        let mut shares = vec![0; self.processes.len()];
        for partition in 0..self.partitions {
            for holder in self.believers(partition) {
                shares[holder] += 1;
            }
        }
        assert_eq!(shares.iter().sum::<usize>(), self.partitions as usize, "{shares:?}");
        let living = |number: &usize| self.processes[*number].living;
        (0..shares.len()).filter(living).map(|number| shares[number]).collect()
    }

    fn kill(&mut self, number: usize) {
        self.processes[number].keeper.abort();
        self.processes[number].paused.send_replace(true);
        self.processes[number].living = false;
    }

    fn leave(&mut self, number: usize) {
        self.processes[number].stop.send_replace(true);
        self.processes[number].living = false;
    }
}

/// Finish what was accepted, then give the partition back; or stop where it is lost.
async fn own(hold: Arc<Hold>, holds: Arc<Mutex<BTreeMap<u32, Arc<Hold>>>>) {
    hold.ending().await;
    if hold.is_held() {
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let partition = hold.partition();
    let mut holds = holds.lock().unwrap();
    if holds.get(&partition).is_some_and(|other| Arc::ptr_eq(other, &hold)) {
        holds.remove(&partition);
    }
}

/// `inner`, which does not run while it is paused, as if the process were stopped.
async fn pausable(mut paused: watch::Receiver<bool>, inner: impl Future<Output = ()>) {
    let mut inner = pin!(inner);
    loop {
        let running =
            poll_fn(|context| if *paused.borrow() { Poll::Pending } else { inner.as_mut().poll(context) });
        tokio::select! {
            () = running => return,
            changed = { let mut paused = paused.clone(); async move { paused.changed().await } } => {
                if changed.is_err() {
                    return;
                }
                paused.mark_unchanged();
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_holds_all_and_a_second_gets_his_share() {
    let mut world = World::new(16);
    world.start();
    world.pass(SETTLED).await;
    assert_eq!(world.shares(), [16]);
    world.start();
    world.pass(SETTLED).await;
    assert_eq!(world.shares(), [8, 8]);
    world.start();
    world.pass(SETTLED).await;
    let mut shares = world.shares();
    shares.sort_unstable();
    assert_eq!(shares, [5, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn what_a_dead_one_held_is_held_by_another_within_two_seconds() {
    let mut world = World::new(16);
    world.start();
    world.start();
    world.pass(SETTLED).await;
    world.kill(0);
    world.pass(Duration::from_millis(2_000)).await;
    assert_eq!(world.shares(), [16]);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_hands_over_at_once() {
    let mut world = World::new(16);
    world.start();
    world.start();
    world.pass(SETTLED).await;
    world.leave(1);
    world.pass(Duration::from_millis(200)).await;
    assert_eq!(world.shares(), [16]);
    assert!(world.processes[1].keeper.is_finished(), "it has left");
}

#[tokio::test(start_paused = true)]
async fn who_was_stopped_for_longer_than_his_term_has_lost_everything() {
    let mut world = World::new(4);
    world.start();
    world.start();
    world.pass(SETTLED).await;
    let held = Arc::clone(world.processes[0].holds.lock().unwrap().values().next().unwrap());
    world.processes[0].paused.send_replace(true);
    world.pass(Duration::from_secs(3)).await;
    assert!(!held.is_held());
    assert_eq!(world.shares(), [0, 4]);
    world.processes[0].paused.send_replace(false);
    world.pass(SETTLED).await;
    assert!(!held.is_held(), "what was lost does not come back");
    assert_eq!(world.shares(), [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_partition_given_up_by_its_owner_is_held_again() {
    let ground = Ground::memory(1);
    let member = Member { id: [1; 16], name: "only".to_owned() };
    let (mut leases, keeper) = join(ground, Kind::Projector, member, Settings::default());
    let owner = async {
        for _ in 0..3 {
            leases.next().await.unwrap().release().await;
        }
    };
    tokio::select! {
        outcome = keeper.run(std::future::pending()) => panic!("{outcome:?}"),
        () = owner => {}
    }
}

#[tokio::test(start_paused = true)]
async fn everybody_can_see_who_holds_what() {
    let mut world = World::new(2);
    world.start();
    world.start();
    world.pass(SETTLED).await;
    for process in &world.processes {
        for hold in process.holds.lock().unwrap().values() {
            hold.say(Standing { term: 7, next: 70, time_ms: 700, stopped: None });
        }
    }
    world.pass(Duration::from_secs(1)).await;
    let found = holders(&world.ground, Kind::Writer, Duration::from_millis(700)).await.unwrap();
    let named: Vec<_> = found.iter().map(|holder| holder.name.as_str()).collect();
    assert_eq!(named, ["process-0", "process-1"]);
    for holder in found {
        assert_eq!(holder.holdings.len(), 1);
        assert_eq!(holder.holdings[0].standing.next, 70);
        assert!(holder.holdings[0].held_for > Duration::from_secs(5));
    }
    let none = holders(&world.ground, Kind::Projector, Duration::from_millis(700)).await.unwrap();
    assert_eq!(none, [], "projectors share out on their own");
}

/// What may happen to processes.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Start,
    Kill(prop::sample::Index),
    Leave(prop::sample::Index),
    Pause(prop::sample::Index),
    Resume(prop::sample::Index),
}

fn happening() -> impl Strategy<Value = Happening> {
    let which = any::<prop::sample::Index>;
    prop_oneof![
        2 => Just(Happening::Start),
        1 => which().prop_map(Happening::Kill),
        1 => which().prop_map(Happening::Leave),
        2 => which().prop_map(Happening::Pause),
        2 => which().prop_map(Happening::Resume),
    ]
}

impl World {
    fn happen(&mut self, happening: Happening) {
        let count = self.processes.len();
        match happening {
            Happening::Start if count < 6 => self.start(),
            Happening::Start => {}
            Happening::Kill(which) => self.kill(which.index(count)),
            Happening::Leave(which) => self.leave(which.index(count)),
            Happening::Pause(which) => {
                self.processes[which.index(count)].paused.send_replace(true);
            }
            Happening::Resume(which) => {
                let process = &self.processes[which.index(count)];
                // The dead stay so.
                process.paused.send_replace(process.keeper.is_finished());
            }
        }
    }

    /// Everybody who is not dead runs again, and somebody is there.
    fn calm(&mut self) {
        for process in &self.processes {
            process.paused.send_replace(process.keeper.is_finished());
        }
        if !self.processes.iter().any(|process| process.living) {
            self.start();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn nobody_holds_what_another_holds_and_all_is_shared_in_the_end(
        partitions in 1..17u32,
        happenings in vec((happening(), 0..2_500u64), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(partitions);
            world.start();
            for (happening, millis) in happenings {
                world.happen(happening);
                world.pass(Duration::from_millis(millis)).await;
            }
            world.calm();
            world.pass(SETTLED).await;
            let shares = world.shares();
            let (least, most) = (shares.iter().min().unwrap(), shares.iter().max().unwrap());
            assert!(most - least <= 1, "{shares:?}");
        });
    }
}
