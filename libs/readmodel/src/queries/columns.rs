//! Columns as domain values. What cannot be one was not written by a fold: the file is
//! damaged, and that is an error, never a guess.

use domain::event::{Kind, Permissions};
use domain::{DialogId, MessageId, Sequence, Time, UserId};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::Error;
use crate::marks::{Bits, Corrupt};
use crate::sqlite;

pub(super) fn damaged(what: &str) -> Error {
    Error::Store(sqlite::Error::Damaged(what.to_owned()))
}

impl From<Corrupt> for Error {
    fn from(corrupt: Corrupt) -> Self {
        Self::Store(corrupt.into())
    }
}

pub(super) fn number(row: &Row<'_>, column: usize) -> Result<u64, Error> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

pub(super) fn number_opt(row: &Row<'_>, column: usize) -> Result<Option<u64>, Error> {
    Ok(row.get::<_, Option<i64>>(column)?.map(i64::cast_unsigned))
}

/// How a number stands in a column: bit by bit, a very large one as a negative one.
pub(super) fn int(number: u64) -> i64 {
    number.cast_signed()
}

pub(super) fn sequence(row: &Row<'_>, column: usize) -> Result<Sequence, Error> {
    number(row, column).map(Sequence)
}

pub(super) fn time(row: &Row<'_>, column: usize) -> Result<Time, Error> {
    number(row, column).map(Time)
}

pub(super) fn small(row: &Row<'_>, column: usize) -> Result<u32, Error> {
    Ok(row.get::<_, u32>(column)?)
}

pub(super) fn user(row: &Row<'_>, column: usize) -> Result<UserId, Error> {
    UserId::new(number(row, column)?).ok_or_else(|| damaged("a user without a number"))
}

pub(super) fn user_opt(row: &Row<'_>, column: usize) -> Result<Option<UserId>, Error> {
    Ok(number_opt(row, column)?.and_then(UserId::new))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> Result<Kind, Error> {
    Kind::from_number(number(row, column)?).ok_or_else(|| damaged("a dialog of no kind"))
}

pub(super) fn permissions(row: &Row<'_>, column: usize) -> Result<Option<Permissions>, Error> {
    let allow_preview: Option<bool> = row.get(column)?;
    Ok(allow_preview.map(|allow_preview| Permissions { allow_preview }))
}

/// User ids with commas between them.
pub(super) fn admins(row: &Row<'_>, column: usize) -> Result<Vec<UserId>, Error> {
    let text = row.get_ref(column)?.as_str().map_err(|_| damaged("admins that are no text"))?;
    let ids = text.split(',').filter(|id| !id.is_empty()).map(str::parse);
    ids.collect::<Result<_, _>>().map_err(|_| damaged("an admin without a number"))
}

fn twelve(row: &Row<'_>, column: usize) -> Result<[u8; 12], Error> {
    Ok(row.get(column)?)
}

pub(super) fn dialog_id(row: &Row<'_>, column: usize) -> Result<DialogId, Error> {
    DialogId::from_bytes(twelve(row, column)?).ok_or_else(|| damaged("a dialog id without a letter"))
}

pub(super) fn message_id(row: &Row<'_>, column: usize) -> Result<MessageId, Error> {
    twelve(row, column).map(MessageId::from_bytes)
}

/// The text in that column, where it stands.
pub(super) fn text_opt<'r>(row: &'r Row<'_>, column: usize) -> Result<Option<&'r str>, Error> {
    row.get_ref(column)?.as_str_or_null().map_err(|_| damaged("a text is no text"))
}

/// The bytes in that column; none for NULL.
pub(super) fn bytes<'r>(row: &'r Row<'_>, column: usize) -> Result<&'r [u8], Error> {
    match row.get_ref(column)? {
        ValueRef::Null => Ok(&[]),
        ValueRef::Blob(bytes) => Ok(bytes),
        ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => Err(damaged("a blob is no blob")),
    }
}

pub(super) fn bits(row: &Row<'_>, column: usize) -> Result<Bits, Error> {
    Ok(Bits::decode(bytes(row, column)?)?)
}
