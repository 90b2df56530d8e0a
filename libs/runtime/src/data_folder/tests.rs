//! Who gets a folder, and who is told what.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder that holds one file.
fn folder_with(name: &str, text: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    folder
}

#[test]
fn a_new_folder_is_private_and_ours() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("deep/data");
    let folder = DataFolder::open(&path).unwrap();
    assert_eq!(folder.path(), path);
    assert_eq!(mode(&path), 0o700);
    assert_eq!(names(&path), [MARKER, LOCK]);
    assert_eq!(fs::read_to_string(path.join(MARKER)).unwrap(), "1\n");
}

#[test]
fn a_second_one_is_refused_until_the_first_has_gone() {
    let parent = TempDir::new().unwrap();
    let path = parent.path();
    let first = DataFolder::open(path).unwrap();
    assert_eq!(
        DataFolder::open(path).unwrap_err().to_string(),
        format!(
            "the data folder {} is in use by another process ({}): stop that one, or name another folder",
            path.display(),
            std::process::id()
        )
    );
    drop(first);
    fs::write(path.join("log.db"), "kept").unwrap();
    DataFolder::open(path).unwrap();
    assert_eq!(fs::read_to_string(path.join("log.db")).unwrap(), "kept");
}

#[test]
fn of_many_at_once_exactly_one_gets_a_new_folder() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("data");
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| DataFolder::open(&path))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(opened.iter().filter(|one| one.is_ok()).count(), 1);
    assert!(opened.iter().all(|one| matches!(one, Ok(_) | Err(Error::InUse { .. }))), "{opened:?}");
}

#[test]
fn a_crash_while_a_folder_is_made_does_no_harm() {
    for left in [LOCK, "hansard-data.draft"] {
        let parent = folder_with(left, "1");
        DataFolder::open(parent.path()).unwrap();
        assert_eq!(names(parent.path()), [MARKER, LOCK]);
    }
}

#[test]
fn a_foreign_folder_is_refused_and_left_alone() {
    let parent = folder_with("thesis.doc", "");
    let path = parent.path();
    for refusal in [DataFolder::open(path).unwrap_err(), DataFolder::find(path).unwrap_err()] {
        assert_eq!(
            refusal.to_string(),
            format!(
                "the folder {} holds \"thesis.doc\" and is not a data folder of Hansard: name an empty or a new folder",
                path.display()
            )
        );
    }
    assert_eq!(names(path), ["thesis.doc"]);
}

#[test]
fn a_newer_folder_is_refused_and_left_alone() {
    let parent = folder_with(MARKER, "2\n");
    let path = parent.path();
    for refusal in [DataFolder::open(path).unwrap_err(), DataFolder::find(path).unwrap_err()] {
        assert_eq!(
            refusal.to_string(),
            format!(
                "the data folder {} has format 2, and this program knows formats up to 1: use the newer program that wrote it",
                path.display()
            )
        );
    }
    assert_eq!(names(path), [MARKER]);
}

#[test]
fn a_damaged_marker_is_refused() {
    for text in ["", "one", "0", "-1", "99999999999", &"1".repeat(10_000)] {
        let parent = folder_with(MARKER, text);
        let refusal = DataFolder::open(parent.path()).unwrap_err();
        assert!(matches!(refusal, Error::Marker { .. }), "{text}: {refusal}");
        assert!(refusal.to_string().len() < 400, "{refusal}");
    }
}

#[test]
fn a_file_is_no_folder() {
    let parent = folder_with("data", "");
    let path = parent.path().join("data");
    assert!(matches!(DataFolder::open(&path), Err(Error::Io { .. })));
    assert!(matches!(DataFolder::find(&path), Err(Error::Io { .. })));
}

#[test]
fn a_reader_works_beside_the_server_and_makes_nothing() {
    let parent = TempDir::new().unwrap();
    let path = parent.path().join("data");
    assert!(matches!(DataFolder::find(&path), Err(Error::Absent { .. })));
    assert!(!path.exists());
    assert!(matches!(DataFolder::find(parent.path()), Err(Error::Absent { .. })));
    assert!(names(parent.path()).is_empty());
    let _server = DataFolder::open(&path).unwrap();
    assert_eq!(DataFolder::find(&path).unwrap(), path);
}

#[test]
fn a_private_file_is_written_whole_for_its_owner_only() {
    let parent = TempDir::new().unwrap();
    let folder = DataFolder::open(parent.path()).unwrap();
    let path = parent.path().join("app.toml");
    // What a crash may have left.
    fs::write(parent.path().join("app.toml.draft"), "half of someth").unwrap();
    fs::set_permissions(parent.path().join("app.toml.draft"), fs::Permissions::from_mode(0o644)).unwrap();
    for text in ["one", "the other, longer", ""] {
        folder.write_private("app.toml", text.as_bytes()).unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), mode(&path)), (text, 0o600));
    }
    assert_eq!(names(parent.path()), ["app.toml", MARKER, LOCK]);
}

#[test]
fn a_private_file_is_inside_the_folder() {
    let parent = TempDir::new().unwrap();
    let folder = DataFolder::open(&parent.path().join("data")).unwrap();
    for name in ["", ".", "..", "../out", "a/b", "/tmp/x", "a/", "nul\0"] {
        assert!(matches!(folder.write_private(name, b"x"), Err(Error::Io { .. })), "{name:?}");
    }
    assert_eq!(names(parent.path()), ["data"]);
}
