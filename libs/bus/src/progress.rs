//! How far the read models have come, and waiting until they have come far enough.

use std::time::Duration;

use tokio::sync::watch;

use crate::Position;

/// Where a partition's read models stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Every event before this offset is visible.
    pub next: u64,
    /// Whether somebody is folding. If not, waiting is useless.
    pub folding: bool,
}

/// Whether a position can be seen in the read models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    /// It can.
    Visible,
    /// Not within the time given.
    Late,
}

/// The progress of all partitions. Cheap to clone; one side reports, many wait.
#[derive(Debug, Clone)]
pub struct Progress {
    partitions: std::sync::Arc<[watch::Sender<Reached>]>,
}

impl Progress {
    /// No progress yet, in that many partitions.
    pub fn new(partitions: u32) -> Self {
        let none = Reached { next: 0, folding: false };
        Self { partitions: (0..partitions).map(|_| watch::Sender::new(none)).collect() }
    }

    /// Say where a partition stands now.
    pub fn report(&self, partition: u32, reached: Reached) {
        if let Some(sender) = self.partitions.get(partition as usize) {
            sender.send_replace(reached);
        }
    }

    /// Where a partition stands; nowhere, if there is no such partition.
    pub fn reached(&self, partition: u32) -> Reached {
        let nowhere = Reached { next: 0, folding: false };
        self.partitions.get(partition as usize).map_or(nowhere, |sender| *sender.borrow())
    }

    /// Wait until `position` is visible, for at most `patience`.
    pub async fn wait(&self, position: Position, patience: Duration) -> Visibility {
        let Some(sender) = self.partitions.get(position.partition as usize) else {
            return Visibility::Late;
        };
        if sender.borrow().next >= position.next {
            return Visibility::Visible;
        }
        let mut receiver = sender.subscribe();
        let reached = receiver.wait_for(|reached| reached.next >= position.next);
        match tokio::time::timeout(patience, reached).await {
            Ok(Ok(_)) => Visibility::Visible,
            Ok(Err(_)) | Err(_) => Visibility::Late,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(next: u64) -> Position {
        Position { epoch: [0; 16], partition: 0, next }
    }

    #[tokio::test(start_paused = true)]
    async fn waits_until_the_position_is_reached() {
        let progress = Progress::new(1);
        let waiting = progress.clone();
        let waiter = async move { waiting.wait(at(5), Duration::from_secs(1)).await };
        let reporter = async {
            progress.report(0, Reached { next: 4, folding: true });
            tokio::task::yield_now().await;
            progress.report(0, Reached { next: 5, folding: true });
        };
        assert_eq!(tokio::join!(waiter, reporter).0, Visibility::Visible);
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_when_patience_ends() {
        let progress = Progress::new(1);
        assert_eq!(progress.wait(at(1), Duration::from_secs(1)).await, Visibility::Late);
        assert_eq!(progress.wait(at(0), Duration::ZERO).await, Visibility::Visible);
    }
}
