//! `hansard doctor` on deployments that are well and on broken ones: what it says, without what
//! changes from run to run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tests::{Chat, Ended, Server, Setup, operator};
use tokio::time::timeout;

/// Much longer than the doctor may take whatever hangs; what hangs fails instead of hanging the tests.
const AMPLE: Duration = Duration::from_secs(60);

/// What was said, with names for what only this run has: numbers are `#`, the folder of the test is `HERE`.
fn told(ended: &Ended, folder: &Path) -> Vec<String> {
    let said = ended.stdout.replace(&folder.display().to_string(), "HERE");
    let plain = |line: &str| {
        let mut plain = String::new();
        for letter in line.chars() {
            match letter.is_ascii_digit() {
                true if plain.ends_with('#') => {}
                true => plain.push('#'),
                false => plain.push(letter),
            }
        }
        plain.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    said.lines().map(plain).filter(|line| !line.is_empty()).collect()
}

/// A configuration that does not depend on how many files this machine lets open.
fn configuration(folder: &Path) -> String {
    let file = folder.join("hansard.toml");
    fs::write(&file, "[server]\nconnections_max = 100\n").expect("a file can be written");
    file.display().to_string()
}

/// What is not as it should be.
fn wrong(ended: &Ended) -> Vec<String> {
    let is_wrong = |line: &&str| line.starts_with("warning") || line.starts_with("ERROR");
    ended.stdout.lines().filter(is_wrong).map(str::to_owned).collect()
}

fn errors(ended: &Ended, part: &str) -> usize {
    let is_of = |line: &&str| line.starts_with("ERROR") && line.contains(part);
    ended.stdout.lines().filter(is_of).count()
}

#[tokio::test]
async fn a_healthy_server_on_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), configuration(folder.path()));
    let server = Server::start(&data, &Setup::embedded(1)).await.unwrap();
    operator(&data, &["users", "add", "--login", "alice", "--generate"]).await.well();
    let doctor = async || operator(&data, &["doctor", "--config", &file]).await;
    let caught_up = async { while !doctor().await.stdout.contains("is in the search index") {} };
    timeout(AMPLE, caught_up).await.expect("the index catches up");
    let before = fs::read_dir(&data).unwrap().count();
    let looked = doctor().await;
    assert_eq!(fs::read_dir(&data).unwrap().count(), before, "looking makes nothing");
    assert_eq!(looked.code, Some(0), "{looked:?}");
    let expected = [
        "ok configuration every key in HERE/hansard.toml and the environment is known",
        "ok configuration the API listens on #.#.#.#, for this machine only",
        "ok secret files only their owner can read application.toml, identity.db, log.db",
        "ok data folder HERE/data is a data folder of this version",
        "ok data folder its disk has # MiB of room",
        "ok data folder a server has it (process #) and takes the operator's commands",
        "ok stores the last # frames of # partition are whole, and every event in them is known",
        "ok stores the log's last frame is from the past, as the clock here shows it",
        "ok stores everything in the log is in the read models",
        "ok stores everything in the log is in the search index",
        "ok stores identity.db is of this version's format",
        "# ok, # warnings, # errors",
    ];
    assert_eq!(told(&looked, folder.path()), expected);
    let findings = operator(&data, &["doctor", "--json", "--config", &file]).await.well().json_lines();
    assert_eq!(findings.len(), expected.len() - 1);
    assert!(findings.iter().all(|finding| finding["level"] == "ok"), "{findings:?}");

    // It stays so when the server is gone.
    assert_eq!(server.stop().await.code, Some(0));
    let looked = doctor().await.well();
    assert!(looked.stdout.contains("no process has it"), "{looked:?}");
}

#[tokio::test]
async fn broken_folders() {
    let folder = tempfile::tempdir().unwrap();
    let (data, file) = (folder.path().join("data"), configuration(folder.path()));
    let doctor = async || operator(&data, &["doctor", "--config", &file]).await;
    let missing = doctor().await;
    assert_eq!((missing.code, errors(&missing, "data folder")), (Some(1), 1), "{missing:?}");
    assert!(missing.stdout.contains("there is no data folder") && !data.exists(), "{missing:?}");

    let server = Server::start(&data, &Setup::embedded(1)).await.unwrap();
    assert_eq!(server.stop().await.code, Some(0));
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("identity.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let open = doctor().await;
    assert_eq!(open.code, Some(0), "a warning is no error: {open:?}");
    // The folder, the users in it, and the log, which has the mode of any new file.
    let folder_and_users = wrong(&open).iter().filter(|line| !line.contains("log.db")).count();
    assert_eq!(folder_and_users, 2, "{open:?}");
    assert!(open.stdout.contains("→ chmod 600") && open.stdout.contains("→ chmod 700"), "{open:?}");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(data.join("identity.db"), fs::Permissions::from_mode(0o600)).unwrap();

    fs::write(data.join("log.db"), "no log at all".repeat(1000)).unwrap();
    let damaged = doctor().await;
    assert_eq!((damaged.code, errors(&damaged, "stores")), (Some(1), 1), "{damaged:?}");

    fs::write(data.join("hansard-data"), "99\n").unwrap();
    let newer = doctor().await;
    assert_eq!(newer.code, Some(1));
    assert!(
        newer.stdout.contains("has format 99") && newer.stdout.contains("use the newer program"),
        "{newer:?}"
    );

    fs::write(&file, "[server]\nlistens = \"0.0.0.0:80\"\n").unwrap();
    let unknown = doctor().await;
    assert_eq!((unknown.code, errors(&unknown, "configuration")), (Some(1), 1), "{unknown:?}");
    assert!(unknown.stdout.contains("server.listens"), "{unknown:?}");
}

/// What the setting of the tests brings with it: one copy, and passwords that cost nothing to hash.
const OF_THE_TESTS: usize = 2;

#[tokio::test]
async fn a_cluster_and_its_engines() {
    let setup = Setup::cluster(2).on_own_engines().with("server.connections_max", 100);
    let chat = Chat::start(setup).await;
    let alice = chat.user("alice").await;
    let bob = chat.user("bob").await;
    let dialog = alice.create_group("looked at", [&bob]).await;
    alice.post(&dialog, "hello").await;
    let doctor = async || timeout(AMPLE, chat.operator(&["doctor"])).await.expect("it ends in bounded time");
    let healthy = doctor().await;
    assert_eq!(healthy.code, Some(0), "{healthy:?}");
    assert_eq!(wrong(&healthy).len(), OF_THE_TESTS, "{healthy:?}");
    for well in [
        "NATS must sync before it acknowledges",
        "the log's 2 streams answer",
        "every server that was asked syncs before it acknowledges",
        "every stream has all its copies, and room",
        "the clock of NATS server n0 and the one here run together",
        "the clock of PostgreSQL and the one here run together",
        "pg_trgm is there",
        "users and sessions are of this version's format",
    ] {
        assert!(healthy.stdout.contains(well), "{well:?} is not in {}", healthy.stdout);
    }
    let relaxed = chat.operator_as(&["doctor"], |setup| setup.with("log.durability", "relaxed")).await;
    assert_eq!((relaxed.code, wrong(&relaxed).len()), (Some(0), OF_THE_TESTS + 1), "{relaxed:?}");
    assert!(relaxed.stdout.contains("log.durability = \"relaxed\""), "{relaxed:?}");

    // It hangs, it is gone, and so the other.
    chat.postgres().pause();
    let hanging = doctor().await;
    assert_eq!((hanging.code, errors(&hanging, "PostgreSQL")), (Some(1), 1), "{hanging:?}");
    assert!(hanging.stdout.contains("streams answer"), "the other is looked at: {hanging:?}");
    chat.postgres().resume();
    chat.nats().pause(0);
    let hanging = doctor().await;
    assert_eq!((hanging.code, errors(&hanging, "NATS")), (Some(1), 1), "{hanging:?}");
    assert_eq!(errors(&hanging, "PostgreSQL"), 0, "{hanging:?}");
    chat.nats().resume(0);
    chat.nats().kill(0);
    chat.postgres().stop_immediately();
    let gone = doctor().await;
    assert_eq!((errors(&gone, "NATS"), errors(&gone, "PostgreSQL")), (1, 1), "{gone:?}");
}

#[tokio::test]
async fn the_state_of_a_cluster_says_how_far_searches_lag() {
    let chat = Chat::start(Setup::cluster(2)).await;
    let alice = chat.user("alice").await;
    let bob = chat.user("bob").await;
    let dialog = alice.create_group("status", [&bob]).await;
    alice.post(&dialog, "hello").await;
    let caught_up = async {
        loop {
            let lines = chat.operator(&["status", "--json"]).await.well().json_lines();
            assert_eq!(lines.len(), 2);
            if lines.iter().all(|line| line["search_lag_events"] == 0) {
                return;
            }
        }
    };
    timeout(AMPLE, caught_up).await.expect("the index catches up");
    let table = chat.operator(&["status"]).await.well().stdout;
    assert!(table.lines().next().unwrap_or_default().contains("search lag"), "{table}");
}
