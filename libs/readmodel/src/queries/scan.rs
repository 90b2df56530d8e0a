//! A look at messages one by one, for what no index answers.
//!
//! An index on each field that can be asked for would be paid for by every message that is
//! written; a look at a message costs about a microsecond, and there is a bound on how many.
//! It is taken in the order of the page and ends when the page is full. In PostgreSQL
//! the server looks ([`super::postgres`]), and only places come back.

use domain::{DialogId, Time};
use rusqlite::{Connection, Row, params};
use serde_json::Value;

use super::columns::{damaged, int, message_id, number, number_opt, sequence, text_opt, time};
use super::filter::Test;
use super::find::{MessageTest, MessagesBy};
use super::reader::{Reader, Rows};
use super::{Error, Order};
use crate::rows::Touched;

const FORWARDS: &str =
    "SELECT sequence, id, sender, recipient, date_sent, created_at, updated_at, text, attachments
    FROM messages WHERE dialog = ?1 AND sequence BETWEEN ?2 AND ?3 AND removed = 0 ORDER BY sequence";
const BACKWARDS: &str =
    "SELECT sequence, id, sender, recipient, date_sent, created_at, updated_at, text, attachments
    FROM messages WHERE dialog = ?1 AND sequence BETWEEN ?2 AND ?3 AND removed = 0 ORDER BY sequence DESC";

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Among {
    /// From the first to the last.
    Stretch(u64, u64),
    /// At those.
    Places(Vec<u64>),
}

/// What to look for. Removed messages are never found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan {
    pub(super) dialog: DialogId,
    pub(super) among: Among,
    pub(super) tests: Vec<MessageTest>,
    /// When messages were last read, which moves `updated_at`.
    pub(super) touched: Touched,
    pub(super) by: MessagesBy,
    pub(super) order: Order,
    /// Places that are wanted at most.
    pub(super) most: u64,
}

impl Scan {
    /// The places that pass, in the order asked for; `None` if they have to be fetched first.
    pub(super) fn run(&self, reader: &Reader<'_>) -> Result<Option<Vec<u64>>, Error> {
        match reader.rows {
            _ if self.among == Among::Places(vec![]) => Ok(Some(vec![])),
            Rows::File(connection) => self.look(connection).map(Some),
            Rows::Fetched(rows) => Ok(rows.scanned(self)),
        }
    }

    fn look(&self, connection: &Connection) -> Result<Vec<u64>, Error> {
        let mut found = vec![];
        match &self.among {
            Among::Stretch(first, last) => self.look_at(connection, (*first, *last), &mut found)?,
            Among::Places(places) => {
                for place in places {
                    self.look_at(connection, (*place, *place), &mut found)?;
                }
            }
        }
        found.sort_unstable();
        if self.order == Order::NewestFirst {
            found.reverse();
        }
        found.truncate(usize::try_from(self.most).unwrap_or(usize::MAX));
        Ok(found.into_iter().map(|(_, place)| place).collect())
    }

    /// Adds what passes of a stretch, each with what it is ordered by before its place.
    fn look_at(
        &self,
        connection: &Connection,
        (first, last): (u64, u64),
        found: &mut Vec<([u8; 12], u64)>,
    ) -> Result<(), Error> {
        let sql = match self.order {
            Order::OldestFirst => FORWARDS,
            Order::NewestFirst => BACKWARDS,
        };
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(params![self.dialog.as_bytes(), int(first), int(last)])?;
        // In another order than that of the rows, the last one may be the first.
        let enough = if self.by == MessagesBy::Sequence { self.most } else { u64::MAX };
        while (found.len() as u64) < enough
            && let Some(row) = rows.next()?
        {
            if self.passes(row)? {
                let key = match self.by {
                    MessagesBy::Sequence => [0; 12],
                    MessagesBy::Name => *message_id(row, 1)?.as_bytes(),
                    MessagesBy::Updated => padded(self.updated_at(row)?),
                };
                found.push((key, number(row, 0)?));
            }
        }
        Ok(())
    }

    fn updated_at(&self, row: &Row<'_>) -> Result<Time, Error> {
        let read = self.touched.at(sequence(row, 0)?);
        Ok(read.into_iter().fold(time(row, 6)?, Time::max))
    }

    fn passes(&self, row: &Row<'_>) -> Result<bool, Error> {
        for test in &self.tests {
            let holds = match test {
                MessageTest::Id(test) => test.text(Some(&message_id(row, 1)?.to_string())),
                MessageTest::Sender(test) => test.number(Some(number(row, 2)?)),
                MessageTest::Recipient(test) => test.number(Some(number_opt(row, 3)?.unwrap_or(0))),
                MessageTest::DateSent(test) => test.number(Some(number(row, 4)?)),
                MessageTest::CreatedAt(test) => test.moment(Some(time(row, 5)?.seconds())),
                MessageTest::UpdatedAt(test) => test.moment(Some(self.updated_at(row)?.seconds())),
                MessageTest::Text(test) => test.text(text_opt(row, 7)?),
                MessageTest::AttachmentType(test) => has_type(test, text_opt(row, 8)?)?,
            };
            if !holds {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// In the order of times.
fn padded(time: Time) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[4..].copy_from_slice(&time.0.to_be_bytes());
    bytes
}

/// Whether the test holds for the types of attachments, those that are texts.
fn has_type(test: &Test<String>, attachments: Option<&str>) -> Result<bool, Error> {
    let Some(attachments) = attachments else { return Ok(test.texts(&[])) };
    let stored: Vec<Value> =
        serde_json::from_str(attachments).map_err(|_| damaged("attachments are no list"))?;
    let types = stored.iter().filter_map(|attachment| attachment.get("type")?.as_str());
    Ok(test.texts(&Vec::from_iter(types)))
}
