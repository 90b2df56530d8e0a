//! The architecture, kept: which crate may use which, and the rules of the source that no
//! compiler and no lint knows.
//!
//! It goes by what `cargo metadata` says and by the tokens of every source file; what the
//! code does is for other tests. Keeps invariants 1, 3 and 10. Every failure says what to do.

mod source;

use anyhow::{Result, ensure};
use proc_macro2::TokenTree;

use crate::source::{
    beyond_a_list, for_each_level, ident, idents, is_punct, names_after, packages, product_sources, sources,
};

/// Which of our crates a crate may name, for its code, its tests and its build alike. A
/// row may stand here before its crate. `docs/ARCHITECTURE.md` shows the same table.
const MAY_USE: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("wire", &["domain"]),
    ("eventlog", &["engines"]),
    ("readmodel", &["domain", "eventlog", "engines"]),
    ("identity", &["domain", "runtime", "engines"]),
    ("bus", &["domain", "wire", "engines"]),
    ("runtime", &["domain"]),
    ("command", &["domain", "wire", "eventlog", "readmodel", "bus", "runtime", "engines"]),
    ("projector", &["domain", "wire", "eventlog", "readmodel", "bus", "runtime", "engines"]),
    ("gateway", &["domain", "wire", "readmodel", "identity", "bus", "runtime"]),
    ("realtime", &["domain", "wire", "eventlog", "readmodel", "identity", "bus", "runtime"]),
    (
        "hansard",
        &[
            "domain",
            "wire",
            "eventlog",
            "readmodel",
            "identity",
            "bus",
            "runtime",
            "command",
            "projector",
            "gateway",
            "realtime",
        ],
    ),
    ("bench", &["domain", "wire", "eventlog", "readmodel", "engines"]),
    ("engines", &[]),
    ("chaos", &["engines"]),
    ("laws", &["domain", "wire", "eventlog", "readmodel", "identity", "gateway"]),
    // With the log itself a story writes what no version of the product would.
    ("tests", &["hansard", "wire", "eventlog", "engines", "chaos"]),
];

/// Edges that no change of the table may bring, and why.
const NEVER: &[(&str, &str, &str)] = &[
    ("gateway", "eventlog", "it answers from read models and changes things by commands only"),
    ("gateway", "command", "it reaches the writers over the bus, wherever they run"),
    ("eventlog", "domain", "to the log an event is bytes, so that it can hold those of any version"),
    ("readmodel", "wire", "a fold sees domain events, whatever bytes they came from"),
];

/// What `domain` may use of others' work: hashing, JSON, and errors.
const DOMAIN_MAY_USE: &[&str] = &["blake3", "serde_json", "thiserror"];
/// Parts of `std` that reach out of the process.
const OUTSIDE: &[&str] = &["env", "fs", "io", "net", "process", "thread"];
/// Words of a clock, or of something that waits.
const IMPURE: &[&str] = &["Instant", "SystemTime", "async", "await"];

/// The stores' engines, and the crates that hide them behind their own surface.
const ENGINES: &[&str] = &["async-nats", "rusqlite", "sqlx"];
const STORES: &[&str] = &["eventlog", "readmodel", "identity", "bus"];

/// Who may hold a log writer: the partition writers, the composition root, and the
/// benchmark, which lays out large logs while no server runs. The laws seal frames to compare them.
const LOG_WRITERS: &[&str] = &["eventlog", "command", "hansard", "bench", "laws"];

/// A longer file wants to be two.
const LINES_MAX: usize = 500;

#[test]
fn crates_use_only_what_the_table_allows() -> Result<()> {
    let mut wrong = vec![];
    for package in packages()? {
        let Some((_, allowed)) = MAY_USE.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!("crate `{}` has no row", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.ours) {
            // A crate may switch its own features on for its tests by naming itself.
            if dependency.name != package.name && !allowed.contains(&dependency.name.as_str()) {
                wrong.push(format!("`{}` uses `{}`", package.name, dependency.name));
            }
            if dependency.renamed {
                wrong.push(format!("`{}` gives `{}` another name", package.name, dependency.name));
            }
        }
    }
    verdict(
        &wrong,
        "Remove the edge. If the architecture is to change: write a decision record in docs/adr, \
         then change MAY_USE here and the table in docs/ARCHITECTURE.md.",
    )
}

#[test]
fn some_edges_stay_forbidden() {
    for (from, to, why) in NEVER {
        let allowed = MAY_USE.iter().any(|(name, allowed)| name == from && allowed.contains(to));
        assert!(!allowed, "MAY_USE lets `{from}` use `{to}`, which it must never: {why}. Take it out again.");
    }
}

#[test]
fn the_domain_is_pure() -> Result<()> {
    let mut wrong = vec![];
    for package in packages()?.iter().filter(|package| package.name == "domain") {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if !DOMAIN_MAY_USE.contains(&dependency.name.as_str()) {
                wrong.push(format!("it depends on `{}`", dependency.name));
            }
        }
    }
    for source in product_sources()?.iter().filter(|source| source.krate == "domain") {
        for_each_level(&source.tokens, &mut |level| {
            let names = names_after(level, "std");
            for name in names.iter().filter(|name| OUTSIDE.contains(&name.as_str())) {
                wrong.push(format!("{} names std::{name}", source.path.display()));
            }
            for word in idents(level).filter(|word| IMPURE.contains(&word.as_str())) {
                wrong.push(format!("{} says `{word}`", source.path.display()));
            }
        });
    }
    verdict(
        &wrong,
        "The domain has no clock, chance, I/O or async: take times, ids and facts as arguments, and do \
         the rest in the crate that calls it. A further pure library goes into DOMAIN_MAY_USE.",
    )
}

#[test]
fn only_the_stores_know_their_engines() -> Result<()> {
    let mut wrong = vec![];
    for package in packages()?.iter().filter(|package| !STORES.contains(&package.name.as_str())) {
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.dev) {
            if ENGINES.contains(&dependency.name.as_str()) {
                wrong.push(format!("`{}` uses `{}`", package.name, dependency.name));
            }
        }
    }
    verdict(
        &wrong,
        "Ask the library that owns the store for what you need: above the composition root nobody knows \
         the topology.",
    )
}

/// Types say who may append (`append` needs a `Writer`, or a frame sealed by hand), but
/// anybody who can see the log could make one; who does, only the source shows. Tests may:
/// they need logs to read.
#[test]
fn only_the_command_role_appends() -> Result<()> {
    let mut wrong = vec![];
    for source in product_sources()? {
        if LOG_WRITERS.contains(&source.krate.as_str()) {
            continue;
        }
        for_each_level(&source.tokens, &mut |level| {
            for name in names_after(level, "eventlog") {
                if ["Writer", "*", "as"].contains(&name.as_str()) {
                    wrong.push(format!("{} names eventlog::{name}", source.path.display()));
                }
            }
            if names_after(level, "Frame").iter().any(|name| name == "seal") {
                wrong.push(format!("{} seals a frame", source.path.display()));
            }
        });
    }
    verdict(
        &wrong,
        "One writer a partition is what keeps the log's order: send a command over the bus instead. A \
         glob or another name for the crate would hide a writer; name what you use.",
    )
}

#[test]
fn nothing_is_left_for_later() -> Result<()> {
    let mut wrong = vec![];
    for source in sources()? {
        for_each_level(&source.tokens, &mut |level| {
            for pair in level.windows(2) {
                match (ident(&pair[0]).as_deref(), &pair[1]) {
                    (Some(name @ ("todo" | "unimplemented")), TokenTree::Punct(mark))
                        if mark.as_char() == '!' =>
                    {
                        wrong.push(format!("{} has {name}!", source.path.display()));
                    }
                    (None, TokenTree::Group(group))
                        if is_punct(&pair[0], '#') && group.stream().to_string().starts_with("ignore") =>
                    {
                        wrong.push(format!("{} ignores a test", source.path.display()));
                    }
                    _ => {}
                }
            }
        });
    }
    verdict(&wrong, "Finish it or take it out; a test that cannot run is no test.")
}

#[test]
fn files_are_short_and_say_what_they_are() -> Result<()> {
    let mut wrong = vec![];
    for source in sources()? {
        let lines = source.text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{} has {lines} lines", source.path.display()));
        }
        if !source.text.starts_with("//!") && !source.text.starts_with("#!") {
            wrong.push(format!("{} does not begin with //!", source.path.display()));
        }
    }
    verdict(
        &wrong,
        "At most 500 lines: split by what changes together, do not squeeze. And begin with `//!`: what \
         the file is, what it deliberately is not, which invariant it keeps.",
    )
}

#[test]
fn a_lib_rs_only_lists() -> Result<()> {
    let mut wrong = vec![];
    for source in sources()?.iter().filter(|source| source.path.ends_with("src/lib.rs")) {
        if let Some(item) = beyond_a_list(&source.tokens) {
            wrong.push(format!("{} has `{item}`", source.path.display()));
        }
    }
    verdict(
        &wrong,
        "A lib.rs is docs, `mod` and `use`, so that it reads as the crate's contents: move the rest.",
    )
}

fn verdict(wrong: &[String], remedy: &str) -> Result<()> {
    ensure!(wrong.is_empty(), "\n  {}\n{remedy}", wrong.join("\n  "));
    Ok(())
}
