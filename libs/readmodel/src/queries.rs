//! What people ask of the read model, answered for whoever asks.
//!
//! Reading never decides and never writes. Every question sees one state of the rows. In the
//! embedded store it is one visit to a bounded pool of reading threads; in PostgreSQL a
//! constant number of round trips. What the answer is made of stands here once, and only the
//! leaves that read a row know the store. Nothing below a bound that clears a
//! dialog is ever looked at, and no dialog that is not there, whether or not the dead rows
//! have been swept.

mod bitmaps;
mod columns;
mod dialog;
mod fetched;
mod filter;
mod filtered;
mod find;
mod history;
pub(crate) mod hits;
mod list;
mod listing;
mod names;
mod people;
mod pool;
mod postgres;
mod reactions;
mod reader;
mod receipts;
mod scan;
mod seat;
mod stretch;
#[cfg(test)]
mod tests;
mod unread;
mod views;

use std::path::Path;
use std::sync::Arc;

use domain::event::Kind;
use domain::role::Role;
use domain::{DialogId, MessageId, Refusal, Sequence, UserId};
use eventlog::{Epoch, Offset, Partition};

use crate::sqlite::{self, OpenError};
use people::{Part, Who};
use pool::Pool;
use postgres::{First, Server};
use reader::{Reader, Recounts, Rows};
use seat::Seat;

pub use crate::marks::Order;
pub use filter::Test;
pub use find::{MessageTest, MessagesBy, Wanted};
pub use history::Page;
pub use listing::{Among, By, DialogCondition, Listing};
pub use pool::Settings;
pub use views::{
    DialogPage, DialogView, Folded, History, LastView, MessageView, ReactionsView, Resolved, Status, Unread,
};

/// Why a question got no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many questions wait already; ask again later.
    #[error("too many queries wait for the read model")]
    Busy,
    /// The store cannot be reached; ask again later.
    #[error("the read model cannot be reached")]
    Unavailable,
    /// The rows are older than what was shown before: a store that came back from a crash, and
    /// is folded up again. Ask again later.
    #[error("the read model is behind what it has shown")]
    Behind,
    /// What is asked for would take looking at more messages than that.
    #[error("more than {0} messages would have to be looked at")]
    TooMany(u64),
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
    store: Store,
    receipts_max: usize,
}

#[derive(Clone)]
enum Store {
    Embedded(Arc<Pool>, Arc<Recounts>),
    Postgres(Arc<Server>),
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
        Ok(Self { store: Store::Embedded(pool, Arc::default()), receipts_max })
    }

    /// Reads from PostgreSQL, over as many connections as `settings` has threads. Nothing is
    /// asked of it yet. Called within the runtime in which the questions will be asked.
    pub fn postgres(
        store: &crate::postgres::Settings,
        settings: Settings,
        receipts_max: usize,
    ) -> Result<Self, crate::postgres::OpenError> {
        let (options, schema) = crate::postgres::options(store)?;
        let server = Server::new(postgres::reading(options, &schema), settings, receipts_max);
        Ok(Self { store: Store::Postgres(Arc::new(server)), receipts_max })
    }

    /// What a tool has to send to read what [`Queries::history`] reads first for `page`: the
    /// session's options and the statement, with its values. For whoever measures.
    pub fn page_statement(
        store: &crate::postgres::Settings,
        (viewer, dialog): (UserId, DialogId),
        (page, receipts_max): (Page, usize),
    ) -> Result<(String, String), crate::postgres::OpenError> {
        let (options, schema) = crate::postgres::options(store)?;
        let options = postgres::reading(options, &schema);
        let statement = postgres::page_statement((viewer, dialog), (page, receipts_max));
        Ok((options.get_options().unwrap_or_default().to_owned(), statement))
    }

    /// How many questions wait for a thread or a connection.
    pub fn waiting(&self) -> usize {
        match &self.store {
            Store::Embedded(pool, _) => pool.waiting(),
            Store::Postgres(server) => server.waiting(),
        }
    }

    /// Says that events up to `next` have been seen in the rows, by whomever: from now on a
    /// state without them answers nothing but [`Error::Behind`].
    pub fn at_least(&self, partition: Partition, next: Offset) {
        match &self.store {
            // A file that is opened again is waited for before anybody may ask.
            Store::Embedded(..) => {}
            Store::Postgres(server) => server.at_least(partition.0, next.0),
        }
    }

    /// Answers `question`, which `viewer` asks, and which needs at least `first`.
    async fn ask<T: Send + 'static>(
        &self,
        viewer: UserId,
        first: First,
        question: impl Fn(&Reader<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match &self.store {
            Store::Embedded(pool, recounts) => {
                let (recounts, receipts_max) = (Arc::clone(recounts), self.receipts_max);
                let answer = move |connection: &rusqlite::Connection| {
                    let rows = Rows::File(connection);
                    question(&Reader { rows, recounts: &recounts, receipts_max })
                };
                pool.run(answer).await
            }
            Store::Postgres(server) => server.ask(viewer, first, question).await,
        }
    }

    /// The dialog of that id as `viewer` sees it; `None` unless it is there and he is in it.
    /// One that he put out of his sight is there.
    pub async fn dialog(&self, viewer: UserId, id: DialogId) -> Result<Option<DialogView>, Error> {
        self.ask(viewer, First::Dialogs(vec![id]), move |reader| dialog::dialog(reader, viewer, id)).await
    }

    /// The part of `viewer`'s list of dialogs that `listing` asks for. In the list are those
    /// that he is in and all broadcasts, but for what he put out of his sight and where he
    /// is blocked.
    pub async fn dialogs(&self, viewer: UserId, listing: Listing) -> Result<DialogPage, Error> {
        let first = First::listing(&listing);
        self.ask(viewer, first, move |reader| list::dialogs(reader, viewer, &listing)).await
    }

    /// How many dialogs of `viewer`'s list fit those conditions.
    pub async fn dialogs_count(
        &self,
        viewer: UserId,
        conditions: Vec<DialogCondition>,
    ) -> Result<u64, Error> {
        let listing = Listing { conditions, by: By::CreatedAt, order: Order::OldestFirst, skip: 0, limit: 0 };
        let first = First::listing(&listing);
        self.ask(viewer, first, move |reader| list::count(reader, viewer, &listing)).await
    }

    /// The opponents in `viewer`'s private dialogs, in no order.
    pub async fn opponents(&self, viewer: UserId) -> Result<Vec<UserId>, Error> {
        self.ask(viewer, First::Nothing, move |reader| list::opponents(reader, viewer)).await
    }

    /// Up to `limit` of those who are in `dialog`, after `skip`, in the order of their
    /// numbers, for somebody who is in it; nobody may list who is in a broadcast.
    pub async fn occupants(
        &self,
        viewer: UserId,
        dialog: DialogId,
        (skip, limit): (u64, usize),
    ) -> Result<Result<Vec<UserId>, Refusal>, Error> {
        self.people(viewer, dialog, Part { who: Who::Occupants, skip, limit }).await
    }

    /// The same of those who are shut out of it, for somebody who may shut out.
    pub async fn blocked(
        &self,
        viewer: UserId,
        dialog: DialogId,
        (skip, limit): (u64, usize),
    ) -> Result<Result<Vec<UserId>, Refusal>, Error> {
        self.people(viewer, dialog, Part { who: Who::Blocked, skip, limit }).await
    }

    async fn people(
        &self,
        viewer: UserId,
        dialog: DialogId,
        part: Part,
    ) -> Result<Result<Vec<UserId>, Refusal>, Error> {
        let first = First::People(dialog, part);
        self.ask(viewer, first, move |reader| people::people(reader, viewer, dialog, part)).await
    }

    /// Whether `viewer` wants to be alerted of messages in `dialog`, if he may say so.
    pub async fn notifications(
        &self,
        viewer: UserId,
        dialog: DialogId,
    ) -> Result<Result<bool, Refusal>, Error> {
        let first = First::Seats(vec![dialog]);
        self.ask(viewer, first, move |reader| people::notifications(reader, viewer, dialog)).await
    }

    /// A page of the messages that `viewer` sees in `dialog`.
    pub async fn history(
        &self,
        viewer: UserId,
        dialog: DialogId,
        page: Page,
    ) -> Result<Result<History, Refusal>, Error> {
        self.ask(viewer, First::Page(dialog, page), move |reader| {
            history::history(reader, viewer, dialog, page)
        })
        .await
    }

    /// How many messages `viewer` sees in `dialog`.
    pub async fn history_count(
        &self,
        viewer: UserId,
        dialog: DialogId,
    ) -> Result<Result<u64, Refusal>, Error> {
        self.ask(viewer, First::Seats(vec![dialog]), move |reader| history::count(reader, viewer, dialog))
            .await
    }

    /// A page of those messages that `viewer` sees in `dialog` and that pass some tests, or in
    /// another order; [`Error::TooMany`] if the tests leave too much to look at.
    pub async fn find(
        &self,
        viewer: UserId,
        dialog: DialogId,
        wanted: Wanted,
    ) -> Result<Result<History, Refusal>, Error> {
        if wanted.is_plain() {
            return self.history(viewer, dialog, wanted.page).await;
        }
        self.ask(viewer, First::Nothing, move |reader| filtered::page(reader, viewer, dialog, &wanted)).await
    }

    /// How many messages there are on all pages of that sort; fails as [`Queries::find`] does.
    pub async fn find_count(
        &self,
        viewer: UserId,
        dialog: DialogId,
        wanted: Wanted,
    ) -> Result<Result<u64, Refusal>, Error> {
        if wanted.tests.is_empty() {
            return self.history_count(viewer, dialog).await;
        }
        self.ask(viewer, First::Nothing, move |reader| filtered::count(reader, viewer, dialog, &wanted)).await
    }

    /// The newest messages of `dialog`, at most `limit` of them, the oldest first, as somebody
    /// sees them who need not be in it: if the dialog allows that, and he was not shut out.
    /// None of them counts as unread.
    pub async fn preview(
        &self,
        viewer: UserId,
        dialog: DialogId,
        limit: usize,
    ) -> Result<Result<History, Refusal>, Error> {
        let page = Page { skip: 0, limit, order: Order::NewestFirst };
        self.ask(viewer, First::Page(dialog, page), move |reader| {
            history::preview(reader, viewer, dialog, page)
        })
        .await
    }

    /// Who has put which reaction on the message that `id` stands for, as in
    /// [`Queries::resolve`]: each kind with at most 1,000 users, both ascending; `None` if it
    /// stands for none.
    pub async fn reacted(
        &self,
        viewer: UserId,
        id: MessageId,
        within: Option<DialogId>,
    ) -> Result<Option<Vec<(String, Vec<UserId>)>>, Error> {
        let first = First::names(&[id], within);
        self.ask(viewer, first, move |reader| reactions::reacted(reader, viewer, (id, within))).await
    }

    /// Those of `sequences` that `viewer` sees in `dialog`, in that order; none if he may
    /// not read there.
    pub async fn messages(
        &self,
        viewer: UserId,
        dialog: DialogId,
        sequences: Vec<Sequence>,
    ) -> Result<Vec<MessageView>, Error> {
        let first = First::Messages(dialog, sequences.clone());
        self.ask(viewer, first, move |reader| history::messages(reader, viewer, dialog, &sequences)).await
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
        let first = First::names(&ids, within);
        self.ask(viewer, first, move |reader| names::resolve(reader, viewer, &ids, within)).await
    }

    /// Whether `viewer` sees a message of that name in another dialog than `except`.
    pub async fn name_taken(&self, viewer: UserId, id: MessageId, except: DialogId) -> Result<bool, Error> {
        let first = First::names(&[id], None);
        self.ask(viewer, first, move |reader| names::taken(reader, viewer, id, except)).await
    }

    /// How much `viewer` has not read: in the dialogs asked for, or in all of his.
    pub async fn unread(&self, viewer: UserId, dialogs: Option<Vec<DialogId>>) -> Result<Unread, Error> {
        let first = dialogs.clone().map_or(First::Unread, First::Seats);
        self.ask(viewer, first, move |reader| match &dialogs {
            Some(dialogs) => unread::of(reader, viewer, dialogs),
            None => unread::of_all(reader, viewer),
        })
        .await
    }

    /// What `viewer` is in the dialog of that id, and of what kind it is; `None` unless it
    /// is there.
    pub async fn role(&self, viewer: UserId, dialog: DialogId) -> Result<Option<(Kind, Role)>, Error> {
        self.ask(viewer, First::Seats(vec![dialog]), move |reader| {
            let seat = Seat::of(reader, viewer, dialog)?;
            Ok(seat.map(|seat| (seat.header.kind, seat.role())))
        })
        .await
    }

    /// How far each partition is folded, by partition.
    pub async fn checkpoints(&self) -> Result<Vec<Folded>, Error> {
        match &self.store {
            Store::Embedded(pool, _) => pool.run(checkpoints).await,
            Store::Postgres(server) => server.checkpoints().await,
        }
    }
}

fn checkpoints(connection: &rusqlite::Connection) -> Result<Vec<Folded>, Error> {
    let sql = "SELECT partition, next_offset, epoch FROM checkpoints ORDER BY partition";
    let mut statement = connection.prepare_cached(sql)?;
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
