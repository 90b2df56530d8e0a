//! One partition held by this member.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use wire::bus::Standing;

/// How a hold stands between its owner and the keeper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Held,
    /// Another is to have it: the owner finishes and gives it back.
    Asked,
    /// The owner has given it back.
    Returned,
    /// It is over: given up, or lost.
    Over,
}

/// What owner and keeper share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: watch::Sender<State>,
    pub(super) standing: Mutex<Standing>,
    /// Wakes the keeper.
    pub(super) returned: Arc<Notify>,
}

/// A partition held by this member. Given back when it is dropped.
#[derive(Debug)]
pub struct Hold {
    partition: u32,
    shared: Arc<Shared>,
    /// Until when this member may believe to be heard by the others; `None` before it is.
    heard_until: watch::Receiver<Option<Instant>>,
}

impl Hold {
    pub(super) fn new(
        partition: u32,
        shared: Arc<Shared>,
        heard_until: watch::Receiver<Option<Instant>>,
    ) -> Self {
        Self { partition, shared, heard_until }
    }

    /// The partition.
    pub fn partition(&self) -> u32 {
        self.partition
    }

    /// Whether it is held at this moment: after a pause of the process, no more.
    pub fn is_held(&self) -> bool {
        *self.shared.state.borrow() != State::Over
            && self.heard_until.borrow().is_some_and(|until| Instant::now() < until)
    }

    /// Wait until it is to be given back, as another is to have it or this member leaves:
    /// finish what was accepted, then [`Hold::release`]. Also returns when it is lost.
    pub async fn ending(&self) {
        tokio::select! {
            _ = async { self.shared.state.subscribe().wait_for(|state| *state != State::Held).await.map(drop) } => {}
            () = self.lost() => {}
        }
    }

    /// Wait until it is lost: another may hold it now. Stop at once.
    pub async fn lost(&self) {
        let mut state = self.shared.state.subscribe();
        let mut heard_until = self.heard_until.clone();
        loop {
            let until = heard_until.borrow_and_update().unwrap_or_else(Instant::now);
            tokio::select! {
                _ = async { state.wait_for(|state| *state == State::Over).await.map(drop) } => return,
                changed = heard_until.changed() => if changed.is_err() {
                    // The keeper is gone: nobody speaks for this member any more.
                    tokio::time::sleep_until(until).await;
                    return;
                },
                () = tokio::time::sleep_until(until) => return,
            }
        }
    }

    /// What others are to know about the partition; it goes with the next beat.
    pub fn say(&self, standing: Standing) {
        *self.shared.standing.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    /// Give it back, and wait until another can have it.
    pub async fn release(self) {
        let shared = Arc::clone(&self.shared);
        drop(self);
        // An error would mean that the keeper is gone, and with it everything held.
        let _ = shared.state.subscribe().wait_for(|state| *state == State::Over).await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let returned = self.shared.state.send_if_modified(|state| {
            let returns = matches!(state, State::Held | State::Asked);
            if returns {
                *state = State::Returned;
            }
            returns
        });
        if returned {
            self.shared.returned.notify_one();
        }
    }
}
