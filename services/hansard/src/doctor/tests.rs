//! What is found in a folder, told without what changes from run to run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use domain::Time;
use runtime::{Clock, DataFolder, Ids};

use super::examine;
use super::finding::{Finding, Level};
use crate::Settings;
use crate::stores::Stores;

fn settings(folder: &Path) -> Settings {
    let mut settings = Settings::load(None, vec![]).unwrap();
    settings.data.folder = folder.to_owned();
    settings.server.connections_max = 1;
    settings
}

/// A folder whose log was made at `now`.
fn made(now: Time) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let (clock, _) = Clock::manual(now);
    drop(Stores::open(&settings(folder.path()), (&clock, &Ids::system())).unwrap());
    folder
}

async fn found(settings: &Settings) -> Vec<Finding> {
    examine(settings, None, &Clock::system()).await
}

/// What is not as it should be.
fn wrong(findings: &[Finding]) -> Vec<(Level, &str)> {
    let wrong = findings.iter().filter(|finding| finding.level != Level::Ok);
    wrong.map(|finding| (finding.level, finding.what.as_str())).collect()
}

fn has(findings: &[Finding], level: Level, what: &str) {
    let found = findings.iter().any(|finding| finding.level == level && finding.what.contains(what));
    assert!(found, "{what:?} is not in {findings:#?}");
}

#[tokio::test]
async fn a_log_from_the_future_is_told() {
    let year_2100 = Time(4_102_444_800_000);
    let folder = made(year_2100);
    let findings = found(&settings(folder.path())).await;
    has(&findings, Level::Warning, "in the future");
    assert!(findings.iter().all(|finding| finding.level != Level::Error), "{findings:#?}");
}

#[tokio::test]
async fn a_log_of_today_is_well() {
    let folder = made(Clock::system().now());
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let findings = found(&settings(folder.path())).await;
    has(&findings, Level::Ok, "from the past");
    has(&findings, Level::Ok, "no process has it");
    // Nothing has folded it yet.
    assert!(
        wrong(&findings)
            .iter()
            .all(|(level, what)| *level == Level::Warning && what.contains("search index")),
        "{findings:#?}"
    );
}

#[tokio::test]
async fn whoever_has_the_folder_is_told() {
    let folder = made(Time(1));
    let _held = DataFolder::open(folder.path()).unwrap();
    let findings = found(&settings(folder.path())).await;
    has(&findings, Level::Warning, "has it and takes no commands");
}

#[tokio::test]
async fn what_is_damaged_or_newer_is_an_error() {
    let folder = made(Time(1));
    let identity = folder.path().join("identity.db");
    let database = rusqlite::Connection::open(&identity).unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    drop(database);
    has(&found(&settings(folder.path())).await, Level::Error, "has format 99");

    fs::write(folder.path().join("log.db"), "no log at all").unwrap();
    has(&found(&settings(folder.path())).await, Level::Error, "log.db");
    fs::remove_file(folder.path().join("log.db")).unwrap();
    has(&found(&settings(folder.path())).await, Level::Error, "log.db");
}

#[tokio::test]
async fn dangerous_settings_are_told() {
    let folder = made(Time(1));
    let mut settings = settings(folder.path());
    settings.server.listen = "0.0.0.0:8080".parse().unwrap();
    settings.identity.hash_iterations = 1;
    settings.telemetry.filter = "warn".to_owned();
    let findings = found(&settings).await;
    has(&findings, Level::Warning, "without encryption");
    has(&findings, Level::Warning, "becomes a user by signing in");
    has(&findings, Level::Warning, "can try passwords fast");
    has(&findings, Level::Warning, "is not logged (telemetry.filter)");
    settings.telemetry.filter = "=nothing=".to_owned();
    has(&found(&settings).await, Level::Error, "is no log filter");
}

#[tokio::test]
async fn secrets_that_others_can_read_are_told() {
    let folder = made(Time(1));
    let kept = folder.path().join("application.toml");
    fs::set_permissions(&kept, fs::Permissions::from_mode(0o644)).unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let findings = found(&settings(folder.path())).await;
    has(&findings, Level::Warning, "application.toml, which holds secrets (its mode is 644)");
    has(&findings, Level::Warning, "others on this machine can look into it (its mode is 755)");
}
