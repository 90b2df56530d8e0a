//! Leases over a real cluster of three servers.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bus::leases::{Ground, Hold, Kind, Member, Settings, holders, join};
use bus::nats::Bus;
use engines::{Nats, Profile};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::support::{bus, in_time, until};

const PARTITIONS: u32 = 8;

/// A process that gives back what is asked for at once.
struct Process {
    holds: Arc<Mutex<BTreeMap<u32, Arc<Hold>>>>,
    stop: watch::Sender<bool>,
    keeper: AbortHandle,
}

fn start(tasks: &mut JoinSet<()>, bus: &Bus, number: u8) -> Process {
    let member = Member { id: [number; 16], name: format!("process-{number}") };
    let ground = Ground::nats(bus.clone(), 3);
    let (mut leases, keeper) = join(ground, Kind::Writer, member, Settings::default());
    let stop = watch::Sender::new(false);
    let mut stopped = stop.subscribe();
    let keeper = tasks.spawn(async move {
        keeper.run(async { drop(stopped.wait_for(|stop| *stop).await) }).await.unwrap();
    });
    let holds: Arc<Mutex<BTreeMap<u32, Arc<Hold>>>> = Arc::default();
    let owned = Arc::clone(&holds);
    tasks.spawn(async move {
        let mut owners = JoinSet::new();
        while let Some(hold) = leases.next().await {
            let (hold, owned) = (Arc::new(hold), Arc::clone(&owned));
            owned.lock().unwrap().insert(hold.partition(), Arc::clone(&hold));
            owners.spawn(async move {
                hold.ending().await;
                let mut owned = owned.lock().unwrap();
                if owned.get(&hold.partition()).is_some_and(|other| Arc::ptr_eq(other, &hold)) {
                    owned.remove(&hold.partition());
                }
            });
        }
        owners.join_all().await;
    });
    Process { holds, stop, keeper }
}

/// How many each holds; nothing if one is held by nobody. Two holders are a failure.
fn shares(processes: &[&Process]) -> Option<Vec<usize>> {
    let mut shares = vec![0; processes.len()];
    for partition in 0..PARTITIONS {
        let believes = |process: &Process| {
            process.holds.lock().unwrap().get(&partition).is_some_and(|hold| hold.is_held())
        };
        let believers: Vec<_> = (0..processes.len()).filter(|number| believes(processes[*number])).collect();
        match believers[..] {
            [] => return None,
            [one] => shares[one] += 1,
            _ => panic!("{believers:?} believe to hold {partition}"),
        }
    }
    Some(shares)
}

async fn until_shared(processes: &[&Process], wanted: &[usize]) {
    let mut wanted = wanted.to_vec();
    wanted.sort_unstable();
    until(|| {
        let mut shares = shares(processes);
        if let Some(shares) = &mut shares {
            shares.sort_unstable();
        }
        shares.as_deref() == Some(&wanted[..])
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_are_shared_taken_over_and_handed_over() {
    let nats = Nats::start(3, Profile::Relaxed).await;
    let mut tasks = JoinSet::new();
    let mut buses = vec![];
    for _ in 0..3 {
        buses.push(bus(nats.urls(), PARTITIONS).await);
    }
    let first = start(&mut tasks, &buses[0], 1);
    until_shared(&[&first], &[8]).await;
    let second = start(&mut tasks, &buses[1], 2);
    until_shared(&[&first, &second], &[4, 4]).await;
    let third = start(&mut tasks, &buses[2], 3);
    until_shared(&[&first, &second, &third], &[2, 3, 3]).await;
    let found =
        holders(&Ground::nats(buses[0].clone(), 3), Kind::Writer, Duration::from_secs(2)).await.unwrap();
    let held: Vec<_> = found.iter().map(|holder| (holder.name.as_str(), holder.holdings.len())).collect();
    assert_eq!(held.len(), 3, "{held:?}");
    assert_eq!(held.iter().map(|(_, count)| count).sum::<usize>(), 8, "{held:?}");
    // As after a kill -9: not another word.
    second.keeper.abort();
    until_shared(&[&first, &third], &[4, 4]).await;
    third.stop.send_replace(true);
    until_shared(&[&first], &[8]).await;
    until(|| third.keeper.is_finished()).await;
}

/// Any server may die, the one that leads the claims included: who holds something goes on,
/// or another does soon.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_may_die() {
    let nats = Nats::start(3, Profile::Relaxed).await;
    let mut tasks = JoinSet::new();
    let buses = [bus(nats.urls(), PARTITIONS).await, bus(nats.urls(), PARTITIONS).await];
    let first = start(&mut tasks, &buses[0], 1);
    let second = start(&mut tasks, &buses[1], 2);
    until_shared(&[&first, &second], &[4, 4]).await;
    for node in 0..3 {
        nats.kill(node);
        tokio::time::sleep(Duration::from_secs(2)).await;
        until_shared(&[&first, &second], &[4, 4]).await;
        nats.restart(node);
        in_time(nats.wait_until_healthy()).await;
    }
    let third = start(&mut tasks, &buses[0], 3);
    until_shared(&[&first, &second, &third], &[2, 3, 3]).await;
}
