//! Questions to PostgreSQL: fetch in bulk, then let the same logic answer that reads the
//! embedded file.
//!
//! Most questions are one statement, and so see one state. Where that was not enough, the
//! same statement is asked again for what was missing, still one state; what takes several
//! statements runs in a transaction that sees one. The number of round trips never depends on
//! how many dialogs or messages there are.

mod columns;
mod fault;
mod fetch;
mod found;
mod hits;
mod list;
mod page;
mod pool;
mod scan;
mod served;
mod statements;

use std::collections::BTreeSet;

use domain::{DialogId, MessageId, Sequence, UserId};
use sqlx::Connection as _;
use sqlx::postgres::PgConnectOptions;

use super::fetched::{Fetched, Missing, Name};
use super::people::Part;
use super::reader::{Reader, Recounts, Rows};
use super::{Error, Folded, Listing, Order, Page, Settings};
use crate::marks::chunk_of;
use fault::Fault;
use fetch::Asking;
use pool::{Place, Pool};
use served::{Reached, Served, check};

/// Times that a question is asked as one statement before it is given a transaction.
const ALONE_MAX: usize = 3;
/// Times that something may turn out to be missing in a transaction. A list needs the most:
/// its dialogs, what orders them, what they show, whom that has reached, and their bits.
const FETCHES_MAX: usize = 8;

/// What a question certainly needs.
#[derive(Debug, Clone)]
pub(super) enum First {
    /// What one statement can not be asked for before the question itself has been.
    Nothing,
    /// What is unread in all dialogs.
    Unread,
    /// Those dialogs.
    Seats(Vec<DialogId>),
    /// Those dialogs as a list shows them.
    Dialogs(Vec<DialogId>),
    /// A part of a dialog's users.
    People(DialogId, Part),
    /// A page of a history.
    Page(DialogId, Page),
    /// Messages of a dialog.
    Messages(DialogId, Vec<Sequence>),
    /// What names stand for.
    Names(Vec<Name>),
}

/// The way to the rows.
pub(super) struct Server {
    pool: Pool,
    served: Served,
    recounts: Recounts,
    receipts_max: usize,
}

/// Messages and chunks of one dialog that a page turned out to need.
#[derive(Default)]
struct Hints {
    sequences: BTreeSet<u64>,
    chunks: BTreeSet<u32>,
}

impl Server {
    pub(super) fn new(options: PgConnectOptions, settings: Settings, receipts_max: usize) -> Self {
        let pool = Pool::new(options, settings);
        Self { pool, served: Served::default(), recounts: Recounts::default(), receipts_max }
    }

    pub(super) fn waiting(&self) -> usize {
        self.pool.waiting()
    }

    /// From now on nothing is shown that is older.
    pub(super) fn at_least(&self, partition: u32, next: u64) {
        self.served.raise(&[(partition, next)]);
    }

    /// Answers `question` as `viewer` asks it from one state of the rows. It may be run
    /// several times.
    pub(super) async fn ask<T>(
        &self,
        viewer: UserId,
        first: First,
        question: impl Fn(&Reader<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let place = self.pool.place().await?;
        place.while_up(self.try_twice(&place, viewer, &first, &question)).await?
    }

    /// A connection that stood idle may be broken, and what it has prepared of another schema:
    /// both are found out by asking, and asking again on a new one is right.
    async fn try_twice<T>(
        &self,
        place: &Place<'_>,
        viewer: UserId,
        first: &First,
        question: &impl Fn(&Reader<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut again = false;
        loop {
            let (mut connection, new) = place.connection().await.map_err(|fault| gone(place, &fault))?;
            let receipts_max = self.receipts_max;
            let mut asking = Asking { connection: &mut connection, viewer, receipts_max };
            match self.answer(&mut asking, first, question).await {
                Ok(answer) => {
                    place.give_back(connection);
                    return Ok(answer);
                }
                Err(Fault::Answer(error)) => {
                    place.give_back(connection);
                    return Err(error);
                }
                Err(Fault::Switched(_)) if !again => place.forget(),
                Err(Fault::Gone(_)) if !new => place.forget(),
                Err(Fault::Switched(error)) => return Err(Error::Store(error.into())),
                Err(fault @ (Fault::Gone(_) | Fault::Silent)) => return Err(gone(place, &fault)),
            }
            again = true;
        }
    }

    async fn answer<T>(
        &self,
        asking: &mut Asking<'_>,
        first: &First,
        question: &impl Fn(&Reader<'_>) -> Result<T, Error>,
    ) -> Result<T, Fault> {
        let least = self.served.least();
        let mut hints = Hints::default();
        for asked in 0..ALONE_MAX {
            let mut fetched = Fetched::default();
            let Some(reached) = first.fetch(asking, &hints, &mut fetched).await? else { break };
            check(&least, &reached)?;
            let answer = self.run(&fetched, question);
            let missing = fetched.take_missing();
            if missing.is_empty() {
                self.served.raise(&reached);
                return Ok(answer?);
            }
            if asked + 1 == ALONE_MAX || !hints.add(first, &fetched, missing) {
                break;
            }
        }
        self.in_transaction(asking, first, (&least, question)).await
    }

    async fn in_transaction<T>(
        &self,
        asking: &mut Asking<'_>,
        first: &First,
        (least, question): (&[u64], &impl Fn(&Reader<'_>) -> Result<T, Error>),
    ) -> Result<T, Fault> {
        let Asking { viewer, receipts_max, .. } = *asking;
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut transaction = asking.connection.begin_with(begin).await?;
        let mut within = Asking { connection: &mut transaction, viewer, receipts_max };
        let answer = self.answer_within(&mut within, first, (least, question)).await;
        match answer {
            Ok(_) | Err(Fault::Answer(_)) => transaction.rollback().await?,
            Err(Fault::Gone(_) | Fault::Silent | Fault::Switched(_)) => {}
        }
        answer
    }

    async fn answer_within<T>(
        &self,
        asking: &mut Asking<'_>,
        first: &First,
        (least, question): (&[u64], &impl Fn(&Reader<'_>) -> Result<T, Error>),
    ) -> Result<T, Fault> {
        let mut fetched = Fetched::default();
        let reached = match first.fetch(asking, &Hints::default(), &mut fetched).await? {
            Some(reached) => reached,
            None => plain(&fetch::checkpoints(asking.connection).await?),
        };
        check(least, &reached)?;
        for _ in 0..=FETCHES_MAX {
            let answer = self.run(&fetched, question);
            let missing = fetched.take_missing();
            if missing.is_empty() {
                self.served.raise(&reached);
                return Ok(answer?);
            }
            asking.more(missing, &mut fetched).await?;
        }
        Err(Fault::Answer(Error::Lost))
    }

    fn run<T>(
        &self,
        fetched: &Fetched,
        question: &impl Fn(&Reader<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let rows = Rows::Fetched(fetched);
        question(&Reader { rows, recounts: &self.recounts, receipts_max: self.receipts_max })
    }

    /// How far each partition is folded.
    pub(super) async fn checkpoints(&self) -> Result<Vec<Folded>, Error> {
        let place = self.pool.place().await?;
        place.while_up(self.folded(&place)).await?
    }

    async fn folded(&self, place: &Place<'_>) -> Result<Vec<Folded>, Error> {
        let least = self.served.least();
        loop {
            let (mut connection, new) = place.connection().await.map_err(|fault| gone(place, &fault))?;
            match fetch::checkpoints(&mut connection).await {
                Ok(folded) => {
                    place.give_back(connection);
                    let reached = plain(&folded);
                    check(&least, &reached)?;
                    self.served.raise(&reached);
                    return Ok(folded);
                }
                Err(Fault::Answer(error)) => return Err(error),
                Err(Fault::Gone(_) | Fault::Switched(_)) if !new => place.forget(),
                Err(Fault::Switched(error)) => return Err(Error::Store(error.into())),
                Err(fault @ (Fault::Gone(_) | Fault::Silent)) => return Err(gone(place, &fault)),
            }
        }
    }
}

/// Nobody else is to find that out for himself.
fn gone(place: &Place<'_>, fault: &Fault) -> Error {
    place.is_gone(fault);
    Error::Unavailable
}

fn plain(folded: &[Folded]) -> Reached {
    folded.iter().map(|folded| (folded.partition.0, folded.next.0)).collect()
}

impl First {
    /// Names to look for: in that dialog first, then anywhere.
    pub(super) fn names(ids: &[MessageId], within: Option<DialogId>) -> Self {
        let there = ids.iter().filter(|_| within.is_some()).map(|id| (*id, within));
        Self::Names(there.chain(ids.iter().map(|id| (*id, None))).collect())
    }

    /// Dialogs that a listing names; any other one is no question for a single statement, as
    /// much more than a state would be asked for again.
    pub(super) fn listing(listing: &Listing) -> Self {
        listing.named().map_or(Self::Nothing, Self::Dialogs)
    }

    /// Fetches it as one statement, with what `hints` add; `None` if it is not one.
    async fn fetch(
        &self,
        asking: &mut Asking<'_>,
        hints: &Hints,
        to: &mut Fetched,
    ) -> Result<Option<Reached>, Fault> {
        let reached = match self {
            Self::Nothing => return Ok(None),
            Self::Seats(dialogs) | Self::Dialogs(dialogs) if dialogs.is_empty() => return Ok(None),
            Self::Names(names) if names.is_empty() => return Ok(None),
            Self::Seats(dialogs) => asking.seats(dialogs, to).await?,
            Self::Names(names) => asking.names(names, to).await?,
            Self::Dialogs(dialogs) => asking.dialogs(dialogs, to).await?,
            Self::Unread => asking.unread(to).await?,
            Self::People(dialog, part) => asking.people(*dialog, *part, to).await?,
            Self::Page(dialog, page) if hints.is_empty() => asking.page(*dialog, *page, to).await?,
            Self::Page(dialog, _) => hints.fetch(asking, *dialog, to).await?,
            Self::Messages(dialog, sequences) => {
                let mut wanted = Hints::default();
                wanted.sequences.extend(sequences.iter().map(|sequence| sequence.0));
                wanted.chunks.extend(wanted.sequences.iter().map(|sequence| chunk_of(*sequence)));
                wanted.chunks.extend(&hints.chunks);
                wanted.fetch(asking, *dialog, to).await?
            }
        };
        Ok(Some(reached))
    }
}

impl Hints {
    fn is_empty(&self) -> bool {
        self.sequences.is_empty() && self.chunks.is_empty()
    }

    /// Takes up what was missing; false if asking once more is no help.
    fn add(&mut self, first: &First, fetched: &Fetched, missing: Missing) -> bool {
        let Missing { bits, outside, messages, .. } = missing;
        let chunks = bits.into_iter().chain(outside).map(|(_, chunk)| chunk);
        match first {
            First::Page(..) | First::Messages(..) => self.chunks.extend(chunks),
            First::Nothing | First::Unread | First::Seats(_) => return false,
            First::Dialogs(_) | First::People(..) | First::Names(_) => return false,
        }
        self.chunks.extend(fetched.bits.keys().map(|(_, chunk)| *chunk));
        self.sequences = messages.into_iter().map(|(_, sequence)| sequence.0).collect();
        self.sequences.extend(fetched.messages.keys().map(|(_, sequence)| sequence.0));
        true
    }

    async fn fetch(
        &self,
        asking: &mut Asking<'_>,
        dialog: DialogId,
        to: &mut Fetched,
    ) -> Result<Reached, Fault> {
        let (sequences, chunks) =
            (Vec::from_iter(self.sequences.clone()), Vec::from_iter(self.chunks.clone()));
        asking.named_messages(dialog, (&sequences, &chunks), to).await
    }
}

/// The statement of a page of a history, with its values.
pub(super) fn page_statement(
    (viewer, dialog): (UserId, DialogId),
    (Page { skip, limit, order }, receipts_max): (Page, usize),
) -> String {
    let values = [
        ("$1", viewer.to_string()),
        ("$2", format!("'\\x{dialog}'::bytea")),
        ("$3", receipts_max.to_string()),
        ("$4", skip.to_string()),
        ("$5", limit.to_string()),
    ];
    let text = match order {
        Order::NewestFirst => statements::NEWEST.clone(),
        Order::OldestFirst => statements::OLDEST.clone(),
    };
    values.into_iter().fold(text, |text, (place, value)| text.replace(place, &value))
}

/// A connection that only reads, and never for long.
pub(super) fn reading(options: PgConnectOptions, schema: &str) -> PgConnectOptions {
    options.options([
        ("search_path", schema),
        ("default_transaction_read_only", "on"),
        ("enable_bitmapscan", "off"),
        ("statement_timeout", STATEMENT_MAX_MS),
        ("idle_in_transaction_session_timeout", "10000"),
    ])
}

/// How long the server may work on a statement, milliseconds.
const STATEMENT_MAX_MS: &str = "1000";
