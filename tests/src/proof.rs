//! Proofs: a test says which rule of the API it has just checked.
//!
//! A proof is one line in a file of this process, so that tests and processes may prove at the
//! same time. The file lies in the folder that `HANSARD_PROOFS` names, which `infra/test` makes
//! for one run, and which `conformance` joins with the rules afterwards; a test that is run
//! alone leaves its proofs in `target/conformance`, where nobody counts them.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::panic::Location;
use std::path::PathBuf;
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::binary::target_folder;
use crate::rules::rules;

/// The test that runs has just checked this rule of `tests/rules.csv`, such as `R-MARK-001`.
///
/// To be called after the check and by the code that made it, on the thread of the test: what
/// fails proves nothing.
///
/// # Panics
///
/// There is no such rule, or this is not a test's thread.
#[track_caller]
pub fn proves(rule: &str) {
    assert!(rules().contains_key(rule), "tests/rules.csv has no row {rule:?}");
    let line = format!("{rule}\t{}\n", test(Location::caller()));
    let mut proofs = PROOFS.lock().unwrap_or_else(PoisonError::into_inner);
    if proofs.told.insert(line.clone()) {
        proofs.file.write_all(line.as_bytes()).expect("a proof is written");
    }
}

/// The same for several that one check has shown.
#[track_caller]
pub fn proves_all<const N: usize>(rules: [&str; N]) {
    for rule in rules {
        proves(rule);
    }
}

static PROOFS: LazyLock<Mutex<Proofs>> = LazyLock::new(|| Mutex::new(Proofs::open()));

struct Proofs {
    file: File,
    told: HashSet<String>,
}

impl Proofs {
    fn open() -> Self {
        let folder = std::env::var_os("HANSARD_PROOFS").map(PathBuf::from);
        let folder = folder
            .unwrap_or_else(|| target_folder().expect("a test has a target folder").join("conformance"));
        std::fs::create_dir_all(&folder).expect("the folder of the proofs can be made");
        let path = folder.join(format!("{}-{}.proofs", program(), std::process::id()));
        let file = OpenOptions::new().create(true).append(true).open(path);
        Self { file: file.expect("the file of the proofs can be opened"), told: HashSet::new() }
    }
}

/// The test that runs on this thread, as `<file of the check>::<test>`.
fn test(check: &Location<'_>) -> String {
    let thread = std::thread::current();
    let is_test =
        |name: &&str| *name != "main" && name.chars().all(|c| c.is_alphanumeric() || "_:".contains(c));
    let name = thread.name().filter(is_test).expect("a rule is proven on the thread of its test");
    let file = check.file().trim_end_matches(".rs");
    let file = file.rsplit_once("tests/tests/").map_or(file, |(_, file)| file);
    format!("{file}::{}", name.rsplit("::").next().unwrap_or_default())
}

/// The test program's name, without the hash that cargo appends.
fn program() -> String {
    let path = std::env::current_exe().expect("a test knows its program");
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    name.rsplit_once('-').map_or(name.clone(), |(name, _)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_names_its_test() {
        let named = test(Location::caller());
        assert_eq!(named, "tests/src/proof::a_proof_names_its_test");
    }

    #[test]
    #[should_panic(expected = "has no row \"R-WIRE-999\"")]
    fn only_rules_can_be_proven() {
        proves("R-WIRE-999");
    }

    #[test]
    fn no_other_thread_proves_for_a_test() {
        let elsewhere =
            std::thread::Builder::new().name("tokio-rt-worker".to_owned()).spawn(|| test(Location::caller()));
        assert!(elsewhere.unwrap().join().is_err());
    }
}
