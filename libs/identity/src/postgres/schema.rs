//! The schema `identity` and its migrations.
//!
//! Identity is a store of record: a change of the format is a new file in `migrations`, and none is
//! ever edited. Many processes may start at once: the migrator holds a lock of the database.

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Row as _};
use std::time::Duration;

use super::copy::is_marked;
use super::find::note_missing_terms;
use super::{address, failures};
use crate::copy::Purpose;
use crate::{Error, OpenError};

/// How long migrating may take, with the wait for another process that does.
const OPEN_TIME_MAX: Duration = Duration::from_secs(60);

/// Brings the schema to the format known here; refuses a foreign or newer one before anything is
/// written, and one that is being filled unless it is opened for that.
pub(super) async fn migrate(options: &PgConnectOptions, purpose: Purpose) -> Result<(), OpenError> {
    let migrating = tokio::time::timeout(OPEN_TIME_MAX, migrate_with(options, purpose));
    let migrated = migrating.await.unwrap_or_else(|_| {
        Err(OpenError::Unavailable {
            address: address(options),
            reason: format!("no answer within {OPEN_TIME_MAX:?}"),
        })
    });
    let mut connection = migrated?;
    // As long as there are users without.
    note_missing_terms(&mut connection).await.map_err(|error| failed(options, &error))?;
    connection.close().await.map_err(|error| failed(options, &error))
}

async fn migrate_with(options: &PgConnectOptions, purpose: Purpose) -> Result<PgConnection, OpenError> {
    let failed = |error: sqlx::Error| failed(options, &error);
    // A migration of a large table may take its time.
    let patient = options.clone().options([("statement_timeout", "0"), ("lock_timeout", "0")]);
    let mut connection = patient.connect().await.map_err(failed)?;
    let found = Found::look(&mut connection).await.map_err(failed)?;
    if found.has_tables && !found.has_migrations {
        return Err(OpenError::Foreign { path: schema_at(options) });
    }
    let mut migrator = migrator();
    migrator.dangerous_set_table_name("identity.migrations");
    if !found.has_schema {
        migrator.create_schema("identity");
    }
    let newest = newest();
    migrator.run_direct(None, &mut connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => {
            OpenError::Newer { path: schema_at(options), found, known: newest }
        }
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => failed(error),
        other => OpenError::Failed { path: schema_at(options), reason: other.to_string() },
    })?;
    let is_unfinished = is_marked(&mut connection).await.map_err(failed)?;
    if is_unfinished && purpose == Purpose::Serve {
        return Err(OpenError::Unfinished { path: schema_at(options) });
    }
    Ok(connection)
}

fn migrator() -> Migrator {
    sqlx::migrate!("src/postgres/migrations")
}

/// The newest format known here.
pub(super) fn newest() -> i64 {
    migrator().iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// What is in the database.
pub(super) struct Found {
    pub(super) has_schema: bool,
    pub(super) has_migrations: bool,
    pub(super) has_tables: bool,
}

impl Found {
    pub(super) async fn look(connection: &mut PgConnection) -> sqlx::Result<Self> {
        let row = sqlx::query(
            "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'identity') AS has_schema,
                 to_regclass('identity.migrations') IS NOT NULL AS has_migrations,
                 EXISTS (SELECT FROM pg_tables WHERE schemaname = 'identity') AS has_tables",
        )
        .fetch_one(connection)
        .await?;
        Ok(Self {
            has_schema: row.try_get("has_schema")?,
            has_migrations: row.try_get("has_migrations")?,
            has_tables: row.try_get("has_tables")?,
        })
    }
}

pub(super) fn failed(options: &PgConnectOptions, error: &sqlx::Error) -> OpenError {
    match failures::meaning(error) {
        Error::Unavailable | Error::Busy => {
            OpenError::Unavailable { address: address(options), reason: error.to_string() }
        }
        _ => OpenError::Failed { path: schema_at(options), reason: error.to_string() },
    }
}

/// The schema and where it is, for an operator.
pub(super) fn schema_at(options: &PgConnectOptions) -> String {
    format!("schema identity at {}", address(options))
}
