//! How domain values stand in columns, and back.
//!
//! A value that cannot be means that the rows were damaged: it is an error, never a guess.

use domain::event::{Kind, MessageRef};
use domain::{DialogId, MessageId, UserId};
use sqlx::postgres::{PgRow, Postgres};
use sqlx::{Decode, Row as _, Type};

use crate::Error;
use crate::marks::Bits;
use crate::rows::decode_pins;

pub(super) fn damaged(what: &str) -> Error {
    Error::Damaged(what.to_owned())
}

pub(super) fn get<'r, T>(row: &'r PgRow, column: usize) -> Result<T, Error>
where
    T: Decode<'r, Postgres> + Type<Postgres>,
{
    Ok(row.try_get(column)?)
}

pub(super) fn dialog(row: &PgRow, column: usize) -> Result<DialogId, Error> {
    DialogId::from_bytes(get(row, column)?).ok_or_else(|| damaged("a dialog id"))
}

pub(super) fn message(row: &PgRow, column: usize) -> Result<MessageId, Error> {
    Ok(MessageId::from_bytes(get(row, column)?))
}

/// Numbers are stored bit by bit: what PostgreSQL calls negative is a large one.
pub(super) fn number(row: &PgRow, column: usize) -> Result<u64, Error> {
    Ok(get::<i64>(row, column)?.cast_unsigned())
}

pub(super) fn optional_number(row: &PgRow, column: usize) -> Result<Option<u64>, Error> {
    Ok(get::<Option<i64>>(row, column)?.map(i64::cast_unsigned))
}

pub(super) fn small(row: &PgRow, column: usize) -> Result<u32, Error> {
    u32::try_from(get::<i64>(row, column)?).map_err(|_| damaged("a small number"))
}

pub(super) fn user(row: &PgRow, column: usize) -> Result<UserId, Error> {
    UserId::new(number(row, column)?).ok_or_else(|| damaged("a user id"))
}

pub(super) fn optional_user(row: &PgRow, column: usize) -> Result<Option<UserId>, Error> {
    let Some(number) = optional_number(row, column)? else { return Ok(None) };
    UserId::new(number).map(Some).ok_or_else(|| damaged("a user id"))
}

pub(super) fn kind(row: &PgRow, column: usize) -> Result<Kind, Error> {
    let number = u64::try_from(get::<i16>(row, column)?).ok().and_then(Kind::from_number);
    number.ok_or_else(|| damaged("a dialog's kind"))
}

pub(super) fn bits(row: &PgRow, column: usize) -> Result<Bits, Error> {
    Ok(Bits::decode(get(row, column)?)?)
}

pub(super) fn pins(row: &PgRow, column: usize) -> Result<Vec<MessageRef>, Error> {
    Ok(decode_pins(get(row, column)?)?)
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

pub(super) fn split(users: &str) -> Result<Vec<UserId>, Error> {
    let numbers = users.split(',').filter(|number| !number.is_empty());
    numbers.map(|number| number.parse().map_err(|_| damaged("a list of users"))).collect()
}
