//! A cluster on this machine, which shares its cores with the load: roles as processes of their own, NATS, PostgreSQL.

pub(super) mod frames;
pub(super) mod lists;
pub(super) mod live;
pub(super) mod refold;
pub(super) mod search;
pub(super) mod takeover;

use super::Bench;
use crate::cluster::{Deployment, Engines};

/// Partitions where nothing else is said.
const PARTITIONS: u32 = 8;

impl Bench {
    fn deployment(&self, engines: &Engines, partitions: u32) -> anyhow::Result<Deployment> {
        engines.deployment((&self.hansard, &self.folder), partitions)
    }
}
