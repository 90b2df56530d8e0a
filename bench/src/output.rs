//! The process's two ends: what it was made to say, and what it says while it works.

use std::io::Write as _;

use anyhow::Context as _;

/// A line of the result.
///
/// # Errors
///
/// Nobody reads it any more.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{text}").context("cannot write to standard output")
}

/// A line about what goes on; if nobody can read it, nothing is lost.
pub(crate) fn note(text: &str) {
    drop(writeln!(std::io::stderr(), "bench: {text}"));
}
