//! The fold over a log in memory and both stores: what it does when a partition, the log or
//! the store is not as it should be.

use crate::world::{Home, Projector, Weather, World, created, event_id, posted, record, until};
use bytes::Bytes;
use domain::event::Stream;
use eventlog::{Offset, Partition};

/// An event as a newer version may write it: of a type that nobody here knows.
fn from_the_future(number: u64, world: &World, partition: u32) -> Bytes {
    let record = record(number, Stream::Dialog(world.dialog(partition, 0)), created());
    let bytes = wire::encode(&record);
    let known = b"dialog.created";
    let place = bytes.windows(known.len()).position(|window| window == known).unwrap();
    let mut bytes = bytes;
    bytes[place..place + known.len()].copy_from_slice(b"dialog.dreamed");
    bytes.into()
}

async fn homes() -> [Home; 2] {
    [Home::file(), Home::server().await]
}

#[tokio::test]
async fn what_is_in_the_log_comes_to_be_in_the_rows() {
    for home in homes().await {
        let mut world = World::new(3, home).await;
        world.chat(0, 3).await;
        let projector = world.projector().await;
        world.chat(1, 2).await;
        for partition in 0..3 {
            projector.reaches(partition, world.tail(partition).await).await;
        }
        assert_eq!([world.head(0).await, world.head(1).await, world.head(2).await], [3, 2, 0]);
        projector.stop().await;
        world.chat(2, 1).await;
        let projector = world.projector().await;
        projector.reaches(2, world.tail(2).await).await;
        assert_eq!(world.head(2).await, 1);
        projector.stop().await;
    }
}

#[tokio::test]
async fn a_long_history_is_folded_in_large_batches() {
    let mut world = World::new(2, Home::file()).await;
    world.chat(0, 6_000).await;
    world.chat(1, 30).await;
    let projector = world.projector().await;
    projector.reaches(0, world.tail(0).await).await;
    projector.reaches(1, world.tail(1).await).await;
    assert_eq!([world.head(0).await, world.head(1).await], [6_000, 30]);
    projector.stop().await;
}

/// What happens around a partition that stopped at `offset`, with two messages before it.
async fn only_partition_1_stopped(world: &mut World, projector: Projector, offset: u64, reason: &str) {
    let stopped = projector.stops(1).await;
    assert_eq!((stopped.offset, stopped.event_id), (offset, Some(event_id(9))));
    assert!(stopped.reason.contains(reason), "{}", stopped.reason);
    assert_eq!(world.head(1).await, 2, "what is before it can be read");
    world.chat(0, 1).await;
    world.chat(1, 1).await;
    projector.reaches(0, world.tail(0).await).await;
    assert!(world.stored(1).await <= offset);
    projector.stop().await;
    // Nothing is skipped by starting anew.
    let projector = world.projector().await;
    assert_eq!(projector.stops(1).await.offset, offset);
    projector.reaches(0, world.tail(0).await).await;
    projector.stop().await;
}

#[tokio::test]
async fn an_event_that_nobody_knows_stops_its_partition_only() {
    for home in homes().await {
        let mut world = World::new(2, home).await;
        world.chat(0, 1).await;
        world.chat(1, 2).await;
        let projector = world.projector().await;
        let (poison, offset) = (from_the_future(9, &world, 1), world.tail(1).await);
        world.append_bytes(1, vec![poison]).await;
        only_partition_1_stopped(&mut world, projector, offset, "dialog.dreamed").await;
    }
}

#[tokio::test]
async fn an_event_that_the_rows_refuse_stops_its_partition_only() {
    for home in homes().await {
        let mut world = World::new(2, home).await;
        world.chat(0, 1).await;
        world.chat(1, 1).await;
        let projector = world.projector().await;
        world.chat(1, 1).await;
        // A frame is folded as a whole or not at all: message 3 is good, message 7 is not.
        let dialog = world.dialog(1, 0);
        let frame = [(8, posted(3)), (9, posted(7))];
        let frame =
            frame.map(|(number, event)| wire::encode(&record(number, Stream::Dialog(dialog), event)).into());
        let offset = world.tail(1).await + 1;
        world.append_bytes(1, frame.to_vec()).await;
        only_partition_1_stopped(&mut world, projector, offset, "message 7 follows 3").await;
    }
}

#[tokio::test]
async fn damage_stops_its_partition_only() {
    let mut world = World::new(2, Home::file()).await;
    world.chat(0, 1).await;
    world.chat(1, 2).await;
    world.memory.flip(Partition(1), Offset(4));
    let projector = world.projector().await;
    let stopped = projector.stops(1).await;
    assert_eq!(stopped.offset, 4);
    assert!(stopped.reason.contains("damaged"), "{}", stopped.reason);
    projector.reaches(0, world.tail(0).await).await;
    projector.stop().await;
}

#[tokio::test]
async fn a_partition_that_cannot_be_read_holds_no_other_back() {
    for weather in [Weather::Away, Weather::Silent] {
        let mut world = World::new(2, Home::file()).await;
        world.chat(0, 1).await;
        world.chat(1, 1).await;
        let projector = world.projector().await;
        for partition in [0, 1] {
            projector.reaches(partition, world.tail(partition).await).await;
        }
        world.log.set(1, weather, true);
        world.chat(1, 1).await;
        if weather == Weather::Away {
            projector.rests(1).await;
        }
        for _ in 0..5 {
            world.chat(0, 1).await;
            projector.reaches(0, world.tail(0).await).await;
        }
        world.log.set(1, weather, false);
        projector.reaches(1, world.tail(1).await).await;
        projector.stop().await;
    }
}

#[tokio::test]
async fn a_store_that_crashes_is_waited_for_and_what_it_lost_is_folded_again() {
    let mut world = World::new(2, Home::server().await).await;
    let projector = world.projector().await;
    for round in 0..3 {
        world.chat(0, 20).await;
        world.chat(1, 1).await;
        for partition in [0, 1] {
            projector.reaches(partition, world.tail(partition).await).await;
        }
        world.home.postgres().stop_immediately();
        if round == 1 {
            // Also while nothing is to be folded it is noticed.
            projector.rests(0).await;
            projector.rests(1).await;
        }
        world.chat(0, 5).await;
        projector.rests(0).await;
        projector.rests(1).await;
        world.home.postgres().restart().await;
        for partition in [0, 1] {
            projector.reaches(partition, world.tail(partition).await).await;
        }
        world.all_folded().await;
    }
    assert_eq!([world.head(0).await, world.head(1).await], [75, 3]);
    projector.stop().await;
}

#[tokio::test]
async fn rows_that_went_back_are_folded_again() {
    let mut world = World::new(2, Home::server().await).await;
    world.chat(0, 3).await;
    let projector = world.projector().await;
    projector.reaches(0, world.tail(0).await).await;
    world.forget().await;
    until("everything is folded again", async || world.head(0).await == 3).await;
    world.all_folded().await;
    projector.stop().await;
}
