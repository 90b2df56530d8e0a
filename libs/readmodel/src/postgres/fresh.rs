//! A read model folded from zero beside the living one: to take its place, or to compare
//! them.
//!
//! It stands in a schema of its own, `<schema>_fresh`, which goes with whoever makes the
//! next one. Whoever folds it holds a lock, so that there is one at a time.

use std::time::Duration;

use eventlog::{Offset, Partition};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::connect::Pool;
use super::error::OpenError;
use super::schema::{TABLE_NAMES, drop_schema, make};
use super::store::{apply, checkpoints};
use crate::{Applied, Error};

/// Of which schema there is a fresh one: "fres", and a hash of its name.
const FRESH: i32 = 0x6672_6573;
/// How long readers are kept from the old tables before they are let through again.
const LOCK_MAX: Duration = Duration::from_secs(2);
/// How often to try to get the tables.
const LOCK_TRIES: u32 = 10;

/// The fresh one.
#[derive(Debug)]
pub struct Fresh {
    connection: PgConnection,
    /// Keeps others from moving the living one's checkpoints, once it is asked for.
    hold: Option<PgConnection>,
    pool: Pool,
    schema: String,
}

impl Fresh {
    /// Makes it, empty. What was left of an earlier one goes.
    pub async fn make(pool: &Pool) -> Result<Self, OpenError> {
        let schema = format!("{}_fresh", pool.schema());
        let mut connection = pool.beside(&schema).await?;
        let locked: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
            .bind(FRESH)
            .bind(&schema)
            .fetch_one(&mut connection)
            .await?;
        if !locked {
            return Err(OpenError::Folding(schema));
        }
        drop_schema(&mut connection, &schema).await?;
        make(&mut connection, &schema).await?;
        Ok(Self { connection, hold: None, pool: pool.clone(), schema })
    }

    /// Folds a batch into it.
    pub async fn apply(&mut self, batch: &[Applied]) -> Result<(), Error> {
        apply(&mut self.connection, batch).await.map(|_| ())
    }

    /// Stops all folding into the living one until [`Self::switch`] or the end of this value.
    /// Says up to where this one has to be folded before it can take its place: the
    /// partitions in which it is not as far.
    pub async fn hold(&mut self) -> Result<Vec<(Partition, Offset)>, Error> {
        let mut hold = match self.hold.take() {
            Some(hold) => hold,
            None => {
                let mut hold = self.pool.unlimited().await?;
                // Reading goes on; whoever would save waits.
                sqlx::raw_sql("BEGIN; LOCK TABLE checkpoints IN EXCLUSIVE MODE").execute(&mut hold).await?;
                hold
            }
        };
        let living = checkpoints(&mut hold).await?;
        self.hold = Some(hold);
        let fresh = checkpoints(&mut self.connection).await?;
        let reached = |partition| fresh.iter().find(|(found, _)| *found == partition).map(|(_, at)| at.next);
        let behind = living.iter().filter(|(partition, at)| reached(*partition) < Some(at.next));
        Ok(behind.map(|(partition, at)| (*partition, at.next)).collect())
    }

    /// Puts it in the place of the living one, for every connection at the same moment.
    ///
    /// Whoever took his snapshot before the last batch was folded here, and names a table only
    /// now, sees this one without that batch. Its checkpoints tell him so.
    ///
    /// # Errors
    /// It is not as far as the living one; then nothing was changed, nor by any other error.
    pub async fn switch(mut self) -> Result<(), OpenError> {
        if !self.hold().await?.is_empty() {
            return Err(OpenError::Behind(self.schema));
        }
        let Some(mut hold) = self.hold.take() else { return Err(OpenError::Behind(self.schema)) };
        lock(&mut hold).await?;
        let (living, fresh) = (self.pool.schema(), &self.schema);
        sqlx::raw_sql(AssertSqlSafe(format!(
            "DROP SCHEMA \"{living}\" CASCADE; ALTER SCHEMA \"{fresh}\" RENAME TO \"{living}\"; COMMIT"
        )))
        .execute(&mut hold)
        .await?;
        hold.close().await?;
        Ok(self.connection.close().await?)
    }

    /// Deletes it.
    pub async fn discard(mut self) -> Result<(), Error> {
        drop_schema(&mut self.connection, &self.schema).await?;
        Ok(self.connection.close().await?)
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

/// Waits until nobody reads the living tables: a transaction that has begun on them does not
/// end on others. Whoever waits for one of them meanwhile gives up soon; should a reader take
/// its time, others are let through in between.
async fn lock(hold: &mut PgConnection) -> Result<(), Error> {
    let tables = TABLE_NAMES.join(", ");
    let statement = format!(
        "SET LOCAL lock_timeout = {}; LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE",
        LOCK_MAX.as_millis()
    );
    let mut tries = 1;
    loop {
        let mut savepoint = hold.begin().await?;
        match sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut *savepoint).await {
            Ok(_) => return Ok(savepoint.commit().await?),
            Err(error) => {
                savepoint.rollback().await?;
                match Error::from(error) {
                    Error::Unavailable(_) if tries < LOCK_TRIES => tries += 1,
                    error => return Err(error),
                }
            }
        }
    }
}
