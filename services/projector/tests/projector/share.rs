//! Projectors that share partitions over PostgreSQL: nothing is folded twice, nothing is left.

use std::time::Duration;

use crate::world::{Home, Projector, World, until};
use bus::leases::{Ground, Kind, holders};

const PARTITIONS: u32 = 4;
/// A few beats of a lease.
const LISTENED: Duration = Duration::from_secs(1);

/// How many partitions each of those who share `ground` holds.
async fn shares(ground: &Ground) -> Vec<usize> {
    let holders = holders(ground, Kind::Projector, LISTENED).await.unwrap();
    let mut shares: Vec<_> = holders.into_iter().map(|holder| holder.holdings.len()).collect();
    shares.sort_unstable();
    shares
}

async fn chat_everywhere(world: &mut World, messages: u64) {
    for partition in 0..PARTITIONS {
        world.chat(partition, messages).await;
    }
}

/// End it as a `kill -9` would, as far as anybody else can tell.
fn kill(projector: Projector) {
    drop(projector.runtime);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_are_gained_and_lost_while_the_others_go_on() {
    let mut world = World::new(PARTITIONS, Home::server().await).await;
    let ground = Ground::memory(PARTITIONS);
    let first = world.sharing(&ground, 1).await;
    chat_everywhere(&mut world, 2).await;
    world.all_folded().await;
    let second = world.sharing(&ground, 2).await;
    while shares(&ground).await != [2, 2] {
        chat_everywhere(&mut world, 1).await;
    }
    world.all_folded().await;
    first.stop().await;
    chat_everywhere(&mut world, 3).await;
    world.all_folded().await;
    let third = world.sharing(&ground, 3).await;
    while shares(&ground).await != [2, 2] {
        chat_everywhere(&mut world, 1).await;
    }
    kill(second);
    chat_everywhere(&mut world, 3).await;
    world.all_folded().await;
    until("the other one has all", async || shares(&ground).await == [4]).await;
    for partition in 0..PARTITIONS {
        third.reaches(partition, world.tail(partition).await).await;
        assert_eq!(world.head(partition).await, world.posted(partition));
    }
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_both_believe_they_hold_a_partition_fold_it_once() {
    let mut world = World::new(PARTITIONS, Home::server().await).await;
    // Each has a ground of its own, where nobody else is: both hold everything.
    let grounds = [Ground::memory(PARTITIONS), Ground::memory(PARTITIONS)];
    let both = [world.sharing(&grounds[0], 1).await, world.sharing(&grounds[1], 2).await];
    for _ in 0..20 {
        chat_everywhere(&mut world, 10).await;
    }
    world.all_folded().await;
    for partition in 0..PARTITIONS {
        assert_eq!(world.head(partition).await, world.posted(partition));
    }
    for projector in both {
        projector.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_partition_is_told_of_and_kept() {
    let mut world = World::new(PARTITIONS, Home::server().await).await;
    let ground = Ground::memory(PARTITIONS);
    chat_everywhere(&mut world, 1).await;
    let dialog = world.dialog(2, 0);
    let offset = world.tail(2).await;
    world.append(2, vec![(dialog, crate::world::posted(9))]).await;
    let projector = world.sharing(&ground, 1).await;
    assert_eq!(projector.stops(2).await.offset, offset);
    until("everybody can learn why", async || {
        let holders = holders(&ground, Kind::Projector, LISTENED).await.unwrap();
        let holdings = holders.iter().flat_map(|holder| &holder.holdings);
        let stopped: Vec<_> = holdings.filter_map(|held| held.standing.stopped.as_ref()).collect();
        stopped.len() == 1 && stopped[0].offset == offset && stopped[0].reason.contains("message 9 follows 1")
    })
    .await;
    world.chat(1, 1).await;
    projector.reaches(1, world.tail(1).await).await;
    projector.stop().await;
}
