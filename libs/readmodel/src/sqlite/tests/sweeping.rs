//! The sweeper: dead rows go in small steps, living ones never.

use domain::Kind;
use domain::event::Mark;

use super::{Folder, whole};
use crate::sqlite::Store;
use crate::testing::{Feeder, Step, Wish, World};

fn step(actor: u8, dialog: u8, wish: Wish) -> Step {
    Step { actor, dialog, pause_ms: 1, erased: false, wish }
}

fn rows(store: &Store, table: &str) -> u32 {
    let sql = format!("SELECT count(*) FROM {table}");
    store.connection().query_row(&sql, [], |row| row.get(0)).unwrap()
}

const TABLES: [&str; 5] = ["standings", "messages", "removals", "removed_chunks", "mark_chunks"];

fn busy(kind: Kind) -> Vec<Step> {
    vec![
        step(0, 0, Wish::Create { kind, users: 0x02, admins: 0 }),
        step(0, 0, Wish::Burst(30)),
        step(1, 0, Wish::MarkNamed(Mark::Read, vec![4, 8])),
        step(1, 0, Wish::Hide(vec![6])),
        step(0, 0, Wish::Remove(vec![10])),
        step(0, 0, Wish::Delete),
    ]
}

#[test]
fn a_deleted_dialog_leaves_its_header_only() {
    let folder = Folder::new();
    let mut store = folder.store("rows");
    let mut records = super::records(&mut World::default(), &busy(Kind::Group));
    let deleted = records.pop();
    let mut feeder = Feeder::new(1);
    store.apply(&feeder.batch(records)).unwrap();
    store.apply(&feeder.batch(deleted)).unwrap();
    let before = TABLES.map(|table| rows(&store, table));
    assert_eq!(before, [2, 30, 1, 1, 1]);
    let mut rounds = 0;
    while store.sweep(7).unwrap() {
        rounds += 1;
        assert!(rounds < 30, "a sweep that never ends");
    }
    assert!(rounds >= 4, "thirty messages took {rounds} rounds of seven");
    assert_eq!(TABLES.map(|table| rows(&store, table)), [0; 5]);
    assert_eq!(rows(&store, "dialogs"), 1);
    assert!(!store.sweep(7).unwrap());
}

#[test]
fn a_dialog_that_came_to_be_again_keeps_what_it_has_had_since() {
    let folder = Folder::new();
    let mut world = World::default();
    let mut feeder = Feeder::new(1);
    let mut store = folder.store("rows");
    store.apply(&feeder.batch(super::records(&mut world, &busy(Kind::Private)))).unwrap();
    store.sweep(7).unwrap();
    let again = [
        step(0, 0, Wish::Create { kind: Kind::Private, users: 0x02, admins: 0 }),
        step(0, 0, Wish::Burst(5)),
        step(1, 0, Wish::MarkNamed(Mark::Read, vec![2])),
        step(0, 0, Wish::Remove(vec![4])),
    ];
    store.apply(&feeder.batch(super::records(&mut world, &again))).unwrap();
    while store.sweep(7).unwrap() {}
    assert_eq!(TABLES.map(|table| rows(&store, table)), [2, 5, 1, 1, 1]);
    drop(store);
    let steps = [busy(Kind::Private), again.to_vec()].concat();
    folder.store("whole").apply(&whole(1, super::records(&mut World::default(), &steps))).unwrap();
    assert_eq!(folder.differences("rows", "whole"), Vec::<String>::new());
}
