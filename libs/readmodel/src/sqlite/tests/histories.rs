//! Over random valid histories: rows are a function of the log (invariant 4), and say of
//! the facts what the domain says (invariant 5).

use domain::event::{Mark, Record};
use domain::facts::{Fact, Facts as _, Key, Standing};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::{Folder, records, whole};
use crate::fold::{Plan, Rows};
use crate::marks::chunk_of;
use crate::sqlite::load::load;
use crate::testing::{Feeder, World, steps};

/// Folds `records` in batches of the `sizes`, sweeping after some.
fn fold_in_steps(folder: &Folder, name: &str, records: Vec<Record>, partitions: u32, sizes: &[usize]) {
    let mut store = folder.store(name);
    let mut feeder = Feeder::new(partitions);
    let mut left = records.into_iter().peekable();
    for size in sizes.iter().cycle() {
        if left.peek().is_none() {
            break;
        }
        store.apply(&feeder.batch(left.by_ref().take(*size))).unwrap();
        if size % 3 == 0 {
            store.sweep(*size).unwrap();
        }
    }
}

fn any_batching(steps: &[crate::testing::Step], sizes: &[usize]) -> Result<(), TestCaseError> {
    for partitions in [1, 4] {
        let folder = Folder::new();
        let records = records(&mut World::default(), steps);
        folder.store("whole").apply(&whole(partitions, records.clone())).unwrap();
        fold_in_steps(&folder, "steps", records, partitions, sizes);
        prop_assert_eq!(folder.differences("steps", "whole"), Vec::<String>::new());
    }
    Ok(())
}

/// A standing that says nothing is as good as none, and messages of the past are gone.
fn comes_to_the_same(world: &World, key: &Key, fact: Option<&Fact>) -> Option<Fact> {
    let cleared_to = |dialog| world.facts().header(dialog).map(|header| header.cleared_to);
    match (key, fact) {
        (_, Some(Fact::Standing(Standing { member: false, hidden_at: None }))) => None,
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
        (_, fact) => fact.cloned(),
    }
}

fn facts_agree(steps: &[crate::testing::Step], sizes: &[usize]) -> Result<(), TestCaseError> {
    let folder = Folder::new();
    let mut world = World::default();
    let records = records(&mut world, steps);
    fold_in_steps(&folder, "rows", records, 1, sizes);
    let keys: Vec<_> = world.facts().keys().copied().collect();
    let stored = folder.facts("rows", &keys);
    for key in &keys {
        let expected = comes_to_the_same(&world, key, world.facts().get(key));
        let found = comes_to_the_same(&world, key, stored.get(key));
        prop_assert_eq!(found, expected, "{:?}", key);
    }
    Ok(())
}

/// The counts beside the newest message are what visiting every member would give.
fn last_message_agrees(steps: &[crate::testing::Step], sizes: &[usize]) -> Result<(), TestCaseError> {
    let folder = Folder::new();
    let mut world = World::default();
    let records = records(&mut world, steps);
    fold_in_steps(&folder, "rows", records.clone(), 1, sizes);
    let store = folder.store("rows");
    let everything = everything_of(&store, &records, &world);
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
fn everything_of(store: &crate::sqlite::Store, records: &[Record], world: &World) -> Rows {
    let mut rows = Rows::default();
    let mut plan = Plan::of(records);
    let mut wanted = plan.next(&rows).unwrap();
    let pairs = world.dialogs().iter().flat_map(|dialog| world.users().map(|user| (*dialog, user)));
    wanted.standings = pairs.collect();
    load(store.connection(), &wanted, &mut rows).unwrap();
    for dialog in world.dialogs() {
        let held = rows.get(dialog).unwrap();
        let chunk = chunk_of(held.row.as_ref().unwrap().last.sequence.0);
        if !held.row.as_ref().unwrap().alive {
            continue;
        }
        let named = |user: &domain::UserId| {
            held.standing(*user).is_some_and(|standing| standing.marks.sparse.get(chunk).is_some())
        };
        let chunks = world.users().filter(named).map(|user| (*dialog, chunk, user)).collect();
        let wanted = crate::fold::Wanted { chunks, ..crate::fold::Wanted::default() };
        load(store.connection(), &wanted, &mut rows).unwrap();
    }
    rows
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(prop_oneof![1..4_usize, 1..40_usize, 1..3000_usize], 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn rows_do_not_depend_on_the_batching(steps in steps(60, false), sizes in sizes()) {
        any_batching(&steps, &sizes)?;
    }

    #[test]
    fn facts_are_what_the_domain_makes_of_the_events(steps in steps(80, false), sizes in sizes()) {
        facts_agree(&steps, &sizes)?;
    }

    #[test]
    fn the_newest_message_and_its_counts_are_exact(steps in steps(80, false), sizes in sizes()) {
        last_message_agrees(&steps, &sizes)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn nor_across_the_border_of_a_chunk(steps in steps(60, true), sizes in sizes()) {
        let sizes: Vec<_> = sizes.into_iter().map(|size| size * 20).collect();
        any_batching(&steps, &sizes)?;
        facts_agree(&steps, &sizes)?;
        last_message_agrees(&steps, &sizes)?;
    }
}
