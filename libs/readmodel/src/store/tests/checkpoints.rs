//! Checkpoints move with the rows or not at all.

use eventlog::{Offset, Partition};

use super::ground::on_both;
use super::{FIRST, history, whole};
use crate::Error;
use crate::testing::Feeder;

#[test]
fn a_store_is_opened_again_with_its_checkpoints() {
    on_both(async |case| {
        let batch = whole(1, history(3));
        case.store("rows").await.apply(&batch).await.unwrap();
        let mut store = case.store("rows").await;
        assert_eq!(store.checkpoint(FIRST).await.unwrap(), Some(batch[0].checkpoint));
        assert_eq!(store.checkpoint(Partition(1)).await.unwrap(), None);
        let mut facts = case.facts("rows").await;
        assert_eq!(facts.highest_user().await.unwrap(), 6);
        assert_eq!(facts.checkpoints().await.unwrap(), [(FIRST, batch[0].checkpoint)]);
        assert_eq!(store.checkpoints().await.unwrap(), [(FIRST, batch[0].checkpoint)]);
    });
}

#[test]
fn an_empty_store_has_no_checkpoint_and_knows_nobody() {
    on_both(async |case| {
        let mut store = case.store("rows").await;
        assert_eq!(store.checkpoints().await.unwrap(), []);
        assert!(!store.sweep(10).await.unwrap());
        let mut facts = case.facts("rows").await;
        assert_eq!(facts.highest_user().await.unwrap(), 0);
        let (found, checkpoint) = facts.facts(FIRST, &[]).await.unwrap();
        assert_eq!((found.len(), checkpoint), (0, None));
    });
}

#[test]
fn a_checkpoint_that_was_moved_stops_the_batch() {
    on_both(async |case| {
        let mut feeder = Feeder::new(1);
        let batch = feeder.batch(history(3));
        let mut store = case.store("rows").await;
        store.apply(&batch).await.unwrap();
        let moved = |outcome| matches!(outcome, Err(Error::Moved { partition: FIRST }));
        assert!(moved(store.apply(&batch).await));
        let mut ahead = batch.clone();
        ahead[0].expected = Some(batch[0].checkpoint);
        ahead[0].expected.as_mut().unwrap().next = Offset(99);
        assert!(moved(store.apply(&ahead).await));
        let mut none = batch.clone();
        none[0].records.clear();
        assert!(moved(store.apply(&none).await), "also if nothing in it contradicts the rows");
        assert_eq!(store.checkpoint(FIRST).await.unwrap(), Some(batch[0].checkpoint));
    });
}

#[test]
fn one_partition_that_was_moved_stops_those_beside_it() {
    on_both(async |case| {
        let mut store = case.store("rows").await;
        let mut feeder = Feeder::new(64);
        let both = feeder.batch([history(1), again(history(1), 9)].concat());
        let [one, other] = both.as_slice() else { panic!("two dialogs in two partitions") };
        store.apply(std::slice::from_ref(other)).await.unwrap();
        let refused = store.apply(&both).await;
        assert!(matches!(refused, Err(Error::Moved { partition }) if partition == other.partition));
        assert_eq!(store.checkpoint(one.partition).await.unwrap(), None);
        store.apply(std::slice::from_ref(one)).await.unwrap();
        assert_eq!(store.checkpoints().await.unwrap().len(), 2);
    });
}

/// The same events of another dialog.
fn again(mut records: Vec<domain::event::Record>, number: u8) -> Vec<domain::event::Record> {
    let dialog = domain::DialogId::from_parts(u32::MAX, [number; 8]);
    for record in &mut records {
        record.stream = domain::event::Stream::Dialog(dialog);
    }
    records
}

#[test]
fn a_gap_stops_the_fold_and_changes_nothing() {
    on_both(async |case| {
        let mut feeder = Feeder::new(1);
        let mut records = history(3);
        let first = feeder.batch(records.drain(..2));
        records.swap(0, 1);
        let mut store = case.store("rows").await;
        store.apply(&first).await.unwrap();
        let refused = store.apply(&feeder.batch(records)).await;
        assert!(matches!(
            refused,
            Err(Error::Fold { partition: FIRST, index: 0, source: crate::fold::Error::Gap { .. } })
        ));
        assert_eq!(store.checkpoint(FIRST).await.unwrap(), Some(first[0].checkpoint));
    });
}
