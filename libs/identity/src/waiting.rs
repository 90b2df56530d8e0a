//! Uses of sessions that wait to be written back: at most one a session, its newest.
//!
//! Whoever serves requests only leaves them here; who writes them, and when, is each store's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::session::{SessionId, Use};

/// The most sessions whose use waits: about 10 MB. One more is not noted, and its
/// row stays behind until its next use is due.
const WAITING_MAX: usize = 100_000;

/// The newest use of each session that has one to write.
#[derive(Default)]
pub(crate) struct WaitingUses {
    by_session: Mutex<HashMap<SessionId, Use>>,
    /// Whether somebody who will take them has been told.
    is_scheduled: AtomicBool,
}

impl WaitingUses {
    /// It waits from now on, unless a newer one of the same session does.
    pub(crate) fn add(&self, used: Use) {
        let mut waiting = self.lock();
        if waiting.len() < WAITING_MAX || waiting.contains_key(&used.session) {
            let newest = waiting.entry(used.session).or_insert(used);
            if newest.used_at < used.used_at {
                *newest = used;
            }
        }
    }

    /// All of them wait from now on.
    pub(crate) fn add_all(&self, uses: Vec<Use>) {
        uses.into_iter().for_each(|used| self.add(used));
    }

    /// Whether somebody has to be told that uses wait: so to one of many askers, until all
    /// are taken.
    pub(crate) fn claim_schedule(&self) -> bool {
        !self.is_scheduled.swap(true, SeqCst)
    }

    /// Nobody could be told after all.
    pub(crate) fn unschedule(&self) {
        self.is_scheduled.store(false, SeqCst);
    }

    /// All that wait, by the sessions' numbers; none waits any more.
    pub(crate) fn take(&self) -> Vec<Use> {
        self.unschedule();
        let mut uses = std::mem::take(&mut *self.lock()).into_values().collect::<Vec<_>>();
        uses.sort_unstable_by_key(|used| used.session);
        uses
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Use>> {
        self.by_session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
