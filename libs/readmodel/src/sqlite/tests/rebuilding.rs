//! Folding beside and switching, and what a comparison finds.

use proptest::prelude::*;

use super::{Folder, records, whole};
use crate::sqlite::{Error, OpenError, Snapshot, Store, fold_beside, switch};
use crate::testing::{Feeder, World, steps};

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Store(#[from] Error),
    #[error("the log ends here")]
    Log,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn a_rebuilt_file_takes_the_place_of_the_old_one(steps in steps(40, false)) {
        let folder = Folder::new();
        let path = folder.path("rows");
        let records = records(&mut World::default(), &steps);
        let mut half = folder.store("rows");
        half.apply(&Feeder::new(4).batch(records[..records.len() / 2].to_vec())).unwrap();
        drop(half);
        let mut feeder = Feeder::new(4);
        let batches: Vec<_> = records.chunks(7).map(|records| feeder.batch(records.to_vec())).collect();
        let fresh = fold_beside::<Failure>(&path, batches.into_iter().map(Ok)).unwrap();
        switch(&fresh, &path).unwrap();
        prop_assert!(!fresh.exists());
        folder.store("whole").apply(&whole(4, records)).unwrap();
        prop_assert_eq!(folder.differences("rows", "whole"), Vec::<String>::new());
    }
}

#[test]
fn a_rebuild_that_fails_leaves_the_old_file_and_nothing_else() {
    let folder = Folder::new();
    let path = folder.path("rows");
    Store::open_or_create(&path).unwrap().close().unwrap();
    let failed = fold_beside::<Failure>(&path, [Ok(vec![]), Err(Failure::Log)].into_iter());
    assert!(matches!(failed, Err(Failure::Log)));
    let files: Vec<_> =
        std::fs::read_dir(folder.0.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["rows"]);
}

/// A history with something in every table.
fn rich() -> Vec<domain::event::Record> {
    use crate::testing::{Step, Wish};
    use domain::Kind;
    use domain::event::Mark;
    let wishes = [
        (0, Wish::Create { kind: Kind::Group, users: 0x3f, admins: 2 }),
        (0, Wish::Burst(12)),
        (1, Wish::MarkNamed(Mark::Read, vec![4, 8])),
        (2, Wish::Hide(vec![6])),
        (0, Wish::Remove(vec![10])),
    ];
    let steps = wishes.map(|(actor, wish)| Step { actor, dialog: 0, pause_ms: 5, erased: false, wish });
    super::records(&mut World::default(), &steps)
}

#[test]
fn every_row_that_differs_is_named() {
    let cases = [
        ("UPDATE dialogs SET head = head + 1, name = 'x'", "dialogs ffffffff0000000000000002: other name, head"),
        ("DELETE FROM standings WHERE user = 5", "standings ffffffff0000000000000002/5: missing"),
        (
            "INSERT INTO standings SELECT dialog, 99, member, joined_at, from_sequence, cleared_to, hidden_at,
                read_base, read_to, delivered_base, delivered_to, sparse FROM standings WHERE user = 3",
            "standings ffffffff0000000000000002/99: should not be there",
        ),
        ("UPDATE messages SET text = 'x' WHERE sequence = 3", "messages ffffffff0000000000000002/3: other text"),
        ("UPDATE removals SET counts = x'0002'", "removals ffffffff0000000000000002: other counts"),
        ("UPDATE removed_chunks SET bits = x'ff'", "removed_chunks ffffffff0000000000000002/0: other bits"),
        (
            "UPDATE mark_chunks SET hidden = x'ff' WHERE user = 3",
            "mark_chunks ffffffff0000000000000002/0/3: other hidden",
        ),
        ("UPDATE checkpoints SET highest_user = 1", "checkpoints 0: other highest_user"),
    ];
    for (damage, expected) in cases {
        let folder = Folder::new();
        folder.store("whole").apply(&whole(1, rich())).unwrap();
        let mut store = folder.store("rows");
        store.apply(&whole(1, rich())).unwrap();
        store.connection().execute_batch(damage).unwrap();
        assert_eq!(folder.differences("rows", "whole"), [expected], "{damage}");
    }
}

#[test]
fn a_comparison_names_no_more_than_it_is_asked_for_and_no_dead_row() {
    let folder = Folder::new();
    folder.store("whole").apply(&whole(1, rich())).unwrap();
    let mut store = folder.store("rows");
    store.apply(&whole(1, rich())).unwrap();
    store.connection().execute_batch("UPDATE messages SET text = 'x'").unwrap();
    let snapshot = Snapshot::take(&folder.path("rows")).unwrap();
    assert_eq!(snapshot.compare(&folder.path("whole"), 4).unwrap().len(), 4);
    assert_eq!(snapshot.checkpoints().unwrap().len(), 1);
    let dead = "UPDATE messages SET text = NULL; DELETE FROM mark_chunks; DELETE FROM removed_chunks;
        UPDATE dialogs SET alive = 0; UPDATE standings SET read_to = 0";
    for name in ["rows", "whole"] {
        folder.store(name).connection().execute_batch("UPDATE dialogs SET alive = 0").unwrap();
    }
    folder.store("rows").connection().execute_batch(dead).unwrap();
    drop(snapshot);
    assert_eq!(folder.differences("rows", "whole"), Vec::<String>::new());
}
