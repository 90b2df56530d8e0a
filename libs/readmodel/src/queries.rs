//! What people ask of the read model, answered for whoever asks.
//!
//! Reading never decides and never writes. Every question is one visit to a bounded pool
//! of reading threads and sees one state of the rows. Nothing below a bound that clears a
//! dialog is ever looked at, and no dialog that is not there, whether or not the dead rows
//! have been swept.

mod bitmaps;
mod columns;
mod dialog;
mod history;
mod list;
mod names;
mod pool;
mod reader;
mod receipts;
mod seat;
#[cfg(test)]
mod tests;
mod views;

use std::path::Path;
use std::sync::Arc;

use domain::event::Kind;
use domain::role::{Action, Role};
use domain::{DialogId, MessageId, Refusal, Sequence, UserId};
use eventlog::{Epoch, Offset, Partition};

use crate::sqlite::{self, OpenError};
use pool::Pool;
use reader::{Reader, Recounts};
use seat::{Seat, Which};

pub use crate::marks::Order;
pub use history::Page;
pub use pool::Settings;
pub use views::{DialogPage, DialogView, Folded, History, LastView, MessageView, Resolved, Status, Unread};

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many questions wait already; ask again later.
    #[error("too many queries wait for the read model")]
    Busy,
    /// The pool ended, or the question made it fail.
    #[error("the read model gave up on a query")]
    Lost,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] sqlite::Error),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The questions. Cheap to clone.
#[derive(Clone)]
pub struct Queries {
    pool: Arc<Pool>,
    recounts: Arc<Recounts>,
    receipts_max: usize,
}

impl std::fmt::Debug for Queries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queries").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

impl Queries {
    /// Opens the read model at `path`, which must be there. `receipts_max` is
    /// [`domain::Limits::receipts_max`]: in a dialog of more occupants nobody but author
    /// and viewer is named as reader.
    pub fn open(path: &Path, settings: Settings, receipts_max: usize) -> Result<Self, OpenError> {
        let pool = Arc::new(Pool::open(path, settings)?);
        Ok(Self { pool, recounts: Arc::default(), receipts_max })
    }

    /// How many questions wait for a thread.
    pub fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    async fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (recounts, receipts_max) = (Arc::clone(&self.recounts), self.receipts_max);
        self.pool
            .run(move |connection| query(&Reader { connection, recounts: &recounts, receipts_max }))
            .await
    }

    /// The dialog of that id as `viewer` sees it; `None` unless it is there and he is in it.
    /// One that he put out of his sight is there.
    pub async fn dialog(&self, viewer: UserId, id: DialogId) -> Result<Option<DialogView>, Error> {
        self.ask(move |reader| dialog::dialog(reader, viewer, id)).await
    }

    /// Up to `limit` of the dialogs in `viewer`'s list after `skip`: those that he is in and
    /// all broadcasts, but for what he put out of his sight. By the date of the newest
    /// message that he sees, or else of creation; the newest first.
    pub async fn dialogs(&self, viewer: UserId, skip: usize, limit: usize) -> Result<DialogPage, Error> {
        self.ask(move |reader| list::dialogs(reader, viewer, (skip, limit))).await
    }

    /// How many dialogs are in `viewer`'s list.
    pub async fn dialogs_count(&self, viewer: UserId) -> Result<u64, Error> {
        self.ask(move |reader| list::count(reader, viewer)).await
    }

    /// A page of the messages that `viewer` sees in `dialog`.
    pub async fn history(
        &self,
        viewer: UserId,
        dialog: DialogId,
        page: Page,
    ) -> Result<Result<History, Refusal>, Error> {
        self.ask(move |reader| history::history(reader, viewer, dialog, page)).await
    }

    /// How many messages `viewer` sees in `dialog`.
    pub async fn history_count(
        &self,
        viewer: UserId,
        dialog: DialogId,
    ) -> Result<Result<u64, Refusal>, Error> {
        self.ask(move |reader| history::count(reader, viewer, dialog)).await
    }

    /// Those of `sequences` that `viewer` sees in `dialog`, in that order; none if he may
    /// not read there.
    pub async fn messages(
        &self,
        viewer: UserId,
        dialog: DialogId,
        sequences: Vec<Sequence>,
    ) -> Result<Vec<MessageView>, Error> {
        self.ask(move |reader| history::messages(reader, viewer, dialog, &sequences)).await
    }

    /// What each of `ids` stands for, in that order: a message that `viewer` sees now, in
    /// the dialog `within` if it has one of that name, else the oldest. Those that stand
    /// for nothing are left out.
    pub async fn resolve(
        &self,
        viewer: UserId,
        ids: Vec<MessageId>,
        within: Option<DialogId>,
    ) -> Result<Vec<Resolved>, Error> {
        self.ask(move |reader| names::resolve(reader, viewer, &ids, within)).await
    }

    /// Whether `viewer` sees a message of that name in another dialog than `except`.
    pub async fn name_taken(&self, viewer: UserId, id: MessageId, except: DialogId) -> Result<bool, Error> {
        self.ask(move |reader| names::taken(reader, viewer, id, except)).await
    }

    /// How much `viewer` has not read: in the dialogs asked for, or in all of his.
    pub async fn unread(&self, viewer: UserId, dialogs: Option<Vec<DialogId>>) -> Result<Unread, Error> {
        self.ask(move |reader| match dialogs {
            Some(dialogs) => unread_of(reader, viewer, &dialogs),
            None => unread_of_all(reader, viewer),
        })
        .await
    }

    /// What `viewer` is in the dialog of that id, and of what kind it is; `None` unless it
    /// is there.
    pub async fn role(&self, viewer: UserId, dialog: DialogId) -> Result<Option<(Kind, Role)>, Error> {
        self.ask(move |reader| {
            let seat = Seat::of(reader, viewer, dialog)?;
            Ok(seat.map(|seat| (seat.header.kind, seat.role())))
        })
        .await
    }

    /// How far each partition is folded, by partition.
    pub async fn checkpoints(&self) -> Result<Vec<Folded>, Error> {
        self.ask(checkpoints).await
    }
}

fn unread_of(reader: &Reader<'_>, viewer: UserId, dialogs: &[DialogId]) -> Result<Unread, Error> {
    let mut unread = Unread::default();
    for dialog in dialogs {
        if unread.dialogs.iter().any(|(counted, _)| counted == dialog) {
            continue;
        }
        let seat = Seat::of(reader, viewer, *dialog)?;
        let count = match seat.filter(|seat| seat.permit(Action::ReadHistory).is_ok()) {
            Some(seat) => seat.unread(reader)?,
            None => 0,
        };
        unread.total += count;
        unread.dialogs.push((*dialog, count));
    }
    Ok(unread)
}

fn unread_of_all(reader: &Reader<'_>, viewer: UserId) -> Result<Unread, Error> {
    let mut unread = Unread::default();
    Seat::each(reader, viewer, Which::Member, |seat| {
        let count = seat.unread(reader)?;
        if count > 0 {
            unread.total += count;
            unread.dialogs.push((seat.dialog, count));
        }
        Ok(())
    })?;
    Ok(unread)
}

fn checkpoints(reader: &Reader<'_>) -> Result<Vec<Folded>, Error> {
    let sql = "SELECT partition, next_offset, epoch FROM checkpoints ORDER BY partition";
    let mut statement = reader.connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut folded = vec![];
    while let Some(row) = rows.next()? {
        folded.push(Folded {
            partition: Partition(columns::small(row, 0)?),
            next: Offset(columns::number(row, 1)?),
            epoch: Epoch(row.get(2)?),
        });
    }
    Ok(folded)
}
