//! Folding a log again from its first event.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};

use super::{Bench, per_second};
use crate::table::{Bound, Row, count, median};
use crate::world;

/// `hansard readmodel rebuild` on a log of the usual mix, against reading and decoding that log.
pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let (data, _) = bench.populated("refold", 0)?;
    world::mix(world::Builder::open(&data)?, bench.scale.refold_events)?;
    let events = world::tail(&data)? as f64;
    let (mut rates, mut ratios) = (vec![], vec![]);
    for _ in 0..bench.scale.refold_rounds {
        let ceiling = world::reading_rate(&data)?;
        let start = Instant::now();
        let output = Command::new(&bench.hansard)
            .args(["readmodel", "rebuild", "--data"])
            .arg(&data)
            .stdin(Stdio::null())
            .output()
            .context("cannot start the rebuild")?;
        let rate = events / start.elapsed().as_secs_f64();
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "the rebuild ended with {}: {complaint}", output.status);
        rates.push(rate);
        ratios.push(rate / ceiling);
    }
    let rate = median(rates);
    let row = format!("refold of {} events", count(events));
    let row = Row::report(row, per_second(rate)).ratio(median(ratios));
    bench.table.add(row.bound("≥ 50,000/s, aim 80,000", Bound::AtLeast(50_000.0), rate));
    Ok(())
}
