//! Loading the rows that a batch wants: one statement for each round of them.

use domain::event::Permissions;
use domain::facts::Header;
use domain::{DialogId, Sequence, Time};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::values::{
    bits, damaged, dialog, get, int, kind, number, optional_number, optional_user, pins, small, split, user,
};
use crate::Error;
use crate::fold::{Rows, Wanted};
use crate::marks::{Chunk, Marks, Removals, Run, Sparse, Views};
use crate::rows::{Dialog, LastMessage, Standing, Totals, Touched};

/// Loads `wanted` into `rows`.
pub(super) async fn load(
    connection: &mut PgConnection,
    wanted: &Wanted,
    rows: &mut Rows,
) -> Result<(), Error> {
    if !wanted.dialogs.is_empty() || !wanted.standings.is_empty() {
        heads(connection, wanted, rows).await?;
    }
    if !wanted.chunks.is_empty() || !wanted.removed_chunks.is_empty() || !wanted.authors.is_empty() {
        details(connection, wanted, rows).await?;
    }
    if !wanted.viewed.is_empty() || !wanted.views.is_empty() || !wanted.totals.is_empty() {
        counts(connection, wanted, rows).await?;
    }
    Ok(())
}

/// A header that starts at that column: kind, alive, owner_id, owner_present, opponent,
/// admins, allow_preview, head, cleared_to, occupants, last_sent, pins.
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
        pins: pins(row, column + 11)?,
    })
}

/// Headers and standings, in columns side by side; the first says which a row is.
const HEADS: &str = "
    SELECT true, d.dialog, kind, alive, owner_id, owner_present, opponent, admins, allow_preview, head, cleared_to,
        occupants, last_sent, pins, name, photo, description, extensions, created_at, updated_at, last_sequence,
        last_sender, last_read_by, last_delivered_by, last_counts_known, touched, r.counts,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    FROM dialogs d LEFT JOIN removals r ON r.dialog = d.dialog WHERE d.dialog = ANY($1)
    UNION ALL
    SELECT false, s.dialog, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        s.user_id, member, joined_at, from_sequence, cleared_to, hidden_at, blocked, notifications, read_base,
        read_to, delivered_base, delivered_to, sparse
    FROM unnest($2::bytea[], $3::bigint[]) AS w (dialog, user_id)
    JOIN standings s ON s.dialog = w.dialog AND s.user_id = w.user_id";

async fn heads(connection: &mut PgConnection, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
    let dialogs: Vec<_> = wanted.dialogs.iter().map(DialogId::as_bytes).collect();
    let of: Vec<_> = wanted.standings.iter().map(|(dialog, _)| dialog.as_bytes()).collect();
    let users: Vec<_> = wanted.standings.iter().map(|(_, user)| int(user.get())).collect();
    let select = sqlx::query(HEADS).bind(dialogs).bind(of).bind(users);
    for row in &select.fetch_all(connection).await? {
        let held = rows.of(dialog(row, 1)?);
        if get(row, 0)? {
            let counts: Option<&[u8]> = get(row, 26)?;
            held.load(dialog_of(row)?, Removals::decode(counts.unwrap_or_default())?);
        } else {
            held.standings.entry(user(row, 27)?).or_default().row = Some(standing_of(row)?);
        }
    }
    Ok(())
}

fn dialog_of(row: &PgRow) -> Result<Dialog, Error> {
    let header = header_of(row, 2)?;
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
        name: get(row, 14)?,
        photo: get(row, 15)?,
        description: get(row, 16)?,
        extensions: get(row, 17)?,
        created_at: Time(number(row, 18)?),
        updated_at: Time(number(row, 19)?),
        last: LastMessage {
            sequence: Sequence(number(row, 20)?),
            sender: optional_user(row, 21)?,
            read_by: small(row, 22)?,
            delivered_by: small(row, 23)?,
            counts_known: get(row, 24)?,
        },
        touched: Touched::decode(get(row, 25)?)?,
    })
}

fn standing_of(row: &PgRow) -> Result<Standing, Error> {
    Ok(Standing {
        member: get(row, 28)?,
        joined_at: Time(number(row, 29)?),
        from: Sequence(number(row, 30)?),
        cleared_to: Sequence(number(row, 31)?),
        hidden_at: optional_number(row, 32)?.map(Sequence),
        blocked: get(row, 33)?,
        notifications: get(row, 34)?,
        marks: Marks {
            read: Run { base: number(row, 35)?, to: number(row, 36)? },
            delivered: Run { base: number(row, 37)?, to: number(row, 38)? },
            sparse: Sparse::decode(get(row, 39)?)?,
        },
    })
}

/// Users' marks, removed messages and authors; the first column says which a row is.
const DETAILS: &str = "
    SELECT 0::smallint, c.dialog, c.chunk, c.user_id, read, delivered, hidden
    FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS w (dialog, chunk, user_id)
    JOIN mark_chunks c ON c.dialog = w.dialog AND c.chunk = w.chunk AND c.user_id = w.user_id
    UNION ALL
    SELECT 1::smallint, c.dialog, c.chunk, NULL, bits, NULL, NULL
    FROM unnest($4::bytea[], $5::bigint[]) AS w (dialog, chunk)
    JOIN removed_chunks c ON c.dialog = w.dialog AND c.chunk = w.chunk
    UNION ALL
    SELECT 2::smallint, m.dialog, m.sequence, sender, NULL, NULL, NULL
    FROM unnest($6::bytea[], $7::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence";

async fn details(connection: &mut PgConnection, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
    let Wanted { chunks, removed_chunks, authors, .. } = wanted;
    let select = sqlx::query(DETAILS)
        .bind(chunks.iter().map(|(dialog, ..)| dialog.as_bytes()).collect::<Vec<_>>())
        .bind(chunks.iter().map(|(_, chunk, _)| i64::from(*chunk)).collect::<Vec<_>>())
        .bind(chunks.iter().map(|(.., user)| int(user.get())).collect::<Vec<_>>())
        .bind(removed_chunks.iter().map(|(dialog, _)| dialog.as_bytes()).collect::<Vec<_>>())
        .bind(removed_chunks.iter().map(|(_, chunk)| i64::from(*chunk)).collect::<Vec<_>>())
        .bind(authors.iter().map(|(dialog, _)| dialog.as_bytes()).collect::<Vec<_>>())
        .bind(authors.iter().map(|(_, sequence)| int(*sequence)).collect::<Vec<_>>());
    let mut found = [0; 3];
    for row in &select.fetch_all(connection).await? {
        let held = rows.of(dialog(row, 1)?);
        let sort: i16 = get(row, 0)?;
        match sort {
            0 => {
                let marks = Chunk { read: bits(row, 4)?, delivered: bits(row, 5)?, hidden: bits(row, 6)? };
                held.standings.entry(user(row, 3)?).or_default().chunks.insert(small(row, 2)?, marks);
            }
            1 => {
                held.removed_chunks.insert(small(row, 2)?, bits(row, 4)?);
            }
            _ => {
                held.living.insert(number(row, 2)?, user(row, 3)?);
            }
        }
        found[usize::from(sort.cast_unsigned()).min(2)] += 1;
    }
    all(found[0] == chunks.len(), "a standing names marks that are not there")?;
    all(found[1] == removed_chunks.len(), "a dialog counts removed messages that are not there")?;
    all(found[2] == authors.len(), "a living message is not there")
}

/// Authors of messages that somebody views, counts of viewers, and totals of reactions; the
/// first column says which a row is.
const COUNTS: &str = "
    SELECT 0::smallint, m.dialog, m.sequence, sender, NULL::bytea, NULL::text
    FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence
    UNION ALL
    SELECT 1::smallint, v.dialog, v.chunk, NULL, counts, NULL
    FROM unnest($3::bytea[], $4::bigint[]) AS w (dialog, chunk)
    JOIN view_counts v ON v.dialog = w.dialog AND v.chunk = w.chunk
    UNION ALL
    SELECT 2::smallint, m.dialog, m.sequence, NULL, NULL, reactions
    FROM unnest($5::bytea[], $6::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence";

async fn counts(connection: &mut PgConnection, wanted: &Wanted, rows: &mut Rows) -> Result<(), Error> {
    let Wanted { viewed, views, totals, .. } = wanted;
    let select = sqlx::query(COUNTS)
        .bind(viewed.iter().map(|(dialog, _)| dialog.as_bytes()).collect::<Vec<_>>())
        .bind(viewed.iter().map(|(_, sequence)| int(*sequence)).collect::<Vec<_>>())
        .bind(views.iter().map(|(dialog, _)| dialog.as_bytes()).collect::<Vec<_>>())
        .bind(views.iter().map(|(_, chunk)| i64::from(*chunk)).collect::<Vec<_>>())
        .bind(totals.iter().map(|(dialog, _)| dialog.as_bytes()).collect::<Vec<_>>())
        .bind(totals.iter().map(|(_, sequence)| int(*sequence)).collect::<Vec<_>>());
    let mut authors = 0;
    for row in &select.fetch_all(connection).await? {
        let held = rows.of(dialog(row, 1)?);
        match get::<i16>(row, 0)? {
            0 => {
                held.authors.insert(number(row, 2)?, user(row, 3)?);
                authors += 1;
            }
            1 => {
                held.views.insert(small(row, 2)?, Views::decode(get(row, 4)?)?);
            }
            _ => {
                held.totals.insert(number(row, 2)?, Totals::decode(get(row, 5)?)?);
            }
        }
    }
    all(authors == viewed.len(), "a living message is not there")
}

fn all(found: bool, missing: &str) -> Result<(), Error> {
    if found { Ok(()) } else { Err(damaged(missing)) }
}
