//! The `hansard` program: reads its command line and does what it says.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use hansard::{AppCommand, Doctor, LogCommand, ReadmodelCommand, SessionsCommand, Settings, UsersCommand};

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
    /// Sign users up, list, disable and delete them, give them new passwords. Works beside a running
    /// server.
    #[command(subcommand)]
    Users(UsersCommand),
    /// List and end sessions. Works beside a running server.
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// Show the application, or give it new credentials.
    #[command(subcommand)]
    App(AppCommand),
    /// Look for what is wrong with this deployment, and say what to do about it. Changes nothing and
    /// works beside a running server; the exit code is 1 if there is an error.
    Doctor(Doctor),
    /// Print what completes these commands in a shell, to be sourced by it.
    Completions {
        /// The shell.
        shell: Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli) {
        Ok(code) => code,
        Err(error) => {
            hansard::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let mut overrides = vec![];
    if let Some(folder) = &cli.common.data {
        overrides.push(("data.folder".to_owned(), folder.display().to_string()));
    }
    if let Command::Serve { roles, listen } = &cli.command {
        let flags = [("roles", roles), ("server.listen", listen)];
        let given = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value.clone()?)));
        overrides.extend(given);
    }
    let file = cli.common.config.as_deref();
    let settings = || Settings::load(file, overrides);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match cli.command {
        Command::Serve { .. } => runtime.block_on(hansard::serve(settings()?))?,
        Command::Config => hansard::print_settings(&settings()?)?,
        Command::Copy(copy) => runtime.block_on(copy.run())?,
        Command::Status { json } => runtime.block_on(hansard::status(&settings()?, json))?,
        Command::Log(command) => runtime.block_on(command.run(&settings()?))?,
        Command::Readmodel(command) => runtime.block_on(command.run(&settings()?))?,
        Command::Users(command) => runtime.block_on(command.run(&settings()?))?,
        Command::Sessions(command) => runtime.block_on(command.run(&settings()?))?,
        Command::App(command) => runtime.block_on(command.run(&settings()?))?,
        Command::Doctor(doctor) => {
            let is_well = runtime.block_on(doctor.run(settings(), file))?;
            // What hangs still is not waited for.
            runtime.shutdown_background();
            return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Completions { shell } => {
            let mut script = vec![];
            clap_complete::generate(shell, &mut Cli::command(), "hansard", &mut script);
            std::io::stdout().write_all(&script)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
