//! Engines to try things with: starts them, prints where they are, and ends them when standard input
//! closes or the program is ended.
//!
//! `engines [NATS NODES]`

use std::io::Write as _;

use anyhow::{Context as _, Result};
use engines::{Nats, Postgres, Profile};
use tokio::io::{AsyncReadExt as _, stdin};

#[tokio::main]
async fn main() -> Result<()> {
    let nodes = std::env::args().nth(1).map_or(Ok(1), |nodes| nodes.parse()).context("how many nodes?")?;
    let nats = Nats::start(nodes, Profile::Durable).await;
    let postgres = Postgres::start().await;
    let database = postgres.database().await;
    let mut told = std::io::stdout();
    writeln!(told, "nats={}", nats.url())?;
    writeln!(told, "nats-monitor={}", nats.monitor_urls().join(","))?;
    writeln!(told, "postgresql={}", database.url())?;
    stdin().read_to_end(&mut vec![]).await?;
    Ok(())
}
