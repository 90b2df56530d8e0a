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
