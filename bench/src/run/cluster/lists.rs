//! The lists of a user of very many dialogs, over a gateway and PostgreSQL.

use super::PARTITIONS;
use crate::client::Client;
use crate::cluster::Engines;
use crate::run::{Bench, lists};
use crate::world;

/// People; the last two are in many dialogs.
const PEOPLE: usize = 3;

/// The rows of the scene `lists`.
pub(in crate::run) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let engines = Engines::start()?;
    let deployment = bench.deployment(&engines, PARTITIONS)?;
    let roles = deployment.roles()?;
    let people = Client::open(roles.gateway.address())?.users(PEOPLE)?;
    roles.stop()?;
    let before = world::cluster_tail(deployment.log())?;
    world::widen(world::Builder::open_cluster(deployment.log())?, &bench.scale, &people)?;
    let added = world::cluster_tail(deployment.log())? - before;
    let roles = deployment.roles()?;
    super::refold::wait_until_folded(&roles.projector, added as f64)?;
    lists::rows(bench, "cluster: ", &roles.gateway, &people)?;
    roles.stop()
}
