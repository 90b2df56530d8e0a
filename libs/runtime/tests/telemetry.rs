//! A process's one log and one set of metrics. A program of its own, with one test,
//! because what it installs is there for good.

use std::fs::File;
use std::sync::Arc;

use runtime::telemetry::{LogFormat, init, subscriber};

#[test]
fn a_process_has_one_log_and_its_panics_are_in_it() {
    assert!(init(LogFormat::Json, "=nonsense=").is_err());
    let metrics = init(LogFormat::Json, "info").expect("what was refused left nothing behind");
    metrics::counter!("requests_total").increment(3);
    assert!(metrics.render().lines().any(|line| line == "requests_total 3"));
    let error = init(LogFormat::Text, "info").expect_err("it has a log");
    assert_eq!(error.to_string(), "this process has a log already");

    let file = tempfile::NamedTempFile::new().expect("a file");
    let writer = Arc::new(File::create(file.path()).expect("the file"));
    let captured = subscriber(LogFormat::Json, "info", writer).expect("a filter");
    tracing::subscriber::with_default(captured, || {
        std::panic::catch_unwind(|| panic!("row {} is missing", 7)).expect_err("a panic");
    });
    let log = std::fs::read_to_string(file.path()).expect("the log");
    let line: serde_json::Value = serde_json::from_str(&log).expect("one JSON object");
    assert_eq!((&line["level"], &line["message"]), (&"ERROR".into(), &"a thread panicked".into()));
    assert_eq!(line["panic.message"], "row 7 is missing");
    assert!(line["panic.place"].as_str().is_some_and(|place| place.contains("telemetry.rs:")), "{line}");
}
