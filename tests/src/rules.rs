//! The rules of the API, numbered: `tests/rules.csv`, read.
//!
//! They say what a client may rely on. Which test has checked one is a proof's to say
//! ([`proves`](crate::proves)); what was decided otherwise stands in `tests/decisions.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use csv::Reader;

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its number, such as `R-MARK-001`: `R`, the area, three digits.
    pub id: String,
    /// The call that it is about, as the API document writes it.
    pub endpoint: String,
    /// What holds.
    pub text: String,
    /// Where it comes from.
    pub source: String,
    /// Whether it has to be so: `must`, or `choice` where the sources leave it open.
    pub kind: String,
    /// What it needs: `rest`, or `later` where that is more than the REST API.
    pub status: String,
}

impl Rule {
    /// What its number says it is about, such as `MARK`.
    pub fn area(&self) -> &str {
        self.id.split('-').nth(1).unwrap_or_default()
    }

    /// Whether nothing but its text stands behind it: it must hold, and no source leaves it
    /// open or lets it only be concluded.
    pub fn is_firm(&self) -> bool {
        self.kind == "must" && !self.source.contains("(inferred)")
    }

    /// Whether it waits for a part of the product that there is not.
    pub fn is_for_later(&self) -> bool {
        self.status == "later"
    }
}

/// All of them by their numbers.
///
/// # Panics
///
/// `tests/rules.csv` is no such table.
pub fn rules() -> &'static BTreeMap<String, Rule> {
    static RULES: LazyLock<BTreeMap<String, Rule>> = LazyLock::new(|| {
        let rules: Vec<Rule> =
            read(include_str!("../rules.csv")).expect("tests/rules.csv is a table of rules");
        rules.into_iter().map(|rule| (rule.id.clone(), rule)).collect()
    });
    &RULES
}

fn read(table: &str) -> Result<Vec<Rule>, csv::Error> {
    let mut rules = vec![];
    for record in Reader::from_reader(table.as_bytes()).deserialize() {
        let [id, endpoint, text, source, kind, status]: [String; 6] = record?;
        rules.push(Rule { id, endpoint, text, source, kind, status });
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_whole() {
        let rules =
            read("id,endpoint,rule,source,kind,status\nR-A-1,GET x,\"one, \"\"two\"\"\",doc,must,rest\n");
        let rule = rules.unwrap().pop().unwrap();
        assert_eq!((rule.area(), rule.text.as_str(), rule.is_firm()), ("A", "one, \"two\"", true));
        assert!(read("id,endpoint\nR-A-1,GET x\n").is_err());
    }

    #[test]
    fn every_row_has_a_number_of_its_own() {
        assert_eq!(rules().len(), read(include_str!("../rules.csv")).unwrap().len());
        assert!(rules().keys().all(|id| id.starts_with("R-")));
    }
}
