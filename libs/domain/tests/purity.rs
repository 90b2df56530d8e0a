//! The rules depend on nothing but what they are given: no clock, no chance, no I/O, no
//! async, and no library that would bring them in.

use std::path::{Path, PathBuf};

/// What the rules may use. Each of these computes and does nothing else.
const DEPENDENCIES: [&str; 3] = ["blake3", "serde_json", "thiserror"];

/// What the sources may not name.
const IMPURE: [&str; 16] = [
    "async ",
    ".await",
    "Instant",
    "SystemTime",
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::process",
    "std::sync",
    "std::thread",
    "std::time",
    "static ",
    "thread_local",
    "RandomState",
    "rand::",
];

#[test]
fn the_rules_use_no_library_with_effects() {
    let manifest = include_str!("../Cargo.toml");
    let (_, section) = manifest.split_once("[dependencies]").unwrap();
    let used = section
        .lines()
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty());
    assert_eq!(used.collect::<Vec<_>>(), DEPENDENCIES);
    assert!(!manifest.contains("[build-dependencies]") && !manifest.contains("[target."));
}

#[test]
fn the_rules_name_nothing_impure() {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    assert!(
        files.iter().any(|file| file.ends_with("decide.rs")),
        "the sources are where they are looked for"
    );
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            let named = IMPURE.iter().find(|word| line.replace("'static ", "").contains(**word));
            assert_eq!(named, None, "{}: {line}", file.display());
        }
    }
}

fn sources(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = vec![];
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(sources(&path)?);
        } else {
            files.push(path);
        }
    }
    Ok(files)
}
