//! What only the store's inside can show: the format's mark, and a full disk.

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::user::Newcomer;
use crate::{Profile, SignUp};
use domain::Time;

fn path_in(dir: &TempDir) -> std::path::PathBuf {
    dir.path().join("identity.db")
}

fn open(dir: &TempDir) -> Result<Store, OpenError> {
    Store::open(&path_in(dir), &Settings::default(), Purpose::Serve)
}

fn newcomer(login: &str, custom_data: &str) -> Newcomer {
    let raw =
        SignUp { login: Some(login.into()), custom_data: Some(custom_data.into()), ..SignUp::default() };
    Newcomer { profile: Profile::parse(raw).unwrap(), ..Newcomer::default() }
}

#[test]
fn a_foreign_file_is_refused_and_left_as_it_was() {
    let dir = TempDir::new().unwrap();
    let path = path_in(&dir);
    let foreign_store = |sql: &str| {
        let _ = std::fs::remove_file(&path);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
    };
    let contents: [&dyn Fn(); 4] = [
        &|| {
            std::fs::write(
                &path,
                "a text of somebody else, longer than any header of a file may be".repeat(20),
            )
            .unwrap()
        },
        &|| foreign_store("CREATE TABLE notes (text TEXT)"),
        &|| foreign_store("PRAGMA application_id = 12345; PRAGMA user_version = 1"),
        &|| foreign_store("PRAGMA user_version = 1"),
    ];
    for (index, write) in contents.iter().enumerate() {
        write();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(open(&dir), Err(OpenError::Foreign { .. })), "{index}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{index}");
    }
}

#[test]
fn a_newer_format_is_refused_and_an_own_one_opened_again() {
    let dir = TempDir::new().unwrap();
    drop(open(&dir).unwrap());
    drop(open(&dir).unwrap());
    Connection::open(path_in(&dir)).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(open(&dir), Err(OpenError::Newer { found: 99, .. })));
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let _store = open(&dir).unwrap();
    for entry in std::fs::read_dir(dir.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0, "{:?}", entry.path());
    }
}

#[test]
fn a_folder_that_is_missing_is_named() {
    let failed = Store::open(Path::new("/nonexistent/identity.db"), &Settings::default(), Purpose::Serve);
    assert!(matches!(failed, Err(OpenError::Failed { path, .. }) if path.contains("nonexistent")));
}

#[tokio::test]
async fn a_full_disk_refuses_and_recovers() {
    let dir = TempDir::new().unwrap();
    let store = open(&dir).unwrap();
    let set_pages = async |pages: i64| {
        let set = move |connection: &mut Connection| {
            connection
                .pragma_update_and_check(None, "max_page_count", pages, |row| row.get::<_, i64>(0))
                .unwrap()
        };
        store.writer.ask(Droppable::No, set).await.unwrap()
    };
    set_pages(1).await; // as small as the file is
    let text = "x".repeat(5_000);
    let mut refused = None;
    for n in 0..100 {
        let added = store.insert_user(newcomer(&format!("user{n}"), &text), Time(1)).await;
        if let Err(error) = added {
            refused = Some((n, error));
            break;
        }
    }
    let (n, error) = refused.unwrap();
    assert_eq!(error, Error::StorageFull);
    assert!(store.by_login(format!("user{n}")).await.unwrap().is_none());
    set_pages(100_000).await;
    let user = store.insert_user(newcomer(&format!("user{n}"), &text), Time(1)).await.unwrap();
    assert_eq!(user.id.get(), n + 1, "a refused sign-up issued no id");
}
