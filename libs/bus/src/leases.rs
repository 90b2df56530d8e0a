//! Who looks after which partition, for as long as he lives: the partitions of a log shared
//! by any number of processes.
//!
//! Each member tells all others, several times a second, that it is there and what it holds.
//! To hold a partition it claims it by compare-and-set on [`Ground`]. A member that has not
//! been heard for a [`Settings::term`] is taken for dead and its partitions are claimed by
//! others; one that does not hear itself any more gives up before that. Times are spans on
//! each one's own clock: the clocks need not agree.
//!
//! Leases give liveness, never safety: at a bad moment two may believe to hold the same
//! partition, and the log and the read models let one of them through.

mod ground;
mod hold;
mod keeper;
#[cfg(test)]
mod tests;
mod view;

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

pub use ground::Ground;
pub use hold::Hold;
pub use keeper::Keeper;
pub use wire::bus::Standing;

/// What is shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The right to write a partition.
    Writer,
    /// The right to fold a partition.
    Projector,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Writer, Self::Projector];

    /// In subjects and keys.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Projector => "projector",
        }
    }
}

/// One start of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Sixteen bytes of chance, new for each start and for each kind.
    pub id: [u8; 16],
    /// What people call it.
    pub name: String,
}

/// How fast things are noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How long a member lives without being heard.
    pub term: Duration,
    /// How often it tells that it is there.
    pub beat: Duration,
    /// How much sooner than the others it gives itself up.
    pub guard: Duration,
}

impl Default for Settings {
    /// A dead member's partitions are claimed within 2 s.
    fn default() -> Self {
        Self {
            term: Duration::from_millis(1_500),
            beat: Duration::from_millis(300),
            guard: Duration::from_millis(300),
        }
    }
}

/// The partitions that this member comes to hold, one after another.
#[derive(Debug)]
pub struct Leases {
    holds: mpsc::Receiver<Hold>,
}

impl Leases {
    /// The next partition that is now held here, be it for the first time or again. `None`
    /// once the member has left.
    pub async fn next(&mut self) -> Option<Hold> {
        self.holds.recv().await
    }
}

/// Become a member of those who share the partitions of `ground`. Nothing happens until the
/// keeper runs; it has to run for as long as anything is held.
pub fn join(ground: Ground, kind: Kind, member: Member, settings: Settings) -> (Leases, Keeper) {
    let (sender, holds) = mpsc::channel(ground.partitions().max(1) as usize);
    (Leases { holds }, Keeper::new(ground, kind, member, settings, sender))
}

/// A member, as its beats tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its name.
    pub name: String,
    /// What it holds, by partition.
    pub holdings: Vec<Holding>,
}

/// A partition that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// Which.
    pub partition: u32,
    /// For how long already.
    pub held_for: Duration,
    /// What its holder says about it.
    pub standing: Standing,
}

/// Everybody who is heard within `patience`, a few beats long, and what they hold.
///
/// # Errors
///
/// The ground cannot be heard.
pub async fn holders(
    ground: &Ground,
    kind: Kind,
    patience: Duration,
) -> Result<Vec<Holder>, crate::nats::Error> {
    let mut ears = ground.listen(kind).await?;
    let mut found = std::collections::BTreeMap::new();
    let until = Instant::now() + patience;
    while let Ok(Some(beat)) = tokio::time::timeout_at(until, ears.next()).await {
        found.insert(beat.member, beat);
    }
    let holding = |holding: wire::bus::Holding| Holding {
        partition: holding.partition,
        held_for: holding.held_for,
        standing: holding.standing,
    };
    let holder = |beat: wire::bus::Beat| Holder {
        name: beat.name,
        holdings: beat.holdings.into_iter().map(holding).collect(),
    };
    Ok(found.into_values().map(holder).collect())
}
