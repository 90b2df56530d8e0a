//! Where the program under test is.
//!
//! Cargo tells only the tests of the program's own crate, so it is asked to build it, which
//! takes no time when it is built already. Another one, such as a released one, can be
//! named by the variable `HANSARD_BINARY`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

/// The program: the one that is named, or one of today's source in the profile of the tests.
///
/// # Panics
///
/// It cannot be built; the compiler has said why on standard error.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match std::env::var_os("HANSARD_BINARY") {
        Some(named) => named.into(),
        None => build().expect("the program under test is built"),
    })
}

fn build() -> Result<PathBuf> {
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    // With a test beside it, it has the features that `cargo test --workspace` has built everything with.
    cargo.args(["build", "--quiet", "--workspace", "--bin", "hansard", "--test", "layering"]);
    cargo.args(["--message-format", "json"]);
    cargo.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"));
    cargo.arg("--target-dir").arg(target_folder()?);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.stderr(Stdio::inherit()).output().context("cargo cannot be started")?;
    ensure!(built.status.success(), "cargo build failed: {}", built.status);
    let messages = String::from_utf8(built.stdout)?;
    let executable = messages.lines().rev().find_map(|line| {
        let message: Value = serde_json::from_str(line).ok()?;
        let executable = message["executable"].as_str()?;
        (message["target"]["name"] == "hansard").then(|| PathBuf::from(executable))
    });
    executable.context("cargo names no executable")
}

/// Where this very test was built: `<target>/<profile>/deps/<test>`.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    Ok(test.ancestors().nth(3).context("the test is in no target folder")?.to_owned())
}
