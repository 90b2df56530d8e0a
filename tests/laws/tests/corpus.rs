//! What fuzzers have found worth keeping still keeps every law.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::PathBuf;

fn walk(target: &str, law: fn(&[u8])) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let kept = std::panic::catch_unwind(|| law(&bytes));
        assert!(kept.is_ok(), "{} breaks a law: {:?}", file.display(), String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn queries() {
    walk("query", laws::query);
}

#[test]
fn bodies() {
    walk("body", laws::body);
}

#[test]
fn filters() {
    walk("filters", laws::filters);
}

#[test]
fn events() {
    walk("event", laws::event);
}

#[test]
fn frames() {
    walk("frame", laws::frame);
}
