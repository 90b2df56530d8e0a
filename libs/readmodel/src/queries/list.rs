//! Somebody's dialogs, the liveliest first.
//!
//! All of them are visited for what orders them, which needs no text and mostly no
//! message; the rest is read for the page alone.

use std::cmp::Reverse;

use domain::role::Action;
use domain::{DialogId, UserId};
use rusqlite::params;

use super::columns::{damaged, int, number};
use super::dialog::view;
use super::reader::{Reader, Rows};
use super::seat::{Seat, Which};
use super::{DialogPage, Error};

const DATE: &str = "SELECT date_sent FROM messages WHERE dialog = ?1 AND sequence = ?2";

/// The dialogs in `viewer`'s list, by the date of the newest message that he sees, or
/// else by their creation; the newest first, and of equal ones the greater id.
pub(super) fn dialogs(
    reader: &Reader<'_>,
    viewer: UserId,
    (skip, limit): (usize, usize),
) -> Result<DialogPage, Error> {
    let mut all: Vec<(Reverse<(u64, DialogId)>, Seat)> = vec![];
    each(reader, viewer, |seat| {
        let order = (date(reader, &seat)?, seat.dialog);
        all.push((Reverse(order), seat));
        Ok(())
    })?;
    let total = all.len() as u64;
    all.sort_unstable_by_key(|(order, _)| *order);
    let page = all.into_iter().skip(skip).take(limit);
    let items = page.map(|(_, seat)| view(reader, seat)).collect::<Result<_, _>>()?;
    Ok(DialogPage { total, items })
}

/// How many dialogs are in `viewer`'s list.
pub(super) fn count(reader: &Reader<'_>, viewer: UserId) -> Result<u64, Error> {
    let mut total = 0;
    each(reader, viewer, |_| {
        total += 1;
        Ok(())
    })?;
    Ok(total)
}

fn each(
    reader: &Reader<'_>,
    viewer: UserId,
    mut visit: impl FnMut(Seat) -> Result<(), Error>,
) -> Result<(), Error> {
    for which in [Which::Member, Which::Broadcasts] {
        Seat::each(reader, viewer, which, |seat| {
            let listed = !seat.hidden() && seat.permit(Action::See).is_ok();
            if listed { visit(seat) } else { Ok(()) }
        })?;
    }
    Ok(())
}

fn date(reader: &Reader<'_>, seat: &Seat) -> Result<u64, Error> {
    let Some(newest) = seat.newest(reader)? else { return Ok(seat.created_at.seconds()) };
    if newest == seat.header.head {
        return Ok(seat.header.last_sent);
    }
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(rows.last(seat.dialog, newest).map_or(0, |last| last.date_sent)),
    };
    let mut statement = connection.prepare_cached(DATE)?;
    let mut rows = statement.query(params![seat.dialog.as_bytes(), int(newest.0)])?;
    let row = rows.next()?.ok_or_else(|| damaged("the newest message is not there"))?;
    number(row, 0)
}
