//! What goes to a terminal.

use std::io::Write;

use anyhow::Context as _;
use runtime::telemetry;

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

/// Log what a command does to standard error, as a server does.
pub(crate) fn log_to_stderr(settings: &Settings) -> anyhow::Result<()> {
    let chosen = &settings.telemetry;
    let subscriber = telemetry::subscriber(chosen.format, &chosen.filter, std::io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).context("this process has a log already")
}

/// Rows under their titles, columns as wide as their widest cell. What could move the cursor is escaped.
pub(crate) fn table<const N: usize>(
    out: &mut impl Write,
    titles: [&str; N],
    rows: &[[String; N]],
) -> anyhow::Result<()> {
    let rows: Vec<[String; N]> = rows.iter().map(|row| row.each_ref().map(|cell| plain(cell))).collect();
    let width = |at: usize| {
        let cells = rows.iter().map(|row| row[at].chars().count());
        cells.max().unwrap_or(0).max(titles[at].len())
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut write = |cells: [&str; N]| {
        let padded: Vec<_> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        writeln!(out, "{}", padded.join("  ").trim_end())
    };
    write(titles)?;
    for row in &rows {
        write(row.each_ref().map(String::as_str))?;
    }
    Ok(())
}

/// A text in which nothing can move the cursor or hide: what people chose as their names.
pub(crate) fn plain(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\'' | '"' | '\\' => shown.push(letter),
            _ => shown.extend(letter.escape_debug()),
        }
    }
    shown
}
