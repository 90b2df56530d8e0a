//! The fold of those partitions that this process holds by lease, among others that do the
//! same.
//!
//! A lease is no proof. Who folds a partition without holding it any more is found out by
//! the checkpoint's compare-and-set, and lets go of it.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::leases::{Hold, Leases};
use eventlog::Partition;
use futures::FutureExt as _;
use tokio::time::Instant;

use crate::feed::Word;
use crate::fold::{Folder, Parts};

/// How often to see which leases are asked for or lost.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Fold each partition that comes to be held, until no more will come: once the member has
/// left. A partition that is asked for is given back after the transaction under way.
///
/// # Errors
/// What no waiting mends and concerns the store as a whole.
pub async fn share(parts: Parts, mut leases: Leases) -> anyhow::Result<()> {
    let mut sharing = Sharing { folder: Folder::new(parts), held: BTreeMap::new(), looked: Instant::now() };
    let outcome = sharing.fold(&mut leases).await;
    // What is given back now is folded on elsewhere, and progress goes on there.
    sharing.give_back(|_| true, "given back");
    outcome?;
    Ok(sharing.folder.close().await?)
}

struct Sharing {
    folder: Folder,
    held: BTreeMap<u32, Hold>,
    looked: Instant,
}

/// What a projector among others wakes up for.
enum Turn {
    Gained(Hold),
    Left,
    Work(Option<(Partition, Word)>),
}

impl Sharing {
    async fn fold(&mut self, leases: &mut Leases) -> anyhow::Result<()> {
        loop {
            let patience = self.folder.patience().min(LOOK_EVERY);
            let turn = tokio::select! {
                biased;
                hold = leases.next() => hold.map_or(Turn::Left, Turn::Gained),
                word = self.folder.hear() => Turn::Work(Some(word)),
                () = tokio::time::sleep(patience) => Turn::Work(None),
            };
            match turn {
                Turn::Left => return Ok(()),
                Turn::Gained(hold) => self.gain(hold),
                Turn::Work(word) => {
                    for partition in self.folder.work(word).await? {
                        tracing::warn!(
                            partition = partition.0,
                            "another process folds the partition; leaving it to that one"
                        );
                        self.give_back(|hold| hold.partition() == partition.0, "overtaken");
                    }
                }
            }
            if self.looked.elapsed() >= LOOK_EVERY {
                self.looked = Instant::now();
                self.look();
            }
        }
    }
}

impl Sharing {
    fn gain(&mut self, hold: Hold) {
        let partition = Partition(hold.partition());
        tracing::info!(partition = partition.0, "holding the partition");
        changed("gained");
        self.folder.want(partition);
        self.held.insert(partition.0, hold);
        self.measure();
    }

    /// Give back what is asked for, drop what is lost, tell of the rest.
    fn look(&mut self) {
        self.give_back(|hold| !hold.is_held(), "lost");
        self.give_back(|hold| hold.ending().now_or_never().is_some(), "given back");
        for (partition, hold) in &self.held {
            if let Some(standing) = self.folder.standing(Partition(*partition)) {
                hold.say(standing);
            }
        }
    }

    fn give_back(&mut self, which: impl Fn(&Hold) -> bool, why: &'static str) {
        let folder = &mut self.folder;
        self.held.retain(|partition, hold| {
            let goes = which(hold);
            if goes {
                folder.let_go(Partition(*partition));
                changed(why);
                tracing::info!(partition, why, "no longer folding the partition");
            }
            !goes
        });
        self.measure();
    }

    fn measure(&self) {
        metrics::gauge!("projector_leases").set(self.held.len() as f64);
    }
}

fn changed(change: &'static str) {
    metrics::counter!("projector_lease_changes_total", "change" => change).increment(1);
}
