//! Joins what the tests have proven with the rules of the API.
//!
//! `conformance <folder of proofs>` writes `docs/api-conformance.md`, and fails where the run has
//! not kept what it must. `infra/test` calls it after the tests; it runs none itself, and what a
//! test that failed has proven never gets here.

mod decisions;
mod document;
mod proofs;
mod verdict;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail, ensure};

use crate::decisions::Decisions;
use crate::proofs::Proofs;

/// Where the document lies.
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/api-conformance.md");

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "conformance: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(folder), None) = (arguments.next(), arguments.next()) else {
        bail!("usage: conformance <folder of proofs>");
    };
    let proofs = Proofs::read(&PathBuf::from(folder))?;
    let decisions = Decisions::read(include_str!("../../../decisions.toml"))?;
    let committed = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    let document = document::render(&proofs, &decisions);
    let wrong = verdict::wrong(&proofs, &decisions);
    ensure!(wrong.is_empty(), "\n  {}", wrong.join("\n  "));
    update(Path::new(DOCUMENT), &committed, &document)
}

/// Write the document if it is another one now; which is an error once, so that nobody hands in
/// an outdated one.
fn update(path: &Path, committed: &str, document: &str) -> Result<()> {
    if committed == document {
        return Ok(());
    }
    std::fs::write(path, document).with_context(|| path.display().to_string())?;
    bail!("docs/api-conformance.md was outdated. It has been written anew: hand it in with the change.")
}
