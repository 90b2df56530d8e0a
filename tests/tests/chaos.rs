//! Everything goes wrong while people chat, and no promise is broken: the short form of `make chaos`.

use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use chaos::{Fault, Plan, Report, run};

/// How long nothing goes wrong between two faults.
const CALM: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread")]
async fn a_process_alone_keeps_its_promises() {
    let report = judged(true, Fault::alone()).await;
    assert!(report.violations.is_empty(), "{}", report.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_keeps_its_promises() {
    let report = judged(false, Fault::few()).await;
    assert!(report.violations.is_empty(), "{}", report.text());
}

async fn judged(alone: bool, faults: Vec<Fault>) -> Report {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    // PostgreSQL may have to run as another user, who has to get through.
    let rights = std::fs::Permissions::from_mode(0o711);
    std::fs::set_permissions(folder.path(), rights).expect("the folder can be opened");
    let hansard = tests::program().to_owned();
    let plan = Plan { hansard, folder: folder.path().to_owned(), alone, faults, calm: CALM };
    run(&plan).await.expect("everything recovers")
}
