//! Every story is told once and happens in every topology.

use crate::chat::Chat;
use crate::server::Setup;

/// The numbers of partitions that every story is told for.
pub const PARTITIONS: [u32; 2] = [1, 4];

/// Let the story happen in each topology, each time in a chat of its own.
pub async fn each_topology(story: impl AsyncFn(Chat)) {
    for partitions in PARTITIONS {
        // Shown with a failure, to say where it happened.
        eprintln_topology(partitions);
        story(Chat::start(Setup::embedded(partitions)).await).await;
    }
}

#[expect(clippy::print_stderr, reason = "the test's own output says in which topology a story failed")]
fn eprintln_topology(partitions: u32) {
    eprintln!("topology: embedded, {partitions} partitions");
}
