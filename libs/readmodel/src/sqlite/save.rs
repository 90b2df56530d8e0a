//! Saving the rows that a batch changed.

use domain::{DialogId, UserId};
use rusqlite::{Connection, params};

use super::values::{int, join, optional_int};
use crate::Error;
use crate::fold::{Changed, DialogRows, Edited, MessageChange, Rows, StandingRows};
use crate::rows::{Dialog, Message, Standing, encode_pins};

/// Saves every dirty row, dialog by dialog in the order of the tables.
pub(super) fn save(connection: &Connection, rows: &Rows) -> Result<(), Error> {
    let mut dialogs: Vec<_> = rows.iter().collect();
    dialogs.sort_unstable_by_key(|(dialog, _)| **dialog);
    for (dialog, rows) in dialogs {
        if let Some(row) = rows.row.as_ref().filter(|_| rows.row_dirty) {
            save_dialog(connection, *dialog, row)?;
        }
        save_removals(connection, *dialog, rows)?;
        for (user, standing) in &rows.standings {
            save_standing(connection, *dialog, *user, standing)?;
        }
        for (sequence, change) in &rows.messages {
            save_message(connection, *dialog, *sequence, change)?;
        }
        save_reactions(connection, *dialog, rows)?;
        save_views(connection, *dialog, rows)?;
        if rows.swept {
            let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO sweeps VALUES (?1, 0)")?;
            insert.execute([dialog.as_bytes()])?;
        }
    }
    Ok(())
}

const SAVE_DIALOG: &str = "
    INSERT INTO dialogs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
        ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)
    ON CONFLICT DO UPDATE SET kind = ?2, alive = ?3, owner = ?4, owner_present = ?5, opponent = ?6,
        admins = ?7, allow_preview = ?8, name = ?9, photo = ?10, description = ?11, extensions = ?12,
        head = ?13, cleared_to = ?14, occupants = ?15, last_sent = ?16, created_at = ?17, updated_at = ?18,
        last_sequence = ?19, last_sender = ?20, last_read_by = ?21, last_delivered_by = ?22,
        last_counts_known = ?23, pins = ?24, touched = ?25";

fn save_dialog(connection: &Connection, dialog: DialogId, row: &Dialog) -> Result<(), Error> {
    let mut upsert = connection.prepare_cached(SAVE_DIALOG)?;
    upsert.execute(params![
        dialog.as_bytes(),
        row.kind.number(),
        row.alive,
        int(row.owner.get()),
        row.owner_present,
        optional_int(row.opponent),
        join(&row.admins),
        row.permissions.map(|permissions| permissions.allow_preview),
        row.name,
        row.photo,
        row.description,
        row.extensions,
        int(row.head.0),
        int(row.cleared_to.0),
        row.occupants,
        int(row.last_sent),
        int(row.created_at.0),
        int(row.updated_at.0),
        int(row.last.sequence.0),
        optional_int(row.last.sender),
        row.last.read_by,
        row.last.delivered_by,
        row.last.counts_known,
        encode_pins(&row.pins),
        row.touched.encode(),
    ])?;
    Ok(())
}

fn save_removals(connection: &Connection, dialog: DialogId, rows: &DialogRows) -> Result<(), Error> {
    if rows.removals_dirty {
        let mut upsert = connection
            .prepare_cached("INSERT INTO removals VALUES (?1, ?2) ON CONFLICT DO UPDATE SET counts = ?2")?;
        upsert.execute(params![dialog.as_bytes(), rows.removals.encode()])?;
    }
    for chunk in &rows.removed_dirty {
        let Some(bits) = rows.removed_chunks.get(chunk) else { continue };
        let mut upsert = connection.prepare_cached(
            "INSERT INTO removed_chunks VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET bits = ?3",
        )?;
        upsert.execute(params![dialog.as_bytes(), chunk, bits.encode()])?;
    }
    Ok(())
}

const SAVE_STANDING: &str = "
    INSERT INTO standings VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
    ON CONFLICT DO UPDATE SET member = ?3, joined_at = ?4, from_sequence = ?5, cleared_to = ?6, hidden_at = ?7,
        blocked = ?8, notifications = ?9, read_base = ?10, read_to = ?11, delivered_base = ?12,
        delivered_to = ?13, sparse = ?14";

fn save_standing(
    connection: &Connection,
    dialog: DialogId,
    user: UserId,
    rows: &StandingRows,
) -> Result<(), Error> {
    if !rows.dirty {
        return Ok(());
    }
    let Some(row) = &rows.row else {
        let mut delete =
            connection.prepare_cached("DELETE FROM standings WHERE dialog = ?1 AND user = ?2")?;
        delete.execute(params![dialog.as_bytes(), int(user.get())])?;
        return Ok(());
    };
    let Standing { member, joined_at, from, cleared_to, hidden_at, blocked, notifications, marks } = row;
    let mut upsert = connection.prepare_cached(SAVE_STANDING)?;
    upsert.execute(params![
        dialog.as_bytes(),
        int(user.get()),
        member,
        int(joined_at.0),
        int(from.0),
        int(cleared_to.0),
        hidden_at.map(|sequence| int(sequence.0)),
        blocked,
        notifications,
        int(marks.read.base),
        int(marks.read.to),
        int(marks.delivered.base),
        int(marks.delivered.to),
        marks.sparse.encode(),
    ])?;
    // A chunk that the standing no longer names says nothing: it is not worth a row.
    for chunk in rows.chunks_dirty.iter().filter(|chunk| marks.sparse.get(**chunk).is_some()) {
        let Some(bits) = rows.chunks.get(chunk) else { continue };
        let mut upsert = connection.prepare_cached(
            "INSERT INTO mark_chunks VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET read = ?4, delivered = ?5, hidden = ?6",
        )?;
        upsert.execute(params![
            dialog.as_bytes(),
            chunk,
            int(user.get()),
            bits.read.encode(),
            bits.delivered.encode(),
            bits.hidden.encode(),
        ])?;
    }
    Ok(())
}

fn save_message(
    connection: &Connection,
    dialog: DialogId,
    sequence: u64,
    change: &MessageChange,
) -> Result<(), Error> {
    match change {
        MessageChange::New(message) => insert_message(connection, dialog, sequence, message),
        MessageChange::Changed(Changed { edited, reactions }) => {
            if let Some(Edited { text, at }) = edited {
                let mut update = connection.prepare_cached(
                    "UPDATE messages SET text = ?3, edited_at = ?4, updated_at = ?4
                     WHERE dialog = ?1 AND sequence = ?2 AND NOT removed",
                )?;
                update.execute(params![dialog.as_bytes(), int(sequence), text, int(at.0)])?;
            }
            if let Some(totals) = reactions {
                let mut update = connection.prepare_cached(
                    "UPDATE messages SET reactions = ?3 WHERE dialog = ?1 AND sequence = ?2 AND NOT removed",
                )?;
                update.execute(params![dialog.as_bytes(), int(sequence), totals.encode()])?;
            }
            Ok(())
        }
        MessageChange::Removed => {
            let mut sweep = connection.prepare_cached(
                "INSERT OR IGNORE INTO sweeps SELECT dialog, sequence FROM messages
                 WHERE dialog = ?1 AND sequence = ?2 AND reactions IS NOT NULL",
            )?;
            sweep.execute(params![dialog.as_bytes(), int(sequence)])?;
            let mut update = connection.prepare_cached(
                "UPDATE messages SET removed = 1, text = NULL, attachments = NULL, custom = NULL,
                    client_id = NULL, edited_at = NULL, updated_at = created_at, reactions = NULL
                 WHERE dialog = ?1 AND sequence = ?2",
            )?;
            update.execute(params![dialog.as_bytes(), int(sequence)])?;
            Ok(())
        }
    }
}

fn insert_message(
    connection: &Connection,
    dialog: DialogId,
    sequence: u64,
    message: &Message,
) -> Result<(), Error> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO messages VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
            ?15)",
    )?;
    insert.execute(params![
        dialog.as_bytes(),
        int(sequence),
        message.id.as_bytes(),
        int(message.sender.get()),
        optional_int(message.recipient),
        int(message.date_sent),
        int(message.created_at.0),
        int(message.updated_at.0),
        message.edited_at.map(|at| int(at.0)),
        message.text,
        message.attachments,
        message.custom,
        message.client_id,
        message.removed,
        message.reactions.encode(),
    ])?;
    Ok(())
}

fn save_reactions(connection: &Connection, dialog: DialogId, rows: &DialogRows) -> Result<(), Error> {
    for (sequence, reactions) in &rows.reactions {
        for ((kind, user), there) in reactions {
            let mut change = connection.prepare_cached(if *there {
                "INSERT OR IGNORE INTO reactions VALUES (?1, ?2, ?3, ?4)"
            } else {
                "DELETE FROM reactions WHERE dialog = ?1 AND sequence = ?2 AND kind = ?3 AND user = ?4"
            })?;
            change.execute(params![dialog.as_bytes(), int(*sequence), kind, int(user.get())])?;
        }
    }
    Ok(())
}

fn save_views(connection: &Connection, dialog: DialogId, rows: &DialogRows) -> Result<(), Error> {
    for chunk in &rows.views_dirty {
        let Some(views) = rows.views.get(chunk) else { continue };
        let mut upsert = connection.prepare_cached(
            "INSERT INTO view_counts VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET counts = ?3",
        )?;
        upsert.execute(params![dialog.as_bytes(), chunk, views.encode()])?;
    }
    Ok(())
}
