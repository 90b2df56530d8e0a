//! The search index beside the rows: folded where they are, and of no harm to them.

use crate::world::{Home, Weather, World};

async fn homes() -> [Home; 2] {
    [Home::file(), Home::server().await]
}

#[tokio::test]
async fn what_is_in_the_log_comes_to_be_in_the_index() {
    for home in homes().await {
        let mut world = World::new(3, home).await;
        world.chat(0, 3).await;
        let projector = world.projector().await;
        world.indexer(&projector);
        world.chat(1, 2).await;
        world.all_indexed().await;
        projector.stop().await;
        world.chat(2, 1).await;
        let projector = world.projector().await;
        world.indexer(&projector);
        world.all_indexed().await;
        projector.stop().await;
    }
}

#[tokio::test]
async fn an_index_of_another_log_is_folded_again() {
    for home in homes().await {
        let mut world = World::new(1, home).await;
        world.chat(0, 30).await;
        let projector = world.projector().await;
        world.indexer(&projector);
        world.all_indexed().await;
        projector.stop().await;
        world.forget_rows().await;
        // A shorter log, in the same place.
        let mut world = World::new(1, world.home).await;
        world.chat(0, 2).await;
        let projector = world.projector().await;
        world.indexer(&projector);
        world.all_indexed().await;
        projector.stop().await;
    }
}

#[tokio::test]
async fn a_partition_that_cannot_be_read_is_taken_up_again() {
    let mut world = World::new(2, Home::file()).await;
    world.chat(0, 2).await;
    world.chat(1, 2).await;
    let projector = world.projector().await;
    projector.reaches(1, world.tail(1).await).await;
    world.log.set(1, Weather::Away, true);
    world.indexer(&projector);
    world.log.set(1, Weather::Away, false);
    world.all_indexed().await;
    projector.stop().await;
}
