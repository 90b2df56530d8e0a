//! The one row that is a whole page of a history: lists side by side.

use std::collections::HashMap;

use domain::{DialogId, Sequence, Time, UserId};
use sqlx::postgres::PgRow;

use super::super::MessageView;
use super::super::columns::damaged;
use super::super::fetched::Fetched;
use super::columns::{Columns, bits, chunk, message_id, reactions, user};
use super::fault::Fault;
use super::fetch::reached;
use super::served::Reached;
use crate::marks::{Bits, Chunk, Loaded, Marks, Run, Sparse, Views, views_chunk_of};
use crate::queries::Error;

/// What the row was asked for.
pub(super) enum Asked<'a> {
    /// Whatever messages are on the page, and the bits of the chunks that they lie in.
    Guessed,
    /// Those messages and the bits of those chunks.
    Named(&'a [u64], &'a [u32]),
}

/// Puts what `row` says of `dialog` into `to`.
pub(super) fn read(
    row: &PgRow,
    dialog: DialogId,
    asked: Asked<'_>,
    to: &mut Fetched,
) -> Result<Reached, Fault> {
    let mut columns = Columns::of(row);
    let folded = reached(&mut columns)?;
    let ground = columns.ground()?;
    if ground.is_none() {
        to.grounds.insert(dialog, None);
        return Ok(folded);
    }
    to.grounds.insert(dialog, ground);
    let mut messages = messages(&mut columns, dialog)?;
    let around = (columns.take::<Option<i64>>()?, columns.take::<Option<i64>>()?);
    views(&mut columns, &mut messages)?;
    let chunks: Vec<u32> = match (asked, around) {
        (Asked::Guessed, (Some(first), Some(last))) => (chunk(first)?..=chunk(last)?).collect(),
        (Asked::Guessed, _) => vec![],
        (Asked::Named(sequences, chunks), _) => {
            to.messages.extend(sequences.iter().map(|sequence| ((dialog, Sequence(*sequence)), None)));
            chunks.to_vec()
        }
    };
    to.messages.extend(messages.into_iter().map(|message| ((dialog, message.sequence), Some(message))));
    let mut of_chunks = HashMap::<u32, Loaded>::new();
    for (number, removed) in columns.list::<i64>()?.into_iter().zip(columns.list::<Vec<u8>>()?) {
        of_chunks.entry(chunk(number)?).or_default().removed = bits(&removed)?;
    }
    own(&mut columns, &mut of_chunks)?;
    let members = members(&mut columns)?;
    let mut outside = outside(&mut columns)?;
    to.members.insert(dialog, members);
    for chunk in chunks {
        to.bits.insert((dialog, chunk), of_chunks.remove(&chunk).unwrap_or_default());
        to.outside.insert((dialog, chunk), outside.remove(&chunk).unwrap_or_default());
    }
    Ok(folded)
}

/// The next of a list that has to be as long as the first one.
fn next<T>(list: &mut impl Iterator<Item = T>) -> Result<T, Error> {
    list.next().ok_or_else(|| damaged("lists of unequal length"))
}

fn messages(columns: &mut Columns<'_>, dialog: DialogId) -> Result<Vec<MessageView>, Error> {
    let sequences = columns.list::<i64>()?;
    let mut ids = columns.list::<Vec<u8>>()?.into_iter();
    let mut senders = columns.list::<i64>()?.into_iter();
    let mut recipients = columns.list::<Option<i64>>()?.into_iter();
    let [mut sent, mut created, mut updated] =
        [columns.list::<i64>()?, columns.list::<i64>()?, columns.list::<i64>()?].map(Vec::into_iter);
    let mut edited = columns.list::<Option<i64>>()?.into_iter();
    let mut texts = || columns.list::<Option<String>>().map(Vec::into_iter);
    let [mut text, mut attachments, mut custom, mut client_id] = [texts()?, texts()?, texts()?, texts()?];
    let [mut totals, mut own] = [texts()?, texts()?];
    let mut messages = Vec::with_capacity(sequences.len());
    for sequence in sequences {
        messages.push(MessageView {
            id: message_id(&next(&mut ids)?)?,
            dialog,
            sequence: Sequence(sequence.cast_unsigned()),
            sender: user(next(&mut senders)?)?,
            recipient: next(&mut recipients)?.map(user).transpose()?,
            date_sent: next(&mut sent)?.cast_unsigned(),
            created_at: Time(next(&mut created)?.cast_unsigned()),
            updated_at: Time(next(&mut updated)?.cast_unsigned()),
            edited_at: next(&mut edited)?.map(|at| Time(at.cast_unsigned())),
            text: next(&mut text)?,
            attachments: next(&mut attachments)?,
            custom: next(&mut custom)?,
            client_id: next(&mut client_id)?,
            read_ids: vec![],
            delivered_ids: vec![],
            read: false,
            reactions: reactions(next(&mut totals)?.as_deref(), next(&mut own)?.as_deref())?,
            views: 0,
        });
    }
    Ok(messages)
}

/// How many have seen each of `messages`, where that is counted.
fn views(columns: &mut Columns<'_>, messages: &mut [MessageView]) -> Result<(), Error> {
    let chunks = columns.list::<i64>()?;
    let mut counts = columns.list::<Vec<u8>>()?.into_iter();
    for number in chunks {
        let (number, counts) = (chunk(number)?, Views::decode(&next(&mut counts)?)?);
        for message in messages.iter_mut().filter(|message| views_chunk_of(message.sequence.0) == number) {
            message.views = u64::from(counts.of(message.sequence.0));
        }
    }
    Ok(())
}

fn own(columns: &mut Columns<'_>, of_chunks: &mut HashMap<u32, Loaded>) -> Result<(), Error> {
    let chunks = columns.list::<i64>()?;
    let mut sets = || columns.list::<Vec<u8>>().map(Vec::into_iter);
    let [mut read, mut delivered, mut hidden] = [sets()?, sets()?, sets()?];
    for number in chunks {
        of_chunks.entry(chunk(number)?).or_default().own = Chunk {
            read: bits(&next(&mut read)?)?,
            delivered: bits(&next(&mut delivered)?)?,
            hidden: bits(&next(&mut hidden)?)?,
        };
    }
    Ok(())
}

fn members(columns: &mut Columns<'_>) -> Result<Vec<(UserId, Marks)>, Error> {
    let users = columns.list::<i64>()?;
    let mut numbers = || columns.list::<i64>().map(Vec::into_iter);
    let [mut read_base, mut read_to, mut delivered_base, mut delivered_to] =
        [numbers()?, numbers()?, numbers()?, numbers()?];
    let mut sparse = columns.list::<Vec<u8>>()?.into_iter();
    let mut members = Vec::with_capacity(users.len());
    for number in users {
        let run = |base: &mut std::vec::IntoIter<i64>, to: &mut std::vec::IntoIter<i64>| {
            Ok::<_, Error>(Run { base: next(base)?.cast_unsigned(), to: next(to)?.cast_unsigned() })
        };
        let marks = Marks {
            read: run(&mut read_base, &mut read_to)?,
            delivered: run(&mut delivered_base, &mut delivered_to)?,
            sparse: Sparse::decode(&next(&mut sparse)?)?,
        };
        members.push((user(number)?, marks));
    }
    Ok(members)
}

/// The bits of everybody who has some, by chunk.
fn outside(columns: &mut Columns<'_>) -> Result<HashMap<u32, Vec<(UserId, Chunk)>>, Error> {
    let chunks = columns.list::<i64>()?;
    let mut users = columns.list::<i64>()?.into_iter();
    let mut sets = || columns.list::<Vec<u8>>().map(Vec::into_iter);
    let [mut read, mut delivered] = [sets()?, sets()?];
    let mut outside = HashMap::<u32, Vec<_>>::new();
    for number in chunks {
        let read = bits(&next(&mut read)?)?;
        let row = Chunk { read, delivered: bits(&next(&mut delivered)?)?, hidden: Bits::EMPTY };
        outside.entry(chunk(number)?).or_default().push((user(next(&mut users)?)?, row));
    }
    Ok(outside)
}
