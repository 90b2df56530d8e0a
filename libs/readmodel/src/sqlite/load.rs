//! Loading the rows that a batch wants.

use domain::event::Permissions;
use domain::facts::Header;
use domain::{DialogId, Sequence, Time, UserId};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::values::{int, kind, number, optional_user, split, user};
use crate::Error;
use crate::fold::{Rows, Wanted};
use crate::marks::{Bits, Chunk, Marks, Removals, Run, Sparse};
use crate::rows::{Dialog, LastMessage, Standing};

/// Loads `wanted` into `rows`.
pub(super) fn load(connection: &Connection, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
    dialogs(connection, &wanted.dialogs, rows)?;
    standings(connection, &wanted.standings, rows)?;
    chunks(connection, &wanted.chunks, rows)?;
    removed_chunks(connection, &wanted.removed_chunks, rows)?;
    authors(connection, &wanted.authors, rows)
}

/// The columns of [`header_of`], from the first one on.
pub(super) const HEADER: &str = "kind, alive, owner, owner_present, opponent, admins, allow_preview, head,
    cleared_to, occupants, last_sent";

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
    })
}

/// The columns of [`dialog_of`], from the first one on.
pub(super) const DIALOG_REST: &str = "name, photo, description, extensions, created_at, updated_at,
    last_sequence, last_sender, last_read_by, last_delivered_by, last_counts_known";

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
        name: row.get(11)?,
        photo: row.get(12)?,
        description: row.get(13)?,
        extensions: row.get(14)?,
        created_at: Time(number(row, 15)?),
        updated_at: Time(number(row, 16)?),
        last: LastMessage {
            sequence: Sequence(number(row, 17)?),
            sender: optional_user(row, 18)?,
            read_by: row.get(19)?,
            delivered_by: row.get(20)?,
            counts_known: row.get(21)?,
        },
    })
}

fn dialogs(connection: &Connection, wanted: &[DialogId], rows: &mut Rows) -> Result<(), Error> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT {HEADER}, {DIALOG_REST}, (SELECT counts FROM removals r WHERE r.dialog = d.dialog)
         FROM dialogs d WHERE dialog = ?1"
    ))?;
    for id in wanted {
        let found = select
            .query_row([id.as_bytes()], |row| Ok((dialog_of(row)?, row.get::<_, Option<Vec<u8>>>(22)?)))
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
    "member, joined_at, from_sequence, cleared_to, hidden_at, read_base, read_to,
    delivered_base, delivered_to, sparse";

/// A standing that starts at that column of [`STANDING`]'s.
pub(super) fn standing_of(row: &Row<'_>) -> Result<Standing, Error> {
    Ok(Standing {
        member: row.get(0)?,
        joined_at: Time(number(row, 1)?),
        from: Sequence(number(row, 2)?),
        cleared_to: Sequence(number(row, 3)?),
        hidden_at: row.get::<_, Option<i64>>(4)?.map(|sequence| Sequence(sequence.cast_unsigned())),
        marks: Marks {
            read: Run { base: number(row, 5)?, to: number(row, 6)? },
            delivered: Run { base: number(row, 7)?, to: number(row, 8)? },
            sparse: Sparse::decode(row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?)?,
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
    Ok(Bits::decode(row.get_ref(column)?.as_blob().map_err(rusqlite::Error::from)?)?)
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

fn authors(connection: &Connection, wanted: &[(DialogId, u64)], rows: &mut Rows) -> Result<(), Error> {
    let mut select =
        connection.prepare_cached("SELECT sender FROM messages WHERE dialog = ?1 AND sequence = ?2")?;
    for (dialog, sequence) in wanted {
        let mut found = select.query(params![dialog.as_bytes(), int(*sequence)])?;
        let Some(row) = found.next()? else {
            return Err(Error::Damaged("a living message is not there".to_owned()));
        };
        rows.of(*dialog).living.insert(*sequence, user(row, 0)?);
    }
    Ok(())
}
