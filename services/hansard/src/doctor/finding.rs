//! What was found, and how it is told.

use std::io::Write;

use serde::Serialize;

use crate::output::plain;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// As it should be.
    Ok,
    /// It works, and something is risked.
    Warning,
    /// It does not work, or something will be lost.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    /// Of what: `configuration`, `data folder`, …
    pub(super) part: &'static str,
    /// What was found, and what it means where that is not plain.
    pub(super) what: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) todo: Option<String>,
}

/// Findings about one part.
#[derive(Debug)]
pub(super) struct Findings {
    part: &'static str,
    all: Vec<Finding>,
}

impl Findings {
    /// None yet.
    pub(super) fn of(part: &'static str) -> Self {
        Self { part, all: vec![] }
    }

    /// It is as it should be.
    pub(super) fn ok(&mut self, what: impl Into<String>) {
        self.add(Level::Ok, what.into(), None);
    }

    /// It works, and something is risked.
    pub(super) fn warn(&mut self, what: impl Into<String>, todo: impl Into<String>) {
        self.add(Level::Warning, what.into(), Some(todo.into()));
    }

    /// It does not work.
    pub(super) fn fail(&mut self, what: impl Into<String>, todo: impl Into<String>) {
        self.add(Level::Error, what.into(), Some(todo.into()));
    }

    /// It does not work, and says itself what to do: sentences of the stores come as `what; what to do`.
    pub(super) fn fail_with(&mut self, error: &anyhow::Error) {
        self.add(Level::Error, format!("{error:#}"), None);
    }

    fn add(&mut self, level: Level, what: String, todo: Option<String>) {
        self.all.push(Finding { level, part: self.part, what, todo });
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    /// All of them.
    pub(super) fn into_vec(self) -> Vec<Finding> {
        self.all
    }
}

/// Write them for people, or a line of JSON each; whether none is an error.
pub(super) fn print(findings: &[Finding], as_json: bool, out: &mut impl Write) -> anyhow::Result<bool> {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    if as_json {
        for finding in findings {
            writeln!(out, "{}", serde_json::to_string(finding)?)?;
        }
        return Ok(count(Level::Error) == 0);
    }
    let width = findings.iter().map(|finding| finding.part.len()).max().unwrap_or(0);
    for finding in findings {
        let level = match finding.level {
            Level::Ok => "ok",
            Level::Warning => "warning",
            Level::Error => "ERROR",
        };
        writeln!(out, "{level:7}  {:width$}  {}", finding.part, plain(&finding.what))?;
        if let Some(todo) = &finding.todo {
            writeln!(out, "{:7}  {:width$}  → {}", "", "", plain(todo))?;
        }
    }
    let plural = |count: usize, noun: &str| format!("{count} {noun}{}", if count == 1 { "" } else { "s" });
    let (warnings, errors) = (count(Level::Warning), count(Level::Error));
    writeln!(out, "\n{} ok, {}, {}", count(Level::Ok), plural(warnings, "warning"), plural(errors, "error"))?;
    Ok(errors == 0)
}
