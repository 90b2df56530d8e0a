//! Who is in a dialog and who is shut out of it, in parts; and whether somebody wants to be
//! alerted.
//!
//! A part costs a step of the index for each that is left out before it, which are at most as
//! many as a dialog may have occupants: thousands are passed in a millisecond, and a row with
//! counts would have to be written by everybody who comes or goes.

use domain::event::Kind;
use domain::role::Action;
use domain::{DialogId, Refusal, UserId};
use rusqlite::params;

use super::Error;
use super::columns::{int, user};
use super::reader::{Reader, Rows};
use super::seat::Seat;

const OCCUPANTS: &str = "SELECT user FROM standings WHERE dialog = ?1 AND member = 1
    ORDER BY user LIMIT ?2 OFFSET ?3";
const BLOCKED: &str = "SELECT user FROM standings INDEXED BY blocked WHERE dialog = ?1 AND blocked = 1
    ORDER BY user LIMIT ?2 OFFSET ?3";

/// Skipping more than that is skipping everything.
pub(super) const SKIP_MAX: u64 = 1 << 60;

/// Whom to name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Those who are in it.
    Occupants,
    /// Those who are shut out.
    Blocked,
}

/// A part of the users of one dialog, who are in the order of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) who: Who,
    pub(super) skip: u64,
    pub(super) limit: usize,
}

/// Those users, for somebody who may know.
pub(super) fn people(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
    part: Part,
) -> Result<Result<Vec<UserId>, Refusal>, Error> {
    let Some(seat) = Seat::of(reader, viewer, dialog)? else { return Ok(Err(Refusal::NoSuchDialog)) };
    if let Err(refusal) = may_know(&seat, part.who) {
        return Ok(Err(refusal));
    }
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(Ok(rows.people.clone())),
    };
    let sql = match part.who {
        Who::Occupants => OCCUPANTS,
        Who::Blocked => BLOCKED,
    };
    let mut statement = connection.prepare_cached(sql)?;
    let skip = int(part.skip.min(SKIP_MAX));
    let mut rows = statement.query(params![dialog.as_bytes(), part.limit as i64, skip])?;
    let mut people = vec![];
    while let Some(row) = rows.next()? {
        people.push(user(row, 0)?);
    }
    Ok(Ok(people))
}

/// In a broadcast are all users of the application, and nobody lists them.
fn may_know(seat: &Seat, who: Who) -> Result<(), Refusal> {
    match who {
        Who::Blocked => seat.permit(Action::Block),
        Who::Occupants => {
            seat.permit(Action::See)?;
            match seat.header.kind {
                Kind::Broadcast => Err(Refusal::NotPermitted),
                Kind::Group | Kind::Private | Kind::Public => Ok(()),
            }
        }
    }
}

/// Whether `viewer` wants to be alerted of messages in `dialog`.
pub(super) fn notifications(
    reader: &Reader<'_>,
    viewer: UserId,
    dialog: DialogId,
) -> Result<Result<bool, Refusal>, Error> {
    let Some(seat) = Seat::of(reader, viewer, dialog)? else { return Ok(Err(Refusal::NoSuchDialog)) };
    Ok(seat.permit(Action::SetNotifications).map(|()| seat.notifications()))
}
