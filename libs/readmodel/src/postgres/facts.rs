//! Facts by key, for the one who decides, and checkpoints, for the one who waits.

use std::collections::HashMap;

use domain::Sequence;
use domain::facts::{Fact, Key, Message, Standing};
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
use crate::rows::{Checkpoint, Totals};

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
        NULL::bigint, NULL::bigint, NULL::bytea
    FROM checkpoints WHERE partition = $1 AND next_offset <> 0
    UNION ALL
    SELECT 1::smallint, dialog, NULL, NULL, NULL, NULL, kind, alive, owner_id, owner_present, opponent, admins,
        allow_preview, head, cleared_to, occupants, last_sent, pins
    FROM dialogs WHERE dialog = ANY($2)
    UNION ALL
    SELECT 2::smallint, s.dialog, NULL, s.user_id, NULL, hidden_at, NULL, member, NULL, blocked, NULL, NULL,
        notifications, NULL, NULL, NULL, NULL, NULL
    FROM unnest($3::bytea[], $4::bigint[]) AS w (dialog, user_id)
    JOIN standings s ON s.dialog = w.dialog AND s.user_id = w.user_id
    UNION ALL
    SELECT 3::smallint, m.dialog, m.id, m.sequence, NULL, m.sender, NULL, m.removed, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL
    FROM unnest($5::bytea[], $6::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence
    JOIN dialogs d ON d.dialog = m.dialog AND m.sequence > d.cleared_to
    UNION ALL
    SELECT 4::smallint, w.dialog, w.id, m.sequence, NULL, m.sender, NULL, m.removed, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL, NULL, NULL, NULL
    FROM unnest($7::bytea[], $8::bytea[]) AS w (dialog, id)
    JOIN dialogs d ON d.dialog = w.dialog
    CROSS JOIN LATERAL (
        SELECT sequence, sender, removed FROM messages m
        WHERE m.id = w.id AND m.dialog = w.dialog AND m.sequence > d.cleared_to
        ORDER BY sequence LIMIT 1
    ) m
    UNION ALL
    SELECT 5::smallint, m.dialog, NULL, m.sequence, NULL, NULL, NULL, NULL, NULL, NULL, NULL, m.reactions, NULL,
        NULL, NULL, NULL, NULL, NULL
    FROM unnest($9::bytea[], $10::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence
    UNION ALL
    SELECT 6::smallint, w.dialog, NULL, w.sequence, NULL, w.user_id, NULL, NULL, NULL, NULL, NULL, r.kind, NULL,
        NULL, NULL, NULL, NULL, NULL
    FROM unnest($11::bytea[], $12::bigint[], $13::bigint[]) AS w (dialog, sequence, user_id)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence
    CROSS JOIN LATERAL json_object_keys(m.reactions::json) AS k (kind)
    JOIN reactions r ON r.dialog = w.dialog AND r.sequence = w.sequence AND r.kind = k.kind COLLATE \"C\"
        AND r.user_id = w.user_id";

/// Keys as the statement takes them, sort by sort.
#[derive(Default)]
struct Asked<'k> {
    headers: Vec<&'k [u8; 12]>,
    standings: (Vec<&'k [u8; 12]>, Vec<i64>),
    messages: (Vec<&'k [u8; 12]>, Vec<i64>),
    names: (Vec<&'k [u8; 12]>, Vec<&'k [u8; 12]>),
    reacted: (Vec<&'k [u8; 12]>, Vec<i64>),
    reactions: (Vec<&'k [u8; 12]>, Vec<i64>, Vec<i64>),
}

impl<'k> Asked<'k> {
    fn of(keys: &'k [Key]) -> Self {
        let mut asked = Self::default();
        for key in keys {
            match key {
                Key::Header(dialog) => asked.headers.push(dialog.as_bytes()),
                Key::Standing(dialog, user) => {
                    asked.standings.0.push(dialog.as_bytes());
                    asked.standings.1.push(int(user.get()));
                }
                Key::Message(dialog, sequence) => {
                    asked.messages.0.push(dialog.as_bytes());
                    asked.messages.1.push(int(sequence.0));
                }
                Key::Named(dialog, id) => {
                    asked.names.0.push(dialog.as_bytes());
                    asked.names.1.push(id.as_bytes());
                }
                Key::Reacted(dialog, sequence) => {
                    asked.reacted.0.push(dialog.as_bytes());
                    asked.reacted.1.push(int(sequence.0));
                }
                Key::Reactions(dialog, sequence, user) => {
                    asked.reactions.0.push(dialog.as_bytes());
                    asked.reactions.1.push(int(sequence.0));
                    asked.reactions.2.push(int(user.get()));
                }
            }
        }
        asked
    }
}

async fn facts(connection: &mut PgConnection, of: Partition, keys: &[Key]) -> Result<Found, Error> {
    let Asked { headers, standings, messages, names, reacted, reactions } = Asked::of(keys);
    let select = sqlx::query(FACTS).bind(partition(of)).bind(headers);
    let select = select.bind(standings.0).bind(standings.1).bind(messages.0).bind(messages.1);
    let select = select.bind(names.0).bind(names.1).bind(reacted.0).bind(reacted.1);
    let select = select.bind(reactions.0).bind(reactions.1).bind(reactions.2);
    let mut found = HashMap::with_capacity(keys.len());
    let mut checkpoint = None;
    for row in &select.fetch_all(connection).await? {
        match get::<i16>(row, 0)? {
            0 => checkpoint = Some(checkpoint_of(row, 2)?),
            1 => {
                found.insert(Key::Header(dialog(row, 1)?), Fact::Header(header_of(row, 6)?));
            }
            2 => {
                let hidden_at = optional_number(row, 5)?.map(Sequence);
                let (blocked, notifications) = (get(row, 9)?, get(row, 12)?);
                let standing = Standing { member: get(row, 7)?, hidden_at, blocked, notifications };
                found.insert(Key::Standing(dialog(row, 1)?, user(row, 3)?), Fact::Standing(standing));
            }
            3 => {
                let message = message_in(row)?;
                found.insert(Key::Message(dialog(row, 1)?, message.sequence), Fact::Message(message));
            }
            4 => {
                let message = message_in(row)?;
                found.insert(Key::Named(dialog(row, 1)?, message.id), Fact::Message(message));
            }
            5 => {
                let totals = Totals::decode(get(row, 11)?)?;
                let key = Key::Reacted(dialog(row, 1)?, Sequence(number(row, 3)?));
                found.insert(key, Fact::Reacted(totals.into_vec()));
            }
            _ => one_reaction(row, &mut found)?,
        }
    }
    Ok((found, checkpoint))
}

/// Puts one kind of a user's to the others that he has put on the same message.
fn one_reaction(row: &PgRow, found: &mut HashMap<Key, Fact>) -> Result<(), Error> {
    let key = Key::Reactions(dialog(row, 1)?, Sequence(number(row, 3)?), user(row, 5)?);
    let kind: String = get(row, 11)?;
    if let Fact::Reactions(kinds) = found.entry(key).or_insert_with(|| Fact::Reactions(vec![])) {
        let place = kinds.partition_point(|other| *other < kind);
        kinds.insert(place, kind);
    }
    Ok(())
}

fn message_in(row: &PgRow) -> Result<Message, Error> {
    let (sequence, id) = (Sequence(number(row, 3)?), message(row, 2)?);
    Ok(Message { sequence, id, sender: user(row, 5)?, removed: get(row, 7)? })
}

async fn highest_user(connection: &mut PgConnection) -> Result<u64, Error> {
    let highest = sqlx::query("SELECT coalesce(max(highest_user), 0) FROM checkpoints");
    number(&highest.fetch_one(connection).await?, 0)
}
