//! What statements answer, put where the logic looks for it.

use std::time::Duration;

use domain::{DialogId, MessageId, Sequence, UserId};
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgConnection, Postgres, query};
use tokio::time::timeout;

use super::super::columns::damaged;
use super::super::fetched::{Fetched, Missing};
use super::super::names::NAMESAKES_MAX;
use super::super::people::SKIP_MAX;
use super::super::seat::Ground;
use super::super::unread::Sum;
use super::super::{Error, Folded, Order, Page, Resolved};
use super::columns::{Columns, user};
use super::fault::Fault;
use super::served::Reached;
use super::{page, statements};
use crate::marks::{Bits, Chunk, Loaded};
use crate::rows::{Epoch, Offset, Partition};

/// How long nothing may be heard: longer than the server may work on a statement.
const SILENCE_MAX: Duration = Duration::from_millis(1_500);

/// How a sequence or a user stands in a column: bit by bit.
pub(super) fn int(number: u64) -> i64 {
    number.cast_signed()
}

/// Who asks, and with what.
pub(super) struct Asking<'c> {
    pub(super) connection: &'c mut PgConnection,
    pub(super) viewer: UserId,
    pub(super) receipts_max: usize,
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

pub(super) async fn rows(
    connection: &mut PgConnection,
    statement: Statement<'_>,
) -> Result<Vec<PgRow>, Fault> {
    match timeout(SILENCE_MAX, statement.fetch_all(connection)).await {
        Ok(rows) => Ok(rows?),
        Err(_) => Err(Fault::Silent),
    }
}

pub(super) async fn row(connection: &mut PgConnection, statement: Statement<'_>) -> Result<PgRow, Fault> {
    match timeout(SILENCE_MAX, statement.fetch_one(connection)).await {
        Ok(row) => Ok(row?),
        Err(_) => Err(Fault::Silent),
    }
}

/// How far each partition is folded.
pub(super) async fn checkpoints(connection: &mut PgConnection) -> Result<Vec<Folded>, Fault> {
    let mut folded = vec![];
    for row in rows(connection, query(statements::CHECKPOINTS)).await? {
        let mut columns = Columns::of(&row);
        let partition = u32::try_from(columns.take::<i32>()?).map_err(|_| damaged("a partition"))?;
        let next = columns.number()?;
        let epoch = columns.take::<&[u8]>()?.try_into().map_err(|_| damaged("an epoch"))?;
        folded.push(Folded { partition: Partition(partition), next: Offset(next), epoch: Epoch(epoch) });
    }
    Ok(folded)
}

/// The two columns that say how far the state is folded.
pub(super) fn reached(columns: &mut Columns<'_>) -> Result<Reached, Error> {
    let (partitions, offsets) = (columns.list::<i32>()?, columns.list::<i64>()?);
    let reached = partitions.into_iter().zip(offsets);
    Ok(reached.map(|(partition, next)| (partition.cast_unsigned(), next.cast_unsigned())).collect())
}

impl Asking<'_> {
    pub(super) fn viewer(&self) -> i64 {
        int(self.viewer.get())
    }

    pub(super) async fn seats(&mut self, dialogs: &[DialogId], to: &mut Fetched) -> Result<Reached, Fault> {
        let ids: Vec<_> = dialogs.iter().map(|dialog| dialog.as_bytes().as_slice()).collect();
        let statement = query(statements::SEATS.as_str()).bind(self.viewer()).bind(ids);
        let mut folded = Reached::new();
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            folded = reached(&mut columns)?;
            to.grounds.insert(columns.dialog()?, columns.ground()?);
        }
        Ok(folded)
    }

    pub(super) async fn dialogs(&mut self, dialogs: &[DialogId], to: &mut Fetched) -> Result<Reached, Fault> {
        let ids: Vec<_> = dialogs.iter().map(|dialog| dialog.as_bytes().as_slice()).collect();
        let statement = query(statements::DIALOGS.as_str()).bind(self.viewer()).bind(ids);
        let mut folded = Reached::new();
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            folded = reached(&mut columns)?;
            let dialog = columns.dialog()?;
            let ground = columns.ground()?;
            if let Some(ground) = ground {
                viewed(ground, &mut columns, to)?;
            } else {
                to.grounds.insert(dialog, None);
            }
        }
        Ok(folded)
    }

    pub(super) async fn unread(&mut self, to: &mut Fetched) -> Result<Reached, Fault> {
        let mut folded = Reached::new();
        let mut sum = Sum::default();
        for row in rows(self.connection, query(statements::UNREAD.as_str()).bind(self.viewer())).await? {
            let mut columns = Columns::of(&row);
            folded = reached(&mut columns)?;
            sum.plain = columns.number()?;
            if let Some(ground) = columns.ground()? {
                sum.odd.push(ground.dialog);
                to.grounds.insert(ground.dialog, Some(ground));
            }
        }
        to.unread = Some(sum);
        Ok(folded)
    }

    pub(super) async fn page(
        &mut self,
        dialog: DialogId,
        asked: Page,
        to: &mut Fetched,
    ) -> Result<Reached, Fault> {
        let Page { skip, limit, order } = asked;
        let text = match order {
            Order::NewestFirst => statements::NEWEST.as_str(),
            Order::OldestFirst => statements::OLDEST.as_str(),
        };
        let statement = self.of_page(text, &dialog).bind(int(skip.min(SKIP_MAX))).bind(limit as i64);
        let row = row(self.connection, statement).await?;
        page::read(&row, dialog, page::Asked::Guessed, to)
    }

    /// The messages at `sequences`, and the bits of `chunks`.
    pub(super) async fn named_messages(
        &mut self,
        dialog: DialogId,
        (sequences, chunks): (&[u64], &[u32]),
        to: &mut Fetched,
    ) -> Result<Reached, Fault> {
        let places: Vec<_> = sequences.iter().copied().map(int).collect();
        let numbers: Vec<_> = chunks.iter().copied().map(i64::from).collect();
        let text = statements::NAMED_MESSAGES.as_str();
        let statement = self.of_page(text, &dialog).bind(places).bind(numbers);
        let row = row(self.connection, statement).await?;
        page::read(&row, dialog, page::Asked::Named(sequences, chunks), to)
    }

    fn of_page<'q>(&self, text: &'static str, dialog: &'q DialogId) -> Statement<'q> {
        query(text).bind(self.viewer()).bind(dialog.as_bytes().as_slice()).bind(self.receipts_max as i64)
    }

    pub(super) async fn names(
        &mut self,
        names: &[(MessageId, Option<DialogId>)],
        to: &mut Fetched,
    ) -> Result<Reached, Fault> {
        let ids: Vec<_> = names.iter().map(|(id, _)| id.as_bytes().as_slice()).collect();
        let within: Vec<_> = names
            .iter()
            .map(|(_, within)| within.as_ref().map(|dialog| dialog.as_bytes().as_slice()))
            .collect();
        let statement =
            query(statements::NAMES.as_str()).bind(self.viewer()).bind(ids).bind(within).bind(NAMESAKES_MAX);
        let mut folded = Reached::new();
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            folded = reached(&mut columns)?;
            let (id, within) = (columns.message_id()?, columns.dialog_opt()?);
            let candidates = to.candidates.entry((id, within)).or_default();
            let Some(sequence) = columns.take::<Option<i64>>()? else { continue };
            let (sender, at) = (columns.user()?, columns.time()?);
            let ground = columns.ground()?.ok_or_else(|| damaged("a message of no dialog"))?;
            let (dialog, sequence) = (ground.dialog, Sequence(sequence.cast_unsigned()));
            candidates.push((at, Resolved { id, dialog, sequence, sender }));
            to.grounds.insert(dialog, Some(ground));
        }
        Ok(folded)
    }

    /// Fetches what is missing: one statement for each kind of it.
    pub(super) async fn more(&mut self, missing: Missing, to: &mut Fetched) -> Result<(), Fault> {
        let Missing { grounds, listing, opponents, unread, views, bits, members, outside, .. } = &missing;
        let Missing { messages, names, .. } = &missing;
        if !grounds.is_empty() {
            self.seats(&Vec::from_iter(grounds.iter().copied()), to).await?;
        }
        if let Some(listing) = listing {
            self.listing(listing, to).await?;
        }
        if *opponents {
            self.opponents(to).await?;
        }
        if *unread {
            self.unread(to).await?;
        }
        if !views.is_empty() {
            self.views(&Vec::from_iter(views.iter().copied()), to).await?;
        }
        if !bits.is_empty() {
            self.bits(&Vec::from_iter(bits.iter().copied()), to).await?;
        }
        if !members.is_empty() {
            self.members(&Vec::from_iter(members.iter().copied()), to).await?;
        }
        if !outside.is_empty() {
            self.outside(&Vec::from_iter(outside.iter().copied()), to).await?;
        }
        if !messages.is_empty() {
            self.messages(&Vec::from_iter(messages.iter().copied()), to).await?;
        }
        if !names.is_empty() {
            self.names(&Vec::from_iter(names.iter().copied()), to).await?;
        }
        self.found(&missing, to).await
    }

    async fn views(&mut self, views: &[(DialogId, Sequence)], to: &mut Fetched) -> Result<(), Fault> {
        let (dialogs, sequences) = places(views.iter().map(|(dialog, sequence)| (dialog, int(sequence.0))));
        let statement = query(statements::VIEWS.as_str()).bind(dialogs).bind(sequences);
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            let (dialog, sequence) = (columns.dialog()?, columns.sequence()?);
            let (about, occupants) = columns.about()?;
            to.about.insert(dialog, about);
            to.occupants.insert(dialog, occupants);
            if let Some(last) = columns.last()? {
                to.lasts.insert((dialog, sequence), last);
            }
        }
        Ok(())
    }

    async fn bits(&mut self, chunks: &[(DialogId, u32)], to: &mut Fetched) -> Result<(), Fault> {
        let (dialogs, numbers) = places(chunks.iter().map(|(dialog, chunk)| (dialog, i64::from(*chunk))));
        let statement = query(statements::BITS).bind(self.viewer()).bind(dialogs).bind(numbers);
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            let (dialog, chunk) = (columns.dialog()?, columns.chunk()?);
            let removed = columns.bits()?;
            let own = Chunk { read: columns.bits()?, delivered: columns.bits()?, hidden: columns.bits()? };
            to.bits.insert((dialog, chunk), Loaded { removed, own });
        }
        Ok(())
    }

    async fn members(&mut self, dialogs: &[DialogId], to: &mut Fetched) -> Result<(), Fault> {
        let ids: Vec<_> = dialogs.iter().map(|dialog| dialog.as_bytes().as_slice()).collect();
        to.members.extend(dialogs.iter().map(|dialog| (*dialog, vec![])));
        for row in rows(self.connection, query(statements::MEMBERS).bind(ids)).await? {
            let mut columns = Columns::of(&row);
            let dialog = columns.dialog()?;
            let member = (user(columns.take()?)?, columns.marks()?);
            to.members.entry(dialog).or_default().push(member);
        }
        Ok(())
    }

    async fn outside(&mut self, chunks: &[(DialogId, u32)], to: &mut Fetched) -> Result<(), Fault> {
        let (dialogs, numbers) = places(chunks.iter().map(|(dialog, chunk)| (dialog, i64::from(*chunk))));
        to.outside.extend(chunks.iter().map(|place| (*place, vec![])));
        let statement = query(statements::OUTSIDE).bind(dialogs).bind(numbers);
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            let place = (columns.dialog()?, columns.chunk()?);
            let user = columns.user()?;
            let bits = Chunk { read: columns.bits()?, delivered: columns.bits()?, hidden: Bits::EMPTY };
            to.outside.entry(place).or_default().push((user, bits));
        }
        Ok(())
    }

    async fn messages(&mut self, messages: &[(DialogId, Sequence)], to: &mut Fetched) -> Result<(), Fault> {
        let (dialogs, sequences) =
            places(messages.iter().map(|(dialog, sequence)| (dialog, int(sequence.0))));
        to.messages.extend(messages.iter().map(|place| (*place, None)));
        let statement =
            query(statements::MESSAGES.as_str()).bind(dialogs).bind(sequences).bind(self.viewer());
        for row in rows(self.connection, statement).await? {
            let mut columns = Columns::of(&row);
            let dialog = columns.dialog()?;
            let message = columns.message(dialog)?;
            to.messages.insert((dialog, message.sequence), Some(message));
        }
        Ok(())
    }
}

/// Takes up a seat and what a list shows of its dialog, which the next columns say.
pub(super) fn viewed(ground: Ground, columns: &mut Columns<'_>, to: &mut Fetched) -> Result<(), Error> {
    let (dialog, last) = (ground.dialog, ground.last.sequence);
    to.grounds.insert(dialog, Some(ground));
    let (about, occupants) = columns.about()?;
    to.about.insert(dialog, about);
    to.occupants.insert(dialog, occupants);
    if let Some(shown) = columns.last()? {
        to.lasts.insert((dialog, last), shown);
    }
    Ok(())
}

/// Two lists of equal length, as a statement takes them.
pub(super) fn places<'d>(places: impl Iterator<Item = (&'d DialogId, i64)>) -> (Vec<&'d [u8]>, Vec<i64>) {
    places.map(|(dialog, number)| (dialog.as_bytes().as_slice(), number)).unzip()
}
