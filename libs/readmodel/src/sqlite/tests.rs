//! The store as its callers see it. What it has in common with the other one is
//! tested in [`crate::store`].

mod files;
mod rebuilding;

use std::path::PathBuf;

use domain::event::Record;

use super::{Applied, Snapshot, Store};
use crate::testing::{Feeder, Step, World};

/// A folder with read models in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn store(&self, name: &str) -> Store {
        let store = Store::open_or_create(&self.path(name)).unwrap();
        // These files need not outlive the machine.
        store.connection().pragma_update(None, "synchronous", "OFF").unwrap();
        store
    }

    /// The rows in which two read models differ.
    fn differences(&self, one: &str, other: &str) -> Vec<String> {
        let snapshot = Snapshot::take(&self.path(one)).unwrap();
        let differences = snapshot.compare(&self.path(other), 20).unwrap();
        differences.iter().map(ToString::to_string).collect()
    }
}

fn records(world: &mut World, steps: &[Step]) -> Vec<Record> {
    world.history(steps).into_iter().flatten().collect()
}

/// All `records` as one batch.
fn whole(partitions: u32, records: Vec<Record>) -> Vec<Applied> {
    Feeder::new(partitions).batch(records)
}
