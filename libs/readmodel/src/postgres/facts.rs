//! Facts by key, for the one who decides, and checkpoints, for the one who waits.

use std::collections::HashMap;

use domain::facts::{Fact, Key, Message, Standing};
use domain::{DialogId, Sequence};
use eventlog::Partition;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;

use super::connect::Pool;
use super::line::Line;
use super::load::header_of;
use super::save::partition;
use super::store::{checkpoint_of, checkpoints};
use super::values::{dialog, get, int, message, number, optional_number, user};
use crate::Error;
use crate::rows::Checkpoint;

/// A connection that reads facts.
#[derive(Debug)]
pub struct FactSource {
    line: Line,
}

/// What was found, and the checkpoint of the partition at that moment.
type Found = (HashMap<Key, Fact>, Option<Checkpoint>);

impl FactSource {
    /// One with a connection of its own, which it makes when it needs it.
    pub fn new(pool: Pool) -> Self {
        Self { line: Line::new(pool) }
    }

    /// The facts of `keys` that there are, all of one moment, and the checkpoint that
    /// `partition` had then.
    ///
    /// Messages that are gone because their dialog was cleared or deleted are no facts.
    /// A standing that says nothing may be missing.
    pub async fn facts(&mut self, partition: Partition, keys: &[Key]) -> Result<Found, Error> {
        let kept = self.line.is_kept();
        let outcome = self.facts_once(partition, keys).await;
        if self.line.is_worth_another(kept, &outcome) {
            self.facts_once(partition, keys).await
        } else {
            outcome
        }
    }

    async fn facts_once(&mut self, partition: Partition, keys: &[Key]) -> Result<Found, Error> {
        let mut connection = self.line.take().await?;
        let outcome = self.line.within(facts(&mut connection, partition, keys)).await;
        self.line.keep(connection, &outcome);
        outcome
    }

    /// The highest user id that any folded event named, 0 if none did.
    pub async fn highest_user(&mut self) -> Result<u64, Error> {
        let mut connection = self.line.take().await?;
        let outcome = self.line.within(highest_user(&mut connection)).await;
        self.line.keep(connection, &outcome);
        outcome
    }

    /// How far each partition has been folded, by partition; none of which nothing was.
    pub async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        let kept = self.line.is_kept();
        let outcome = self.checkpoints_once().await;
        if self.line.is_worth_another(kept, &outcome) { self.checkpoints_once().await } else { outcome }
    }

    async fn checkpoints_once(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        let mut connection = self.line.take().await?;
        let outcome = self.line.within(checkpoints(&mut connection)).await;
        self.line.keep(connection, &outcome);
        outcome
    }
}

/// One statement, and so one moment. Which sort of fact a row is stands in its first column.
const FACTS: &str = "
    SELECT 0::smallint, NULL::bytea, epoch, next_offset, frame_hash, time_ms, NULL::smallint, NULL::boolean,
        NULL::bigint, NULL::boolean, NULL::bigint, NULL::text, NULL::boolean, NULL::bigint, NULL::bigint,
        NULL::bigint, NULL::bigint
    FROM checkpoints WHERE partition = $1 AND next_offset <> 0
    UNION ALL
    SELECT 1::smallint, dialog, NULL, NULL, NULL, NULL, kind, alive, owner_id, owner_present, opponent, admins,
        allow_preview, head, cleared_to, occupants, last_sent
    FROM dialogs WHERE dialog = ANY($2)
    UNION ALL
    SELECT 2::smallint, s.dialog, NULL, s.user_id, NULL, hidden_at, NULL, member, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL
    FROM unnest($3::bytea[], $4::bigint[]) AS w (dialog, user_id)
    JOIN standings s ON s.dialog = w.dialog AND s.user_id = w.user_id
    UNION ALL
    SELECT 3::smallint, m.dialog, m.id, m.sequence, NULL, m.sender, NULL, m.removed, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL
    FROM unnest($5::bytea[], $6::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence
    JOIN dialogs d ON d.dialog = m.dialog AND m.sequence > d.cleared_to
    UNION ALL
    SELECT 4::smallint, w.dialog, w.id, m.sequence, NULL, m.sender, NULL, m.removed, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL
    FROM unnest($7::bytea[], $8::bytea[]) AS w (dialog, id)
    JOIN dialogs d ON d.dialog = w.dialog
    CROSS JOIN LATERAL (
        SELECT sequence, sender, removed FROM messages m
        WHERE m.id = w.id AND m.dialog = w.dialog AND m.sequence > d.cleared_to
        ORDER BY sequence LIMIT 1
    ) m";

async fn facts(connection: &mut PgConnection, of: Partition, keys: &[Key]) -> Result<Found, Error> {
    let mut headers: Vec<&DialogId> = vec![];
    let (mut standings, mut messages, mut names) = ((vec![], vec![]), (vec![], vec![]), (vec![], vec![]));
    for key in keys {
        match key {
            Key::Header(dialog) => headers.push(dialog),
            Key::Standing(dialog, user) => {
                standings.0.push(dialog.as_bytes());
                standings.1.push(int(user.get()));
            }
            Key::Message(dialog, sequence) => {
                messages.0.push(dialog.as_bytes());
                messages.1.push(int(sequence.0));
            }
            Key::Named(dialog, id) => {
                names.0.push(dialog.as_bytes());
                names.1.push(id.as_bytes());
            }
        }
    }
    let headers: Vec<_> = headers.into_iter().map(DialogId::as_bytes).collect();
    let select = sqlx::query(FACTS).bind(partition(of)).bind(headers);
    let select = select.bind(standings.0).bind(standings.1).bind(messages.0).bind(messages.1);
    let rows = select.bind(names.0).bind(names.1).fetch_all(connection).await?;
    let mut found = HashMap::with_capacity(keys.len());
    let mut checkpoint = None;
    for row in &rows {
        match get::<i16>(row, 0)? {
            0 => checkpoint = Some(checkpoint_of(row, 2)?),
            1 => {
                found.insert(Key::Header(dialog(row, 1)?), Fact::Header(header_of(row, 6)?));
            }
            2 => {
                let hidden_at = optional_number(row, 5)?.map(Sequence);
                let standing = Standing { member: get(row, 7)?, hidden_at };
                found.insert(Key::Standing(dialog(row, 1)?, user(row, 3)?), Fact::Standing(standing));
            }
            3 => {
                let message = message_in(row)?;
                found.insert(Key::Message(dialog(row, 1)?, message.sequence), Fact::Message(message));
            }
            _ => {
                let message = message_in(row)?;
                found.insert(Key::Named(dialog(row, 1)?, message.id), Fact::Message(message));
            }
        }
    }
    Ok((found, checkpoint))
}

fn message_in(row: &PgRow) -> Result<Message, Error> {
    let (sequence, id) = (Sequence(number(row, 3)?), message(row, 2)?);
    Ok(Message { sequence, id, sender: user(row, 5)?, removed: get(row, 7)? })
}

async fn highest_user(connection: &mut PgConnection) -> Result<u64, Error> {
    let highest = sqlx::query("SELECT coalesce(max(highest_user), 0) FROM checkpoints");
    number(&highest.fetch_one(connection).await?, 0)
}
