//! Searching over a gateway and PostgreSQL.

use std::time::Instant;

use anyhow::Context as _;

use super::PARTITIONS;
use crate::client::{Client, User};
use crate::cluster::Engines;
use crate::run::{Bench, search};
use crate::world;

/// The rows of the scene `search`.
pub(in crate::run) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let engines = Engines::start()?;
    let deployment = bench.deployment(&engines, PARTITIONS)?;
    let roles = deployment.roles()?;
    let people = Client::open(roles.gateway.address())?.users(2)?;
    let people: [User; 2] = people.try_into().ok().context("not two users")?;
    roles.stop()?;
    let messages = bench.scale.searched_messages;
    world::speak(world::Builder::open_cluster(deployment.log())?, messages, &people)?;
    let start = Instant::now();
    let roles = deployment.roles()?;
    search::rows(bench, ("cluster: ", start), &roles.gateway, &people)?;
    roles.stop()
}
