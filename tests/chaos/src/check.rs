//! The judge: reads a history and names everything in it that must not be.
//!
//! Pure; it knows only what clients saw. Nobody deletes in a history, so in the end every message ever
//! written is there, and the order in which the whole dialog is shown then is the one to hold all earlier
//! pages against. A page that was answered tells of some moment between its request and its end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

use crate::history::{Asked, Operation, Outcome, Seen};

#[cfg(test)]
mod tests;

/// What was promised and not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// A confirmed write is there in the end.
    Lost,
    /// Every message is there once.
    Twice,
    /// Nothing is shown that nobody wrote, or that was refused.
    Invented,
    /// All readers see one order, without gaps.
    Order,
    /// What was confirmed as visible before a request is in its answer.
    Stale,
    /// What a session has seen, it sees from then on.
    WentBack,
    /// Unread counts are what a recount comes to.
    Unread,
    /// A valid request is not refused, and no answer is an internal error.
    Refused,
    /// In the end everybody can read everything.
    Unreadable,
}

/// One broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub rule: Rule,
    /// What was seen.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// Everything that is wrong with a history. Its last pages of each dialog, whole ones, are the state
/// to which all others lead.
pub fn check(history: &[Operation]) -> Vec<Violation> {
    let mut violations = refused(history);
    let mut dialogs: BTreeMap<usize, Vec<&Operation>> = BTreeMap::new();
    for operation in history {
        dialogs.entry(operation.dialog()).or_default().push(operation);
    }
    for (dialog, mut operations) in dialogs {
        operations.sort_by_key(|operation| operation.start);
        violations.extend(Dialog::of(dialog, operations).check());
    }
    violations
}

/// What no client should be told, whatever happens.
fn refused(history: &[Operation]) -> Vec<Violation> {
    let wrong = |operation: &&Operation| match operation.outcome {
        Outcome::Refused(_) => true,
        Outcome::Unknown(status) => !matches!(status, 0 | 503),
        Outcome::Done | Outcome::DoneUnseen => false,
    };
    let refused = history.iter().filter(wrong);
    refused.map(|operation| violation(Rule::Refused, format!("{operation:?}"))).collect()
}

/// What is known about one message from those who wrote it.
#[derive(Debug, Default)]
struct Written {
    author: usize,
    /// When it was first asked for; and when first confirmed, at all and as visible.
    asked: u64,
    done: Option<u64>,
    visible: Option<u64>,
    refused: bool,
    /// Of each version: when it was asked for, and when confirmed as visible.
    versions: Vec<Version>,
}

#[derive(Clone, Debug, Default)]
struct Version {
    asked: Option<u64>,
    done: bool,
    visible: Option<u64>,
}

struct Dialog<'a> {
    number: usize,
    operations: Vec<&'a Operation>,
    written: BTreeMap<&'a str, Written>,
    /// The place of each message in the end.
    places: HashMap<&'a str, usize>,
    end: &'a [Seen],
}

impl<'a> Dialog<'a> {
    fn of(number: usize, operations: Vec<&'a Operation>) -> Self {
        let end = operations.iter().rev().find_map(|operation| whole(operation)).unwrap_or_default();
        let places = end.iter().enumerate().map(|(place, seen)| (seen.message.as_str(), place)).collect();
        let written = written(&operations);
        Self { number, operations, written, places, end }
    }

    fn check(&self) -> Vec<Violation> {
        let mut violations = self.end_state();
        violations.extend(self.pages());
        violations.extend(self.sessions());
        violations.extend(self.counts());
        violations
    }

    /// Everything confirmed is there in the end, once, in its newest version, for everybody.
    fn end_state(&self) -> Vec<Violation> {
        let mut wrong = vec![];
        let clients = self.operations.iter().map(|operation| operation.client).collect::<HashSet<_>>();
        let readers = self.operations.iter().filter(|operation| whole(operation).is_some());
        let readers = readers.map(|operation| operation.client).collect::<HashSet<_>>();
        let absent = clients.difference(&readers).collect::<Vec<_>>();
        if !absent.is_empty() {
            wrong.push(self.say(Rule::Unreadable, format!("clients {absent:?} did not read it in the end")));
        }
        for (message, written) in &self.written {
            let Some(&place) = self.places.get(message) else {
                if written.done.is_some() {
                    wrong.push(self.say(Rule::Lost, format!("{message} was confirmed and is not there")));
                }
                continue;
            };
            let newest = written.versions.iter().rposition(|version| version.done).unwrap_or(0) as u64;
            if self.end[place].version < Some(newest) {
                let shown = self.end[place].version;
                wrong.push(self.say(Rule::Lost, format!("{message} is {shown:?}, not version {newest}")));
            }
        }
        wrong
    }

    /// Each page for itself: what it shows is real, in order, complete, and new enough.
    fn pages(&self) -> Vec<Violation> {
        let mut wrong = vec![];
        // Confirmed as visible, by time, and the farthest place of all up to each.
        let mut visible = self
            .written
            .iter()
            .filter_map(|(message, written)| Some((written.visible?, *self.places.get(message)?)))
            .collect::<Vec<_>>();
        visible.sort_unstable();
        let mut farthest = 0;
        for (_, place) in &mut visible {
            farthest = farthest.max(*place);
            *place = farthest;
        }
        for operation in &self.operations {
            let Some((_, seen)) = page(operation) else { continue };
            let at = |what: String| {
                format!("{what}, in the page of client {} at {}", operation.client, operation.start)
            };
            let mut once = HashSet::new();
            for item in seen {
                if !once.insert(item.message.as_str()) {
                    wrong.push(self.say(Rule::Twice, at(format!("{} is there twice", item.message))));
                }
                wrong.extend(self.item(operation, item).map(|(rule, what)| self.say(rule, at(what))));
            }
            let places = seen.iter().filter_map(|item| self.places.get(item.message.as_str()));
            let places = places.copied().collect::<Vec<_>>();
            if let Some(gap) = places.windows(2).find(|pair| pair[1] != pair[0] + 1) {
                wrong.push(self.say(Rule::Order, at(format!("{} and {} follow each other", gap[0], gap[1]))));
            }
            let before = visible.partition_point(|(end, _)| *end < operation.start);
            let needed = before.checked_sub(1).map(|last| visible[last].1);
            if needed > places.last().copied() {
                let (needed, last) = (needed.unwrap_or(0), places.last());
                wrong.push(
                    self.say(Rule::Stale, at(format!("place {needed} was visible, {last:?} is the last"))),
                );
            }
            if whole(operation).is_some() && places.first().is_some_and(|first| *first != 0) {
                wrong.push(self.say(Rule::Order, at("the beginning is missing".to_owned())));
            }
        }
        wrong
    }

    /// One message on a page.
    fn item(&self, operation: &Operation, item: &Seen) -> Option<(Rule, String)> {
        let message = &item.message;
        let Some(written) = self.written.get(message.as_str()) else {
            return Some((Rule::Invented, format!("nobody wrote {message}")));
        };
        if written.refused && written.done.is_none() {
            return Some((Rule::Invented, format!("{message} was refused")));
        }
        if !self.places.contains_key(message.as_str()) {
            return Some((Rule::Lost, format!("{message} is not there in the end")));
        }
        let asked = |version: u64| {
            let version = written.versions.get(usize::try_from(version).ok()?)?;
            version.asked.filter(|asked| *asked <= operation.end)
        };
        let Some(shown) = item.version.filter(|version| asked(*version).is_some()) else {
            return Some((
                Rule::Invented,
                format!("{message} has a text that nobody gave it: {:?}", item.version),
            ));
        };
        let visible = |version: &Version| version.visible.is_some_and(|visible| visible < operation.start);
        let needed = written.versions.iter().rposition(visible).unwrap_or(0) as u64;
        (shown < needed).then(|| (Rule::Stale, format!("{message} is version {shown}, {needed} was visible")))
    }

    /// What each session has seen or done, it sees from then on.
    fn sessions(&self) -> Vec<Violation> {
        let mut wrong = vec![];
        let mut heads: HashMap<usize, usize> = HashMap::new();
        let mut versions: HashMap<(usize, &str), u64> = HashMap::new();
        for operation in &self.operations {
            let client = operation.client;
            match &operation.asked {
                // What it has done itself counts as seen even if the answer said that it is not visible yet:
                // it then asks for pages that know of it.
                Asked::Post { message, .. } if operation.is_done() => {
                    let own = self.places.get(message.as_str()).copied().unwrap_or(0);
                    let head = heads.entry(client).or_default();
                    *head = own.max(*head);
                }
                Asked::Edit { message, version, .. } if operation.is_done() => {
                    versions.insert((client, message.as_str()), *version);
                }
                Asked::List { seen, .. } if operation.is_done() => {
                    let last = seen.iter().filter_map(|item| self.places.get(item.message.as_str())).max();
                    let head = heads.entry(client).or_default();
                    if last.copied().unwrap_or(0) < *head {
                        let what =
                            format!("client {client} saw place {head}, then {last:?} at {}", operation.start);
                        wrong.push(self.say(Rule::WentBack, what));
                    }
                    *head = last.copied().unwrap_or(0).max(*head);
                    for item in seen {
                        let before = versions.entry((client, &item.message)).or_default();
                        let now = item.version.unwrap_or(0);
                        if now < *before {
                            let what = format!(
                                "client {client} saw {} at version {before}, then {now}",
                                item.message
                            );
                            wrong.push(self.say(Rule::WentBack, what));
                        }
                        *before = now.max(*before);
                    }
                }
                _ => {}
            }
        }
        wrong
    }

    /// Unread counts: of those who never mark, at any time; of all, in the end.
    fn counts(&self) -> Vec<Violation> {
        let mut wrong = vec![];
        let marks = |operation: &&&Operation| match operation.asked {
            Asked::MarkAll { .. } => true,
            Asked::List { marks, .. } => marks,
            Asked::Post { .. } | Asked::Edit { .. } | Asked::Unread { .. } => false,
        };
        let marking = self.operations.iter().filter(marks).map(|operation| operation.client);
        let marking = marking.collect::<HashSet<_>>();
        let last_write = self.operations.iter().filter(|operation| operation.writes() || marks(operation));
        let last_write = last_write.map(|operation| operation.end).max().unwrap_or(0);
        for operation in self.operations.iter().filter(|operation| operation.is_done()) {
            let Asked::Unread { count, .. } = operation.asked else { continue };
            let client = operation.client;
            let bounds = if operation.start > last_write {
                self.recount(client)
            } else if !marking.contains(&client) {
                self.bounds(operation)
            } else {
                continue;
            };
            if !(bounds.0..=bounds.1).contains(&count) {
                let (at, (least, most)) = (operation.start, bounds);
                let what = format!("client {client} has {count} unread at {at}, not {least} to {most}");
                wrong.push(self.say(Rule::Unread, what));
            }
        }
        wrong.extend(self.marks());
        wrong
    }

    /// What somebody who never marks must have unread at the least and at the most.
    fn bounds(&self, operation: &Operation) -> (u64, u64) {
        let others = || self.written.values().filter(|written| written.author != operation.client);
        let before = |time: Option<u64>| time.is_some_and(|time| time < operation.start);
        let least = others().filter(|written| before(written.visible)).count();
        let most = others().filter(|written| written.asked <= operation.end).count();
        (least as u64, most as u64)
    }

    /// What the client's own last page of the whole dialog comes to.
    fn recount(&self, client: usize) -> (u64, u64) {
        let pages = self.operations.iter().rev().filter(|operation| operation.client == client);
        let Some(page) = pages.filter_map(|operation| whole(operation)).next() else { return (0, u64::MAX) };
        let own = |item: &Seen| {
            self.written.get(item.message.as_str()).is_some_and(|written| written.author == client)
        };
        let unread = page.iter().filter(|item| !item.read && !own(item)).count() as u64;
        (unread, unread)
    }

    /// What a confirmed mark covered is read in the end.
    fn marks(&self) -> Vec<Violation> {
        let mut wrong = vec![];
        for operation in self.operations.iter().filter(|operation| operation.is_done()) {
            let covered: Vec<&str> = match &operation.asked {
                Asked::MarkAll { .. } => {
                    let before =
                        |written: &Written| written.visible.is_some_and(|time| time < operation.start);
                    self.written.iter().filter(|(_, written)| before(written)).map(|(id, _)| *id).collect()
                }
                Asked::List { .. } | Asked::Post { .. } | Asked::Edit { .. } | Asked::Unread { .. } => {
                    continue;
                }
            };
            let pages = self.operations.iter().rev().filter(|other| other.client == operation.client);
            let Some(page) = pages.filter_map(|other| whole(other)).next() else { continue };
            let unread = page.iter().filter(|item| !item.read).map(|item| item.message.as_str());
            let unread = unread.collect::<HashSet<_>>();
            if let Some(message) = covered.iter().find(|message| unread.contains(*message)) {
                let client = operation.client;
                wrong.push(
                    self.say(Rule::Lost, format!("client {client} marked {message}, and it is unread")),
                );
            }
        }
        wrong
    }

    fn say(&self, rule: Rule, what: String) -> Violation {
        violation(rule, format!("dialog {}: {what}", self.number))
    }
}

/// What those who wrote know of each message.
fn written<'a>(operations: &[&'a Operation]) -> BTreeMap<&'a str, Written> {
    let mut written: BTreeMap<&str, Written> = BTreeMap::new();
    for operation in operations {
        let (message, number) = match &operation.asked {
            Asked::Post { message, .. } => (message.as_str(), 0),
            Asked::Edit { message, version, .. } => (message.as_str(), *version),
            Asked::List { .. } | Asked::MarkAll { .. } | Asked::Unread { .. } => continue,
        };
        let entry = written.entry(message).or_insert_with(|| Written {
            author: operation.client,
            asked: operation.start,
            ..Written::default()
        });
        let index = usize::try_from(number).unwrap_or(usize::MAX);
        if entry.versions.len() <= index {
            entry.versions.resize(index + 1, Version::default());
        }
        let done = operation.is_done().then_some(operation.end);
        let visible = operation.is_visible().then_some(operation.end);
        let version = &mut entry.versions[index];
        version.asked = earlier(version.asked, Some(operation.start));
        version.done |= done.is_some();
        version.visible = earlier(version.visible, visible);
        if number == 0 {
            entry.done = earlier(entry.done, done);
            entry.visible = earlier(entry.visible, visible);
            entry.refused |= matches!(operation.outcome, Outcome::Refused(_));
        }
    }
    written
}

fn earlier(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// What an answered page shows.
fn page(operation: &Operation) -> Option<(bool, &[Seen])> {
    match &operation.asked {
        Asked::List { whole, seen, .. } if operation.is_done() => Some((*whole, seen)),
        _ => None,
    }
}

/// The same of a whole dialog.
fn whole(operation: &Operation) -> Option<&[Seen]> {
    page(operation).and_then(|(whole, seen)| whole.then_some(seen))
}

fn violation(rule: Rule, what: String) -> Violation {
    Violation { rule, what }
}
