//! What the tests of one run have proven.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context as _, Result};

/// Tests by the rules that they have proven.
#[derive(Debug, Default)]
pub(crate) struct Proofs(BTreeMap<String, BTreeSet<String>>);

impl Proofs {
    /// All that lie in a folder, whichever processes left them.
    ///
    /// # Errors
    ///
    /// It cannot be read, or holds what no test has written.
    pub(crate) fn read(folder: &Path) -> Result<Self> {
        let mut proofs = Self::default();
        for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "proofs") {
                let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
                proofs.add(&text).with_context(|| path.display().to_string())?;
            }
        }
        Ok(proofs)
    }

    /// The lines of one process.
    fn add(&mut self, lines: &str) -> Result<()> {
        for line in lines.lines() {
            let (rule, test) = line.split_once('\t').with_context(|| format!("no proof: {line:?}"))?;
            self.0.entry(rule.to_owned()).or_default().insert(test.to_owned());
        }
        Ok(())
    }

    /// The tests that have proven a rule, in order.
    pub(crate) fn of(&self, rule: &str) -> Vec<&str> {
        self.0.get(rule).into_iter().flatten().map(String::as_str).collect()
    }

    /// The rules that some test claims to have proven.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
impl From<&str> for Proofs {
    fn from(lines: &str) -> Self {
        let mut proofs = Self::default();
        proofs.add(lines).unwrap();
        proofs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proofs_of_all_processes_are_one_table() {
        let folder = tempfile::tempdir().unwrap();
        for (name, lines) in [
            ("a-1.proofs", "R-WIRE-001\ta::x\nR-WIRE-002\ta::x\n"),
            ("b-2.proofs", "R-WIRE-001\tb::y\n"),
            ("other", "?"),
        ] {
            std::fs::write(folder.path().join(name), lines).unwrap();
        }
        let proofs = Proofs::read(folder.path()).unwrap();
        assert_eq!(proofs.of("R-WIRE-001"), ["a::x", "b::y"]);
        assert_eq!(proofs.rules().collect::<Vec<_>>(), ["R-WIRE-001", "R-WIRE-002"]);
        std::fs::write(folder.path().join("c-3.proofs"), "torn").unwrap();
        assert!(Proofs::read(folder.path()).is_err());
    }
}
