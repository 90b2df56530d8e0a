//! `chaos`: a cluster on this machine, and what can go wrong with it.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use chaos::{Cluster, Fault, New, Plan, balance, check, read, run};
use clap::{Parser, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Long enough to see that everything works again.
const CALM: Duration = Duration::from_secs(3);
const SHORT_CALM: Duration = Duration::from_secs(1);

#[derive(Debug, Parser)]
#[command(about = "A cluster on this machine, and what can go wrong with it.")]
struct Arguments {
    /// The program under test; beside this one if it is not named.
    #[arg(long, global = true)]
    hansard: Option<PathBuf>,
    /// Where the cluster keeps everything.
    #[arg(long, global = true, default_value = "cluster-data")]
    folder: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a cluster, or what of it does not run, and print where it is.
    Up {
        /// Partitions of a new cluster's log.
        #[arg(long, default_value_t = 8)]
        partitions: u32,
        /// Where a new cluster's load balancer listens.
        #[arg(long, default_value_t = 8080)]
        port: u16,
    },
    /// Stop it in order. Its data stay.
    Down,
    /// Say which of its processes run and are ready.
    Status,
    /// Pass connections on to ready gateways, in turn.
    Balance {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// The gateways.
        #[arg(long, value_delimiter = ',')]
        to: Vec<SocketAddr>,
    },
    /// Let everything go wrong in a new cluster, and judge what its clients saw.
    Run {
        /// Only a few faults, in less than a minute.
        #[arg(long)]
        short: bool,
        /// Not a cluster but a single process on embedded stores.
        #[arg(long)]
        alone: bool,
    },
    /// Judge a history again.
    Check {
        /// What a run has written.
        history: PathBuf,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match start(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}

async fn start(arguments: Arguments) -> Result<ExitCode> {
    let program = std::env::current_exe()?;
    let hansard = arguments.hansard.unwrap_or_else(|| program.with_file_name("hansard"));
    match arguments.command {
        Command::Up { partitions, port } => {
            let new = New { partitions, port: Some(port) };
            let cluster = Cluster::at(&arguments.folder, &hansard, new).await?.with_balancer(&program);
            cluster.up().await?;
            say(&addresses(&cluster));
        }
        Command::Down => {
            let cluster = Cluster::existing(&arguments.folder, &hansard).await?.with_balancer(&program);
            cluster.down().await?;
        }
        Command::Status => {
            let cluster = Cluster::existing(&arguments.folder, &hansard).await?.with_balancer(&program);
            return Ok(status(&cluster).await);
        }
        Command::Balance { listen, to } => {
            let listener = TcpListener::bind(listen).await.with_context(|| format!("{listen} is taken"))?;
            let mut ended = signal(SignalKind::terminate())?;
            tokio::select! {
                balanced = balance(listener, to) => balanced?,
                _ = ended.recv() => {}
            }
        }
        Command::Run { short, alone } => {
            let faults = match (alone, short) {
                (true, _) => Fault::alone(),
                (false, true) => Fault::few(),
                (false, false) => Fault::all(),
            };
            let calm = if short { SHORT_CALM } else { CALM };
            let report = run(&Plan { hansard, folder: arguments.folder, alone, faults, calm }).await?;
            say(&report.text());
            return Ok(verdict(report.violations.is_empty()));
        }
        Command::Check { history } => {
            let violations = check(&read(&history)?);
            for violation in &violations {
                say(&violation.to_string());
            }
            return Ok(verdict(violations.is_empty()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn status(cluster: &Cluster) -> ExitCode {
    let mut well = true;
    for member in &cluster.members {
        let ready = member.is_ready().await;
        well &= ready;
        let state = match member.process() {
            Some(process) if ready => format!("ready      process {}", process.as_raw_nonzero()),
            Some(process) => format!("not ready  process {}", process.as_raw_nonzero()),
            None => "down".to_owned(),
        };
        say(&format!("{:<14}{state}", member.name));
    }
    verdict(well)
}

fn addresses(cluster: &Cluster) -> String {
    let layout = &cluster.layout;
    let mut lines = vec![format!("API          http://{}", layout.address())];
    for (name, port) in &layout.roles {
        lines.push(format!("{name:<13}http://127.0.0.1:{port}"));
    }
    for (number, [client, monitor, _]) in layout.nats.iter().enumerate() {
        lines.push(format!("nats-{:<8}nats://127.0.0.1:{client}  http://127.0.0.1:{monitor}", number + 1));
    }
    lines.push(format!("postgres     {}", layout.postgres_url()));
    lines.push(format!("auth key     {}", layout.auth_key));
    lines.push(format!("settings     {}", cluster.folder().join("hansard.toml").display()));
    lines.push(format!("data, logs   {}", cluster.folder().display()));
    lines.join("\n")
}

fn verdict(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(text: &str) {
    // Whoever has read enough may close the pipe.
    writeln!(std::io::stdout(), "{text}").ok();
}
