//! The tables of a schema, and how one is made.
//!
//! The same rows as in the embedded store: ids are `bytea` of 12 bytes (shorter in an index
//! than a `uuid` would be), users and sequences `bigint` (bit by bit: a negative one is
//! a large one), times milliseconds. What people wrote is `text` in the order of its bytes,
//! JSON too: `jsonb` would not give back what it was given.
//!
//! Rows that change often leave room in their page, so that a change touches no index.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::error::OpenError;
use crate::Error;

/// Serialises the making of schemas in a database: "Hans" and "read".
const MAKING: (i32, i32) = (0x4861_6e73, 0x7265_6164);
/// What stands in a schema that is a read model.
const MARK: &str = "Hansard read model";

/// Every table.
pub(super) const TABLE_NAMES: [&str; 11] = [
    "dialogs",
    "standings",
    "messages",
    "removals",
    "removed_chunks",
    "mark_chunks",
    "reactions",
    "view_counts",
    "checkpoints",
    "sweeps",
    "read_model",
];

/// Every table and index. What the columns mean stands in [`crate::rows`].
const TABLES: &str = r#"
CREATE TABLE dialogs (
    dialog bytea NOT NULL PRIMARY KEY,
    kind smallint NOT NULL,
    alive boolean NOT NULL,
    owner_id bigint NOT NULL,
    owner_present boolean NOT NULL,
    opponent bigint,
    admins text COLLATE "C" NOT NULL,
    allow_preview boolean,
    name text COLLATE "C",
    photo text COLLATE "C",
    description text COLLATE "C",
    extensions text COLLATE "C",
    head bigint NOT NULL,
    cleared_to bigint NOT NULL,
    occupants bigint NOT NULL,
    last_sent bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    last_sequence bigint NOT NULL,
    last_sender bigint,
    last_read_by bigint NOT NULL,
    last_delivered_by bigint NOT NULL,
    last_counts_known boolean NOT NULL,
    pins bytea NOT NULL,
    touched bytea NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);

-- A broadcast is in everybody's list.
CREATE INDEX broadcasts ON dialogs (dialog) WHERE kind = 1 AND alive;

CREATE TABLE standings (
    dialog bytea NOT NULL,
    user_id bigint NOT NULL,
    member boolean NOT NULL,
    joined_at bigint NOT NULL,
    from_sequence bigint NOT NULL,
    cleared_to bigint NOT NULL,
    hidden_at bigint,
    blocked boolean NOT NULL,
    notifications boolean NOT NULL,
    read_base bigint NOT NULL,
    read_to bigint NOT NULL,
    delivered_base bigint NOT NULL,
    delivered_to bigint NOT NULL,
    sparse bytea NOT NULL,
    hides boolean NOT NULL GENERATED ALWAYS AS
        (CASE WHEN octet_length(sparse) > 0 THEN get_byte(sparse, 0) = 1 ELSE false END) STORED,
    PRIMARY KEY (dialog, user_id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1);

-- With what a list asks of them, none of which a mark changes: it reads no row where nothing has
-- changed since it was last swept.
CREATE INDEX standings_of_user ON standings (user_id) INCLUDE (dialog, member, hidden_at, cleared_to, hides);
CREATE INDEX blocked ON standings (dialog, user_id) WHERE blocked;

CREATE TABLE messages (
    dialog bytea NOT NULL,
    sequence bigint NOT NULL,
    id bytea NOT NULL,
    sender bigint NOT NULL,
    recipient bigint,
    date_sent bigint NOT NULL,
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    edited_at bigint,
    text text COLLATE "C",
    attachments text COLLATE "C",
    custom text COLLATE "C",
    client_id text COLLATE "C",
    removed boolean NOT NULL,
    reactions text COLLATE "C",
    PRIMARY KEY (dialog, sequence)
) WITH (fillfactor = 95, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);

-- Not unique: no fold can fail on a repeated name.
CREATE INDEX messages_by_id ON messages (id, dialog);

-- How many messages of each chunk were removed; a chunk not counted has no living row below.
CREATE TABLE removals (
    dialog bytea NOT NULL PRIMARY KEY,
    counts bytea NOT NULL
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE removed_chunks (
    dialog bytea NOT NULL,
    chunk bigint NOT NULL,
    bits bytea NOT NULL,
    PRIMARY KEY (dialog, chunk)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- Living only where the user's standing names the chunk in its sparse column.
CREATE TABLE mark_chunks (
    dialog bytea NOT NULL,
    chunk bigint NOT NULL,
    user_id bigint NOT NULL,
    read bytea NOT NULL,
    delivered bytea NOT NULL,
    hidden bytea NOT NULL,
    PRIMARY KEY (dialog, chunk, user_id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- Living only where the message counts them in its column of that name.
CREATE TABLE reactions (
    dialog bytea NOT NULL,
    sequence bigint NOT NULL,
    kind text COLLATE "C" NOT NULL,
    user_id bigint NOT NULL,
    PRIMARY KEY (dialog, sequence, kind, user_id)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);

-- How many have seen each of 256 messages.
CREATE TABLE view_counts (
    dialog bytea NOT NULL,
    chunk bigint NOT NULL,
    counts bytea NOT NULL,
    PRIMARY KEY (dialog, chunk)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);

-- A row whose next_offset is 0 says that nothing of its partition was folded yet.
CREATE TABLE checkpoints (
    partition integer NOT NULL PRIMARY KEY,
    epoch bytea NOT NULL,
    next_offset bigint NOT NULL,
    frame_hash bytea NOT NULL,
    time_ms bigint NOT NULL,
    highest_user bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- What has dead rows, until the sweeper has deleted them: a dialog, with sequence 0, or the
-- reactions to a removed message.
CREATE TABLE sweeps (
    dialog bytea NOT NULL,
    sequence bigint NOT NULL,
    PRIMARY KEY (dialog, sequence)
) WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

CREATE TABLE read_model (mark text NOT NULL);
INSERT INTO read_model VALUES ('Hansard read model');
"#;

/// Makes the schema `name`, which is the connection's search path, unless it is there.
pub(super) async fn open_or_make(connection: &mut PgConnection, name: &str) -> Result<(), OpenError> {
    if is_there(connection, name).await? {
        return check(connection, name).await;
    }
    let mut transaction = connection.begin().await?;
    // Rows that a crash takes are folded again, but nobody makes lost tables again while he runs.
    sqlx::raw_sql("SET LOCAL lock_timeout = 0; SET LOCAL synchronous_commit = on")
        .execute(&mut *transaction)
        .await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1, $2)")
        .bind(MAKING.0)
        .bind(MAKING.1)
        .execute(&mut *transaction)
        .await?;
    if is_there(&mut transaction, name).await? {
        return check(&mut transaction, name).await;
    }
    make(&mut transaction, name).await?;
    Ok(transaction.commit().await?)
}

/// Makes the schema; `name` is one of ours, letters, digits and underscores only.
pub(super) async fn make(connection: &mut PgConnection, name: &str) -> Result<(), OpenError> {
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA \"{name}\""))).execute(&mut *connection).await?;
    sqlx::raw_sql(TABLES).execute(connection).await?;
    Ok(())
}

/// Deletes a schema of ours, if it is there.
pub(super) async fn drop_schema(connection: &mut PgConnection, name: &str) -> Result<(), Error> {
    let sql = format!("DROP SCHEMA IF EXISTS \"{name}\" CASCADE");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn is_there(connection: &mut PgConnection, name: &str) -> Result<bool, OpenError> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)");
    Ok(found.bind(name).fetch_one(connection).await?)
}

/// Whether the schema on the search path is a read model.
async fn check(connection: &mut PgConnection, name: &str) -> Result<(), OpenError> {
    let foreign = || OpenError::Foreign(name.to_owned());
    let there: bool = sqlx::query_scalar("SELECT to_regclass('read_model') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !there {
        return Err(foreign());
    }
    let mark: Option<String> =
        sqlx::query_scalar("SELECT mark FROM read_model").fetch_optional(connection).await?;
    if mark.as_deref() == Some(MARK) { Ok(()) } else { Err(foreign()) }
}
