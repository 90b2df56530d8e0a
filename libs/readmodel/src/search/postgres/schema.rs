//! The tables of an index's schema, and how one is made.

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::stretches;
use crate::postgres::{OpenError as ConnectError, Settings, options};
use crate::search::SEARCH_VERSION;
use crate::search::error::OpenError;

/// Serialises the making of indexes in a database: "Hans" and "find".
const MAKING: (i32, i32) = (0x4861_6e73, 0x6669_6e64);
/// What stands in a schema that is an index.
const MARK: &str = "Hansard search index";
/// Where the extension is put if nobody has put it anywhere: not into the schema of a version,
/// with which it would go.
const EXTENSIONS: &str = "hansard_extensions";

/// KiB of new entries of the index that wait: more than a batch makes.
const PENDING_KIB: u32 = 16 * 1024;

/// Every table and index, with the extension in that schema.
fn tables(extension_schema: &str) -> String {
    let stretches = stretches();
    format!(
        r#"
-- Every message that is there; without a text that can be searched for, it has none.
CREATE TABLE texts (
    dialog bytea NOT NULL,
    sequence bigint NOT NULL,
    date_sent bigint NOT NULL,
    text text COLLATE "C",
    PRIMARY KEY (dialog, sequence)
) WITH (fillfactor = 95, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_insert_scale_factor = 0.1);

-- What is new waits in a list until a batch is through: then each trigram is visited once.
CREATE INDEX words ON texts USING gin ({stretches}, text "{extension_schema}".gin_trgm_ops)
    WITH (fastupdate = on, gin_pending_list_limit = {PENDING_KIB}) WHERE text IS NOT NULL;

-- A row whose next_offset is 0 says that nothing of its partition was folded yet. Dates of
-- its messages, removed ones too, lie between oldest and newest.
CREATE TABLE checkpoints (
    partition integer NOT NULL PRIMARY KEY,
    epoch bytea NOT NULL,
    next_offset bigint NOT NULL,
    frame_hash bytea NOT NULL,
    time_ms bigint NOT NULL,
    oldest bigint NOT NULL,
    newest bigint NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);

-- Dialogs whose messages are gone up to there, until the sweeper has deleted their rows.
CREATE TABLE sweeps (
    dialog bytea NOT NULL PRIMARY KEY,
    up_to bigint NOT NULL
);

CREATE TABLE read_model (mark text NOT NULL);
INSERT INTO read_model VALUES ('{MARK}');
"#
    )
}

/// The schema's name beside that of the rows.
pub(in crate::search) fn schema(settings: &Settings) -> String {
    format!("{}_search_{SEARCH_VERSION}", settings.schema)
}

/// How to connect to it, but for what else each connection asks of the server.
pub(super) fn connecting(settings: &Settings) -> Result<PgConnectOptions, ConnectError> {
    let (connecting, _) = options(settings)?;
    Ok(connecting.options([("search_path", schema(settings))]))
}

/// A connection to it.
pub(super) async fn connect(settings: &Settings) -> Result<PgConnection, OpenError> {
    let unlimited = [("statement_timeout", "0"), ("lock_timeout", "0")];
    Ok(connecting(settings)?.options(unlimited).connect().await?)
}

/// Makes the schema unless it is there.
pub(super) async fn open_or_make(connection: &mut PgConnection, name: &str) -> Result<(), OpenError> {
    if is_there(connection, name).await? {
        return check(connection, name).await;
    }
    let mut transaction = connection.begin().await?;
    sqlx::raw_sql("SET LOCAL synchronous_commit = on").execute(&mut *transaction).await?;
    let lock = sqlx::query("SELECT pg_advisory_xact_lock($1, $2)").bind(MAKING.0).bind(MAKING.1);
    lock.execute(&mut *transaction).await?;
    if is_there(&mut transaction, name).await? {
        return check(&mut transaction, name).await;
    }
    let extension_schema = extension(&mut transaction).await?;
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA \"{name}\""))).execute(&mut *transaction).await?;
    sqlx::raw_sql(AssertSqlSafe(tables(&extension_schema))).execute(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

const EXTENSION: &str = "SELECT n.nspname::text FROM pg_extension e
    JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_trgm'";

/// The schema that the extension is in; it is made if it is not there.
async fn extension(connection: &mut PgConnection) -> Result<String, OpenError> {
    let find = || sqlx::query_scalar::<_, String>(EXTENSION);
    if let Some(schema) = find().fetch_optional(&mut *connection).await? {
        return Ok(schema);
    }
    let make =
        format!("CREATE SCHEMA IF NOT EXISTS {EXTENSIONS}; CREATE EXTENSION pg_trgm SCHEMA {EXTENSIONS}");
    let made = sqlx::raw_sql(AssertSqlSafe(make)).execute(&mut *connection).await;
    made.map_err(|error| match error.as_database_error() {
        Some(_) => OpenError::NoTrigrams(error),
        None => error.into(),
    })?;
    Ok(EXTENSIONS.to_owned())
}

/// Deletes the index, if there is one.
pub(in crate::search) async fn discard(settings: &Settings) -> Result<(), OpenError> {
    let name = schema(settings);
    let mut connection = connect(settings).await?;
    if is_there(&mut connection, &name).await? {
        check(&mut connection, &name).await?;
        let drop = format!("DROP SCHEMA \"{name}\" CASCADE");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await?;
    }
    Ok(connection.close().await?)
}

pub(super) async fn is_there(connection: &mut PgConnection, name: &str) -> Result<bool, OpenError> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)");
    Ok(found.bind(name).fetch_one(connection).await?)
}

/// Whether the schema on the search path is an index.
async fn check(connection: &mut PgConnection, name: &str) -> Result<(), OpenError> {
    let there: bool = sqlx::query_scalar("SELECT to_regclass('read_model') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    let mark: Option<String> = match there {
        true => sqlx::query_scalar("SELECT mark FROM read_model").fetch_optional(connection).await?,
        false => None,
    };
    if mark.as_deref() == Some(MARK) { Ok(()) } else { Err(OpenError::Foreign(name.to_owned())) }
}
