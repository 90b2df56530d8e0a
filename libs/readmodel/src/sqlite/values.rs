//! How domain values stand in columns, and back.
//!
//! A value that cannot be means that the file was damaged: it is an error, never a guess.

use domain::event::{Kind, MessageRef};
use domain::{DialogId, MessageId, UserId};
use rusqlite::Row;
use rusqlite::types::Type;

use crate::marks::Corrupt;
use crate::rows::decode_pins;

/// The error for a stored value that cannot be.
pub(super) fn damaged(what: &'static str) -> rusqlite::Error {
    corrupt(Corrupt(what))
}

pub(super) fn corrupt(corrupt: Corrupt) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, Box::new(corrupt))
}

pub(super) fn blob<'r>(row: &'r Row<'_>, column: usize) -> rusqlite::Result<&'r [u8]> {
    Ok(row.get_ref(column)?.as_blob()?)
}

pub(super) fn pins(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<MessageRef>> {
    decode_pins(blob(row, column)?).map_err(corrupt)
}

pub(super) fn dialog(row: &Row<'_>, column: usize) -> rusqlite::Result<DialogId> {
    DialogId::from_bytes(row.get(column)?).ok_or_else(|| damaged("a dialog id"))
}

pub(super) fn message(row: &Row<'_>, column: usize) -> rusqlite::Result<MessageId> {
    Ok(MessageId::from_bytes(row.get(column)?))
}

/// Numbers are stored bit by bit: what SQLite calls negative is a large one.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    Ok(row.get::<_, i64>(column)?.cast_unsigned())
}

pub(super) fn user(row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    UserId::new(number(row, column)?).ok_or_else(|| damaged("a user id"))
}

pub(super) fn optional_user(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<UserId>> {
    let Some(number) = row.get::<_, Option<i64>>(column)? else { return Ok(None) };
    UserId::new(number.cast_unsigned()).map(Some).ok_or_else(|| damaged("a user id"))
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    Kind::from_number(number(row, column)?).ok_or_else(|| damaged("a dialog's kind"))
}

pub(super) fn int(number: u64) -> i64 {
    number.cast_signed()
}

pub(super) fn optional_int(user: Option<UserId>) -> Option<i64> {
    user.map(|user| int(user.get()))
}

/// Users as a list of numbers with commas.
pub(super) fn join(users: &[UserId]) -> String {
    let numbers: Vec<_> = users.iter().map(ToString::to_string).collect();
    numbers.join(",")
}

pub(super) fn split(users: &str) -> rusqlite::Result<Vec<UserId>> {
    let numbers = users.split(',').filter(|number| !number.is_empty());
    numbers.map(|number| number.parse().map_err(|_| damaged("a list of users"))).collect()
}
