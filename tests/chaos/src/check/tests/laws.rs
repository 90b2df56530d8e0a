//! Laws: a chat that keeps its promises is never blamed, whatever happens in it at the same time; and one
//! that breaks a promise is caught, wherever that happens.
//!
//! The chat here is a list. Each request takes effect at one moment between its start and its end.

use std::collections::HashMap;

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop_assert, prop_assert_eq, proptest};
use proptest::sample::Index;

use super::super::{Rule, check};
use crate::history::{Asked, Operation, Outcome, Seen};

const CLIENTS: usize = 4;
/// This one alone marks.
const MARKING: usize = 0;
const PAGE: usize = 4;
/// From one moment to the next.
const STEP: u64 = 10;

#[derive(Clone, Copy, Debug)]
enum Act {
    Post,
    /// A post whose answer gets lost; it happens or not.
    LostPost(bool),
    Edit(Index),
    List,
    MarkAll,
    Unread,
}

fn act() -> impl Strategy<Value = Act> {
    (0..8_u8, any::<bool>(), any::<Index>()).prop_map(|(kind, happens, which)| match kind {
        0..3 => Act::Post,
        3 => Act::LostPost(happens),
        4 => Act::Edit(which),
        5 => Act::MarkAll,
        6 => Act::Unread,
        _ => Act::List,
    })
}

/// Who asks for what, and how long before and after its moment the request starts and ends.
fn acts() -> impl Strategy<Value = Vec<(usize, Act, u64, u64)>> {
    vec((0..CLIENTS, act(), 0..40_u64, 0..40_u64), 1..60)
}

#[derive(Default)]
struct Chat {
    /// Id, version, author.
    messages: Vec<(String, u64, usize)>,
    marked: HashMap<usize, usize>,
    posted: u64,
    history: Vec<Operation>,
}

impl Chat {
    fn of(acts: &[(usize, Act, u64, u64)]) -> Self {
        let mut chat = Self::default();
        let mut free = [0; CLIENTS];
        for (number, &(client, act, before, after)) in acts.iter().enumerate() {
            let moment = (number as u64 + 10) * STEP;
            // Whoever still waits for an answer asks nothing.
            if free[client] < moment {
                let start = moment.saturating_sub(before).max(free[client] + 1);
                free[client] = moment + after;
                chat.act(client, act, (start, moment + after));
            }
        }
        let end = (acts.len() as u64 + 100) * STEP;
        for client in 0..CLIENTS {
            let seen = chat.seen(client, 0);
            chat.note(client, (end, end + 1), list(true, seen), Outcome::Done);
            let count = chat.unread(client);
            chat.note(client, (end + 2, end + 3), Asked::Unread { dialog: 0, count }, Outcome::Done);
        }
        chat
    }

    fn act(&mut self, client: usize, act: Act, span: (u64, u64)) {
        match act {
            Act::Post => self.post(client, span, true, Outcome::Done),
            Act::LostPost(happens) => self.post(client, span, happens, Outcome::Unknown(0)),
            Act::Edit(which) => {
                let own = self.messages.iter_mut().filter(|(_, _, author)| *author == client);
                let mut own = own.collect::<Vec<_>>();
                if own.is_empty() {
                    return;
                }
                let place = which.index(own.len());
                let message = &mut *own[place];
                message.1 += 1;
                let asked = Asked::Edit { dialog: 0, message: message.0.clone(), version: message.1 };
                self.note(client, span, asked, Outcome::Done);
            }
            Act::List => {
                let seen = self.seen(client, self.messages.len().saturating_sub(PAGE));
                self.note(client, span, list(false, seen), Outcome::Done);
            }
            Act::MarkAll if client == MARKING => {
                self.marked.insert(client, self.messages.len());
                self.note(client, span, Asked::MarkAll { dialog: 0 }, Outcome::Done);
            }
            Act::MarkAll | Act::Unread => {
                let count = self.unread(client);
                self.note(client, span, Asked::Unread { dialog: 0, count }, Outcome::Done);
            }
        }
    }

    fn post(&mut self, client: usize, span: (u64, u64), happens: bool, outcome: Outcome) {
        self.posted += 1;
        let message = format!("m{}", self.posted);
        if happens {
            self.messages.push((message.clone(), 0, client));
        }
        self.note(client, span, Asked::Post { dialog: 0, message }, outcome);
    }

    fn seen(&self, client: usize, from: usize) -> Vec<Seen> {
        let marked = self.marked.get(&client).copied().unwrap_or(0);
        let item = |(place, (message, version, author)): (usize, &(String, u64, usize))| Seen {
            message: message.clone(),
            version: Some(*version),
            read: *author == client || place < marked,
        };
        self.messages.iter().enumerate().skip(from).map(item).collect()
    }

    fn unread(&self, client: usize) -> u64 {
        self.seen(client, 0).iter().filter(|item| !item.read).count() as u64
    }

    fn note(&mut self, client: usize, (start, end): (u64, u64), asked: Asked, outcome: Outcome) {
        self.history.push(Operation { client, start, end, asked, outcome });
    }
}

fn list(whole: bool, seen: Vec<Seen>) -> Asked {
    Asked::List { dialog: 0, whole, marks: false, seen }
}

/// The pages of a history, to be falsified.
fn pages(history: &mut [Operation]) -> Vec<&mut Vec<Seen>> {
    let page = |operation| match operation {
        &mut Operation { asked: Asked::List { ref mut seen, .. }, .. } => Some(seen),
        _ => None,
    };
    history.iter_mut().filter_map(page).collect()
}

proptest! {
    #[test]
    fn whoever_keeps_his_promises_is_not_blamed(acts in acts()) {
        prop_assert_eq!(check(&Chat::of(&acts).history), []);
    }

    #[test]
    fn a_confirmed_message_that_is_gone_is_missed(acts in acts(), which in any::<Index>()) {
        let mut history = Chat::of(&acts).history;
        let confirmed = history.iter().filter(|operation| operation.is_done());
        let confirmed = confirmed.filter_map(|operation| match &operation.asked {
            Asked::Post { message, .. } => Some(message.clone()),
            _ => None,
        });
        let confirmed = confirmed.collect::<Vec<_>>();
        if !confirmed.is_empty() {
            let lost = which.get(&confirmed);
            for seen in pages(&mut history) {
                seen.retain(|item| item.message != *lost);
            }
            prop_assert!(check(&history).iter().any(|violation| violation.rule == Rule::Lost));
        }
    }

    #[test]
    fn two_messages_in_another_order_are_seen(acts in acts(), which in any::<Index>()) {
        let mut history = Chat::of(&acts).history;
        let mut pages = pages(&mut history);
        pages.retain(|seen| seen.len() > 1);
        if !pages.is_empty() {
            let place = which.index(pages.len());
            pages[place].swap(0, 1);
            prop_assert!(check(&history).iter().any(|violation| violation.rule == Rule::Order));
        }
    }

    #[test]
    fn a_message_that_is_there_twice_is_seen(acts in acts(), which in any::<Index>()) {
        let mut history = Chat::of(&acts).history;
        let mut pages = pages(&mut history);
        pages.retain(|seen| !seen.is_empty());
        if !pages.is_empty() {
            let place = which.index(pages.len());
            let again = pages[place][0].clone();
            pages[place].push(again);
            prop_assert!(check(&history).iter().any(|violation| violation.rule == Rule::Twice));
        }
    }
}
