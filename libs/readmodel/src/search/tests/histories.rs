//! Arbitrary histories: what is found is what a naive look through everything finds, however
//! the events were split into batches.

use std::collections::BTreeSet;
use std::rc::Rc;

use domain::event::Record;
use domain::{DialogId, UserId};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::ground::Ground;
use crate::queries::{By, Listing, MessageView, Order, Page};
use crate::search::{Needle, Wanted};
use crate::testing::{World, steps};

const PARTITIONS: u32 = 3;

/// Everything that somebody sees, the newest first.
fn seen(ground: &Ground, world: &World, viewer: UserId) -> Vec<MessageView> {
    let page = Page { skip: 0, limit: 100_000, order: Order::OldestFirst };
    let mut seen = vec![];
    for dialog in world.dialogs() {
        let history = ground.runtime.block_on(ground.queries.history(viewer, *dialog, page)).unwrap();
        seen.extend(history.map(|history| history.messages).unwrap_or_default());
    }
    let key =
        |message: &MessageView| (message.date_sent, message.created_at, message.dialog, message.sequence);
    seen.sort_by_key(|message| std::cmp::Reverse(key(message)));
    seen
}

/// All of somebody's dialogs.
fn listing() -> Listing {
    Listing { conditions: vec![], by: By::CreatedAt, order: Order::OldestFirst, skip: 0, limit: 1_000 }
}

/// Some texts to look for: of what is there, and of what never was.
fn needles(seen: &[MessageView], picks: &[u16]) -> Vec<String> {
    let texts: BTreeSet<&str> = seen.iter().filter_map(|message| message.text.as_deref()).collect();
    let texts: Vec<&str> = texts.into_iter().collect();
    let part = |pick: &u16| {
        let text = texts.get(usize::from(*pick) % texts.len().max(1))?;
        let (begin, length) = (usize::from(*pick >> 3) % 20, 5 + usize::from(*pick >> 11));
        let part: String = text.chars().skip(begin).take(length).collect();
        (part.chars().count() >= 5).then_some(part)
    };
    let fixed = ["message", "edited", "Message", "message 0000"].map(str::to_owned);
    fixed.into_iter().chain(picks.iter().filter_map(part)).collect()
}

struct Asked {
    limit: usize,
    dialogs: Option<Vec<DialogId>>,
    dates: (u64, u64),
}

fn check(ground: &Ground, world: &World, picks: &[u16], asked: &Asked) -> Result<(), TestCaseError> {
    let (oldest, newest) = asked.dates;
    for viewer in world.users() {
        let seen = seen(ground, world, viewer);
        for text in needles(&seen, picks) {
            let needle = Needle::new(text.as_str()).unwrap();
            let dialogs = asked.dialogs.clone();
            let wanted = Wanted { viewer, needle, dialogs, oldest, newest, limit: asked.limit };
            let is_hit = |message: &&MessageView| {
                message.text.as_ref().is_some_and(|found| found.contains(&text))
                    && asked.dialogs.as_ref().is_none_or(|dialogs| dialogs.contains(&message.dialog))
                    && (oldest..=newest).contains(&message.date_sent)
            };
            let expected: Vec<_> = seen.iter().filter(is_hit).take(asked.limit).cloned().collect();
            prop_assert_eq!(ground.messages(&wanted), expected, "{} looks for {:?}", viewer, text);
        }
        let list = ground.runtime.block_on(ground.queries.dialogs(viewer, listing())).unwrap();
        for text in ["lobby", "name ", "name 1"] {
            let Some(needle) = Needle::new(text) else { continue };
            let wanted = Wanted { viewer, needle, dialogs: None, oldest: 0, newest: u64::MAX, limit: 1_000 };
            let names = list.items.iter().filter_map(|dialog| dialog.name.clone());
            let expected: BTreeSet<_> = names.filter(|name| name.contains(text)).collect();
            prop_assert_eq!(BTreeSet::from_iter(ground.names(&wanted)), expected);
        }
    }
    Ok(())
}

fn tested(server: bool, cases: u32) {
    let strategy = (
        steps(40, false),
        any::<Vec<u8>>(),
        prop::collection::vec(any::<u16>(), 1..6),
        (prop_oneof![1..4_usize, Just(100)], any::<Option<u8>>(), any::<Option<(u8, u8)>>()),
    );
    let config = Config { cases, max_shrink_iters: 100, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |(steps, splits, picks, asked)| {
        let mut ground = Ground::new(PARTITIONS, server);
        let mut world = World::default();
        let records: Vec<Record> = world.history(&steps).into_iter().flatten().collect();
        ground.fold_rows(records.clone());
        fold_in_parts(&mut ground, &records, &splits);
        let date = |part: u8| 1_700_000_000 + u64::from(part) / 4;
        let asked = Asked {
            limit: asked.0,
            dialogs: asked.1.map(|few| few_of(world.dialogs(), few)),
            dates: asked.2.map_or((0, u64::MAX), |(one, other)| (date(one.min(other)), date(one.max(other)))),
        };
        check(&ground, &world, &picks, &asked)?;
        prop_assert_eq!(ground.differences(PARTITIONS, &records), Vec::<String>::new());
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
}

fn few_of(dialogs: &[DialogId], bits: u8) -> Vec<DialogId> {
    dialogs.iter().take(8).enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, id)| *id).collect()
}

fn fold_in_parts(ground: &mut Ground, records: &[Record], splits: &[u8]) {
    let mut rest = records;
    let runtime = Rc::clone(&ground.runtime);
    for split in splits {
        let (part, behind) = rest.split_at(usize::from(*split).min(rest.len()));
        if !part.is_empty() {
            ground.fold_index(part.to_vec());
        }
        runtime.block_on(ground.index().sweep(3)).unwrap();
        rest = behind;
    }
    if !rest.is_empty() {
        ground.fold_index(rest.to_vec());
    }
    ground.sweep(3);
}

#[test]
fn a_search_is_a_naive_recount_in_a_file() {
    tested(false, 48);
}

#[test]
fn a_search_is_a_naive_recount_in_a_database() {
    tested(true, 12);
}
