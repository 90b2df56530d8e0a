//! Who has put which reaction on a message.

use domain::{DialogId, MessageId, Sequence, UserId};
use rusqlite::{Connection, params};

use super::columns::{int, user};
use super::names;
use super::reader::{Reader, Rows};
use super::{Error, MessageView};
use crate::rows::Totals;

/// Each kind with who has put it there, ascending by kind and by user.
pub(super) type Reacted = Vec<(String, Vec<UserId>)>;

/// Users that are named of a kind at most; [`MessageView::reactions`] has the exact number.
pub(super) const REACTED_MAX: i64 = 1_000;

const TOTALS: &str = "SELECT reactions FROM messages WHERE dialog = ?1 AND sequence = ?2";
const OWN: &str = "SELECT 1 FROM reactions WHERE dialog = ?1 AND sequence = ?2 AND kind = ?3 AND user = ?4";
const USERS: &str = "SELECT user FROM reactions WHERE dialog = ?1 AND sequence = ?2 AND kind = ?3
    ORDER BY user LIMIT ?4";

/// Who has reacted to the message that the name stands for; `None` if it stands for none.
pub(super) fn reacted(
    reader: &Reader<'_>,
    viewer: UserId,
    (id, within): (MessageId, Option<DialogId>),
) -> Result<Option<Reacted>, Error> {
    let Some(found) = names::resolve(reader, viewer, &[id], within)?.pop() else { return Ok(None) };
    match reader.rows {
        Rows::File(connection) => users(connection, found.dialog, found.sequence).map(Some),
        Rows::Fetched(rows) => Ok(Some(rows.reacted(found.dialog, found.sequence))),
    }
}

fn users(connection: &Connection, dialog: DialogId, sequence: Sequence) -> Result<Reacted, Error> {
    let place = params![dialog.as_bytes(), int(sequence.0)];
    let column: Option<String> = connection.prepare_cached(TOTALS)?.query_row(place, |row| row.get(0))?;
    let mut statement = connection.prepare_cached(USERS)?;
    let mut reacted = Reacted::new();
    for (kind, _) in Totals::decode(column.as_deref())?.into_vec() {
        let mut rows = statement.query(params![dialog.as_bytes(), int(sequence.0), kind, REACTED_MAX])?;
        let mut users = vec![];
        while let Some(row) = rows.next()? {
            users.push(user(row, 0)?);
        }
        reacted.push((kind, users));
    }
    Ok(reacted)
}

/// Adds to `messages` which of their kinds `viewer` has put there.
pub(super) fn add_own(
    connection: &Connection,
    viewer: UserId,
    messages: &mut [MessageView],
) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(OWN)?;
    for message in messages {
        let (dialog, sequence) = (message.dialog, int(message.sequence.0));
        let Some(reactions) = &mut message.reactions else { continue };
        for (kind, _) in &reactions.total {
            if statement.exists(params![dialog.as_bytes(), sequence, kind, int(viewer.get())])? {
                reactions.own.push(kind.clone());
            }
        }
    }
    Ok(())
}
