//! Every rule is broken once, and a history that keeps them all is let pass.

mod laws;

use super::{Rule, check};
use crate::history::{Asked, Operation, Outcome, Seen};

const ALICE: usize = 0;
const BOB: usize = 1;

/// A history as it is told: everything takes 2, one after another unless said otherwise.
#[derive(Default)]
struct Story {
    time: u64,
    operations: Vec<Operation>,
}

impl Story {
    fn ask(mut self, client: usize, asked: Asked, outcome: Outcome) -> Self {
        let start = self.time + 1;
        self.time = start + 2;
        self.operations.push(Operation { client, start, end: self.time, asked, outcome });
        self
    }

    fn post(self, client: usize, message: &str) -> Self {
        self.try_post(client, message, Outcome::Done)
    }

    fn try_post(self, client: usize, message: &str, outcome: Outcome) -> Self {
        self.ask(client, Asked::Post { dialog: 0, message: message.to_owned() }, outcome)
    }

    fn edit(self, client: usize, message: &str, version: u64) -> Self {
        self.try_edit(client, message, version, Outcome::Done)
    }

    fn try_edit(self, client: usize, message: &str, version: u64, outcome: Outcome) -> Self {
        self.ask(client, Asked::Edit { dialog: 0, message: message.to_owned(), version }, outcome)
    }

    fn list(self, client: usize, shown: &str) -> Self {
        self.page(client, shown, false)
    }

    fn page(self, client: usize, shown: &str, whole: bool) -> Self {
        let asked = Asked::List { dialog: 0, whole, marks: false, seen: seen(shown) };
        self.ask(client, asked, Outcome::Done)
    }

    fn unread(self, client: usize, count: u64) -> Self {
        self.ask(client, Asked::Unread { dialog: 0, count }, Outcome::Done)
    }

    fn mark_all(self, client: usize) -> Self {
        self.ask(client, Asked::MarkAll { dialog: 0 }, Outcome::Done)
    }

    /// In the end both see this. Alice writes everything, so to her it is read.
    fn ends(self, shown: &str) -> Self {
        let read = shown.split_whitespace().map(|word| format!("{word}*")).collect::<Vec<_>>().join(" ");
        self.page(ALICE, &read, true).page(BOB, shown, true)
    }

    fn broken(&self) -> Vec<Rule> {
        let mut rules =
            check(&self.operations).into_iter().map(|violation| violation.rule).collect::<Vec<_>>();
        rules.dedup();
        rules
    }

    fn breaks(&self, rule: Rule) {
        let violations = check(&self.operations);
        assert!(violations.iter().any(|violation| violation.rule == rule), "{rule:?} in {violations:?}");
    }

    fn holds(&self) {
        assert_eq!(check(&self.operations), []);
    }
}

/// `a b2 c*`: a, b in its version 2, c in its version 0 and read.
fn seen(shown: &str) -> Vec<Seen> {
    let item = |word: &str| {
        let (word, read) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
        let (message, version) = word.split_at(1);
        let version = if version.is_empty() { Some(0) } else { version.parse().ok() };
        Seen { message: message.to_owned(), version, read }
    };
    shown.split_whitespace().map(item).collect()
}

fn story() -> Story {
    Story::default()
}

#[test]
fn a_history_that_keeps_every_promise_passes() {
    story()
        .post(ALICE, "a")
        .list(BOB, "a")
        .unread(BOB, 1)
        .post(ALICE, "b")
        .edit(ALICE, "a", 1)
        .list(BOB, "a1 b")
        .list(ALICE, "b")
        .ends("a1 b")
        .unread(BOB, 2)
        .unread(ALICE, 0)
        .holds();
}

#[test]
fn a_confirmed_write_may_not_be_lost() {
    story().post(ALICE, "a").post(ALICE, "b").ends("a").breaks(Rule::Lost);
    story().post(ALICE, "a").edit(ALICE, "a", 1).ends("a").breaks(Rule::Lost);
    story().try_post(ALICE, "a", Outcome::DoneUnseen).post(ALICE, "b").ends("b").breaks(Rule::Lost);
}

#[test]
fn a_mark_may_not_be_lost() {
    story().post(ALICE, "a").mark_all(BOB).ends("a").breaks(Rule::Lost);
    let marked = story().post(ALICE, "a").mark_all(BOB).post(ALICE, "b");
    marked.page(ALICE, "a* b*", true).page(BOB, "a* b", true).unread(BOB, 1).holds();
}

#[test]
fn what_was_shown_may_not_go() {
    story().try_post(ALICE, "a", Outcome::Unknown(0)).list(BOB, "a").ends("").breaks(Rule::Lost);
}

#[test]
fn a_write_of_unknown_fate_may_have_happened_or_not() {
    let unknown = || story().post(ALICE, "a").try_post(ALICE, "b", Outcome::Unknown(0)).post(ALICE, "c");
    unknown().ends("a b c").holds();
    unknown().ends("a c").holds();
    unknown().ends("a c b").holds();
    let edited = || story().post(ALICE, "a").try_edit(ALICE, "a", 1, Outcome::Unknown(503));
    edited().ends("a").holds();
    edited().ends("a1").holds();
}

#[test]
fn a_repeated_write_happens_once() {
    let repeated = || story().try_post(ALICE, "a", Outcome::Unknown(0)).post(ALICE, "a");
    repeated().ends("a").unread(BOB, 1).holds();
    repeated().ends("a a").breaks(Rule::Twice);
    repeated().list(BOB, "a a").ends("a").breaks(Rule::Twice);
}

#[test]
fn nothing_is_invented() {
    story().post(ALICE, "a").ends("a b").breaks(Rule::Invented);
    story().post(ALICE, "a").ends("a1").breaks(Rule::Invented);
    story().post(ALICE, "a").ends("ax").breaks(Rule::Invented);
    story().try_post(ALICE, "a", Outcome::Refused(422)).ends("a").breaks(Rule::Invented);
    story().list(BOB, "a").post(ALICE, "a").ends("a").breaks(Rule::Invented);
}

#[test]
fn all_readers_see_one_order() {
    let posted = || story().post(ALICE, "a").post(ALICE, "b").post(ALICE, "c");
    posted().list(BOB, "b a c").ends("a b c").breaks(Rule::Order);
    posted().list(BOB, "a c").ends("a b c").breaks(Rule::Order);
    posted().page(BOB, "b c", true).ends("a b c").breaks(Rule::Order);
    posted().page(BOB, "a c b", true).ends("a b c").breaks(Rule::Order);
    posted().list(BOB, "b c").ends("a b c").holds();
}

#[test]
fn what_is_visible_is_visible_to_all() {
    story().post(ALICE, "a").post(ALICE, "b").list(BOB, "a").ends("a b").breaks(Rule::Stale);
    story().post(ALICE, "a").list(BOB, "").ends("a").breaks(Rule::Stale);
    story().post(ALICE, "a").edit(ALICE, "a", 1).list(BOB, "a").ends("a1").breaks(Rule::Stale);
}

#[test]
fn what_an_answer_called_unseen_may_be_seen_later_but_its_author_waits_for_it() {
    let unseen = || story().post(ALICE, "a").try_post(ALICE, "b", Outcome::DoneUnseen);
    unseen().list(BOB, "a").list(BOB, "a b").ends("a b").holds();
    unseen().list(ALICE, "a").ends("a b").breaks(Rule::WentBack);
}

#[test]
fn a_page_asked_for_during_a_write_may_show_it_or_not() {
    for shown in ["a", "a b"] {
        let mut during = story().post(ALICE, "a").post(ALICE, "b").list(BOB, shown).ends("a b");
        during.operations[2].start = during.operations[1].end;
        during.holds();
    }
}

#[test]
fn a_session_never_goes_back() {
    let unseen = || story().post(ALICE, "a").try_post(ALICE, "b", Outcome::Unknown(0));
    unseen().list(BOB, "a b").list(BOB, "a").ends("a b").breaks(Rule::WentBack);
    let edited = || story().post(ALICE, "a").try_edit(ALICE, "a", 1, Outcome::Unknown(0));
    edited().list(BOB, "a1").list(BOB, "a").ends("a1").breaks(Rule::WentBack);
}

#[test]
fn unread_counts_equal_a_recount() {
    let posted = || story().post(ALICE, "a").post(ALICE, "b");
    posted().unread(BOB, 1).ends("a b").breaks(Rule::Unread);
    posted().unread(BOB, 3).ends("a b").breaks(Rule::Unread);
    posted().unread(ALICE, 1).ends("a b").breaks(Rule::Unread);
    posted().ends("a b").unread(BOB, 1).breaks(Rule::Unread);
    posted()
        .mark_all(BOB)
        .page(ALICE, "a* b*", true)
        .page(BOB, "a* b*", true)
        .unread(BOB, 1)
        .breaks(Rule::Unread);
    posted().try_post(ALICE, "c", Outcome::Unknown(0)).unread(BOB, 3).ends("a b c").unread(BOB, 3).holds();
}

#[test]
fn a_valid_request_is_not_refused() {
    assert_eq!(
        story().post(ALICE, "b").try_post(ALICE, "a", Outcome::Refused(404)).ends("b").broken(),
        [Rule::Refused]
    );
    story().try_post(ALICE, "a", Outcome::Unknown(500)).ends("").breaks(Rule::Refused);
    story().try_post(ALICE, "a", Outcome::Unknown(503)).ends("").holds();
}

#[test]
fn whoever_took_part_reads_it_in_the_end() {
    story().post(ALICE, "a").list(BOB, "a").page(ALICE, "a*", true).breaks(Rule::Unreadable);
}
