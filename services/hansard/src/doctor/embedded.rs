//! The stores of a data folder, looked into beside whoever has it.

use std::path::Path;
use std::sync::Arc;

use eventlog::{Log, Partition, SqliteLog, Tail};
use readmodel::search::Place;
use readmodel::sqlite::{self, FactSource};
use runtime::Clock;
use tokio::task::spawn_blocking;

use super::finding::{Finding, Findings};
use super::log::{self, Checkpoints};
use crate::Settings;
use crate::application::Application;
use crate::stores::IDENTITY_FILE;

pub(super) const PART: &str = "stores";

pub(super) async fn look(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let folder = settings.data.folder.clone();
    let mut findings = Findings::of(PART);
    let application = Application::look(&settings.app, &folder).unwrap_or_else(|error| {
        findings.fail_with(&error);
        None
    });
    let tails = the_log(settings, application.as_ref(), clock, &mut findings).await;
    if let Some(tails) = &tails {
        rows(settings, tails, &mut findings).await;
        search(settings, tails, &mut findings).await;
    }
    identity(&folder, &mut findings).await;
    older(&folder, &mut findings);
    findings.into_vec()
}

async fn the_log(
    settings: &Settings,
    application: Option<&Application>,
    clock: &Clock,
    findings: &mut Findings,
) -> Option<Vec<Tail>> {
    let folder = settings.data.folder.clone();
    let opened = spawn_blocking(move || SqliteLog::open_read_only(&folder)).await.ok()?;
    let log: Arc<dyn Log> = match opened {
        Ok(log) => Arc::new(log),
        Err(error) => {
            findings.fail_with(&error.into());
            return None;
        }
    };
    let (found, wanted) = (log.partitions(), settings.log.partitions);
    if wanted != 0 && wanted != found {
        findings.fail(
            format!("the log has {found} partitions, and log.partitions says {wanted}: no server starts"),
            format!("set log.partitions = {found}; `hansard copy` takes it into another number"),
        );
    }
    Some(log::ends(&log, application, clock.now(), findings).await)
}

async fn rows(settings: &Settings, tails: &[Tail], findings: &mut Findings) {
    let path = settings.data.folder.join(sqlite::file_name());
    if !path.exists() {
        return findings.warn(
            format!("there is no read model of this version ({})", sqlite::file_name()),
            "nothing: the next start folds it from the log, and answers 503 until then",
        );
    }
    let partitions = tails.len() as u32;
    let read = spawn_blocking(move || {
        let source = FactSource::open(&path)?;
        let each = (0..partitions).map(Partition);
        let reached = each.map(|partition| anyhow::Ok((partition, source.checkpoint(partition)?)));
        let reached = reached.collect::<anyhow::Result<Vec<_>>>()?;
        anyhow::Ok(reached.into_iter().filter_map(|(partition, at)| Some((partition, at?))).collect())
    });
    let checkpoints: Checkpoints = match read.await {
        Ok(Ok(checkpoints)) => checkpoints,
        Ok(Err(error)) => {
            return findings.fail(
                format!("the read model cannot be read: {error:#}"),
                "stop the server and run `hansard readmodel rebuild`: everything in it is in the log",
            );
        }
        Err(_) => return,
    };
    log::lag("read models", tails, &checkpoints, settings, findings);
}

async fn search(settings: &Settings, tails: &[Tail], findings: &mut Findings) {
    if !settings.search.enabled {
        return findings.ok("searching is switched off");
    }
    let place = Place::in_folder(&settings.data.folder);
    let checkpoints = match place.snapshot().await {
        Ok(Some(mut snapshot)) => snapshot.checkpoints().await.map_err(anyhow::Error::from),
        Ok(None) => {
            return findings.warn(
                "there is no search index of this version",
                "nothing: a server folds it beside everything else; searches are answered with 503 until then",
            );
        }
        Err(error) => Err(error.into()),
    };
    match checkpoints {
        Ok(checkpoints) => log::lag("search index", tails, &checkpoints, settings, findings),
        Err(error) => findings.fail(
            format!("the search index cannot be read: {error:#}"),
            "stop the server and run `hansard readmodel rebuild --search`",
        ),
    }
}

async fn identity(folder: &Path, findings: &mut Findings) {
    let path = folder.join(IDENTITY_FILE);
    match spawn_blocking(move || identity::inspect_embedded(&path)).await {
        Ok(Ok(Some(found))) if found.format < found.known => findings.warn(
            format!("{IDENTITY_FILE} has format {}, and this version writes {}", found.format, found.known),
            "nothing, but back it up: the next start of this version changes it, and older ones refuse it then",
        ),
        Ok(Ok(Some(_))) => findings.ok(format!("{IDENTITY_FILE} is of this version's format")),
        Ok(Ok(None)) => findings.warn(
            format!("there is no {IDENTITY_FILE}: nobody can sign in who could before"),
            "restore it from a backup, unless this folder is new",
        ),
        Ok(Err(error)) => findings.fail_with(&error.into()),
        Err(_) => {}
    }
}

/// What was folded by other versions: nobody reads it.
fn older(folder: &Path, findings: &mut Findings) {
    let (rows, index) = (sqlite::file_name(), Place::in_folder(folder).name());
    let is_other = |name: &str| {
        (name.starts_with("readmodel-") || name.starts_with("search-"))
            && name.ends_with(".db")
            && name != rows
            && !index.ends_with(name)
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut others: Vec<_> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_other(name))
        .collect();
    others.sort();
    if !others.is_empty() {
        findings.ok(format!("{} are of other versions and can be removed", others.join(", ")));
    }
}
