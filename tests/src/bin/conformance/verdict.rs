//! Whether a run has kept what it must.

use ::tests::{Rule, rules};

use crate::decisions::{Decision, Decisions};
use crate::document::{AREAS, of_area};
use crate::proofs::Proofs;

/// What is wrong with a run.
pub(crate) fn wrong(proofs: &Proofs, decisions: &Decisions) -> Vec<String> {
    let mut wrong = vec![];
    for rule in proofs.rules().filter(|rule| !rules().contains_key(*rule)) {
        wrong.push(format!("{rule} was proven by {:?}, and is no rule", proofs.of(rule)));
    }
    for (rule, decision) in decisions.all() {
        match rules().get(rule) {
            None => wrong.push(format!("{rule} was decided otherwise, and is no rule")),
            Some(rule) => wrong.extend(unfounded(rule, decision)),
        }
    }
    for rule in AREAS.into_iter().flat_map(of_area).map(|rule| rule.id.as_str()) {
        if proofs.of(rule).is_empty() && decisions.on(rule).is_none() {
            wrong.push(format!("{rule} is proven by no test, and nothing was decided about it"));
        }
    }
    wrong
}

/// Why a decision may not stand against a rule.
fn unfounded(rule: &Rule, decision: &Decision) -> Option<String> {
    let id = &rule.id;
    match (decision, rule.is_firm()) {
        (Decision::Waits { .. }, _) if rule.endpoint.contains("chat") => {
            Some(format!("{id} waits, but its call is there"))
        }
        (Decision::Otherwise { overruled_by: None, .. }, true) => {
            Some(format!("{id} must hold: say what overrules it, or let it hold"))
        }
        (Decision::Otherwise { overruled_by: Some(_), .. }, false) => {
            Some(format!("{id} is open: nothing has to overrule it"))
        }
        (Decision::Waits { .. } | Decision::Otherwise { .. }, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong beside the rules that these few proofs leave open.
    fn judged(proofs: &str, decisions: &str) -> Vec<String> {
        let mut wrong = wrong(&Proofs::from(proofs), &Decisions::read(decisions).unwrap());
        wrong.retain(|wrong| !wrong.ends_with("nothing was decided about it"));
        wrong
    }

    #[test]
    fn every_rule_is_settled() {
        let rules = AREAS.into_iter().flat_map(of_area);
        let all: String = rules.map(|rule| format!("{}\ta::x\n", rule.id)).collect();
        let none = Decisions::read("").unwrap();
        assert_eq!(wrong(&Proofs::from(all.as_str()), &none), Vec::<String>::new());
        let but_one = all.replace("R-MARK-001\ta::x\n", "");
        let open = wrong(&Proofs::from(but_one.as_str()), &none);
        assert_eq!(open, ["R-MARK-001 is proven by no test, and nothing was decided about it"]);
        let decided =
            Decisions::read("[R-MARK-001]\ninstead = 'x'\nwhy = 'y'\noverruled_by = 'z'\n").unwrap();
        assert_eq!(wrong(&Proofs::from(but_one.as_str()), &decided), Vec::<String>::new());
    }

    #[test]
    fn proofs_and_decisions_are_of_rules() {
        assert_eq!(judged("R-WIRE-001\ta::x\n", ""), Vec::<String>::new());
        assert_eq!(judged("R-WIRE-999\ta::x\n", "").len(), 1);
        assert_eq!(judged("", "[R-WIRE-999]\ninstead = 'x'\nwhy = 'y'\n").len(), 1);
    }

    #[test]
    fn a_firm_rule_falls_to_a_higher_one_only() {
        let (firm, open) = ("R-WIRE-001", "R-WIRE-102");
        let plain = |rule: &str| format!("[{rule}]\ninstead = 'x'\nwhy = 'y'\n");
        let overruled = |rule: &str| plain(rule) + "overruled_by = 'contract, section 7'\n";
        assert_eq!(judged("", &plain(open)), Vec::<String>::new());
        assert_eq!(judged("", &plain(firm)).len(), 1);
        assert_eq!(judged("", &overruled(firm)), Vec::<String>::new());
        assert_eq!(judged("", &overruled(open)).len(), 1);
    }

    #[test]
    fn only_what_is_no_part_of_the_chat_may_wait() {
        let waits = |rule: &str| format!("[{rule}]\nwaits_for = 'x'\n");
        assert_eq!(judged("", &waits("R-WIRE-009")), Vec::<String>::new());
        assert_eq!(judged("", &waits("R-WIRE-008")).len(), 1);
    }
}
