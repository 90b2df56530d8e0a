//! Old bytes are still read: a file for every version of every event that was ever
//! written. A file is never edited: logs hold those bytes for ever.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::samples::{files, samples};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of a golden file: hex digits, white space where the eye wants it.
fn golden(file: &str) -> Option<Vec<u8>> {
    let digits = std::fs::read_to_string(folder().join(format!("{file}.hex"))).ok()?;
    let digits: Vec<u8> = digits.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    Some(digits.chunks(2).map(byte).collect())
}

#[test]
fn every_golden_file_means_what_it_meant() {
    for sample in samples() {
        let today = hex(&wire::encode(&sample.record));
        let bytes =
            golden(sample.file).unwrap_or_else(|| panic!("golden/{}.hex should be\n{today}", sample.file));
        assert_eq!(wire::decode(&bytes), Ok(sample.record), "{}", sample.file);
    }
}

#[test]
fn todays_bytes_are_those_of_the_newest_files() {
    for sample in samples() {
        assert_eq!(Some(wire::encode(&sample.record)), golden(sample.file), "{}", sample.file);
    }
}

#[test]
fn every_event_type_has_its_files_and_no_file_is_forgotten() {
    let told: BTreeSet<_> = samples().iter().map(|sample| sample.file.to_owned()).collect();
    let needed: BTreeSet<_> = samples()
        .iter()
        .flat_map(|sample| files(&sample.record.event))
        .map(|file| (*file).to_owned())
        .collect();
    let there: BTreeSet<_> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".hex").to_owned())
        .collect();
    assert_eq!(told, needed);
    assert_eq!(told, there);
}

#[test]
fn a_file_is_named_after_type_and_schema() {
    for sample in samples() {
        let envelope = wire::open(&wire::encode(&sample.record)).unwrap();
        let name = format!("{}-{}", envelope.type_name, envelope.schema);
        assert!(sample.file.starts_with(&name), "{} holds {name}", sample.file);
        assert!(files(&sample.record.event).contains(&sample.file));
    }
}

/// Encoding cannot leave an event out, so whatever can be written is named there.
#[test]
fn every_type_that_can_be_written_has_a_file() {
    let quoted = include_str!("../../src/encode.rs").split('"').skip(1).step_by(2);
    let written: BTreeSet<_> = quoted
        .filter(|text| text.contains('.') && !text.contains(' '))
        .map(|name| format!("{name}-1"))
        .collect();
    let told: BTreeSet<_> = samples().iter().map(|sample| sample.file.to_owned()).collect();
    assert!(written.contains("message.posted-1"));
    assert_eq!(written.difference(&told).next(), None);
}
