//! Loading the rows that a batch wants.

use domain::event::Permissions;
use domain::facts::Header;
use domain::{DialogId, Sequence, Time, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::values::{blob, corrupt, int, kind, number, optional_user, pins, split, user};
use crate::Error;
use crate::fold::{Rows, Wanted};
use crate::marks::{Bits, Chunk, Marks, Removals, Run, Sparse, Views};
use crate::rows::{Dialog, LastMessage, Standing, Totals, Touched};

/// Loads `wanted` into `rows`.
pub(super) fn load(connection: &Connection, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
    dialogs(connection, &wanted.dialogs, rows)?;
    standings(connection, &wanted.standings, rows)?;
    chunks(connection, &wanted.chunks, rows)?;
    removed_chunks(connection, &wanted.removed_chunks, rows)?;
    for (dialog, sequence, author) in authors(connection, &wanted.authors)? {
        rows.of(dialog).living.insert(sequence, author);
    }
    for (dialog, sequence, author) in authors(connection, &wanted.viewed)? {
        rows.of(dialog).authors.insert(sequence, author);
    }
    views(connection, &wanted.views, rows)?;
    totals(connection, &wanted.totals, rows)
}

/// The columns of [`header_of`], from the first one on.
pub(super) const HEADER: &str = "kind, alive, owner, owner_present, opponent, admins, allow_preview, head,
    cleared_to, occupants, last_sent, pins";

pub(super) fn header_of(row: &Row<'_>) -> rusqlite::Result<Header> {
    Ok(Header {
        kind: kind(row, 0)?,
        alive: row.get(1)?,
        owner: user(row, 2)?,
        owner_present: row.get(3)?,
        opponent: optional_user(row, 4)?,
        admins: split(row.get_ref(5)?.as_str()?)?,
        permissions: row.get::<_, Option<bool>>(6)?.map(|allow_preview| Permissions { allow_preview }),
        head: Sequence(number(row, 7)?),
        cleared_to: Sequence(number(row, 8)?),
        occupants: row.get(9)?,
        last_sent: number(row, 10)?,
        pins: pins(row, 11)?,
    })
}

/// The columns of [`dialog_of`], from the first one on.
pub(super) const DIALOG_REST: &str = "name, photo, description, extensions, created_at, updated_at,
    last_sequence, last_sender, last_read_by, last_delivered_by, last_counts_known, touched";

fn dialog_of(row: &Row<'_>) -> rusqlite::Result<Dialog> {
    let header = header_of(row)?;
    Ok(Dialog {
        kind: header.kind,
        alive: header.alive,
        owner: header.owner,
        owner_present: header.owner_present,
        opponent: header.opponent,
        admins: header.admins,
        permissions: header.permissions,
        head: header.head,
        cleared_to: header.cleared_to,
        occupants: header.occupants,
        last_sent: header.last_sent,
        pins: header.pins,
        name: row.get(12)?,
        photo: row.get(13)?,
        description: row.get(14)?,
        extensions: row.get(15)?,
        created_at: Time(number(row, 16)?),
        updated_at: Time(number(row, 17)?),
        last: LastMessage {
            sequence: Sequence(number(row, 18)?),
            sender: optional_user(row, 19)?,
            read_by: row.get(20)?,
            delivered_by: row.get(21)?,
            counts_known: row.get(22)?,
        },
        touched: Touched::decode(blob(row, 23)?).map_err(corrupt)?,
    })
}

fn dialogs(connection: &Connection, wanted: &[DialogId], rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {HEADER}, {DIALOG_REST}, (SELECT counts FROM removals r WHERE r.dialog = d.dialog)
         FROM dialogs d WHERE dialog = ?1"
    ))?;
    for id in wanted {
        let found = select
            .query_row([id.as_bytes()], |row| Ok((dialog_of(row)?, row.get::<_, Option<Vec<u8>>>(24)?)))
            .optional()?;
        let held = rows.of(*id);
        if let Some((dialog, counts)) = found {
            held.load(dialog, Removals::decode(&counts.unwrap_or_default())?);
        }
    }
    Ok(())
}

/// The columns of [`standing_of`], from the first one on.
pub(super) const STANDING: &str =
    "member, joined_at, from_sequence, cleared_to, hidden_at, blocked, notifications, read_base, read_to,
    delivered_base, delivered_to, sparse";

/// A standing that starts at that column of [`STANDING`]'s.
pub(super) fn standing_of(row: &Row<'_>) -> Result<Standing, Error> {
    Ok(Standing {
        member: row.get(0)?,
        joined_at: Time(number(row, 1)?),
        from: Sequence(number(row, 2)?),
        cleared_to: Sequence(number(row, 3)?),
        hidden_at: row.get::<_, Option<i64>>(4)?.map(|sequence| Sequence(sequence.cast_unsigned())),
        blocked: row.get(5)?,
        notifications: row.get(6)?,
        marks: Marks {
            read: Run { base: number(row, 7)?, to: number(row, 8)? },
            delivered: Run { base: number(row, 9)?, to: number(row, 10)? },
            sparse: Sparse::decode(blob(row, 11)?)?,
        },
    })
}

fn standings(connection: &Connection, wanted: &[(DialogId, UserId)], rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection
        .prepare_cached(&format!("SELECT {STANDING} FROM standings WHERE dialog = ?1 AND user = ?2"))?;
    for (dialog, user) in wanted {
        let mut found = select.query(params![dialog.as_bytes(), int(user.get())])?;
        let held = rows.of(*dialog).standings.entry(*user).or_default();
        if let Some(row) = found.next()? {
            held.row = Some(standing_of(row)?);
        }
    }
    Ok(())
}

fn chunks(connection: &Connection, wanted: &[(DialogId, u32, UserId)], rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection.prepare_cached(
        "SELECT read, delivered, hidden FROM mark_chunks WHERE dialog = ?1 AND chunk = ?2 AND user = ?3",
    )?;
    for (dialog, chunk, user) in wanted {
        let mut found = select.query(params![dialog.as_bytes(), chunk, int(user.get())])?;
        let Some(row) = found.next()? else {
            return Err(Error::Damaged("a standing names marks that are not there".to_owned()));
        };
        let marks = Chunk { read: bits(row, 0)?, delivered: bits(row, 1)?, hidden: bits(row, 2)? };
        rows.of(*dialog).standings.entry(*user).or_default().chunks.insert(*chunk, marks);
    }
    Ok(())
}

pub(super) fn bits(row: &Row<'_>, column: usize) -> Result<Bits, Error> {
    Ok(Bits::decode(blob(row, column)?)?)
}

fn removed_chunks(connection: &Connection, wanted: &[(DialogId, u32)], rows: &mut Rows) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached("SELECT bits FROM removed_chunks WHERE dialog = ?1 AND chunk = ?2")?;
    for (dialog, chunk) in wanted {
        let mut found = select.query(params![dialog.as_bytes(), chunk])?;
        let Some(row) = found.next()? else {
            return Err(Error::Damaged("a dialog counts removed messages that are not there".to_owned()));
        };
        rows.of(*dialog).removed_chunks.insert(*chunk, bits(row, 0)?);
    }
    Ok(())
}

/// The authors of messages that are there.
fn authors(
    connection: &Connection,
    wanted: &[(DialogId, u64)],
) -> Result<Vec<(DialogId, u64, UserId)>, Error> {
    let mut select =
        connection.prepare_cached("SELECT sender FROM messages WHERE dialog = ?1 AND sequence = ?2")?;
    let mut authors = Vec::with_capacity(wanted.len());
    for (dialog, sequence) in wanted {
        let mut found = select.query(params![dialog.as_bytes(), int(*sequence)])?;
        let Some(row) = found.next()? else {
            return Err(Error::Damaged("a living message is not there".to_owned()));
        };
        authors.push((*dialog, *sequence, user(row, 0)?));
    }
    Ok(authors)
}

fn views(connection: &Connection, wanted: &[(DialogId, u32)], rows: &mut Rows) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached("SELECT counts FROM view_counts WHERE dialog = ?1 AND chunk = ?2")?;
    for (dialog, chunk) in wanted {
        let mut found = select.query(params![dialog.as_bytes(), chunk])?;
        if let Some(row) = found.next()? {
            rows.of(*dialog).views.insert(*chunk, Views::decode(blob(row, 0)?)?);
        }
    }
    Ok(())
}

fn totals(connection: &Connection, wanted: &[(DialogId, u64)], rows: &mut Rows) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached("SELECT reactions FROM messages WHERE dialog = ?1 AND sequence = ?2")?;
    for (dialog, sequence) in wanted {
        let mut found = select.query(params![dialog.as_bytes(), int(*sequence)])?;
        if let Some(row) = found.next()? {
            let column: Option<String> = row.get(0)?;
            rows.of(*dialog).totals.insert(*sequence, Totals::decode(column.as_deref())?);
        }
    }
    Ok(())
}
