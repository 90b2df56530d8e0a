//! What only this store promises: many writers, a server that goes and comes back, a schema
//! that takes the place of another. What it has in common with the embedded one is tested in
//! [`crate::store`].

mod faults;
mod opening;
mod rebuilding;
mod two;

use domain::event::Record;
use engines::{Database, Postgres};

use super::{Pool, Settings, Snapshot, Store, connect};
use crate::testing::{Feeder, Step, World};
use crate::{Applied, Error};

fn records(steps: &[Step]) -> Vec<Record> {
    World::default().history(steps).into_iter().flatten().collect()
}

async fn database() -> Database {
    Postgres::shared().await.database().await
}

/// A read model of that name.
async fn pool(url: &str, schema: &str) -> Pool {
    connect(&Settings { schema: schema.to_owned(), ..Settings::new(url) }).await.unwrap()
}

/// The rows in which two read models differ.
async fn differences(one: &Pool, other: &Pool) -> Vec<String> {
    let mut snapshot = Snapshot::take(one).await.unwrap();
    let mut fresh = other.unlimited().await.unwrap();
    let differences = snapshot.compare_with(&mut fresh, 20).await.unwrap();
    snapshot.release().await.unwrap();
    differences.iter().map(ToString::to_string).collect()
}

/// A log that several read: the records of each partition, by offset.
struct Log {
    partitions: Vec<Vec<Record>>,
}

impl Log {
    fn of(records: Vec<Record>, partitions: u32) -> Self {
        let mut log = Self { partitions: vec![vec![]; partitions as usize] };
        for applied in Feeder::new(partitions).batch(records) {
            log.partitions[applied.partition.0 as usize] = applied.records;
        }
        log
    }

    /// Up to `size` events of each partition that follow where `store` is now; none at the end.
    async fn next(&self, store: &mut Store, size: usize) -> Result<Vec<Applied>, Error> {
        let checkpoints = store.checkpoints().await?;
        let mut feeder = Feeder::new(self.partitions.len() as u32);
        let mut following = vec![];
        for (number, records) in self.partitions.iter().enumerate() {
            let at = checkpoints.iter().find(|(partition, _)| partition.0 as usize == number);
            let done = at.map_or(0, |(_, checkpoint)| checkpoint.next.0 as usize);
            feeder.batch(records[..done].to_vec());
            following.extend_from_slice(&records[done..records.len().min(done + size)]);
        }
        Ok(feeder.batch(following))
    }

    /// Folds up to `size` more events of each partition.
    async fn fold(&self, store: &mut Store, size: usize) -> Vec<Applied> {
        let batch = self.next(store, size).await.unwrap();
        store.apply(&batch).await.unwrap();
        batch
    }

    /// All of it, as one batch.
    fn whole(&self) -> Vec<Applied> {
        Feeder::new(self.partitions.len() as u32).batch(self.partitions.concat())
    }
}
