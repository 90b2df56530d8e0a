//! What goes to a terminal.

use std::io::Write as _;

use crate::Settings;

/// Print the configuration as it results, with secrets hidden.
pub fn print_settings(settings: &Settings) -> anyhow::Result<()> {
    Ok(write!(std::io::stdout(), "{}", runtime::config::print(settings)?)?)
}

/// Tell why the program ends without having done what was asked.
pub fn complain(error: &anyhow::Error) {
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(std::io::stderr(), "hansard: {error:#}");
}

/// Show the operator of a new deployment how to begin.
pub(crate) fn greet(first_steps: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout();
    writeln!(out, "A new application was made. Paste these lines into a shell to begin:\n\n{first_steps}\n")?;
    Ok(out.flush()?)
}
