//! Writing sessions' uses: the hot path leaves them, and the writer takes all that wait in one
//! transaction.

use std::sync::Arc;

use rusqlite::Connection;

use super::sessions::write_use;
use super::{Store, in_transaction};
use crate::Error;
use crate::session::Use;
use crate::waiting::WaitingUses;
use crate::workers::Droppable;

/// Writes all that wait; what cannot be written waits on.
fn write(waiting: &WaitingUses, connection: &mut Connection) -> Result<(), Error> {
    let uses = waiting.take();
    if uses.is_empty() {
        return Ok(());
    }
    let written = in_transaction(connection, |transaction| {
        uses.iter().try_for_each(|used| write_use(transaction, used))
    });
    if written.is_err() {
        waiting.add_all(uses);
    }
    written
}

impl Store {
    /// Has the use written soon, without waiting for it. If that fails it is tried again with
    /// the next one.
    pub(crate) fn note_use(&self, used: Use) {
        self.uses.add(used);
        if !self.uses.claim_schedule() {
            return;
        }
        let uses = Arc::clone(&self.uses);
        let write = move |connection: &mut Connection| {
            if let Err(error) = write(&uses, connection) {
                tracing::warn!(error = %error, "sessions' uses could not be written and wait on");
            }
        };
        if self.writer.tell(write).is_err() {
            // The writer is busy: the next use asks again.
            self.uses.unschedule();
        }
    }

    /// Writes `uses` and all that wait; on the disk when this answers.
    pub(crate) async fn write_uses(&self, uses: Vec<Use>) -> Result<(), Error> {
        let waiting = Arc::clone(&self.uses);
        waiting.add_all(uses);
        self.writer.ask(Droppable::No, move |connection| write(&waiting, connection)).await?
    }
}
