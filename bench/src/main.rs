//! How fast Hansard is and what that costs, as ratios to what the same machine can do in the same run.
//!
//! `bench run` starts the server, a null handler and the load as processes of their own, and prints one table.
//! `bench null` and `bench load` are two of these processes.

mod client;
mod cluster;
mod http;
mod load;
mod machine;
mod null;
mod output;
mod run;
mod server;
mod table;
mod world;

use std::net::SocketAddr;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(about = "How fast Hansard is, as ratios to what the same machine can do in the same run.")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve fixed answers: the ceiling.
    Null {
        /// Where to listen.
        #[arg(long)]
        listen: SocketAddr,
        /// The bytes of the answer to a POST.
        #[arg(long)]
        post_bytes: usize,
        /// The bytes of the answer to a GET.
        #[arg(long)]
        get_bytes: usize,
    },
    /// Run everything and print the table. Ends with 0, with 1 if a bound was not met, with 2 if the run is void or
    /// the server answered wrongly.
    Run(run::Arguments),
    /// Drive the plan on standard input and write a report to standard output, both JSON.
    Load,
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Null { listen, post_bytes, get_bytes } => {
            null::run(listen, post_bytes, get_bytes).map(|()| 0)
        }
        Command::Load => load::run().map(|()| 0),
        Command::Run(arguments) => run::run(&arguments),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            output::note(&format!("{error:#}"));
            ExitCode::from(2)
        }
    }
}
