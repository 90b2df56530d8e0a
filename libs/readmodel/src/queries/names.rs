//! Which messages a name stands for, among those that somebody sees.

use std::collections::HashMap;

use domain::role::Action;
use domain::{DialogId, MessageId, Sequence, UserId};
use rusqlite::params;

use super::columns::{dialog_id, sequence, time, user};
use super::reader::{Reader, Rows};
use super::seat::Seat;
use super::{Error, Resolved};

const IN_DIALOG: &str = "SELECT dialog, sequence, sender, created_at
    FROM messages INDEXED BY messages_by_id WHERE id = ?1 AND dialog = ?2 AND removed = 0 LIMIT ?3";
const ANYWHERE: &str = "SELECT dialog, sequence, sender, created_at
    FROM messages INDEXED BY messages_by_id WHERE id = ?1 AND removed = 0 LIMIT ?2";

/// Messages of one name that are looked at. Clients choose names, so there can be more;
/// naming the dialog finds those, too.
pub(super) const NAMESAKES_MAX: i64 = 1_000;

/// What each of `ids` stands for, in that order: a message that `viewer` sees now, in the
/// dialog `within` if there is one of that name, else the oldest. Others are left out.
pub(super) fn resolve(
    reader: &Reader<'_>,
    viewer: UserId,
    ids: &[MessageId],
    within: Option<DialogId>,
) -> Result<Vec<Resolved>, Error> {
    let mut names = Names { reader, viewer, seats: HashMap::new() };
    let mut resolved = vec![];
    for id in ids {
        let there = match within {
            Some(dialog) => names.first(*id, Some(dialog), |_| true)?,
            None => None,
        };
        let found = match there {
            Some(found) => Some(found),
            None => names.first(*id, None, |_| true)?,
        };
        resolved.extend(found);
    }
    Ok(resolved)
}

/// Whether `viewer` sees a message of that name in another dialog than `except`.
pub(super) fn taken(
    reader: &Reader<'_>,
    viewer: UserId,
    id: MessageId,
    except: DialogId,
) -> Result<bool, Error> {
    let mut names = Names { reader, viewer, seats: HashMap::new() };
    Ok(names.first(id, None, |dialog| dialog != except)?.is_some())
}

/// The places of the messages in `dialog` that have one of `ids`, ascending, whoever sees them.
pub(super) fn within(reader: &Reader<'_>, dialog: DialogId, ids: &[MessageId]) -> Result<Vec<u64>, Error> {
    let mut places = vec![];
    for id in ids {
        let named = candidates(reader, *id, Some(dialog))?;
        places.extend(named.iter().map(|(_, found)| found.sequence.0));
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

struct Names<'c> {
    reader: &'c Reader<'c>,
    viewer: UserId,
    /// The dialogs looked at so far; `None` for those he may not read.
    seats: HashMap<DialogId, Option<Seat>>,
}

impl Names<'_> {
    /// The oldest message of that name that the viewer sees, in a dialog that `suits`.
    fn first(
        &mut self,
        id: MessageId,
        within: Option<DialogId>,
        suits: impl Fn(DialogId) -> bool,
    ) -> Result<Option<Resolved>, Error> {
        let mut candidates = candidates(self.reader, id, within)?;
        candidates.retain(|(_, candidate)| suits(candidate.dialog));
        candidates.sort_unstable_by_key(|(at, candidate)| (*at, candidate.dialog, candidate.sequence));
        for (_, candidate) in candidates {
            if self.sees(candidate.dialog, candidate.sequence)? {
                return Ok(Some(candidate));
            }
        }
        Ok(None)
    }

    fn sees(&mut self, dialog: DialogId, sequence: Sequence) -> Result<bool, Error> {
        if !self.seats.contains_key(&dialog) {
            let seat = Seat::of(self.reader, self.viewer, dialog)?;
            let seat = seat.filter(|seat| seat.permit(Action::ReadHistory).is_ok());
            self.seats.insert(dialog, seat);
        }
        let Some(Some(seat)) = self.seats.get(&dialog) else { return Ok(false) };
        let mut bitmaps = seat.bitmaps(self.reader);
        seat.view().sees(sequence.0, &mut |chunk, want| bitmaps.load(chunk, want))
    }
}

/// The messages of that name, each with the time of its storing.
fn candidates(
    reader: &Reader<'_>,
    id: MessageId,
    within: Option<DialogId>,
) -> Result<Vec<(domain::Time, Resolved)>, Error> {
    let connection = match reader.rows {
        Rows::File(connection) => connection,
        Rows::Fetched(rows) => return Ok(rows.candidates(id, within)),
    };
    let sql = if within.is_some() { IN_DIALOG } else { ANYWHERE };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = match within {
        Some(dialog) => statement.query(params![id.as_bytes(), dialog.as_bytes(), NAMESAKES_MAX])?,
        None => statement.query(params![id.as_bytes(), NAMESAKES_MAX])?,
    };
    let mut candidates = vec![];
    while let Some(row) = rows.next()? {
        let (dialog, sequence, sender) = (dialog_id(row, 0)?, sequence(row, 1)?, user(row, 2)?);
        candidates.push((time(row, 3)?, Resolved { id, dialog, sequence, sender }));
    }
    Ok(candidates)
}
