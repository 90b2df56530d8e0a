//! What is asked of PostgreSQL.
//!
//! A statement that can be a question's only one also tells how far its state is folded, so
//! that it sees and proves one state at once. Lists come as arrays beside the one row of
//! their dialog: one answer, whatever it is made of.

use std::sync::LazyLock;

/// How far the state is folded.
const FOLDED: &str = "(SELECT array_agg(partition) AS partitions, array_agg(next_offset) AS offsets
    FROM checkpoints) c";

/// A dialog `d`, the viewer's standing `s` and the removals `r`.
pub(super) const SEAT: &str =
    "d.dialog, d.kind, d.alive, d.owner_id, d.owner_present, d.opponent, d.admins, d.head,
    d.cleared_to, d.occupants, d.last_sent, d.created_at, d.last_sequence, d.last_sender, d.last_read_by,
    d.last_delivered_by, d.last_counts_known, d.allow_preview, d.touched, s.member, s.joined_at,
    s.from_sequence, s.cleared_to, s.hidden_at, s.blocked, s.notifications, s.read_base, s.read_to,
    s.delivered_base, s.delivered_to, s.sparse, r.counts";
pub(super) const OF_SEAT: &str = "LEFT JOIN standings s ON s.dialog = d.dialog AND s.user_id = $1
    LEFT JOIN removals r ON r.dialog = d.dialog";

/// What a list shows of the dialog `d`, with the message `l`.
pub(super) const VIEW: &str =
    "d.name, d.photo, d.description, d.extensions, d.allow_preview, d.updated_at, d.pins,
    (SELECT array_agg(o.user_id) FROM (SELECT user_id FROM standings WHERE dialog = d.dialog AND member
        AND d.kind IN (2, 3) ORDER BY user_id) o),
    l.id, l.sender, l.text, l.date_sent";

/// A message `m`, for the user `$3`.
static MESSAGE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "m.sequence, m.id, m.sender, m.recipient, m.date_sent, m.created_at, m.updated_at, m.edited_at,
        m.text, m.attachments, m.custom, m.client_id, m.reactions, {},
        (SELECT v.counts FROM view_counts v WHERE v.dialog = m.dialog AND v.chunk = (m.sequence - 1) / 256)",
        own_reactions("$3")
    )
});

/// Which of the kinds of reaction that the message `m` has a user has put there: a JSON list.
fn own_reactions(user: &str) -> String {
    format!(
        "CASE WHEN m.reactions IS NOT NULL THEN (
            SELECT json_agg(k.kind ORDER BY k.kind COLLATE \"C\")::text
            FROM json_object_keys(m.reactions::json) AS k (kind)
            JOIN reactions o ON o.dialog = m.dialog AND o.sequence = m.sequence
                AND o.kind = k.kind COLLATE \"C\" AND o.user_id = {user}
         ) END"
    )
}

/// Messages between the viewer's floor and the head.
const IN_SIGHT: &str = "dialog = d.dialog AND NOT removed
    AND sequence > greatest(d.cleared_to, s.cleared_to)";
/// Whether everybody's marks are looked at: [`names_readers`](super::super::seat::Seat::names_readers).
const NAMED: &str = "d.kind IN (2, 3) AND d.occupants <= $3";

/// How far each partition is folded.
pub(super) const CHECKPOINTS: &str = "SELECT partition, next_offset, epoch FROM checkpoints
    WHERE next_offset > 0 ORDER BY partition";

/// The dialogs `$2` as user `$1` has them.
pub(super) static SEATS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.partitions, c.offsets, w.dialog, {SEAT} FROM {FOLDED}
         CROSS JOIN unnest($2::bytea[]) AS w (dialog)
         LEFT JOIN dialogs d ON d.dialog = w.dialog {OF_SEAT}"
    )
});

/// What user `$1` has not read: the sum of where it is a subtraction, and the seats of where
/// it is not.
pub(super) static UNREAD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH maybe AS MATERIALIZED (
            SELECT d.dialog, m.low, d.head, s.read_base, s.read_to, octet_length(s.sparse) > 0 OR EXISTS
                (SELECT 1 FROM removals r WHERE r.dialog = d.dialog AND octet_length(r.counts) > 0) AS odd
            FROM standings s JOIN dialogs d ON d.dialog = s.dialog
            CROSS JOIN LATERAL (SELECT greatest(d.cleared_to, s.cleared_to, s.from_sequence) AS low) m
            WHERE s.user_id = $1 AND s.member AND d.alive AND d.kind IN (2, 3)
                AND NOT (d.kind = 3 AND s.hidden_at IS NOT DISTINCT FROM d.head)
                AND d.head > m.low AND NOT (s.read_base <= m.low AND s.read_to >= d.head)
         ), plain AS (
            SELECT coalesce(sum(CASE WHEN read_base = read_to THEN head - low ELSE
                greatest(least(read_base, head) - low, 0) + greatest(head - greatest(read_to, low), 0) END
            ), 0)::bigint AS total FROM maybe WHERE NOT odd
         )
         SELECT c.partitions, c.offsets, p.total, {SEAT} FROM {FOLDED} CROSS JOIN plain p
         LEFT JOIN maybe m ON m.odd LEFT JOIN dialogs d ON d.dialog = m.dialog {OF_SEAT}"
    )
});

/// The opponents in the private dialogs of user `$1`.
pub(super) const OPPONENTS: &str = "SELECT CASE WHEN d.owner_id = $1 THEN d.opponent ELSE d.owner_id END
    FROM standings s JOIN dialogs d ON d.dialog = s.dialog
    WHERE s.user_id = $1 AND s.member AND d.alive AND d.kind = 3 AND d.opponent IS NOT NULL";

/// What lists show of the dialogs `$1`, each with its message of `$2`.
pub(super) static VIEWS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT w.dialog, w.sequence, {VIEW} FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, sequence)
         JOIN dialogs d ON d.dialog = w.dialog
         LEFT JOIN messages l ON l.dialog = w.dialog AND l.sequence = w.sequence"
    )
});

/// The dialogs `$2` as user `$1` has them and as a list shows them.
pub(super) static DIALOGS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.partitions, c.offsets, w.dialog, {SEAT}, {VIEW} FROM {FOLDED}
         CROSS JOIN unnest($2::bytea[]) AS w (dialog)
         LEFT JOIN dialogs d ON d.dialog = w.dialog {OF_SEAT}
         LEFT JOIN messages l ON l.dialog = d.dialog AND l.sequence = d.last_sequence"
    )
});

/// The dialog `$2` as user `$1` has it, and of those who are in it, or of those who are shut out,
/// after `$3` up to `$4`.
pub(super) static OCCUPANTS: LazyLock<String> = LazyLock::new(|| people("member"));
pub(super) static BLOCKED: LazyLock<String> = LazyLock::new(|| people("blocked"));

fn people(which: &str) -> String {
    format!(
        "SELECT c.partitions, c.offsets, {SEAT}, (SELECT array_agg(user_id) FROM
            (SELECT user_id FROM standings WHERE dialog = $2 AND {which} ORDER BY user_id OFFSET $3 LIMIT $4) o)
         FROM {FOLDED} LEFT JOIN dialogs d ON d.dialog = $2 {OF_SEAT}"
    )
}

/// What is removed in each chunk `$3` of its dialog of `$2`, and the bits of user `$1` there.
pub(super) const BITS: &str = "SELECT w.dialog, w.chunk, r.bits, o.read, o.delivered, o.hidden
    FROM unnest($2::bytea[], $3::bigint[]) AS w (dialog, chunk)
    LEFT JOIN removed_chunks r ON r.dialog = w.dialog AND r.chunk = w.chunk
    LEFT JOIN mark_chunks o ON o.dialog = w.dialog AND o.chunk = w.chunk AND o.user_id = $1";

/// The members of the dialogs `$1`, and their marks.
pub(super) const MEMBERS: &str = "SELECT s.dialog, s.user_id, s.read_base, s.read_to, s.delivered_base,
    s.delivered_to, s.sparse
    FROM unnest($1::bytea[]) AS w (dialog) JOIN standings s ON s.dialog = w.dialog AND s.member
    ORDER BY s.dialog, s.user_id";

/// Everybody's bits in each chunk `$2` of its dialog of `$1`.
pub(super) const OUTSIDE: &str = "SELECT o.dialog, o.chunk, o.user_id, o.read, o.delivered
    FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, chunk)
    JOIN mark_chunks o ON o.dialog = w.dialog AND o.chunk = w.chunk";

/// The living ones of the messages `$2`, each in its dialog of `$1`, as user `$3` sees them.
pub(super) static MESSAGES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT m.dialog, {} FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, sequence)
         JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence AND NOT m.removed",
        *MESSAGE
    )
});

/// For each stretch `$2` to `$3` of its dialog of `$1`: its first message that is not older than
/// the second of `$5`, by when it was stored (`$4`) or by the date shown; else the place behind it.
pub(super) const BOUNDS: &str = "SELECT w.number, h.low
    FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::boolean[], $5::bigint[])
        WITH ORDINALITY AS w (dialog, first, last, stored, second, number)
    CROSS JOIN LATERAL (
        WITH RECURSIVE halves (low, high) AS (
            SELECT w.first, w.last + 1
            UNION ALL
            SELECT CASE WHEN s.reached THEN h.low ELSE s.middle + 1 END,
                CASE WHEN s.reached THEN s.middle ELSE h.high END
            FROM halves h CROSS JOIN LATERAL (
                SELECT m.sequence AS middle,
                    CASE WHEN w.stored THEN m.created_at / 1000 ELSE m.date_sent END >= w.second AS reached
                FROM messages m
                WHERE m.dialog = w.dialog AND m.sequence = h.low + (h.high - h.low) / 2
            ) s
            WHERE h.low < h.high
        )
        SELECT low FROM halves WHERE low >= high
    ) h";

/// Who has put each kind of reaction on each message `$2` of its dialog of `$1`, at most `$3`
/// users a kind.
pub(super) const REACTED: &str = "SELECT w.dialog, w.sequence, k.kind, u.users
    FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, sequence)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence = w.sequence
    CROSS JOIN LATERAL json_object_keys(m.reactions::json) AS k (kind)
    CROSS JOIN LATERAL (
        SELECT array_agg(r.user_id) AS users FROM (
            SELECT user_id FROM reactions
            WHERE dialog = w.dialog AND sequence = w.sequence AND kind = k.kind COLLATE \"C\"
            ORDER BY user_id LIMIT $3
        ) r
    ) u
    ORDER BY k.kind COLLATE \"C\"";

/// At most `$4` messages of each of the names `$2`, each in its dialog of `$3` if there is
/// one, with their dialogs as user `$1` has them.
pub(super) static NAMES: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.partitions, c.offsets, w.id, w.within, m.sequence, m.sender, m.created_at, {SEAT}
         FROM {FOLDED} CROSS JOIN unnest($2::bytea[], $3::bytea[]) AS w (id, within)
         LEFT JOIN LATERAL (
            SELECT dialog, sequence, sender, created_at FROM messages
            WHERE id = w.id AND NOT removed AND dialog >= coalesce(w.within, '\\x')
                AND dialog <= coalesce(w.within, '\\xffffffffffffffffffffffffff')
            LIMIT $4
         ) m ON true
         LEFT JOIN dialogs d ON d.dialog = m.dialog {OF_SEAT}"
    )
});

/// A page of dialog `$2` for user `$1`, who sees everybody's marks if they are at most `$3`:
/// after `$4` messages the next `$5`, from the newest or from the oldest on.
///
/// It is the page if nothing was removed before it and he has hidden nothing there.
pub(super) static NEWEST: LazyLock<String> = LazyLock::new(|| {
    page(
        &format!(
            "SELECT * FROM messages WHERE {IN_SIGHT} AND sequence <= d.head - $4::bigint
             ORDER BY sequence DESC LIMIT $5"
        ),
        "BETWEEN p.first_chunk AND p.last_chunk",
    )
});
pub(super) static OLDEST: LazyLock<String> = LazyLock::new(|| {
    page(
        &format!(
            "SELECT * FROM messages WHERE {IN_SIGHT}
                AND sequence > greatest(d.cleared_to, s.cleared_to) + $4::bigint
             ORDER BY sequence LIMIT $5"
        ),
        "BETWEEN p.first_chunk AND p.last_chunk",
    )
});

/// The messages `$4` of dialog `$2` for user `$1`, and the bits of its chunks `$5`; `$3` as
/// for a page.
pub(super) static NAMED_MESSAGES: LazyLock<String> = LazyLock::new(|| {
    page(&format!("SELECT * FROM messages WHERE {IN_SIGHT} AND sequence = ANY ($4)"), "= ANY ($5)")
});

fn page(messages: &str, chunks: &str) -> String {
    let own = own_reactions("$1");
    format!(
        "SELECT c.partitions, c.offsets, {SEAT}, p.*, v.*, x.*, b.*, n.*, o.* FROM {FOLDED}
         LEFT JOIN dialogs d ON d.dialog = $2 {OF_SEAT}
         LEFT JOIN LATERAL (
            SELECT array_agg(sequence) AS sequences, array_agg(id), array_agg(sender), array_agg(recipient),
                array_agg(date_sent), array_agg(created_at), array_agg(updated_at), array_agg(edited_at),
                array_agg(text), array_agg(attachments), array_agg(custom), array_agg(client_id),
                array_agg(reactions), array_agg({own}),
                (min(sequence) - 1) / 4096 AS first_chunk, (max(sequence) - 1) / 4096 AS last_chunk
            FROM ({messages}) m
         ) p ON true
         LEFT JOIN LATERAL (
            SELECT array_agg(k.chunk), array_agg(k.counts)
            FROM (SELECT DISTINCT (sequence - 1) / 256 AS chunk FROM unnest(p.sequences) AS s (sequence)) w
            JOIN view_counts k ON k.dialog = d.dialog AND k.chunk = w.chunk
            WHERE d.kind IN (1, 4)
         ) v ON true
         LEFT JOIN LATERAL (
            SELECT array_agg(chunk), array_agg(bits) FROM removed_chunks
            WHERE dialog = d.dialog AND chunk {chunks} AND r.counts IS NOT NULL
         ) x ON true
         LEFT JOIN LATERAL (
            SELECT array_agg(chunk), array_agg(read), array_agg(delivered), array_agg(hidden) FROM mark_chunks
            WHERE dialog = d.dialog AND user_id = $1 AND chunk {chunks} AND octet_length(s.sparse) > 0
         ) b ON true
         LEFT JOIN LATERAL (
            SELECT array_agg(user_id), array_agg(read_base), array_agg(read_to), array_agg(delivered_base),
                array_agg(delivered_to), array_agg(sparse)
            FROM (SELECT * FROM standings WHERE dialog = d.dialog AND member AND {NAMED} ORDER BY user_id) m
         ) n ON true
         LEFT JOIN LATERAL (
            SELECT array_agg(k.chunk), array_agg(k.user_id), array_agg(k.read), array_agg(k.delivered)
            FROM standings m JOIN mark_chunks k
                ON k.dialog = m.dialog AND k.user_id = m.user_id AND k.chunk {chunks}
            WHERE m.dialog = d.dialog AND m.member AND octet_length(m.sparse) > 0 AND {NAMED}
         ) o ON true"
    )
}

/// Where user `$1` may read, and whether the dialog's name holds `$2`.
pub(super) const REACHABLE: &str = "
    SELECT d.dialog, d.head, greatest(d.cleared_to, s.cleared_to), d.kind, d.owner_id, d.opponent, d.created_at,
        coalesce(position($2 IN d.name) > 0, false)
    FROM standings s JOIN dialogs d ON d.dialog = s.dialog
    WHERE s.user_id = $1 AND s.member AND d.alive AND d.kind <> 1
    UNION ALL
    SELECT d.dialog, d.head, greatest(d.cleared_to, s.cleared_to), d.kind, d.owner_id, d.opponent, d.created_at,
        coalesce(position($2 IN d.name) > 0, false)
    FROM dialogs d LEFT JOIN standings s ON s.dialog = d.dialog AND s.user_id = $1
    WHERE d.kind = 1 AND d.alive";

/// The same of the dialogs `$3`.
pub(super) const REACHABLE_NAMED: &str = "
    SELECT d.dialog, d.head, greatest(d.cleared_to, s.cleared_to), d.kind, d.owner_id, d.opponent, d.created_at,
        coalesce(position($2 IN d.name) > 0, false)
    FROM unnest($3::bytea[]) AS w (dialog) JOIN dialogs d ON d.dialog = w.dialog
    LEFT JOIN standings s ON s.dialog = d.dialog AND s.user_id = $1
    WHERE d.alive AND (s.member OR d.kind = 1)";

/// The messages above each floor `$2` in its dialog of `$1` that hold `$3`, sent from `$4` to `$5`.
pub(super) const HOLDING: &str = "
    SELECT m.dialog, m.sequence, m.date_sent FROM unnest($1::bytea[], $2::bigint[]) AS w (dialog, floor)
    JOIN messages m ON m.dialog = w.dialog AND m.sequence > w.floor AND NOT m.removed
        AND m.date_sent >= $4 AND m.date_sent <= $5 AND position($3 IN m.text) > 0";
