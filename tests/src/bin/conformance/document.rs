//! `docs/api-conformance.md`: a row for each rule, with what settles it.
//!
//! The same proofs make the same bytes, whatever the order in which they came.

use std::fmt::Write as _;

use ::tests::{Rule, rules};

use crate::decisions::{Decision, Decisions};
use crate::proofs::Proofs;

/// All areas, in the order of the page.
pub(crate) const AREAS: [&str; 12] = [
    "WIRE", "SESSION", "USER", "DIALOG", "ROLE", "MESSAGE", "MARK", "REACTION", "SEARCH", "CONSIST", "ERROR",
    "LIMIT",
];

const HEAD: &str = "\
# API conformance

What a client of the API may rely on, and the test that has checked it. `make test` writes this page from
[`tests/rules.csv`](../tests/rules.csv), from [`tests/decisions.toml`](../tests/decisions.toml), and from what the tests
say they have just checked (`tests::proves`); nobody edits it. Rules that wait for real-time delivery, push or files are not here.
";
/// What stands where nothing settles a rule.
const OPEN: &str = "not yet proven";

/// The page.
pub(crate) fn render(proofs: &Proofs, decisions: &Decisions) -> String {
    let settled = |rule: &Rule| settled(rule, proofs, decisions);
    let mut page = HEAD.to_owned();
    page += "\n| area | rules | proven | decided otherwise | waiting | not yet proven |\n|---|---|---|---|---|---|\n";
    for area in AREAS {
        let Count { all, proven, otherwise, waiting } = count(area, proofs, decisions);
        let open = all - proven - otherwise - waiting;
        let _ = writeln!(page, "| {area} | {all} | {proven} | {otherwise} | {waiting} | {open} |");
    }
    for area in AREAS {
        let _ = write!(page, "\n## {area}\n");
        table(&mut page, of_area(area).map(|rule| (rule, settled(rule).unwrap_or_else(|| OPEN.to_owned()))));
    }
    page
}

fn table<'a>(page: &mut String, rows: impl Iterator<Item = (&'a Rule, String)>) {
    *page += "\n| row | call | rule | settled by |\n|---|---|---|---|\n";
    for (rule, settled) in rows {
        let (call, text) = (cell(&rule.endpoint), cell(&rule.text));
        let _ = writeln!(page, "| {} | `{call}` | {text} | {} |", rule.id, cell(&settled));
    }
}

/// The rules of an area that do not wait for anything.
pub(crate) fn of_area(area: &str) -> impl Iterator<Item = &'static Rule> {
    rules().values().filter(move |rule| rule.area() == area && !rule.is_for_later())
}

#[derive(Default)]
struct Count {
    all: usize,
    proven: usize,
    otherwise: usize,
    waiting: usize,
}

fn count(area: &str, proofs: &Proofs, decisions: &Decisions) -> Count {
    let mut count = Count::default();
    for rule in of_area(area) {
        count.all += 1;
        match decisions.on(&rule.id) {
            Some(Decision::Otherwise { .. }) => count.otherwise += 1,
            Some(Decision::Waits { .. }) => count.waiting += 1,
            None => count.proven += usize::from(!proofs.of(&rule.id).is_empty()),
        }
    }
    count
}

/// What settles a rule, if anything does.
fn settled(rule: &Rule, proofs: &Proofs, decisions: &Decisions) -> Option<String> {
    let tests: Vec<String> = proofs.of(&rule.id).iter().map(|test| format!("`{test}`")).collect();
    let tests = tests.join(", ");
    let mut text = match decisions.on(&rule.id) {
        None => return (!tests.is_empty()).then_some(tests),
        Some(Decision::Waits { waits_for }) => format!("waits for {waits_for}"),
        Some(Decision::Otherwise { instead, why, overruled_by: None }) => {
            format!("otherwise: {instead} {why}")
        }
        Some(Decision::Otherwise { instead, why, overruled_by: Some(above) }) => {
            format!("otherwise: {instead} {why} (Overruled by {above}.)")
        }
    };
    if !tests.is_empty() {
        let _ = write!(text, " {tests}");
    }
    Some(text)
}

/// A text in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decisions(text: &str) -> Decisions {
        Decisions::read(text).unwrap()
    }

    #[test]
    fn a_page_tells_what_settles_each_rule() {
        let proofs = Proofs::from("R-WIRE-002\tb::y\nR-WIRE-001\tb::y\nR-WIRE-001\ta::x\n");
        let decisions = decisions(
            "[R-WIRE-102]\ninstead = 'Never.'\nwhy = 'Odd.'\noverruled_by = 'the law'\n[R-WIRE-009]\nwaits_for = 'it'\n",
        );
        let page = render(&proofs, &decisions);
        let row = |id: &str| page.lines().find(|line| line.starts_with(&format!("| {id} |")));
        assert!(row("R-WIRE-001").unwrap().ends_with(" | `a::x`, `b::y` |"), "{:?}", row("R-WIRE-001"));
        assert!(row("R-WIRE-102").unwrap().ends_with(" | otherwise: Never. Odd. (Overruled by the law.) |"));
        assert!(row("R-WIRE-009").unwrap().ends_with(" | waits for it |"));
        assert!(row("R-WIRE-003").unwrap().ends_with(" | not yet proven |"));
        assert!(row("R-WIRE-011").is_none(), "it is for later");
        assert!(page.contains("\n| WIRE | 136 | 2 | 1 | 1 | 132 |\n"), "{page}");
    }

    #[test]
    fn no_rule_is_of_another_area() {
        assert!(rules().values().all(|rule| AREAS.contains(&rule.area())));
    }
}
