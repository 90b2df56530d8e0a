//! The tables of a file.
//!
//! Clustered tables only (WITHOUT ROWID): a page of a history is one stretch of one
//! tree. Ids are blobs of 12 bytes, users and sequences integers, times milliseconds.

/// Marks a file as a read model of Hansard: "HanR".
pub(super) const APPLICATION_ID: i32 = 0x4861_6e52;

/// Every table and index. What the columns mean stands in [`crate::rows`].
pub(super) const TABLES: &str = "
CREATE TABLE dialogs (
    dialog BLOB NOT NULL PRIMARY KEY,
    kind INTEGER NOT NULL,
    alive INTEGER NOT NULL,
    owner INTEGER NOT NULL,
    owner_present INTEGER NOT NULL,
    opponent INTEGER,
    admins TEXT NOT NULL,
    allow_preview INTEGER,
    name TEXT,
    photo TEXT,
    description TEXT,
    extensions TEXT,
    head INTEGER NOT NULL,
    cleared_to INTEGER NOT NULL,
    occupants INTEGER NOT NULL,
    last_sent INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL,
    last_sender INTEGER,
    last_read_by INTEGER NOT NULL,
    last_delivered_by INTEGER NOT NULL,
    last_counts_known INTEGER NOT NULL,
    pins BLOB NOT NULL,
    touched BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- A broadcast is in everybody's list.
CREATE INDEX broadcasts ON dialogs (dialog) WHERE kind = 1 AND alive = 1;

CREATE TABLE standings (
    dialog BLOB NOT NULL,
    user INTEGER NOT NULL,
    member INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    from_sequence INTEGER NOT NULL,
    cleared_to INTEGER NOT NULL,
    hidden_at INTEGER,
    blocked INTEGER NOT NULL,
    notifications INTEGER NOT NULL,
    read_base INTEGER NOT NULL,
    read_to INTEGER NOT NULL,
    delivered_base INTEGER NOT NULL,
    delivered_to INTEGER NOT NULL,
    sparse BLOB NOT NULL,
    PRIMARY KEY (dialog, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX standings_of_user ON standings (user);
CREATE INDEX blocked ON standings (dialog, user) WHERE blocked = 1;

CREATE TABLE messages (
    dialog BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    id BLOB NOT NULL,
    sender INTEGER NOT NULL,
    recipient INTEGER,
    date_sent INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    edited_at INTEGER,
    text TEXT,
    attachments TEXT,
    custom TEXT,
    client_id TEXT,
    removed INTEGER NOT NULL,
    reactions TEXT,
    PRIMARY KEY (dialog, sequence)
) STRICT, WITHOUT ROWID;

-- Not unique: no fold can fail on a repeated name.
CREATE INDEX messages_by_id ON messages (id, dialog);

-- How many messages of each chunk were removed; a chunk not counted has no living row below.
CREATE TABLE removals (
    dialog BLOB NOT NULL PRIMARY KEY,
    counts BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE removed_chunks (
    dialog BLOB NOT NULL,
    chunk INTEGER NOT NULL,
    bits BLOB NOT NULL,
    PRIMARY KEY (dialog, chunk)
) STRICT, WITHOUT ROWID;

-- Living only where the user's standing names the chunk in its sparse column.
CREATE TABLE mark_chunks (
    dialog BLOB NOT NULL,
    chunk INTEGER NOT NULL,
    user INTEGER NOT NULL,
    read BLOB NOT NULL,
    delivered BLOB NOT NULL,
    hidden BLOB NOT NULL,
    PRIMARY KEY (dialog, chunk, user)
) STRICT, WITHOUT ROWID;

-- Living only where the message counts them in its column of that name.
CREATE TABLE reactions (
    dialog BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY (dialog, sequence, kind, user)
) STRICT, WITHOUT ROWID;

-- How many have seen each of 256 messages.
CREATE TABLE view_counts (
    dialog BLOB NOT NULL,
    chunk INTEGER NOT NULL,
    counts BLOB NOT NULL,
    PRIMARY KEY (dialog, chunk)
) STRICT, WITHOUT ROWID;

CREATE TABLE checkpoints (
    partition INTEGER NOT NULL PRIMARY KEY,
    epoch BLOB NOT NULL,
    next_offset INTEGER NOT NULL,
    frame_hash BLOB NOT NULL,
    time_ms INTEGER NOT NULL,
    highest_user INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What has dead rows, until the sweeper has deleted them: a dialog, with sequence 0, or the
-- reactions to a removed message.
CREATE TABLE sweeps (
    dialog BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (dialog, sequence)
) STRICT, WITHOUT ROWID;
";
