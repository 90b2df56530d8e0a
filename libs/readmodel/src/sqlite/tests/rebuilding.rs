//! Folding beside and switching.

use proptest::prelude::*;

use super::{Folder, records, whole};
use crate::sqlite::{Error, OpenError, Store, fold_beside, switch};
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
