//! Every story is told once and happens in every topology.

use crate::chat::Chat;
use crate::server::Setup;

/// What a chat runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engines {
    /// One process that takes every role, on stores in a folder.
    Embedded,
    /// A process for each role, on NATS and PostgreSQL.
    Cluster,
}

/// Engines, and a number of partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    /// What the chat runs on.
    pub engines: Engines,
    /// How many partitions its log has.
    pub partitions: u32,
}

/// The topologies of which a test can open the files.
pub const EMBEDDED: [Topology; 2] = [
    Topology { engines: Engines::Embedded, partitions: 1 },
    Topology { engines: Engines::Embedded, partitions: 4 },
];
/// All that a story is told for.
pub const TOPOLOGIES: [Topology; 4] = [
    EMBEDDED[0],
    EMBEDDED[1],
    Topology { engines: Engines::Cluster, partitions: 1 },
    Topology { engines: Engines::Cluster, partitions: 4 },
];

/// One on each kind of engines, for long walks of what no number of partitions changes.
const EACH_ENGINES: [Topology; 2] = [EMBEDDED[0], TOPOLOGIES[3]];

/// Let the story happen in each topology, each time in a chat of its own.
pub async fn each_topology(story: impl AsyncFn(Chat)) {
    each_of(&TOPOLOGIES, Setup::of, story).await;
}

/// Let a long story happen once on each kind of engines, in a chat that is set up so.
pub async fn each_engines(setup: impl Fn(Topology) -> Setup, story: impl AsyncFn(Chat)) {
    each_of(&EACH_ENGINES, setup, story).await;
}

/// Let a story that opens the stores' files happen wherever there are some.
pub async fn each_embedded(story: impl AsyncFn(Chat)) {
    each_of(&EMBEDDED, Setup::of, story).await;
}

async fn each_of(topologies: &[Topology], setup: impl Fn(Topology) -> Setup, story: impl AsyncFn(Chat)) {
    for topology in topologies {
        // Shown with a failure, to say where it happened.
        tell(topology);
        story(Chat::start(setup(*topology)).await).await;
    }
}

#[expect(clippy::print_stderr, reason = "the test's own output says in which topology a story failed")]
fn tell(topology: &Topology) {
    eprintln!("{topology:?}");
}
