//! An index that is behind, missing, damaged or an older one.

use std::rc::Rc;

use super::ground::{Events, Ground, grounds, wanted};
use crate::search::{Error, Place};

fn some() -> Events {
    let mut events = Events::default();
    let group = events.group("a group", &[1, 2]);
    for number in 0..20 {
        events.post(group, &format!("message number {number}"));
    }
    events
}

#[test]
fn an_index_that_is_behind_is_waited_for_and_not_believed() {
    let events = some();
    for mut ground in grounds(1) {
        ground.fold_rows(events.records.clone());
        ground.fold_index(events.records[..10].to_vec());
        let behind = ground.try_by_index(&wanted(1, "number"));
        assert!(matches!(behind, Err(Error::Behind)), "{behind:?}");
        ground.fold_index(events.records[10..].to_vec());
        assert_eq!(ground.messages(&wanted(1, "number")).len(), 20);
    }
}

#[test]
fn another_that_folds_the_same_partition_is_noticed() {
    let events = some();
    for mut ground in grounds(1) {
        ground.fold_index(events.records.clone());
        let batch = crate::testing::Feeder::new(1).batch(events.records.clone());
        let runtime = Rc::clone(&ground.runtime);
        let refused = runtime.block_on(ground.index().apply(&batch));
        assert!(matches!(refused, Err(crate::Error::Moved { .. })), "{refused:?}");
        assert_eq!(ground.differences(1, &events.records), Vec::<String>::new());
    }
}

fn is_folded_again(ground: &mut Ground, events: &Events) {
    let missing = ground.try_by_index(&wanted(1, "number"));
    assert!(matches!(missing, Err(Error::Missing | Error::Behind | Error::Unread(_))), "{missing:?}");
    ground.open_index();
    ground.forget_index(1);
    ground.fold_index(events.records.clone());
    assert_eq!(ground.messages(&wanted(1, "number")).len(), 20);
    assert_eq!(ground.differences(1, &events.records), Vec::<String>::new());
}

#[test]
fn an_index_that_was_thrown_away_is_made_again() {
    let events = some();
    for mut ground in grounds(1) {
        ground.fold(&events.records);
        ground.close_index();
        let (runtime, place) = (Rc::clone(&ground.runtime), ground.place.clone());
        runtime.block_on(place.discard()).unwrap();
        is_folded_again(&mut ground, &events);
    }
}

#[test]
fn a_renewed_index_is_empty() {
    let events = some();
    for mut ground in grounds(1) {
        ground.fold(&events.records);
        ground.close_index();
        let runtime = Rc::clone(&ground.runtime);
        let place = ground.place.clone();
        runtime.block_on(async {
            let mut renewed = place.open().await.unwrap().renew().await.unwrap();
            assert_eq!(renewed.checkpoints().await.unwrap(), []);
            renewed.close().await.unwrap();
        });
        is_folded_again(&mut ground, &events);
    }
}

#[test]
fn a_file_that_is_no_index_of_today_is_made_again() {
    let events = some();
    let [mut ground, _] = grounds(1);
    ground.fold(&events.records);
    let Place::File(path) = ground.place.clone() else { panic!("the first one has a file") };
    for damage in ["garbage", "older"] {
        ground.close_index();
        match damage {
            "garbage" => std::fs::write(&path, "no database at all".repeat(1_000)).unwrap(),
            _ => {
                let connection = rusqlite::Connection::open(&path).unwrap();
                connection.pragma_update(None, "user_version", 0).unwrap();
            }
        }
        is_folded_again(&mut ground, &events);
    }
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let place = Place::in_folder(folder.path());
    let Place::File(path) = place.clone() else { panic!("a folder has files") };
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE recipes (dish TEXT); PRAGMA user_version = 1").unwrap();
    drop(connection);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let refused = runtime.block_on(place.open()).unwrap_err().to_string();
    assert!(refused.contains("is no search index of Hansard"), "{refused}");
    assert!(path.exists());
}
