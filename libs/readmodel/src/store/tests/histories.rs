//! Over random valid histories: rows are a function of the log (invariant 4), and say of
//! the facts what the domain says (invariant 5).

use domain::event::{Mark, Record};
use domain::facts::{Fact, Facts as _, Key, Standing};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::ground::{Case, load, property};
use super::{FIRST, records, whole};
use crate::fold::{Plan, Rows};
use crate::marks::chunk_of;
use crate::store::Store;
use crate::testing::{Feeder, Step, World, steps};

/// Folds `records` in batches of the `sizes`, sweeping after some.
async fn fold_in_steps(case: &mut Case, records: Vec<Record>, partitions: u32, sizes: &[usize]) -> Store {
    let mut store = case.store("steps").await;
    let mut feeder = Feeder::new(partitions);
    let mut left = records.into_iter().peekable();
    for size in sizes.iter().cycle() {
        if left.peek().is_none() {
            break;
        }
        store.apply(&feeder.batch(left.by_ref().take(*size))).await.unwrap();
        if size % 3 == 0 {
            store.sweep(*size).await.unwrap();
        }
    }
    store
}

async fn any_batching(
    case: &mut Case,
    partitions: u32,
    (steps, sizes): &(Vec<Step>, Vec<usize>),
) -> Result<(), TestCaseError> {
    let records = records(&mut World::default(), steps);
    case.store("whole").await.apply(&whole(partitions, records.clone())).await.unwrap();
    fold_in_steps(case, records, partitions, sizes).await.close().await.unwrap();
    prop_assert_eq!(case.differences("steps", "whole").await, Vec::<String>::new());
    Ok(())
}

/// A standing that says nothing is as good as none, and messages of the past are gone.
fn comes_to_the_same(world: &World, key: &Key, fact: Option<&Fact>) -> Option<Fact> {
    let cleared_to = |dialog| world.facts().header(dialog).map(|header| header.cleared_to);
    let gone = |dialog, sequence| {
        let message = world.facts().message(Key::Message(dialog, sequence));
        Some(sequence) <= cleared_to(dialog) || message.is_none_or(|message| message.removed)
    };
    match (key, fact) {
        (_, Some(Fact::Standing(standing))) if *standing == Standing::default() => None,
        (Key::Standing(dialog, _), _)
            if world.facts().header(*dialog).is_some_and(|header| !header.alive) =>
        {
            None
        }
        (Key::Message(dialog, _) | Key::Named(dialog, _), Some(Fact::Message(message)))
            if Some(message.sequence) <= cleared_to(*dialog) =>
        {
            None
        }
        (_, Some(Fact::Reacted(totals))) if totals.is_empty() => None,
        (_, Some(Fact::Reactions(kinds))) if kinds.is_empty() => None,
        (Key::Reacted(dialog, sequence) | Key::Reactions(dialog, sequence, _), _)
            if gone(*dialog, *sequence) =>
        {
            None
        }
        (_, fact) => fact.cloned(),
    }
}

async fn facts_agree(case: &mut Case, (steps, sizes): &(Vec<Step>, Vec<usize>)) -> Result<(), TestCaseError> {
    let mut world = World::default();
    let records = records(&mut world, steps);
    fold_in_steps(case, records, 1, sizes).await.close().await.unwrap();
    let keys: Vec<_> = world.facts().keys().copied().collect();
    let (stored, _) = case.facts("steps").await.facts(FIRST, &keys).await.unwrap();
    for key in &keys {
        let expected = comes_to_the_same(&world, key, world.facts().get(key));
        let found = comes_to_the_same(&world, key, stored.get(key));
        prop_assert_eq!(found, expected, "{:?}", key);
    }
    Ok(())
}

/// The counts beside the newest message are what visiting every member would give.
async fn last_message_agrees(
    case: &mut Case,
    (steps, sizes): &(Vec<Step>, Vec<usize>),
) -> Result<(), TestCaseError> {
    let mut world = World::default();
    let records = records(&mut world, steps);
    let mut store = fold_in_steps(case, records.clone(), 1, sizes).await;
    let everything = everything_of(&mut store, &records, &world).await;
    for dialog in world.dialogs() {
        let rows = everything.get(dialog).unwrap();
        let row = rows.row.as_ref().unwrap();
        let living = newest_living(&world, *dialog, row.cleared_to.0);
        prop_assert_eq!(row.last.sequence.0, living.map_or(0, |(sequence, _)| sequence));
        prop_assert_eq!(row.last.sender, living.map(|(_, sender)| sender));
        if !row.last.counts_known || row.last.sequence.0 == 0 || !row.kind.is_marked() {
            continue;
        }
        for (mark, count) in [(Mark::Read, row.last.read_by), (Mark::Delivered, row.last.delivered_by)] {
            let having = rows.standings.iter().filter(|(user, held)| {
                let chunk = held.chunks.get(&chunk_of(row.last.sequence.0));
                let marks = held.row.as_ref().filter(|row| row.member).map(|row| &row.marks);
                Some(**user) != row.last.sender
                    && marks.is_some_and(|marks| marks.has(mark, row.last.sequence.0, chunk))
            });
            prop_assert_eq!(having.count(), count as usize, "{:?} {:?}", dialog, mark);
        }
    }
    Ok(())
}

fn newest_living(world: &World, dialog: domain::DialogId, cleared_to: u64) -> Option<(u64, domain::UserId)> {
    let head = world.facts().header(dialog)?.head.0;
    (cleared_to + 1..=head).rev().find_map(|sequence| {
        let message = world.facts().message(Key::Message(dialog, domain::Sequence(sequence)))?;
        (!message.removed).then_some((sequence, message.sender))
    })
}

/// The rows of everybody in every dialog, with the chunk of its newest message.
async fn everything_of(store: &mut Store, records: &[Record], world: &World) -> Rows {
    let mut rows = Rows::default();
    let mut plan = Plan::of(records);
    let mut wanted = plan.next(&rows).unwrap();
    let pairs = world.dialogs().iter().flat_map(|dialog| world.users().map(|user| (*dialog, user)));
    wanted.standings = pairs.collect();
    load(store, &wanted, &mut rows).await;
    for dialog in world.dialogs() {
        let held = rows.get(dialog).unwrap();
        let row = held.row.as_ref().unwrap();
        let chunk = chunk_of(row.last.sequence.0);
        if !row.alive || row.last.sequence.0 == 0 {
            continue;
        }
        let named = |user: &domain::UserId| {
            held.standing(*user).is_some_and(|standing| standing.marks.sparse.get(chunk).is_some())
        };
        let chunks = world.users().filter(named).map(|user| (*dialog, chunk, user)).collect();
        let wanted = crate::fold::Wanted { chunks, ..crate::fold::Wanted::default() };
        load(store, &wanted, &mut rows).await;
    }
    rows
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..4_usize, 1..40_usize, 1..3000_usize], 1..12)
}

#[test]
fn rows_do_not_depend_on_the_batching() {
    property([96, 16], &(1..5_u32, (steps(60, false), sizes())), async |case, (partitions, history)| {
        any_batching(case, partitions, &history).await
    });
}

#[test]
fn facts_are_what_the_domain_makes_of_the_events() {
    let histories = (steps(80, false), sizes());
    property([96, 16], &histories, async |case, history| facts_agree(case, &history).await);
}

#[test]
fn the_newest_message_and_its_counts_are_exact() {
    let histories = (steps(80, false), sizes());
    property([96, 16], &histories, async |case, history| last_message_agrees(case, &history).await);
}

#[test]
fn nor_across_the_border_of_a_chunk() {
    let sizes = sizes().prop_map(|sizes| sizes.into_iter().map(|size| size * 20).collect());
    property([6, 3], &(steps(60, true), sizes), async |case, history: (Vec<Step>, Vec<usize>)| {
        any_batching(case, 4, &history).await
    });
}

#[test]
fn nor_are_facts_and_counts_others_there() {
    let sizes = sizes().prop_map(|sizes| sizes.into_iter().map(|size| size * 20).collect());
    property([6, 3], &(steps(60, true), sizes), async |case, history: (Vec<Step>, Vec<usize>)| {
        last_message_agrees(case, &history).await?;
        case.again().await;
        facts_agree(case, &history).await
    });
}
