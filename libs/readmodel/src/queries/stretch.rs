//! The stretch of a history that dates leave over.
//!
//! Sequences are in the order of both dates, so a condition on one of them is a pair of
//! bounds, each found by halving: about twenty rows are read in a history of a million.

use domain::DialogId;
use rusqlite::{Connection, params};

use super::Error;
use super::columns::{damaged, int, number};
use super::filter::Test;
use super::find::{MessageTest, equals};
use super::reader::{Reader, Rows};
use super::seat::Seat;

const DATES: &str = "SELECT date_sent, created_at / 1000 FROM messages WHERE dialog = ?1 AND sequence = ?2";

/// Which date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Date {
    /// The one shown to people.
    Sent,
    /// When it was stored.
    Created,
}

/// The question which message of a stretch is the first that is not older than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Bound {
    pub(super) dialog: DialogId,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) date: Date,
    /// Seconds.
    pub(super) second: u64,
}

/// Which messages can pass the tests of dates among `tests`, and the tests that are left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) first: u64,
    /// Before `first` if there are none.
    pub(super) last: u64,
    pub(super) left: Vec<MessageTest>,
}

/// What is left of what `seat` sees; `None` if a bound has to be fetched first.
pub(super) fn stretch(
    reader: &Reader<'_>,
    seat: &Seat,
    tests: &[MessageTest],
) -> Result<Option<Stretch>, Error> {
    let (first, last) = (seat.floor + 1, seat.header.head.0);
    let mut stretch = Stretch { first, last, left: vec![] };
    let mut known = true;
    for test in tests {
        let (date, seconds) = match test {
            MessageTest::DateSent(test) => (Date::Sent, Seconds::of(test)),
            MessageTest::CreatedAt(test) => (Date::Created, Seconds::of(test)),
            MessageTest::Id(_) | MessageTest::Text(_) | MessageTest::Sender(_) => (Date::Sent, Seconds::ANY),
            MessageTest::Recipient(_) | MessageTest::AttachmentType(_) => (Date::Sent, Seconds::ANY),
            MessageTest::UpdatedAt(_) => (Date::Sent, Seconds::ANY),
        };
        let bound = |second| Bound { dialog: seat.dialog, first, last, date, second };
        if let Some(second) = seconds.from {
            let found = find(reader, bound(second))?;
            known &= found.is_some();
            stretch.first = stretch.first.max(found.unwrap_or(first));
        }
        if let Some(second) = seconds.before {
            let found = find(reader, bound(second))?;
            known &= found.is_some();
            stretch.last = stretch.last.min(found.unwrap_or(first) - 1);
        }
        if !seconds.exact {
            stretch.left.push(test.clone());
        }
    }
    Ok(known.then_some(stretch))
}

/// The whole seconds that can pass a test.
struct Seconds {
    from: Option<u64>,
    before: Option<u64>,
    /// Whether all of them pass it.
    exact: bool,
}

impl Seconds {
    const ANY: Self = Self { from: None, before: None, exact: false };

    fn of(test: &Test<i64>) -> Self {
        // No message is older than 1970.
        let whole = |second: i64| Some(u64::try_from(second).unwrap_or(0));
        let from = |second| Self { from: whole(second), before: None, exact: true };
        let before = |second| Self { from: None, before: whole(second), exact: true };
        let after = |second: &i64| second.saturating_add(1);
        match test {
            Test::Above(bound) => from(after(bound)),
            Test::AtLeast(bound) => from(*bound),
            Test::Below(bound) => before(*bound),
            Test::AtMost(bound) => before(after(bound)),
            Test::In(_) | Test::All(_) => match equals(test) {
                Some(values) => match (values.iter().min(), values.iter().max()) {
                    (Some(least), Some(most)) => {
                        Self { from: whole(*least), before: whole(after(most)), exact: least == most }
                    }
                    // No second is one of none.
                    (_, _) => before(0),
                },
                None => Self::ANY,
            },
            Test::NotIn(_) | Test::Contains(_) => Self::ANY,
        }
    }
}

/// The first message of the stretch that is not older; the one behind it, if all are.
fn find(reader: &Reader<'_>, bound: Bound) -> Result<Option<u64>, Error> {
    match reader.rows {
        Rows::File(connection) => halve(connection, bound).map(Some),
        Rows::Fetched(rows) => Ok(rows.bound(bound)),
    }
}

fn halve(connection: &Connection, bound: Bound) -> Result<u64, Error> {
    let mut statement = connection.prepare_cached(DATES)?;
    let (mut low, mut high) = (bound.first, bound.last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let mut rows = statement.query(params![bound.dialog.as_bytes(), int(middle)])?;
        let row = rows.next()?.ok_or_else(|| damaged("a dialog lacks a message"))?;
        let second = match bound.date {
            Date::Sent => number(row, 0)?,
            Date::Created => number(row, 1)?,
        };
        if second >= bound.second { high = middle } else { low = middle + 1 }
    }
    Ok(low)
}
