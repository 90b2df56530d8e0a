//! Loading the rows that a batch wants: one statement for each table that has some.

use domain::event::Permissions;
use domain::facts::Header;
use domain::{DialogId, Sequence, Time, UserId};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::values::{
    bits, damaged, dialog, get, int, kind, number, optional_number, optional_user, small, split, user,
};
use crate::Error;
use crate::fold::{Rows, Wanted};
use crate::marks::{Chunk, Marks, Removals, Run, Sparse};
use crate::rows::{Dialog, LastMessage, Standing};

/// Loads `wanted` into `rows`.
pub(super) async fn load(
    connection: &mut PgConnection,
    wanted: &Wanted,
    rows: &mut Rows,
) -> Result<(), Error> {
    dialogs(connection, &wanted.dialogs, rows).await?;
    standings(connection, &wanted.standings, rows).await?;
    chunks(connection, &wanted.chunks, rows).await?;
    removed_chunks(connection, &wanted.removed_chunks, rows).await?;
    authors(connection, &wanted.authors, rows).await
}

/// A header that starts at that column: kind, alive, owner_id, owner_present, opponent,
/// admins, allow_preview, head, cleared_to, occupants, last_sent.
pub(super) fn header_of(row: &PgRow, column: usize) -> Result<Header, Error> {
    let allow_preview: Option<bool> = get(row, column + 6)?;
    Ok(Header {
        kind: kind(row, column)?,
        alive: get(row, column + 1)?,
        owner: user(row, column + 2)?,
        owner_present: get(row, column + 3)?,
        opponent: optional_user(row, column + 4)?,
        admins: split(get(row, column + 5)?)?,
        permissions: allow_preview.map(|allow_preview| Permissions { allow_preview }),
        head: Sequence(number(row, column + 7)?),
        cleared_to: Sequence(number(row, column + 8)?),
        occupants: small(row, column + 9)?,
        last_sent: number(row, column + 10)?,
    })
}

const DIALOGS: &str = "
    SELECT d.dialog, kind, alive, owner_id, owner_present, opponent, admins, allow_preview, head, cleared_to,
        occupants, last_sent, name, photo, description, extensions, created_at, updated_at, last_sequence,
        last_sender, last_read_by, last_delivered_by, last_counts_known, r.counts
    FROM dialogs d LEFT JOIN removals r ON r.dialog = d.dialog WHERE d.dialog = ANY($1)";

fn dialog_of(row: &PgRow) -> Result<Dialog, Error> {
    let header = header_of(row, 1)?;
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
        name: get(row, 12)?,
        photo: get(row, 13)?,
        description: get(row, 14)?,
        extensions: get(row, 15)?,
        created_at: Time(number(row, 16)?),
        updated_at: Time(number(row, 17)?),
        last: LastMessage {
            sequence: Sequence(number(row, 18)?),
            sender: optional_user(row, 19)?,
            read_by: small(row, 20)?,
            delivered_by: small(row, 21)?,
            counts_known: get(row, 22)?,
        },
    })
}

async fn dialogs(connection: &mut PgConnection, wanted: &[DialogId], rows: &mut Rows) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = wanted.iter().map(DialogId::as_bytes).collect();
    for row in &sqlx::query(DIALOGS).bind(ids).fetch_all(connection).await? {
        let counts: Option<&[u8]> = get(row, 23)?;
        rows.of(dialog(row, 0)?).load(dialog_of(row)?, Removals::decode(counts.unwrap_or_default())?);
    }
    Ok(())
}

const STANDINGS: &str = "
    SELECT s.dialog, s.user_id, member, joined_at, from_sequence, cleared_to, hidden_at, read_base, read_to,
        delivered_base, delivered_to, sparse
    FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, user_id)
    JOIN standings s ON s.dialog = w.dialog AND s.user_id = w.user_id";

fn standing_of(row: &PgRow) -> Result<Standing, Error> {
    Ok(Standing {
        member: get(row, 2)?,
        joined_at: Time(number(row, 3)?),
        from: Sequence(number(row, 4)?),
        cleared_to: Sequence(number(row, 5)?),
        hidden_at: optional_number(row, 6)?.map(Sequence),
        marks: Marks {
            read: Run { base: number(row, 7)?, to: number(row, 8)? },
            delivered: Run { base: number(row, 9)?, to: number(row, 10)? },
            sparse: Sparse::decode(get(row, 11)?)?,
        },
    })
}

async fn standings(
    connection: &mut PgConnection,
    wanted: &[(DialogId, UserId)],
    rows: &mut Rows,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let dialogs: Vec<_> = wanted.iter().map(|(dialog, _)| dialog.as_bytes()).collect();
    let users: Vec<_> = wanted.iter().map(|(_, user)| int(user.get())).collect();
    for row in &sqlx::query(STANDINGS).bind(dialogs).bind(users).fetch_all(connection).await? {
        let held = rows.of(dialog(row, 0)?).standings.entry(user(row, 1)?).or_default();
        held.row = Some(standing_of(row)?);
    }
    Ok(())
}

const CHUNKS: &str = "
    SELECT c.dialog, c.chunk, c.user_id, read, delivered, hidden
    FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS w (dialog, chunk, user_id)
    JOIN mark_chunks c ON c.dialog = w.dialog AND c.chunk = w.chunk AND c.user_id = w.user_id";

async fn chunks(
    connection: &mut PgConnection,
    wanted: &[(DialogId, u32, UserId)],
    rows: &mut Rows,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let dialogs: Vec<_> = wanted.iter().map(|(dialog, ..)| dialog.as_bytes()).collect();
    let chunks: Vec<_> = wanted.iter().map(|(_, chunk, _)| i64::from(*chunk)).collect();
    let users: Vec<_> = wanted.iter().map(|(.., user)| int(user.get())).collect();
    let select = sqlx::query(CHUNKS).bind(dialogs).bind(chunks).bind(users);
    let found = select.fetch_all(connection).await?;
    for row in &found {
        let marks = Chunk { read: bits(row, 3)?, delivered: bits(row, 4)?, hidden: bits(row, 5)? };
        let held = rows.of(dialog(row, 0)?).standings.entry(user(row, 2)?).or_default();
        held.chunks.insert(small(row, 1)?, marks);
    }
    all(found.len() == wanted.len(), "a standing names marks that are not there")
}

const REMOVED_CHUNKS: &str = "
    SELECT c.dialog, c.chunk, bits FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, chunk)
    JOIN removed_chunks c ON c.dialog = w.dialog AND c.chunk = w.chunk";

async fn removed_chunks(
    connection: &mut PgConnection,
    wanted: &[(DialogId, u32)],
    rows: &mut Rows,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let dialogs: Vec<_> = wanted.iter().map(|(dialog, _)| dialog.as_bytes()).collect();
    let chunks: Vec<_> = wanted.iter().map(|(_, chunk)| i64::from(*chunk)).collect();
    let found = sqlx::query(REMOVED_CHUNKS).bind(dialogs).bind(chunks).fetch_all(connection).await?;
    for row in &found {
        rows.of(dialog(row, 0)?).removed_chunks.insert(small(row, 1)?, bits(row, 2)?);
    }
    all(found.len() == wanted.len(), "a dialog counts removed messages that are not there")
}

const AUTHORS: &str = "
    SELECT m.dialog, m.sequence, sender FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence";

async fn authors(
    connection: &mut PgConnection,
    wanted: &[(DialogId, u64)],
    rows: &mut Rows,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let dialogs: Vec<_> = wanted.iter().map(|(dialog, _)| dialog.as_bytes()).collect();
    let sequences: Vec<_> = wanted.iter().map(|(_, sequence)| int(*sequence)).collect();
    let found = sqlx::query(AUTHORS).bind(dialogs).bind(sequences).fetch_all(connection).await?;
    for row in &found {
        rows.of(dialog(row, 0)?).living.insert(number(row, 1)?, user(row, 2)?);
    }
    all(found.len() == wanted.len(), "a living message is not there")
}

fn all(found: bool, missing: &str) -> Result<(), Error> {
    if found { Ok(()) } else { Err(damaged(missing)) }
}
