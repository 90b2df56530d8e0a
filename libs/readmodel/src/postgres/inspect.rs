//! Looking at a server from outside: what it is, what it allows, and what of ours is in it.
//!
//! One connection that may only read; nothing is made. The answer judges nothing.

use std::time::Duration;

use eventlog::Partition;
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::connect::{Settings, connect_first, options};
use super::error::OpenError;
use super::store::checkpoints;
use crate::rows::Checkpoint;

/// How long the server may work on one question.
const STATEMENT_MAX: Duration = Duration::from_secs(3);

/// What a server says of itself.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// Host and port, or the socket.
    pub address: String,
    /// Its version, such as `15.4`.
    pub version: String,
    /// The time there, in milliseconds since 1970.
    pub time_ms: u64,
    /// Whether what it confirms is on its disk.
    pub fsync: bool,
    /// Whether it survives a crash in the middle of writing a page.
    pub full_page_writes: bool,
    /// Whether it only follows another server.
    pub is_standby: bool,
    /// Connections that it takes at once from users like ours.
    pub connections_max: u32,
    /// Whether the extension for searching is there.
    pub trigrams: Trigrams,
    /// Whether this user may make schemas in the database.
    pub may_create: bool,
    /// The schema of today's rows.
    pub schema: String,
    /// How far today's rows have been folded; `None` if there are none yet.
    pub checkpoints: Option<Vec<(Partition, Checkpoint)>>,
    /// Schemas of rows of other versions.
    pub others: Vec<String>,
}

/// Whether texts can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigrams {
    /// The extension is in the database.
    Made,
    /// It is on the server, and can be made.
    Possible,
    /// It is not on the server.
    Absent,
}

/// Looks at the server of those settings, within their `acquire_max` and a few statements.
///
/// # Errors
///
/// It cannot be reached, or is not one that the rows can be kept on.
pub async fn inspect(settings: &Settings) -> Result<Inspected, OpenError> {
    let settings = Settings { statement_max: STATEMENT_MAX, ..settings.clone() };
    let (options, schema) = options(&settings)?;
    let options =
        options.options([("search_path", schema.as_str()), ("default_transaction_read_only", "on")]);
    let mut connection = connect_first(&options, settings.acquire_max).await?;
    let row = sqlx::query(SERVER).fetch_one(&mut connection).await?;
    let others = others(&mut connection, &settings.schema, &schema).await?;
    let is_there: bool = sqlx::query_scalar("SELECT to_regclass('checkpoints') IS NOT NULL")
        .fetch_one(&mut connection)
        .await?;
    let checkpoints = match is_there {
        true => Some(checkpoints(&mut connection).await?),
        false => None,
    };
    connection.close().await?;
    let address = super::connect::address(&options);
    Ok(Inspected { address, schema, checkpoints, others, ..server(&row)? })
}

const SERVER: &str = "
    SELECT current_setting('server_version') AS version,
        (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS time_ms,
        current_setting('fsync')::boolean AS fsync,
        current_setting('full_page_writes')::boolean AS full_page_writes,
        pg_is_in_recovery() AS is_standby,
        current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
            AS connections_max,
        has_database_privilege(current_database(), 'CREATE') AS may_create,
        EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') AS has_trigrams,
        EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_trgm') AS knows_trigrams";

fn server(row: &PgRow) -> sqlx::Result<Inspected> {
    let version: String = row.try_get("version")?;
    Ok(Inspected {
        address: String::new(),
        // Who packaged it follows.
        version: version.split(' ').next().unwrap_or_default().to_owned(),
        time_ms: u64::try_from(row.try_get::<i64, _>("time_ms")?).unwrap_or(0),
        fsync: row.try_get("fsync")?,
        full_page_writes: row.try_get("full_page_writes")?,
        is_standby: row.try_get("is_standby")?,
        connections_max: u32::try_from(row.try_get::<i32, _>("connections_max")?).unwrap_or(0),
        trigrams: match (row.try_get("has_trigrams")?, row.try_get("knows_trigrams")?) {
            (true, _) => Trigrams::Made,
            (false, true) => Trigrams::Possible,
            (false, false) => Trigrams::Absent,
        },
        may_create: row.try_get("may_create")?,
        schema: String::new(),
        checkpoints: None,
        others: vec![],
    })
}

/// Schemas called as ours, with another number.
async fn others(connection: &mut PgConnection, prefix: &str, today: &str) -> sqlx::Result<Vec<String>> {
    let names = sqlx::query_scalar::<_, String>(
        "SELECT nspname::text FROM pg_namespace WHERE nspname ~ ('^' || $1 || '_[0-9]+$') AND nspname <> $2 ORDER BY 1",
    );
    names.bind(prefix).bind(today).fetch_all(connection).await
}
