//! The `hansard` program: reads its command line and does what it says.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use hansard::{LogCommand, ReadmodelCommand, Settings};

/// A page of messages is a few hundred small allocations; this one takes a tenth off its cost.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A self-hosted, event-sourced chat backend.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct Common {
    /// A configuration file; `hansard config` prints every key with its value.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// The folder of the embedded stores.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve: all roles in this process on embedded stores, or some of them in a cluster.
    Serve {
        /// The roles of this process, with commas between: gateway, command, projector, all.
        #[arg(long)]
        roles: Option<String>,
        /// Where the API listens, such as 127.0.0.1:8080; port 0 takes a free one.
        #[arg(long)]
        listen: Option<String>,
    },
    /// Print the configuration as it results, with secrets hidden.
    Config,
    /// Say how each partition of a cluster is: who writes and folds it, where its log ends and
    /// how far its rows are.
    Status {
        /// One line of JSON for each partition instead of a table.
        #[arg(long)]
        json: bool,
    },
    /// Look into the event log, also beside a running server.
    #[command(subcommand)]
    Log(LogCommand),
    /// Copy a log, its users and sessions into an empty place, also with another number of
    /// partitions. What is copied from must not be running; the same command goes on after a stop.
    Copy(hansard::Copy),
    /// Fold or check the read models.
    #[command(subcommand)]
    Readmodel(ReadmodelCommand),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            hansard::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let mut overrides = vec![];
    if let Some(folder) = &cli.common.data {
        overrides.push(("data.folder".to_owned(), folder.display().to_string()));
    }
    if let Command::Serve { roles, listen } = &cli.command {
        let flags = [("roles", roles), ("server.listen", listen)];
        let given = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
        overrides.extend(given);
    }
    let settings = || Settings::load(cli.common.config.as_deref(), overrides);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match cli.command {
        Command::Serve { .. } => runtime.block_on(hansard::serve(settings()?)),
        Command::Config => hansard::print_settings(&settings()?),
        Command::Copy(copy) => runtime.block_on(copy.run()),
        Command::Status { json } => runtime.block_on(hansard::status(&settings()?, json)),
        Command::Log(command) => runtime.block_on(command.run(&settings()?)),
        Command::Readmodel(command) => runtime.block_on(command.run(&settings()?)),
    }
}
