//! How well writers gather what waits, by the number of partitions: the fewer there are, the fuller are their frames.

use crate::client::Client;
use crate::cluster::Engines;
use crate::run::live::{Scene, frames_of};
use crate::run::{Bench, CONNECTIONS, per_second};
use crate::table::Row;

const PARTITIONS: [u32; 3] = [4, 16, 64];

/// Posts as in `cluster-live`, in a new cluster for each number of partitions.
pub(in crate::run) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let engines = Engines::start()?;
    for partitions in PARTITIONS {
        let roles = bench.deployment(&engines, partitions)?.roles()?;
        let scene = Scene::set(&mut Client::open(roles.gateway.address())?, bench.scale.dialogs)?;
        let row = format!("cluster: posts over {partitions} partitions");
        let plan = bench.plan(&roles.gateway, CONNECTIONS, scene.posts());
        let rate = bench.load(&row, &plan)?.rate();
        let frames = frames_of(&mut Client::open(roles.command.address())?)?;
        bench.table.add(Row::report(row, format!("{}, {frames}", per_second(rate))));
        roles.stop()?;
    }
    Ok(())
}
