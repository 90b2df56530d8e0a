//! `hansard doctor`: is this deployment set up as it should be, and if not, what is to be done?
//!
//! It reads and changes nothing, works beside a running server and without one, and ends in bounded time
//! whatever hangs. Every finding is judged here; the libraries only tell what they see.

mod clocks;
mod configuration;
mod embedded;
mod finding;
mod folder;
mod log;
mod nats;
mod postgres;
mod rights;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use runtime::Clock;

use self::finding::{Finding, Findings, print};
use crate::Settings;
use crate::settings::Backend;

/// How long one part may take; what hangs longer is an error of its own.
const PART_TIME_MAX: Duration = Duration::from_secs(12);

/// How to tell it.
#[derive(Debug, Args)]
pub struct Doctor {
    /// A line of JSON for each finding.
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Look at the deployment of those settings, which may be none, and at the `file` that they came from;
    /// whether nothing is wrong.
    pub async fn run(self, settings: anyhow::Result<Settings>, file: Option<&Path>) -> anyhow::Result<bool> {
        let findings = match settings {
            Ok(settings) => examine(&settings, file, &Clock::system()).await,
            Err(error) => {
                let mut findings = Findings::of(configuration::PART);
                findings.fail(
                    format!("{error:#}"),
                    "correct it: no process starts with it; services/hansard/src/defaults.toml explains every key",
                );
                findings.into_vec()
            }
        };
        print(&findings, self.json, &mut std::io::stdout().lock())
    }
}

async fn examine(settings: &Settings, file: Option<&Path>, clock: &Clock) -> Vec<Finding> {
    let mut findings = configuration::look(settings, file).into_vec();
    findings.extend(rights::look(settings, file).into_vec());
    match settings.log.backend {
        Backend::Sqlite => {
            let folder: PathBuf = settings.data.folder.clone();
            let (looked, is_there) = blocking(folder::PART, move || folder::look(&folder)).await;
            findings.extend(looked);
            if is_there {
                findings.extend(within(embedded::PART, Box::pin(embedded::look(settings, clock))).await);
            }
        }
        Backend::Jetstream => {
            let (nats, postgres) = tokio::join!(
                within(nats::PART, Box::pin(nats::look(settings, clock))),
                within(postgres::PART, Box::pin(postgres::look(settings, clock))),
            );
            findings.extend(nats);
            findings.extend(postgres);
        }
    }
    findings
}

async fn within(part: &'static str, looking: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    tokio::time::timeout(PART_TIME_MAX, looking).await.unwrap_or_else(|_| overdue(part))
}

/// The same for what blocks; it is given up, not stopped.
async fn blocking(
    part: &'static str,
    look: impl FnOnce() -> (Findings, bool) + Send + 'static,
) -> (Vec<Finding>, bool) {
    match tokio::time::timeout(PART_TIME_MAX, tokio::task::spawn_blocking(look)).await {
        Ok(Ok((findings, is_there))) => (findings.into_vec(), is_there),
        Ok(Err(_)) | Err(_) => (overdue(part), false),
    }
}

fn overdue(part: &'static str) -> Vec<Finding> {
    let mut findings = Findings::of(part);
    findings.fail(
        format!("it does not answer within {} s", PART_TIME_MAX.as_secs()),
        "find out what it waits for: a disk, a network, or an engine that hangs",
    );
    findings.into_vec()
}
