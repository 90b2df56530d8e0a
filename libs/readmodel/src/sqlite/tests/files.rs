//! Files that are ours or not, checkpoints, and a disk without space.

use domain::event::Record;
use eventlog::Partition;

use super::{Folder, whole};
use crate::sqlite::{Error, FOLDS_VERSION, FactSource, OpenError, Store, discard, file_name, open_read_only};
use crate::testing::{Feeder, Step, Wish, World};

fn step(wish: Wish) -> Step {
    Step { actor: 0, dialog: 0, pause_ms: 1, erased: false, wish }
}

/// A group of everybody and some messages in it.
fn history(messages: u16) -> Vec<Record> {
    let kind = domain::Kind::Group;
    let steps = [step(Wish::Create { kind, users: 0x3f, admins: 0 }), step(Wish::Burst(messages))];
    super::records(&mut World::default(), &steps)
}

#[test]
fn a_file_is_opened_again_with_its_checkpoint() {
    let folder = Folder::new();
    let batch = whole(1, history(3));
    folder.store("rows").apply(&batch).unwrap();
    let store = folder.store("rows");
    assert_eq!(store.checkpoint(Partition(0)).unwrap(), Some(batch[0].checkpoint));
    assert_eq!(store.checkpoint(Partition(1)).unwrap(), None);
    assert_eq!(FactSource::open(store.path()).unwrap().highest_user().unwrap(), 6);
    assert_eq!(file_name(), format!("readmodel-{FOLDS_VERSION}.db"));
}

#[test]
fn a_foreign_or_other_file_is_refused_and_left_alone() {
    let folder = Folder::new();
    let path = folder.path("foreign");
    let foreign = rusqlite::Connection::open(&path).unwrap();
    foreign.execute_batch("CREATE TABLE theirs (x)").unwrap();
    assert!(matches!(Store::open_or_create(&path), Err(OpenError::Foreign)));
    assert!(matches!(open_read_only(&path), Err(OpenError::Foreign)));
    assert!(foreign.execute_batch("SELECT x FROM theirs").is_ok());

    let path = folder.path("newer");
    folder.store("newer").connection().pragma_update(None, "user_version", FOLDS_VERSION + 1).unwrap();
    let refused = Store::open_or_create(&path);
    assert!(matches!(refused, Err(OpenError::OtherFolds { found }) if found == FOLDS_VERSION + 1));
}

#[test]
fn a_damaged_file_is_known_as_such_and_can_be_discarded() {
    let folder = Folder::new();
    let path = folder.path("rows");
    std::fs::write(&path, vec![b'x'; 8_192]).unwrap();
    assert!(matches!(Store::open_or_create(&path), Err(OpenError::Store(Error::Damaged(_)))));
    discard(&path).unwrap();
    discard(&path).unwrap();
    folder.store("rows").apply(&whole(1, history(1))).unwrap();
}

#[test]
fn a_full_disk_changes_nothing_and_the_same_batch_succeeds_later() {
    let folder = Folder::new();
    let mut feeder = Feeder::new(1);
    let mut records = history(400);
    let first = feeder.batch(records.drain(..10));
    let second = feeder.batch(records);
    let mut store = folder.store("rows");
    store.apply(&first).unwrap();
    let limit = |store: &Store, pages: i64| {
        let sql = format!("PRAGMA max_page_count = {pages}");
        store.connection().query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap();
    };
    limit(&store, 1);
    assert!(matches!(store.apply(&second), Err(Error::Full(_))));
    assert_eq!(store.checkpoint(Partition(0)).unwrap(), Some(first[0].checkpoint));
    limit(&store, 1_000_000);
    store.apply(&second).unwrap();
    drop(store);
    folder.store("whole").apply(&whole(1, history(400))).unwrap();
    assert_eq!(folder.differences("rows", "whole"), Vec::<String>::new());
}
