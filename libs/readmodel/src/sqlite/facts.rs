//! Facts by key, for the one who decides.

use std::collections::HashMap;
use std::path::Path;

use domain::facts::{Fact, Key, Message, Standing};
use domain::{DialogId, MessageId, Sequence, UserId};
use eventlog::Partition;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::connect::open_read_only;
use super::error::OpenError;
use super::load::{HEADER, header_of};
use super::store::{stored_checkpoint, stored_checkpoints};
use super::values::{corrupt, int, message, number, user};
use crate::Error;
use crate::rows::{Checkpoint, Totals};

/// A connection that reads facts. Every call blocks.
#[derive(Debug)]
pub struct FactSource {
    connection: Connection,
}

impl FactSource {
    /// Opens one on the file at `path`.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Ok(Self { connection: open_read_only(path)? })
    }

    /// The facts of `keys` that there are, all of one moment, and the checkpoint that
    /// `partition` had then.
    ///
    /// Messages that are gone because their dialog was cleared or deleted are no facts.
    /// A standing that says nothing may be missing.
    pub fn facts(
        &mut self,
        partition: Partition,
        keys: &[Key],
    ) -> Result<(HashMap<Key, Fact>, Option<Checkpoint>), Error> {
        let transaction = self.connection.transaction()?;
        let checkpoint = stored_checkpoint(&transaction, partition)?;
        let mut facts = HashMap::with_capacity(keys.len());
        for key in keys {
            if let Some(fact) = fact(&transaction, key)? {
                facts.insert(*key, fact);
            }
        }
        transaction.commit()?;
        Ok((facts, checkpoint))
    }

    /// The highest user id that any folded event named, 0 if none did.
    pub fn highest_user(&self) -> Result<u64, Error> {
        let sql = "SELECT coalesce(max(highest_user), 0) FROM checkpoints";
        Ok(self.connection.query_row(sql, [], |row| number(row, 0))?)
    }

    /// How far a partition has been folded.
    pub fn checkpoint(&self, partition: Partition) -> Result<Option<Checkpoint>, Error> {
        Ok(stored_checkpoint(&self.connection, partition)?)
    }

    /// How far each partition has been folded, by partition.
    pub fn checkpoints(&self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        Ok(stored_checkpoints(&self.connection)?)
    }
}

fn fact(connection: &Connection, key: &Key) -> rusqlite::Result<Option<Fact>> {
    match key {
        Key::Header(dialog) => header(connection, *dialog),
        Key::Standing(dialog, user) => standing(connection, *dialog, *user),
        Key::Message(dialog, sequence) => at(connection, *dialog, *sequence),
        Key::Named(dialog, id) => named(connection, *dialog, *id),
        Key::Reacted(dialog, sequence) => reacted(connection, *dialog, *sequence),
        Key::Reactions(dialog, sequence, user) => reactions(connection, *dialog, *sequence, *user),
    }
}

fn header(connection: &Connection, dialog: DialogId) -> rusqlite::Result<Option<Fact>> {
    let mut select = connection.prepare_cached(&format!("SELECT {HEADER} FROM dialogs WHERE dialog = ?1"))?;
    select.query_row([dialog.as_bytes()], |row| header_of(row).map(Fact::Header)).optional()
}

fn standing(connection: &Connection, dialog: DialogId, user: UserId) -> rusqlite::Result<Option<Fact>> {
    let mut select = connection.prepare_cached(
        "SELECT member, hidden_at, blocked, notifications FROM standings
         WHERE dialog = ?1 AND user = ?2",
    )?;
    let found = select.query_row(params![dialog.as_bytes(), int(user.get())], |row| {
        let hidden_at = row.get::<_, Option<i64>>(1)?.map(|sequence| Sequence(sequence.cast_unsigned()));
        let (blocked, notifications) = (row.get(2)?, row.get(3)?);
        Ok(Fact::Standing(Standing { member: row.get(0)?, hidden_at, blocked, notifications }))
    });
    found.optional()
}

fn at(connection: &Connection, dialog: DialogId, sequence: Sequence) -> rusqlite::Result<Option<Fact>> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, id, sender, removed FROM messages WHERE dialog = ?1 AND sequence = ?2
            AND sequence > (SELECT cleared_to FROM dialogs WHERE dialog = ?1)",
    )?;
    select.query_row(params![dialog.as_bytes(), int(sequence.0)], message_of).optional()
}

fn named(connection: &Connection, dialog: DialogId, id: MessageId) -> rusqlite::Result<Option<Fact>> {
    let mut select = connection.prepare_cached(
        "SELECT sequence, id, sender, removed FROM messages INDEXED BY messages_by_id
         WHERE id = ?2 AND dialog = ?1 AND sequence > (SELECT cleared_to FROM dialogs WHERE dialog = ?1)
         ORDER BY sequence LIMIT 1",
    )?;
    select.query_row(params![dialog.as_bytes(), id.as_bytes()], message_of).optional()
}

fn message_of(row: &Row<'_>) -> rusqlite::Result<Fact> {
    Ok(Fact::Message(Message {
        sequence: Sequence(number(row, 0)?),
        id: message(row, 1)?,
        sender: user(row, 2)?,
        removed: row.get(3)?,
    }))
}

fn reacted(connection: &Connection, dialog: DialogId, sequence: Sequence) -> rusqlite::Result<Option<Fact>> {
    let mut select =
        connection.prepare_cached("SELECT reactions FROM messages WHERE dialog = ?1 AND sequence = ?2")?;
    let found = select.query_row(params![dialog.as_bytes(), int(sequence.0)], |row| {
        let column: Option<String> = row.get(0)?;
        let totals = Totals::decode(column.as_deref()).map_err(corrupt)?;
        Ok(Fact::Reacted(totals.into_vec()))
    });
    found.optional()
}

/// A message has few kinds and many users, so each of its kinds is looked up.
fn reactions(
    connection: &Connection,
    dialog: DialogId,
    sequence: Sequence,
    user: UserId,
) -> rusqlite::Result<Option<Fact>> {
    let mut select = connection.prepare_cached(
        "SELECT r.kind FROM messages m CROSS JOIN json_each(m.reactions) k
         CROSS JOIN reactions r ON r.dialog = m.dialog AND r.sequence = m.sequence AND r.kind = k.key
            AND r.user = ?3
         WHERE m.dialog = ?1 AND m.sequence = ?2 ORDER BY r.kind",
    )?;
    let kinds =
        select.query_map(params![dialog.as_bytes(), int(sequence.0), int(user.get())], |row| row.get(0))?;
    Ok(Some(Fact::Reactions(kinds.collect::<Result<_, _>>()?)))
}
