//! How far the read models have come, and waiting until they have come far enough.
//!
//! In one process the projector reports and everybody else waits. Between processes
//! [`crate::nats::tell`] and [`crate::nats::follow`] carry it, and [`watch_rows`] looks at
//! the rows themselves where a message may have been lost. News only ever moves forward;
//! that the rows have gone back is believed of the rows alone.

mod look;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::Position;
pub use look::{Look, watch_rows};
pub use wire::bus::Stopped;

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

/// All that is known of a partition's progress.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) reached: Reached,
    /// The event at which folding ended, if one ended it.
    pub(crate) stopped: Option<Stopped>,
    /// The farthest that it has ever been.
    highest: u64,
    /// Whether the rows are behind what was once visible. Then only they are believed.
    back: bool,
    /// Whether it was reported here, by who folds it.
    pub(crate) own: bool,
}

/// The progress of all partitions. Cheap to clone; one side reports, many wait.
#[derive(Debug, Clone)]
pub struct Progress {
    partitions: Arc<[watch::Sender<Known>]>,
    /// How many wait for what is not visible yet.
    waiting: watch::Sender<usize>,
    /// Something was reported.
    reported: watch::Sender<()>,
}

const NOWHERE: Reached = Reached { next: 0, folding: false };

impl Progress {
    /// No progress yet, in that many partitions.
    pub fn new(partitions: u32) -> Self {
        let none = Known { reached: NOWHERE, stopped: None, highest: 0, back: false, own: false };
        Self {
            partitions: (0..partitions).map(|_| watch::Sender::new(none.clone())).collect(),
            waiting: watch::Sender::new(0),
            reported: watch::Sender::new(()),
        }
    }

    fn change(&self, partition: u32, change: impl FnOnce(&mut Known)) {
        if let Some(sender) = self.partitions.get(partition as usize) {
            sender.send_modify(change);
        }
    }

    /// Say where a partition stands now: the word of who folds it.
    pub fn report(&self, partition: u32, reached: Reached) {
        self.change(partition, |known| {
            known.reached = reached;
            known.highest = known.highest.max(reached.next);
            known.back = false;
            known.own = true;
            if reached.folding {
                known.stopped = None;
            }
        });
        self.reported.send_replace(());
    }

    /// Say that a partition cannot be folded past an event. Until it is reported to be
    /// folding again, nobody folds it.
    pub fn stop_at(&self, partition: u32, stopped: Stopped) {
        self.change(partition, |known| {
            known.reached.folding = false;
            known.stopped = Some(stopped);
            known.own = true;
        });
        self.reported.send_replace(());
    }

    /// This process folds the partition no more, and says nothing more about it: another does.
    pub fn hand_over(&self, partition: u32) {
        self.change(partition, |known| known.own = false);
    }

    /// Where a partition stands; nowhere, if there is no such partition.
    pub fn reached(&self, partition: u32) -> Reached {
        self.partitions.get(partition as usize).map_or(NOWHERE, |sender| sender.borrow().reached)
    }

    /// The event at which folding a partition ended, if one ended it.
    pub fn stopped(&self, partition: u32) -> Option<Stopped> {
        self.partitions.get(partition as usize)?.borrow().stopped.clone()
    }

    /// A partition that this process folds and cannot fold further, if there is one.
    pub fn stopped_here(&self) -> Option<(u32, Stopped)> {
        self.own().into_iter().find_map(|(partition, known)| Some((partition, known.stopped?)))
    }

    /// The partitions that this process folds.
    pub fn folded_here(&self) -> Vec<u32> {
        let known = (0..).zip(self.partitions.iter());
        known.filter(|(_, sender)| sender.borrow().own).map(|(partition, _)| partition).collect()
    }

    /// A partition whose rows are behind what was once visible, if there is one: a restored
    /// database. Nothing read from them may be shown as today's until they have caught up.
    pub fn gone_back(&self) -> Option<u32> {
        let back = self.partitions.iter().position(|sender| sender.borrow().back);
        back.and_then(|partition| u32::try_from(partition).ok())
    }

    /// Wait until `position` is visible, for at most `patience`.
    pub async fn wait(&self, position: Position, patience: Duration) -> Visibility {
        let Some(sender) = self.partitions.get(position.partition as usize) else {
            return Visibility::Late;
        };
        if sender.borrow().reached.next >= position.next {
            return Visibility::Visible;
        }
        let _waiting = Waiting::one_more(&self.waiting);
        let mut receiver = sender.subscribe();
        let reached = receiver.wait_for(|known| known.reached.next >= position.next);
        match tokio::time::timeout(patience, reached).await {
            Ok(Ok(_)) => Visibility::Visible,
            Ok(Err(_)) | Err(_) => Visibility::Late,
        }
    }

    /// Wait until somebody waits for what is not visible yet.
    pub async fn awaited(&self) {
        // The sender is ours, so there always is one.
        let _ = self.waiting.subscribe().wait_for(|count| *count > 0).await;
    }

    /// What was reported here, by partition; with it, how to learn of more.
    pub(crate) fn own(&self) -> Vec<(u32, Known)> {
        let known = self.partitions.iter().map(|sender| sender.borrow().clone());
        (0..).zip(known).filter(|(_, known)| known.own).collect()
    }

    pub(crate) fn reports(&self) -> watch::Receiver<()> {
        self.reported.subscribe()
    }

    /// Take a projector's word from another process: it may be old, and moves nothing back.
    /// What is folded here is known better here.
    pub(crate) fn hear(&self, partition: u32, reached: Reached, stopped: Option<Stopped>) {
        self.change_others(partition, |known| {
            known.reached.folding = reached.folding;
            known.stopped = stopped;
            if !known.back {
                known.reached.next = known.reached.next.max(reached.next);
                known.highest = known.highest.max(known.reached.next);
            }
        });
    }

    /// Nothing has been heard of a partition for too long.
    pub(crate) fn silent(&self, partition: u32) {
        self.change_others(partition, |known| known.reached.folding = false);
    }

    fn change_others(&self, partition: u32, change: impl FnOnce(&mut Known)) {
        if let Some(sender) = self.partitions.get(partition as usize) {
            sender.send_if_modified(|known| {
                let others = !known.own;
                if others {
                    change(known);
                }
                others
            });
        }
    }

    /// How many partitions there are.
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.partitions.len()).unwrap_or(u32::MAX)
    }
}

/// Somebody who waits, for as long as he does.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn one_more(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
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
        assert_eq!(*progress.waiting.borrow(), 0, "who gave up waits no more");
    }

    #[test]
    fn an_event_that_stops_the_fold_stops_the_writes() {
        let progress = Progress::new(1);
        let stopped = Stopped { offset: 7, event_id: None, reason: "unknown event type".to_owned() };
        progress.report(0, Reached { next: 7, folding: true });
        progress.stop_at(0, stopped.clone());
        assert_eq!(progress.reached(0), Reached { next: 7, folding: false });
        assert_eq!(progress.stopped(0), Some(stopped));
        progress.report(0, Reached { next: 8, folding: true });
        assert_eq!(progress.stopped(0), None, "a newer version folds on");
    }

    /// A process that folds some partitions and follows the others hears itself too.
    #[test]
    fn who_folds_a_partition_believes_himself() {
        let progress = Progress::new(1);
        progress.report(0, Reached { next: 9, folding: false });
        progress.hear(0, Reached { next: 8, folding: true }, None);
        assert_eq!(progress.reached(0), Reached { next: 9, folding: false });
        progress.report(0, Reached { next: 9, folding: true });
        progress.silent(0);
        assert_eq!(progress.reached(0), Reached { next: 9, folding: true });
        progress.hand_over(0);
        progress.hear(0, Reached { next: 12, folding: true }, None);
        assert_eq!(progress.reached(0), Reached { next: 12, folding: true });
        progress.silent(0);
        assert_eq!(progress.reached(0), Reached { next: 12, folding: false });
    }

    #[test]
    fn old_news_moves_nothing_back() {
        let progress = Progress::new(1);
        progress.hear(0, Reached { next: 9, folding: true }, None);
        progress.hear(0, Reached { next: 4, folding: true }, None);
        assert_eq!(progress.reached(0), Reached { next: 9, folding: true });
        assert_eq!(progress.gone_back(), None);
        progress.silent(0);
        assert_eq!(progress.reached(0), Reached { next: 9, folding: false });
    }
}
