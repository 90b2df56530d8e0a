//! Saving the rows that a batch changed, with the checkpoints: one statement, and so one
//! transaction that is as short as it can be.
//!
//! Its first part holds the checkpoints, in the order of partitions. Unless every one of them
//! is where the batch expects it, no other part does anything. Headers come before all
//! other rows: whoever holds a dialog's header, like the sweeper, waits for nothing else.

use std::sync::LazyLock;

use domain::{DialogId, UserId};
use eventlog::Partition;
use sqlx::postgres::{PgArguments, Postgres};
use sqlx::query::Query;
use sqlx::{PgConnection, Row as _};

use super::values::{int, join, optional_int};
use crate::fold::{Changed, DialogRows, MessageChange, Rows, StandingRows, highest_user};
use crate::marks::{Bits, Chunk, Views};
use crate::rows::{Checkpoint, Dialog, Message, Standing, Totals, encode_pins};
use crate::{Applied, Error};

/// A checkpoint's row before the first fold of its partition: a row that can be held.
const MAKE_CHECKPOINTS: &str = "
    INSERT INTO checkpoints SELECT partition, '', 0, '', 0, 0 FROM unnest($1::integer[]) AS n (partition)
    ON CONFLICT DO NOTHING";

/// What every batch is saved with. It does not end here.
const COMMON: &str = r"
WITH held AS (
    SELECT c.partition FROM checkpoints c
    JOIN unnest($1::integer[], $2::bytea[], $3::bigint[], $4::bytea[]) AS e (partition, epoch, next_offset, frame_hash)
        ON c.partition = e.partition AND c.epoch = e.epoch AND c.next_offset = e.next_offset
        AND c.frame_hash = e.frame_hash
    ORDER BY c.partition FOR UPDATE OF c
), whole AS (
    SELECT count(*) = cardinality($1) AS ok FROM held
), saved_checkpoints AS (
    UPDATE checkpoints c SET epoch = n.epoch, next_offset = n.next_offset, frame_hash = n.frame_hash,
        time_ms = n.time_ms, highest_user = greatest(c.highest_user, n.highest_user)
    FROM unnest($1::integer[], $5::bytea[], $6::bigint[], $7::bytea[], $8::bigint[], $9::bigint[])
        AS n (partition, epoch, next_offset, frame_hash, time_ms, highest_user)
    WHERE c.partition = n.partition AND (SELECT ok FROM whole)
), saved_dialogs AS (
    INSERT INTO dialogs
    SELECT n.* FROM unnest($10::bytea[], $11::smallint[], $12::boolean[], $13::bigint[], $14::boolean[],
        $15::bigint[], $16::text[], $17::boolean[], $18::text[], $19::text[], $20::text[], $21::text[],
        $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[], $26::bigint[], $27::bigint[],
        $28::bigint[], $29::bigint[], $30::bigint[], $31::bigint[], $32::boolean[], $33::bytea[], $34::bytea[]) AS n
    WHERE (SELECT ok FROM whole)
    ON CONFLICT (dialog) DO UPDATE SET kind = excluded.kind, alive = excluded.alive,
        owner_id = excluded.owner_id, owner_present = excluded.owner_present, opponent = excluded.opponent,
        admins = excluded.admins, allow_preview = excluded.allow_preview, name = excluded.name,
        photo = excluded.photo, description = excluded.description, extensions = excluded.extensions,
        head = excluded.head, cleared_to = excluded.cleared_to, occupants = excluded.occupants,
        last_sent = excluded.last_sent, created_at = excluded.created_at, updated_at = excluded.updated_at,
        last_sequence = excluded.last_sequence, last_sender = excluded.last_sender,
        last_read_by = excluded.last_read_by, last_delivered_by = excluded.last_delivered_by,
        last_counts_known = excluded.last_counts_known, pins = excluded.pins, touched = excluded.touched
    RETURNING 1
), ready AS (
    SELECT whole.ok AND (SELECT count(*) FROM saved_dialogs) >= 0 AS ok FROM whole
), saved_removals AS (
    INSERT INTO removals SELECT n.* FROM unnest($35::bytea[], $36::bytea[]) AS n WHERE (SELECT ok FROM ready)
    ON CONFLICT (dialog) DO UPDATE SET counts = excluded.counts
), saved_removed_chunks AS (
    INSERT INTO removed_chunks SELECT n.* FROM unnest($37::bytea[], $38::bigint[], $39::bytea[]) AS n
    WHERE (SELECT ok FROM ready)
    ON CONFLICT (dialog, chunk) DO UPDATE SET bits = excluded.bits
), saved_standings AS (
    INSERT INTO standings
    SELECT n.* FROM unnest($40::bytea[], $41::bigint[], $42::boolean[], $43::bigint[], $44::bigint[],
        $45::bigint[], $46::bigint[], $47::boolean[], $48::boolean[], $49::bigint[], $50::bigint[],
        $51::bigint[], $52::bigint[], $53::bytea[]) AS n
    WHERE (SELECT ok FROM ready)
    ON CONFLICT (dialog, user_id) DO UPDATE SET member = excluded.member, joined_at = excluded.joined_at,
        from_sequence = excluded.from_sequence, cleared_to = excluded.cleared_to,
        hidden_at = excluded.hidden_at, blocked = excluded.blocked, notifications = excluded.notifications,
        read_base = excluded.read_base, read_to = excluded.read_to, delivered_base = excluded.delivered_base,
        delivered_to = excluded.delivered_to, sparse = excluded.sparse
), dropped_standings AS (
    DELETE FROM standings s USING unnest($54::bytea[], $55::bigint[]) AS n (dialog, user_id)
    WHERE s.dialog = n.dialog AND s.user_id = n.user_id AND (SELECT ok FROM ready)
), saved_mark_chunks AS (
    INSERT INTO mark_chunks
    SELECT n.* FROM unnest($56::bytea[], $57::bigint[], $58::bigint[], $59::bytea[], $60::bytea[], $61::bytea[]) AS n
    WHERE (SELECT ok FROM ready)
    ON CONFLICT (dialog, chunk, user_id) DO UPDATE SET read = excluded.read, delivered = excluded.delivered,
        hidden = excluded.hidden
), new_messages AS (
    INSERT INTO messages
    SELECT n.* FROM unnest($62::bytea[], $63::bigint[], $64::bytea[], $65::bigint[], $66::bigint[],
        $67::bigint[], $68::bigint[], $69::bigint[], $70::bigint[], $71::text[], $72::text[], $73::text[],
        $74::text[], $75::boolean[], $76::text[]) AS n
    WHERE (SELECT ok FROM ready)
), changed_messages AS (
    UPDATE messages m SET text = CASE WHEN n.at IS NULL THEN m.text ELSE n.text END,
        edited_at = coalesce(n.at, m.edited_at), updated_at = coalesce(n.at, m.updated_at),
        reactions = CASE WHEN n.reacted THEN n.reactions ELSE m.reactions END
    FROM unnest($77::bytea[], $78::bigint[], $79::text[], $80::bigint[], $81::boolean[], $82::text[])
        AS n (dialog, sequence, text, at, reacted, reactions)
    WHERE m.dialog = n.dialog AND m.sequence = n.sequence AND NOT m.removed AND (SELECT ok FROM ready)
), removed_messages AS (
    UPDATE messages m SET removed = true, text = NULL, attachments = NULL, custom = NULL, client_id = NULL,
        edited_at = NULL, updated_at = created_at, reactions = NULL
    FROM unnest($83::bytea[], $84::bigint[]) AS n (dialog, sequence)
    WHERE m.dialog = n.dialog AND m.sequence = n.sequence AND (SELECT ok FROM ready)
), new_sweeps AS (
    INSERT INTO sweeps SELECT dialog, 0 FROM unnest($85::bytea[]) AS n (dialog) WHERE (SELECT ok FROM ready)
    ON CONFLICT DO NOTHING";

/// What few batches need besides.
const RARE: &str = "
), removed_sweeps AS (
    INSERT INTO sweeps SELECT m.dialog, m.sequence FROM unnest($83::bytea[], $84::bigint[]) AS n (dialog, sequence)
    JOIN messages m ON m.dialog = n.dialog AND m.sequence = n.sequence AND m.reactions IS NOT NULL
    WHERE (SELECT ok FROM ready)
    ON CONFLICT DO NOTHING
), new_reactions AS (
    INSERT INTO reactions
    SELECT n.* FROM unnest($86::bytea[], $87::bigint[], $88::text[], $89::bigint[]) AS n
    WHERE (SELECT ok FROM ready)
    ON CONFLICT DO NOTHING
), dropped_reactions AS (
    DELETE FROM reactions r USING unnest($90::bytea[], $91::bigint[], $92::text[], $93::bigint[])
        AS n (dialog, sequence, kind, user_id)
    WHERE r.dialog = n.dialog AND r.sequence = n.sequence AND r.kind = n.kind COLLATE \"C\"
        AND r.user_id = n.user_id AND (SELECT ok FROM ready)
), saved_views AS (
    INSERT INTO view_counts SELECT n.* FROM unnest($94::bytea[], $95::bigint[], $96::bytea[]) AS n
    WHERE (SELECT ok FROM ready)
    ON CONFLICT (dialog, chunk) DO UPDATE SET counts = excluded.counts";

const END: &str = "
)
SELECT partition FROM held";

static SAVE: LazyLock<String> = LazyLock::new(|| [COMMON, END].concat());
static SAVE_RARE: LazyLock<String> = LazyLock::new(|| [COMMON, RARE, END].concat());

type Statement<'q> = Query<'q, Postgres, PgArguments>;

/// Saves every dirty row and moves the checkpoints, if they are where `batch` expects them.
pub(super) async fn save(
    connection: &mut PgConnection,
    rows: &Rows,
    batch: &[Applied],
) -> Result<Saved, Error> {
    if batch.iter().any(|applied| applied.expected.is_none()) {
        let partitions = column(batch, |applied| partition(applied.partition));
        sqlx::query(MAKE_CHECKPOINTS).bind(partitions).execute(&mut *connection).await?;
    }
    let dirty = Dirty::of(rows);
    let text = if dirty.is_rare() { &SAVE_RARE } else { &SAVE };
    let statement = dirty.bind(checkpoints(sqlx::query(text.as_str()), batch));
    let found = statement.fetch_all(connection).await?;
    let held = found.iter().map(|row| row.try_get(0)).collect::<Result<Vec<i32>, _>>()?;
    let moved = batch.iter().find(|applied| !held.contains(&partition(applied.partition)));
    match moved {
        Some(applied) => Err(Error::Moved { partition: applied.partition }),
        None => Ok(Saved { rows: dirty.count() + batch.len() as u64 }),
    }
}

/// What was saved.
pub(super) struct Saved {
    /// How many rows.
    pub(super) rows: u64,
}

pub(super) fn partition(partition: Partition) -> i32 {
    partition.0.cast_signed()
}

/// One column of some rows.
fn column<'r, R, T>(rows: &'r [R], value: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn checkpoints<'q>(statement: Statement<'q>, batch: &[Applied]) -> Statement<'q> {
    let old = |applied: &Applied| applied.expected;
    let bytes = |hash: Option<&[u8]>| hash.unwrap_or_default().to_vec();
    statement
        .bind(column(batch, |applied| partition(applied.partition)))
        .bind(column(batch, |applied| bytes(old(applied).as_ref().map(|at| at.epoch.0.as_slice()))))
        .bind(column(batch, |applied| old(applied).map_or(0, |at| int(at.next.0))))
        .bind(column(batch, |applied| bytes(old(applied).as_ref().map(|at| at.frame_hash.0.as_slice()))))
        .bind(column(batch, |Applied { checkpoint: Checkpoint { epoch, .. }, .. }| epoch.0))
        .bind(column(batch, |applied| int(applied.checkpoint.next.0)))
        .bind(column(batch, |Applied { checkpoint: Checkpoint { frame_hash, .. }, .. }| frame_hash.0))
        .bind(column(batch, |applied| int(applied.checkpoint.time.0)))
        .bind(column(batch, |applied| int(applied.records.iter().map(highest_user).max().unwrap_or(0))))
}

/// The rows to save, table by table, in the order of their keys.
#[derive(Default)]
struct Dirty<'r> {
    dialogs: Vec<(&'r DialogId, &'r Dialog)>,
    removals: Vec<(&'r DialogId, Vec<u8>)>,
    removed_chunks: Vec<(&'r DialogId, u32, &'r Bits)>,
    standings: Vec<(&'r DialogId, UserId, &'r Standing)>,
    dropped: Vec<(&'r DialogId, UserId)>,
    mark_chunks: Vec<(&'r DialogId, u32, UserId, &'r Chunk)>,
    messages: Vec<(&'r DialogId, u64, &'r Message)>,
    changes: Vec<(&'r DialogId, u64, &'r Changed)>,
    removed: Vec<(&'r DialogId, u64)>,
    sweeps: Vec<&'r DialogId>,
    reactions: Vec<Reaction<'r>>,
    taken_back: Vec<Reaction<'r>>,
    views: Vec<(&'r DialogId, u32, &'r Views)>,
}

/// A row of reactions: dialog, sequence, kind, user.
type Reaction<'r> = (&'r DialogId, u64, &'r str, UserId);

impl<'r> Dirty<'r> {
    fn of(rows: &'r Rows) -> Self {
        let mut dirty = Self::default();
        let mut dialogs: Vec<_> = rows.iter().collect();
        dialogs.sort_unstable_by_key(|(dialog, _)| **dialog);
        for (dialog, rows) in dialogs {
            dirty.add(dialog, rows);
        }
        dirty
    }

    fn add(&mut self, dialog: &'r DialogId, rows: &'r DialogRows) {
        let row = rows.row.as_ref().filter(|_| rows.row_dirty);
        self.dialogs.extend(row.map(|row| (dialog, row)));
        if rows.removals_dirty {
            self.removals.push((dialog, rows.removals.encode()));
        }
        for chunk in &rows.removed_dirty {
            self.removed_chunks.extend(rows.removed_chunks.get(chunk).map(|bits| (dialog, *chunk, bits)));
        }
        let mut standings: Vec<_> = rows.standings.iter().filter(|(_, rows)| rows.dirty).collect();
        standings.sort_unstable_by_key(|(user, _)| **user);
        for (user, standing) in standings {
            self.add_standing(dialog, *user, standing);
        }
        for (sequence, change) in &rows.messages {
            match change {
                MessageChange::New(message) => self.messages.push((dialog, *sequence, message)),
                MessageChange::Changed(changed) => self.changes.push((dialog, *sequence, changed)),
                MessageChange::Removed => self.removed.push((dialog, *sequence)),
            }
        }
        if rows.swept {
            self.sweeps.push(dialog);
        }
        for (sequence, reactions) in &rows.reactions {
            for ((kind, user), there) in reactions {
                let list = if *there { &mut self.reactions } else { &mut self.taken_back };
                list.push((dialog, *sequence, kind, *user));
            }
        }
        for chunk in &rows.views_dirty {
            self.views.extend(rows.views.get(chunk).map(|views| (dialog, *chunk, views)));
        }
    }

    fn add_standing(&mut self, dialog: &'r DialogId, user: UserId, rows: &'r StandingRows) {
        let Some(row) = &rows.row else {
            self.dropped.push((dialog, user));
            return;
        };
        self.standings.push((dialog, user, row));
        // A chunk that the standing no longer names says nothing: it is not worth a row.
        for chunk in rows.chunks_dirty.iter().filter(|chunk| row.marks.sparse.get(**chunk).is_some()) {
            self.mark_chunks.extend(rows.chunks.get(chunk).map(|bits| (dialog, *chunk, user, bits)));
        }
    }

    /// Whether something is to be saved that few batches have.
    fn is_rare(&self) -> bool {
        let Self { removed, reactions, taken_back, views, .. } = self;
        !(removed.is_empty() && reactions.is_empty() && taken_back.is_empty() && views.is_empty())
    }

    fn count(&self) -> u64 {
        let Self { dialogs, removals, removed_chunks, standings, dropped, .. } = self;
        let Self { mark_chunks, messages, changes, removed, sweeps, .. } = self;
        let Self { reactions, taken_back, views, .. } = self;
        let one = dialogs.len() + removals.len() + removed_chunks.len() + standings.len() + dropped.len();
        let two = mark_chunks.len() + messages.len() + changes.len() + removed.len() + sweeps.len();
        (one + two + reactions.len() + taken_back.len() + views.len()) as u64
    }

    /// Every parameter from the tenth on, in the order of the statement.
    fn bind<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        let statement = self.bind_dialogs(statement);
        let statement = self.bind_removals(statement);
        let statement = self.bind_standings(statement);
        let statement = self.bind_messages(statement);
        if self.is_rare() { self.bind_rare(statement) } else { statement }
    }

    fn bind_dialogs<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        let rows = &self.dialogs;
        statement
            .bind(column(rows, |(dialog, _)| dialog.as_bytes()))
            .bind(column(rows, |(_, row)| row.kind.number() as i16))
            .bind(column(rows, |(_, row)| row.alive))
            .bind(column(rows, |(_, row)| int(row.owner.get())))
            .bind(column(rows, |(_, row)| row.owner_present))
            .bind(column(rows, |(_, row)| optional_int(row.opponent)))
            .bind(column(rows, |(_, row)| join(&row.admins)))
            .bind(column(rows, |(_, row)| row.permissions.map(|permissions| permissions.allow_preview)))
            .bind(column(rows, |(_, row)| row.name.as_deref()))
            .bind(column(rows, |(_, row)| row.photo.as_deref()))
            .bind(column(rows, |(_, row)| row.description.as_deref()))
            .bind(column(rows, |(_, row)| row.extensions.as_deref()))
            .bind(column(rows, |(_, row)| int(row.head.0)))
            .bind(column(rows, |(_, row)| int(row.cleared_to.0)))
            .bind(column(rows, |(_, row)| i64::from(row.occupants)))
            .bind(column(rows, |(_, row)| int(row.last_sent)))
            .bind(column(rows, |(_, row)| int(row.created_at.0)))
            .bind(column(rows, |(_, row)| int(row.updated_at.0)))
            .bind(column(rows, |(_, row)| int(row.last.sequence.0)))
            .bind(column(rows, |(_, row)| optional_int(row.last.sender)))
            .bind(column(rows, |(_, row)| i64::from(row.last.read_by)))
            .bind(column(rows, |(_, row)| i64::from(row.last.delivered_by)))
            .bind(column(rows, |(_, row)| row.last.counts_known))
            .bind(column(rows, |(_, row)| encode_pins(&row.pins)))
            .bind(column(rows, |(_, row)| row.touched.encode()))
    }

    fn bind_removals<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        let (rows, chunks) = (&self.removals, &self.removed_chunks);
        statement
            .bind(column(rows, |(dialog, _)| dialog.as_bytes()))
            .bind(column(rows, |(_, counts)| counts.as_slice()))
            .bind(column(chunks, |(dialog, ..)| dialog.as_bytes()))
            .bind(column(chunks, |(_, chunk, _)| i64::from(*chunk)))
            .bind(column(chunks, |(.., bits)| bits.encode()))
    }

    fn bind_standings<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        let (rows, dropped, chunks) = (&self.standings, &self.dropped, &self.mark_chunks);
        statement
            .bind(column(rows, |(dialog, ..)| dialog.as_bytes()))
            .bind(column(rows, |(_, user, _)| int(user.get())))
            .bind(column(rows, |(.., row)| row.member))
            .bind(column(rows, |(.., row)| int(row.joined_at.0)))
            .bind(column(rows, |(.., row)| int(row.from.0)))
            .bind(column(rows, |(.., row)| int(row.cleared_to.0)))
            .bind(column(rows, |(.., row)| row.hidden_at.map(|sequence| int(sequence.0))))
            .bind(column(rows, |(.., row)| row.blocked))
            .bind(column(rows, |(.., row)| row.notifications))
            .bind(column(rows, |(.., row)| int(row.marks.read.base)))
            .bind(column(rows, |(.., row)| int(row.marks.read.to)))
            .bind(column(rows, |(.., row)| int(row.marks.delivered.base)))
            .bind(column(rows, |(.., row)| int(row.marks.delivered.to)))
            .bind(column(rows, |(.., row)| row.marks.sparse.encode()))
            .bind(column(dropped, |(dialog, _)| dialog.as_bytes()))
            .bind(column(dropped, |(_, user)| int(user.get())))
            .bind(column(chunks, |(dialog, ..)| dialog.as_bytes()))
            .bind(column(chunks, |(_, chunk, ..)| i64::from(*chunk)))
            .bind(column(chunks, |(_, _, user, _)| int(user.get())))
            .bind(column(chunks, |(.., bits)| bits.read.encode()))
            .bind(column(chunks, |(.., bits)| bits.delivered.encode()))
            .bind(column(chunks, |(.., bits)| bits.hidden.encode()))
    }

    fn bind_messages<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        let (rows, changes, removed) = (&self.messages, &self.changes, &self.removed);
        let edited = |changed: &'r Changed| changed.edited.as_ref();
        statement
            .bind(column(rows, |(dialog, ..)| dialog.as_bytes()))
            .bind(column(rows, |(_, sequence, _)| int(*sequence)))
            .bind(column(rows, |(.., row)| row.id.as_bytes()))
            .bind(column(rows, |(.., row)| int(row.sender.get())))
            .bind(column(rows, |(.., row)| optional_int(row.recipient)))
            .bind(column(rows, |(.., row)| int(row.date_sent)))
            .bind(column(rows, |(.., row)| int(row.created_at.0)))
            .bind(column(rows, |(.., row)| int(row.updated_at.0)))
            .bind(column(rows, |(.., row)| row.edited_at.map(|at| int(at.0))))
            .bind(column(rows, |(.., row)| row.text.as_deref()))
            .bind(column(rows, |(.., row)| row.attachments.as_deref()))
            .bind(column(rows, |(.., row)| row.custom.as_deref()))
            .bind(column(rows, |(.., row)| row.client_id.as_deref()))
            .bind(column(rows, |(.., row)| row.removed))
            .bind(column(rows, |(.., row)| row.reactions.encode()))
            .bind(column(changes, |(dialog, ..)| dialog.as_bytes()))
            .bind(column(changes, |(_, sequence, _)| int(*sequence)))
            .bind(column(changes, |(.., changed)| edited(changed).and_then(|edited| edited.text.as_deref())))
            .bind(column(changes, |(.., changed)| edited(changed).map(|edited| int(edited.at.0))))
            .bind(column(changes, |(.., changed)| changed.reactions.is_some()))
            .bind(column(changes, |(.., changed)| changed.reactions.as_ref().and_then(Totals::encode)))
            .bind(column(removed, |(dialog, _)| dialog.as_bytes()))
            .bind(column(removed, |(_, sequence)| int(*sequence)))
            .bind(column(&self.sweeps, |dialog| dialog.as_bytes()))
    }
    fn bind_rare<'q>(&self, mut statement: Statement<'q>) -> Statement<'q> {
        for reactions in [&self.reactions, &self.taken_back] {
            statement = statement
                .bind(column(reactions, |(dialog, ..)| dialog.as_bytes()))
                .bind(column(reactions, |(_, sequence, ..)| int(*sequence)))
                .bind(column(reactions, |(_, _, kind, _)| *kind))
                .bind(column(reactions, |(.., user)| int(user.get())));
        }
        statement
            .bind(column(&self.views, |(dialog, ..)| dialog.as_bytes()))
            .bind(column(&self.views, |(_, chunk, _)| i64::from(*chunk)))
            .bind(column(&self.views, |(.., views)| views.encode()))
    }
}
