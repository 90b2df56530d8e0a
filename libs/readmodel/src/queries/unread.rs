//! How much somebody has not read: in dialogs that he names, or in all of his.
//!
//! Over all of them, a dialog that he has read to its end costs the look at its head, and one
//! in which nothing was removed and he has marked or hidden nothing out of turn is a
//! subtraction. Only the others are worked out.

use domain::role::Action;
use domain::{DialogId, UserId};

use super::columns::{dialog_id, int, number};
use super::reader::{Reader, Rows};
use super::seat::Seat;
use super::{Error, Unread};
use crate::marks::Run;

/// The dialogs in which there may be something, with what a subtraction needs, and whether
/// one is enough.
const MAYBE: &str = "SELECT d.dialog, d.head, max(d.cleared_to, s.cleared_to, s.from_sequence) AS low,
        s.read_base, s.read_to, length(s.sparse) > 0 OR EXISTS
            (SELECT 1 FROM removals r WHERE r.dialog = d.dialog AND length(r.counts) > 0)
    FROM standings s INDEXED BY standings_of_user CROSS JOIN dialogs d ON d.dialog = s.dialog
    WHERE s.user = ?1 AND s.member = 1 AND d.alive = 1 AND d.kind IN (2, 3)
        AND NOT (d.kind = 3 AND s.hidden_at IS d.head)
        AND d.head > low AND NOT (s.read_base <= low AND s.read_to >= d.head)";

/// What a server found: the sum of what is a subtraction, and the others.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) plain: u64,
    pub(super) odd: Vec<DialogId>,
}

/// In each of `dialogs`, once, and in all of them.
pub(super) fn of(reader: &Reader<'_>, viewer: UserId, dialogs: &[DialogId]) -> Result<Unread, Error> {
    let mut unread = Unread::default();
    for dialog in dialogs {
        if unread.dialogs.iter().any(|(counted, _)| counted == dialog) {
            continue;
        }
        let count = of_one(reader, viewer, *dialog)?;
        unread.total += count;
        unread.dialogs.push((*dialog, count));
    }
    Ok(unread)
}

fn of_one(reader: &Reader<'_>, viewer: UserId, dialog: DialogId) -> Result<u64, Error> {
    let seat = Seat::of(reader, viewer, dialog)?;
    match seat.filter(|seat| seat.permit(Action::ReadHistory).is_ok()) {
        Some(seat) => seat.unread(reader),
        None => Ok(0),
    }
}

/// In all dialogs that he is in.
pub(super) fn of_all(reader: &Reader<'_>, viewer: UserId) -> Result<Unread, Error> {
    let mut total = 0;
    match reader.rows {
        Rows::File(connection) => {
            let mut statement = connection.prepare_cached(MAYBE)?;
            let mut rows = statement.query([int(viewer.get())])?;
            while let Some(row) = rows.next()? {
                total += if row.get(5)? {
                    of_one(reader, viewer, dialog_id(row, 0)?)?
                } else {
                    let read = Run { base: number(row, 3)?, to: number(row, 4)? };
                    outside(number(row, 2)?, number(row, 1)?, read)
                };
            }
        }
        Rows::Fetched(rows) => {
            let Some(sum) = rows.unread() else { return Ok(Unread::default()) };
            total = sum.plain;
            for dialog in &sum.odd {
                total += of_one(reader, viewer, *dialog)?;
            }
        }
    }
    Ok(Unread { total, dialogs: vec![] })
}

/// How many of the messages after `low` up to `head` are not in `read`.
fn outside(low: u64, head: u64, read: Run) -> u64 {
    if read.is_empty() {
        return head.saturating_sub(low);
    }
    read.base.min(head).saturating_sub(low) + head.saturating_sub(read.to.max(low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_a_run_is_counted_once() {
        for (low, head, base, to) in (0..5_u64).flat_map(|low| {
            (low..6).flat_map(move |head| {
                (0..7).flat_map(move |base| (base..8).map(move |to| (low, head, base, to)))
            })
        }) {
            let run = Run { base, to };
            let counted = (low + 1..=head).filter(|sequence| !run.contains(*sequence)).count() as u64;
            assert_eq!(outside(low, head, run), counted, "after {low} to {head} without {base}..={to}");
        }
    }
}
