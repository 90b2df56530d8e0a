//! The write side: all of a batch or nothing, with the checkpoints.
//!
//! Any number may write; of those who believe that they fold the same partition, only one
//! moves its checkpoint, and only with the rows that belong to it.

use eventlog::{Epoch, FrameHash, Offset, Partition};
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Row as _};

use super::save::{save, sweep};
use super::schema::{connect, discard, open_or_make, schema};
use crate::postgres::Settings;
use crate::rows::Checkpoint;
use crate::search::changes::Changes;
use crate::search::error::OpenError;
use crate::{Applied, Error};

/// A writer, on a connection of its own. After an error it is of no more use: open another.
#[derive(Debug)]
pub(in crate::search) struct Store {
    connection: PgConnection,
    settings: Settings,
}

impl Store {
    /// Opens the index, or makes it.
    pub(in crate::search) async fn open(settings: &Settings) -> Result<Self, OpenError> {
        let mut connection = connect(settings).await?;
        open_or_make(&mut connection, &schema(settings)).await?;
        Ok(Self { connection, settings: settings.clone() })
    }

    /// Throws everything away.
    pub(in crate::search) async fn renew(self) -> Result<Self, OpenError> {
        self.connection.close().await?;
        discard(&self.settings).await?;
        Self::open(&self.settings).await
    }

    pub(in crate::search) async fn apply(&mut self, batch: &[Applied]) -> Result<(), Error> {
        let changes = Changes::of(batch);
        let mut transaction = self.connection.begin().await?;
        hold(&mut transaction, batch).await?;
        let dates = save(&mut transaction, changes).await?;
        for applied in batch {
            save_checkpoint(&mut transaction, applied, dates).await?;
        }
        transaction.commit().await?;
        // Every search reads the list of what is new: that of a batch is put away at once, which
        // costs a tenth of putting each text where it belongs.
        sqlx::query("SELECT gin_clean_pending_list('words')").execute(&mut self.connection).await?;
        Ok(())
    }

    pub(in crate::search) async fn checkpoints(&mut self) -> Result<Vec<(Partition, Checkpoint)>, Error> {
        checkpoints(&mut self.connection).await
    }

    pub(in crate::search) async fn sweep(&mut self, rows_max: usize) -> Result<bool, Error> {
        let mut transaction = self.connection.begin().await?;
        let left = sweep(&mut transaction, rows_max).await?;
        transaction.commit().await?;
        Ok(left)
    }

    pub(in crate::search) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the connection to the search index ended by itself");
        }
    }
}

const HOLD: &str = "SELECT partition, epoch, next_offset, frame_hash, time_ms FROM checkpoints
    WHERE partition = ANY ($1) ORDER BY partition FOR UPDATE";
const MAKE: &str = "INSERT INTO checkpoints SELECT partition, '', 0, '', 0, 9223372036854775807, 0
    FROM unnest($1::integer[]) AS n (partition) ON CONFLICT DO NOTHING";

/// Holds the checkpoints of the batch until the end of the transaction.
async fn hold(connection: &mut PgConnection, batch: &[Applied]) -> Result<(), Error> {
    let mut partitions: Vec<i32> = batch.iter().map(|applied| applied.partition.0.cast_signed()).collect();
    partitions.sort_unstable();
    if batch.iter().any(|applied| applied.expected.is_none()) {
        sqlx::query(MAKE).bind(&partitions).execute(&mut *connection).await?;
    }
    let held = sqlx::query(HOLD).bind(&partitions).fetch_all(connection).await?;
    let held = held.iter().map(of_partition).collect::<Result<Vec<_>, _>>()?;
    for applied in batch {
        let found = held.iter().find(|(partition, _)| *partition == applied.partition);
        let stored = found.map(|(_, checkpoint)| *checkpoint).filter(|stored| stored.next > Offset(0));
        if stored != applied.expected {
            return Err(Error::Moved { partition: applied.partition });
        }
    }
    Ok(())
}

const SAVE_CHECKPOINT: &str = "UPDATE checkpoints SET epoch = $2, next_offset = $3, frame_hash = $4,
    time_ms = $5, oldest = least(oldest, $6), newest = greatest(newest, $7) WHERE partition = $1";

async fn save_checkpoint(
    connection: &mut PgConnection,
    applied: &Applied,
    (oldest, newest): (i64, i64),
) -> Result<(), Error> {
    let Checkpoint { epoch, next, frame_hash, time } = applied.checkpoint;
    let update = sqlx::query(SAVE_CHECKPOINT)
        .bind(applied.partition.0.cast_signed())
        .bind(epoch.0)
        .bind(next.0.cast_signed())
        .bind(frame_hash.0)
        .bind(time.0.cast_signed())
        .bind(oldest)
        .bind(newest);
    update.execute(connection).await?;
    Ok(())
}

const CHECKPOINTS: &str = "SELECT partition, epoch, next_offset, frame_hash, time_ms FROM checkpoints
    WHERE next_offset <> 0 ORDER BY partition";

/// How far each partition has been folded, by partition.
pub(super) async fn checkpoints(
    connection: &mut PgConnection,
) -> Result<Vec<(Partition, Checkpoint)>, Error> {
    let rows = sqlx::query(CHECKPOINTS).fetch_all(connection).await?;
    rows.iter().map(of_partition).collect()
}

/// A row of a partition that nothing was folded of has no epoch.
fn of_partition(row: &PgRow) -> Result<(Partition, Checkpoint), Error> {
    let partition = Partition(row.try_get::<i32, _>(0)?.cast_unsigned());
    let (epoch, hash) = (row.try_get::<&[u8], _>(1)?, row.try_get::<&[u8], _>(3)?);
    let next = row.try_get::<i64, _>(2)?.cast_unsigned();
    let damaged = || Error::Damaged("a checkpoint of the search index".to_owned());
    let (epoch, frame_hash) = match next {
        0 => (Epoch([0; 16]), FrameHash([0; 32])),
        _ => (
            Epoch(epoch.try_into().map_err(|_| damaged())?),
            FrameHash(hash.try_into().map_err(|_| damaged())?),
        ),
    };
    let time = domain::Time(row.try_get::<i64, _>(4)?.cast_unsigned());
    Ok((partition, Checkpoint { epoch, next: Offset(next), frame_hash, time }))
}
