//! A page of those messages of a history that pass some tests, or in another order than the
//! history's.
//!
//! Dates narrow the history to a stretch, and names to their messages, without a look at
//! others. If that leaves no test, the page is found by rank like any other; else messages
//! are looked at one by one, and no more than a bound of them.

use domain::{DialogId, MessageId, Refusal, UserId};

use super::find::{MessageTest, MessagesBy, Wanted, equals};
use super::history::{readable, show};
use super::names::within;
use super::reader::Reader;
use super::scan::{Among, Scan};
use super::seat::Seat;
use super::stretch::{Stretch, stretch};
use super::{Error, History, Order};
use crate::marks::chunk_of;

/// The page that is wanted, or why `viewer` gets none.
pub(super) fn page(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
    wanted: &Wanted,
) -> Result<Result<History, Refusal>, Error> {
    let seat = match readable(reader, viewer, dialog)? {
        Ok(seat) => seat,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let (page, by) = (wanted.page, wanted.by);
    let places = match stretch(reader, &seat, &wanted.tests)? {
        None => vec![],
        Some(stretch) if stretch.left.is_empty() && by == MessagesBy::Sequence => {
            let mut bitmaps = seat.bitmaps(reader);
            let view = seat.view().within(stretch.first, stretch.last);
            view.page(page.order, page.skip, page.limit, &mut |chunk, want| bitmaps.load(chunk, want))?
        }
        Some(stretch) => {
            let enough = page.skip.saturating_add(page.limit as u64);
            let found = found(reader, &seat, stretch, (wanted, enough))?;
            let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
            found.into_iter().skip(skip).take(page.limit).collect()
        }
    };
    show(reader, &seat, &places).map(Ok)
}

/// How many messages pass the tests, or why `viewer` sees none.
pub(super) fn count(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
    wanted: &Wanted,
) -> Result<Result<u64, Refusal>, Error> {
    let seat = match readable(reader, viewer, dialog)? {
        Ok(seat) => seat,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let count = match stretch(reader, &seat, &wanted.tests)? {
        None => 0,
        Some(stretch) if stretch.left.is_empty() => {
            let mut bitmaps = seat.bitmaps(reader);
            let view = seat.view().within(stretch.first, stretch.last);
            view.count(&mut |chunk, want| bitmaps.load(chunk, want))?
        }
        Some(stretch) => found(reader, &seat, stretch, (wanted, u64::MAX))?.len() as u64,
    };
    Ok(Ok(count))
}

/// The places of what the viewer sees and what passes: `enough` of them, if there are so
/// many, in the order that is wanted.
fn found(
    reader: &Reader<'_>,
    seat: &Seat,
    stretch: Stretch,
    (wanted, enough): (&Wanted, u64),
) -> Result<Vec<u64>, Error> {
    let Wanted { by, page, looked_at_max, .. } = *wanted;
    let Stretch { first, last, left } = stretch;
    let mut cut = false;
    let among = match names(&left) {
        Some(names) => {
            let mut places = within(reader, seat.dialog, &names)?;
            places.retain(|place| (first..=last).contains(place));
            Among::Places(places)
        }
        None if last < first => Among::Places(vec![]),
        None if last - first < looked_at_max => Among::Stretch(first, last),
        // Only a page in the order of the history can be full before all of it was looked at.
        None if by != MessagesBy::Sequence || enough == u64::MAX => {
            return Err(Error::TooMany(looked_at_max));
        }
        None => {
            cut = true;
            match page.order {
                Order::OldestFirst => Among::Stretch(first, first + looked_at_max - 1),
                Order::NewestFirst => Among::Stretch(last + 1 - looked_at_max, last),
            }
        }
    };
    let hidden = seat.marks.sparse.entries().iter();
    let hidden = hidden.filter(|entry| (chunk_of(first)..=chunk_of(last)).contains(&entry.chunk));
    let hidden: u64 = hidden.map(|entry| u64::from(entry.hidden)).sum();
    let most = enough.saturating_add(hidden);
    let touched = seat.touched.clone();
    let scan = Scan { dialog: seat.dialog, among, tests: left, touched, by, order: page.order, most };
    let Some(mut places) = scan.run(reader)? else { return Ok(vec![]) };
    if hidden > 0 {
        let (view, mut bitmaps) = (seat.view(), seat.bitmaps(reader));
        let mut seen = vec![];
        for place in places {
            if view.sees(place, &mut |chunk, want| bitmaps.load(chunk, want))? {
                seen.push(place);
            }
        }
        places = seen;
    }
    if cut && (places.len() as u64) < enough { Err(Error::TooMany(looked_at_max)) } else { Ok(places) }
}

/// The names that a message must have one of, if a test says so. What is of no name's form
/// names nothing.
fn names(tests: &[MessageTest]) -> Option<Vec<MessageId>> {
    let names = tests.iter().find_map(|test| match test {
        MessageTest::Id(test) => equals(test),
        MessageTest::Text(_) | MessageTest::Sender(_) | MessageTest::Recipient(_) => None,
        MessageTest::AttachmentType(_) | MessageTest::DateSent(_) => None,
        MessageTest::CreatedAt(_) | MessageTest::UpdatedAt(_) => None,
    })?;
    Some(names.iter().filter_map(|name| name.parse().ok()).collect())
}
