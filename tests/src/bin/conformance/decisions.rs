//! What was decided otherwise than a rule says, or waits: `tests/decisions.toml`.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use toml::{Table, Value};

/// Why one rule does not hold.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Something else does.
    Otherwise {
        /// What holds.
        instead: String,
        /// For what reason.
        why: String,
        /// What stands above the rule; nothing if the rule itself leaves the matter open.
        overruled_by: Option<String>,
    },
    /// Its call is not there yet.
    Waits {
        /// For what.
        waits_for: String,
    },
}

/// Decisions by their rules.
#[derive(Debug)]
pub(crate) struct Decisions(BTreeMap<String, Decision>);

impl Decisions {
    /// Read them. Their reasons are judged elsewhere.
    ///
    /// # Errors
    ///
    /// It is not such a file.
    pub(crate) fn read(text: &str) -> Result<Self> {
        let mut decisions = BTreeMap::new();
        for (rule, decision) in text.parse::<Table>()? {
            let decision = one(decision).with_context(|| format!("the decision on {rule}"))?;
            decisions.insert(rule, decision);
        }
        Ok(Self(decisions))
    }

    /// The decision on a rule.
    pub(crate) fn on(&self, rule: &str) -> Option<&Decision> {
        self.0.get(rule)
    }

    /// All of them, by rule.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &Decision)> {
        self.0.iter().map(|(rule, decision)| (rule.as_str(), decision))
    }
}

fn one(decision: Value) -> Result<Decision> {
    let Value::Table(mut keys) = decision else { bail!("is no table") };
    let mut text = |key: &str| match keys.remove(key) {
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
        None => Ok(None),
        Some(_) => bail!("`{key}` is no text"),
    };
    let decision = match (text("instead")?, text("why")?, text("overruled_by")?, text("waits_for")?) {
        (Some(instead), Some(why), overruled_by, None) => Decision::Otherwise { instead, why, overruled_by },
        (None, None, None, Some(waits_for)) => Decision::Waits { waits_for },
        _ => bail!("needs `instead` and `why`, or `waits_for`"),
    };
    ensure!(keys.is_empty(), "nobody knows {:?}", keys.keys().collect::<Vec<_>>());
    Ok(decision)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_says_what_holds_and_why() {
        let text = "[R-A-1]\ninstead = 'seconds'\nwhy = 'simpler'\n[R-A-2]\nwaits_for = 'users'\n";
        let decisions = Decisions::read(text).unwrap();
        let otherwise = decisions.on("R-A-1").unwrap();
        assert!(matches!(otherwise, Decision::Otherwise { instead, .. } if instead == "seconds"));
        assert!(matches!(decisions.on("R-A-2"), Some(Decision::Waits { waits_for }) if waits_for == "users"));
        assert!(decisions.on("R-A-3").is_none());
        for wrong in ["why = 'x'", "instead = 'x'", "instead = ''\nwhy = 'x'", "why = 'x'\nwaits_for = 'y'"] {
            assert!(Decisions::read(&format!("[A]\n{wrong}")).is_err(), "{wrong}");
        }
        assert!(Decisions::read("[A]\ninstead = 'x'\nwhy = 'y'\nby = 'z'").is_err());
        assert!(Decisions::read("A = 1").is_err());
    }
}
