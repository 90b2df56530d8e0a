//! The sweeper: dead rows go in small steps, living ones never.

use domain::Kind;
use domain::event::Mark;

use super::ground::{Case, on_both};
use super::{records, step, whole};
use crate::testing::{Feeder, Step, Wish, World};

/// Rows of the tables of standings, messages, removals, removed chunks and marks.
async fn rows(case: &mut Case) -> [i64; 5] {
    let mut counts = [0; 5];
    let tables = ["standings", "messages", "removals", "removed_chunks", "mark_chunks"];
    for (count, table) in counts.iter_mut().zip(tables) {
        *count = case.count("rows", table).await;
    }
    counts
}

fn busy(kind: Kind) -> Vec<Step> {
    vec![
        step(0, Wish::Create { kind, users: 0x02, admins: 0 }),
        step(0, Wish::Burst(30)),
        step(1, Wish::MarkNamed(Mark::Read, vec![4, 8])),
        step(1, Wish::Hide(vec![6])),
        step(0, Wish::Remove(vec![10])),
        step(0, Wish::Delete),
    ]
}

#[test]
fn a_deleted_dialog_leaves_its_header_only() {
    on_both(async |case| {
        let mut store = case.store("rows").await;
        let mut history = records(&mut World::default(), &busy(Kind::Group));
        let deleted = history.pop();
        let mut feeder = Feeder::new(1);
        store.apply(&feeder.batch(history)).await.unwrap();
        store.apply(&feeder.batch(deleted)).await.unwrap();
        assert_eq!(rows(case).await, [2, 30, 1, 1, 1]);
        let mut rounds = 0;
        while store.sweep(7).await.unwrap() {
            rounds += 1;
            assert!(rounds < 30, "a sweep that never ends");
        }
        assert!(rounds >= 4, "thirty messages took {rounds} rounds of seven");
        assert_eq!(rows(case).await, [0; 5]);
        assert_eq!(case.count("rows", "dialogs").await, 1);
        assert!(!store.sweep(7).await.unwrap());
    });
}

#[test]
fn a_dialog_that_came_to_be_again_keeps_what_it_has_had_since() {
    on_both(async |case| {
        let mut world = World::default();
        let mut feeder = Feeder::new(1);
        let mut store = case.store("rows").await;
        store.apply(&feeder.batch(records(&mut world, &busy(Kind::Private)))).await.unwrap();
        store.sweep(7).await.unwrap();
        let again = [
            step(0, Wish::Create { kind: Kind::Private, users: 0x02, admins: 0 }),
            step(0, Wish::Burst(5)),
            step(1, Wish::MarkNamed(Mark::Read, vec![2])),
            step(0, Wish::Remove(vec![4])),
        ];
        store.apply(&feeder.batch(records(&mut world, &again))).await.unwrap();
        while store.sweep(7).await.unwrap() {}
        assert_eq!(rows(case).await, [2, 5, 1, 1, 1]);
        drop(store);
        let steps = [busy(Kind::Private), again.to_vec()].concat();
        let all = whole(1, records(&mut World::default(), &steps));
        case.store("whole").await.apply(&all).await.unwrap();
        assert_eq!(case.differences("rows", "whole").await, Vec::<String>::new());
    });
}

#[test]
fn reactions_to_a_removed_message_go_and_others_stay() {
    on_both(async |case| {
        let mut steps = vec![
            step(0, Wish::Create { kind: Kind::Group, users: 0x3f, admins: 0 }),
            step(0, Wish::Burst(3)),
            step(1, Wish::React { message: 2, add: Some(1), remove: None }),
        ];
        for actor in 0..6 {
            steps.push(step(actor, Wish::React { message: 0, add: Some(actor % 2), remove: None }));
        }
        let mut world = World::default();
        let mut feeder = Feeder::new(1);
        let mut store = case.store("rows").await;
        store.apply(&feeder.batch(records(&mut world, &steps))).await.unwrap();
        assert!(!store.sweep(4).await.unwrap());
        let remove = step(0, Wish::Remove(vec![0]));
        store.apply(&feeder.batch(records(&mut world, std::slice::from_ref(&remove)))).await.unwrap();
        assert_eq!(case.count("rows", "reactions").await, 7);
        while store.sweep(4).await.unwrap() {}
        assert_eq!(case.count("rows", "reactions").await, 1);
        drop(store);
        steps.push(remove);
        let all = whole(1, records(&mut World::default(), &steps));
        case.store("whole").await.apply(&all).await.unwrap();
        assert_eq!(case.count("whole", "reactions").await, 1);
        assert_eq!(case.differences("rows", "whole").await, Vec::<String>::new());
    });
}

#[test]
fn a_cleared_dialog_keeps_who_is_in_it_and_forgets_the_rest() {
    on_both(async |case| {
        let before = [
            step(0, Wish::Create { kind: Kind::Group, users: 0x3f, admins: 0 }),
            step(0, Wish::Burst(4_200)),
            step(1, Wish::MarkNamed(Mark::Read, vec![60_001])),
            step(2, Wish::React { message: 0, add: Some(1), remove: None }),
            step(0, Wish::Pin { pin: vec![0], unpin: vec![] }),
            step(0, Wish::ClearForAll),
        ];
        let mut world = World::default();
        let mut feeder = Feeder::new(1);
        let mut store = case.store("rows").await;
        let cleared = records(&mut world, &before);
        for part in cleared.chunks(3_000) {
            store.apply(&feeder.batch(part.to_vec())).await.unwrap();
        }
        assert_eq!(rows(case).await, [6, 4_200, 0, 0, 1]);
        while store.sweep(1_000).await.unwrap() {}
        assert_eq!(rows(case).await, [6, 0, 0, 0, 0]);
        assert_eq!(case.count("rows", "reactions").await, 0);
        // His standing still names the marks that are gone.
        let after = [step(1, Wish::Leave), step(0, Wish::Burst(3)), step(1, Wish::MarkAll(Mark::Read))];
        store.apply(&feeder.batch(records(&mut world, &after))).await.unwrap();
        drop(store);
        let steps = [before.as_slice(), &after].concat();
        let all = whole(1, records(&mut World::default(), &steps));
        case.store("whole").await.apply(&all).await.unwrap();
        assert_eq!(case.differences("rows", "whole").await, Vec::<String>::new());
    });
}

#[test]
fn counts_of_viewers_go_with_their_messages() {
    on_both(async |case| {
        let mut store = case.store("rows").await;
        let steps = [
            step(0, Wish::Create { kind: Kind::Public, users: 0x02, admins: 0 }),
            step(0, Wish::Burst(600)),
            step(1, Wish::MarkListed(Mark::Viewed, vec![(0, u16::MAX)])),
            step(0, Wish::ClearForAll),
        ];
        store.apply(&whole(1, records(&mut World::default(), &steps))).await.unwrap();
        assert_eq!(case.count("rows", "view_counts").await, 3);
        while store.sweep(100).await.unwrap() {}
        assert_eq!(case.count("rows", "view_counts").await, 1, "the one in which it goes on");
    });
}
