//! Uses of sessions that wait to be written: the hot path leaves them here, and the
//! writer takes all that wait in one transaction.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::sessions::write_use;
use super::{Store, in_transaction};
use crate::Error;
use crate::session::{SessionId, Use};
use crate::workers::Droppable;

/// The most sessions whose use waits: about 10 MB. One more is not noted, and its
/// row stays behind until its next use is due.
const WAITING_MAX: usize = 100_000;

/// The newest use of each session that has one to write.
#[derive(Default)]
pub(super) struct WaitingUses {
    by_session: Mutex<HashMap<SessionId, Use>>,
    /// Whether a job that will take them is in the writer's queue.
    is_scheduled: AtomicBool,
}

impl WaitingUses {
    fn add(&self, used: Use) {
        let mut waiting = self.by_session.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < WAITING_MAX || waiting.contains_key(&used.session) {
            let newest = waiting.entry(used.session).or_insert(used);
            if newest.used_at < used.used_at {
                *newest = used;
            }
        }
    }

    /// Writes all that wait; what cannot be written waits on.
    fn write(&self, connection: &mut Connection) -> Result<(), Error> {
        self.is_scheduled.store(false, SeqCst);
        let waiting = std::mem::take(&mut *self.by_session.lock().unwrap_or_else(PoisonError::into_inner));
        if waiting.is_empty() {
            return Ok(());
        }
        let written = in_transaction(connection, |transaction| {
            waiting.values().try_for_each(|used| write_use(transaction, used))
        });
        if written.is_err() {
            waiting.into_values().for_each(|used| self.add(used));
        }
        written
    }
}

impl Store {
    /// Has the use written soon, without waiting for it. If that fails it is tried again with
    /// the next one.
    pub(crate) fn note_use(&self, used: Use) {
        self.uses.add(used);
        if self.uses.is_scheduled.swap(true, SeqCst) {
            return;
        }
        let uses = Arc::clone(&self.uses);
        let write = move |connection: &mut Connection| {
            if let Err(error) = uses.write(connection) {
                tracing::warn!(error = %error, "sessions' uses could not be written and wait on");
            }
        };
        if self.writer.tell(write).is_err() {
            // The writer is busy: the next use asks again.
            self.uses.is_scheduled.store(false, SeqCst);
        }
    }

    /// Writes `uses` and all that wait; on the disk when this answers.
    pub(crate) async fn write_uses(&self, uses: Vec<Use>) -> Result<(), Error> {
        let waiting = Arc::clone(&self.uses);
        uses.into_iter().for_each(|used| waiting.add(used));
        self.writer.ask(Droppable::No, move |connection| waiting.write(connection)).await?
    }
}
