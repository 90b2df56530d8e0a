//! Damage, and what is not ours: refused loudly with a sentence that helps, or mended from
//! the log; never served.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde_json::json;
use tests::{Chat, Ended, Person, Server, Setup, each_embedded};

/// Everything of a read model in the data folder, whatever its version.
fn readmodel_files(data: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(data).expect("the data folder can be read");
    let paths = files.map(|file| file.expect("a file").path());
    paths
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("readmodel-")))
        .collect()
}

/// The read model's database.
fn readmodel(data: &Path) -> PathBuf {
    let mut files = readmodel_files(data);
    files.retain(|path| path.extension().is_some_and(|extension| extension == "db"));
    files.pop().expect("there is a read model")
}

/// What two people see, to be compared with what they see later.
async fn views(people: &[&Person], dialog: &str) -> Vec<serde_json::Value> {
    let mut views = vec![];
    for person in people {
        views.push(json!([person.dialogs().await, person.peek(dialog).await, person.unread(dialog).await]));
    }
    views
}

/// A start that was refused: the exit code says so, and the last line why.
fn refused(ended: &Ended, why: &str) {
    assert_eq!(ended.code, Some(1), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("hansard: ") && last.contains(why), "{why:?} is not in {last:?}");
}

/// A chat with something in it: two people and their dialog.
async fn furnish(chat: &Chat) -> ([Person; 2], String) {
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.create_group("furnished", [&bob]).await;
    let [first, second, third, _] = alice.post_each(&dialog, ["1", "2", "3", "4"]).await;
    bob.read(&dialog, [&first, &third]).await;
    alice.remove(&second).await;
    bob.post(&dialog, "5").await;
    ([alice, bob], dialog)
}

#[tokio::test]
async fn a_flipped_byte_is_found_and_its_offset_named() {
    each_embedded(async |mut chat: Chat| {
        let (_, dialog) = furnish(&chat).await;
        let posted = chat.log(&["--dialog", &dialog, "--type", "message.posted"]).await;
        let partition = posted[2]["partition"].as_i64().unwrap();
        let offset = posted[2]["offset"].as_i64().unwrap();
        chat.stop().await;
        let log = chat.data().join("log.db");
        let whole = fs::read(&log).unwrap();

        let frame: Vec<u8> = {
            let db = Connection::open(&log).unwrap();
            let sql = "SELECT frame FROM frames WHERE partition = ? AND first_offset = ?";
            db.query_row(sql, params![partition, offset], |row| row.get(0)).unwrap()
        };
        // Its head, its chain, its events, its end.
        for place in [0, 9, frame.len() / 4, frame.len() / 2, frame.len() - 40, frame.len() - 1] {
            let mut flipped = frame.clone();
            flipped[place] ^= 0x10;
            let db = Connection::open(&log).unwrap();
            let sql = "UPDATE frames SET frame = ? WHERE partition = ? AND first_offset = ?";
            db.execute(sql, params![flipped, partition, offset]).unwrap();
            drop(db);
            let ended = chat.try_start_again().await.unwrap_err();
            refused(&ended, &format!("the log is damaged in partition {partition} at offset {offset}: "));
            let verified = chat.operator(&["log", "verify"]).await;
            assert_eq!(verified.code, Some(1), "{verified:?}");
            assert!(verified.stderr.contains(&format!("offset {offset}")), "{verified:?}");
        }

        // The same from outside of the database: one byte of a text, on the disk.
        fs::write(&log, &whole).unwrap();
        let mut flipped = whole.clone();
        // In every copy of it: a page that was given up may hold one that nobody reads.
        for at in (0..whole.len() - frame.len()).filter(|at| whole[*at..].starts_with(&frame)) {
            flipped[at + frame.len() / 2] ^= 1;
        }
        assert_ne!(flipped, whole);
        fs::write(&log, &flipped).unwrap();
        let ended = chat.try_start_again().await.unwrap_err();
        refused(&ended, &format!("the log is damaged in partition {partition} at offset {offset}: "));

        fs::write(&log, &whole).unwrap();
        chat.start_again().await;
        chat.verify().await;
    })
    .await;
}

#[tokio::test]
async fn a_missing_frame_is_found() {
    each_embedded(async |mut chat: Chat| {
        let (_, dialog) = furnish(&chat).await;
        let posted = chat.log(&["--dialog", &dialog, "--type", "message.posted"]).await;
        let (partition, offset) = (posted[1]["partition"].as_i64(), posted[1]["offset"].as_i64());
        chat.stop().await;
        let db = Connection::open(chat.data().join("log.db")).unwrap();
        let sql = "DELETE FROM frames WHERE partition = ? AND first_offset = ?";
        assert_eq!(db.execute(sql, params![partition, offset]).unwrap(), 1);
        drop(db);
        let ended = chat.try_start_again().await.unwrap_err();
        refused(&ended, &format!("at offset {}", offset.unwrap()));
    })
    .await;
}

#[tokio::test]
async fn read_models_deleted_are_folded_again() {
    each_embedded(async |mut chat: Chat| {
        let ([alice, bob], dialog) = furnish(&chat).await;
        let before = views(&[&alice, &bob], &dialog).await;
        chat.stop().await;
        let identity = fs::read(chat.data().join("identity.db")).unwrap();
        for file in readmodel_files(&chat.data()) {
            fs::remove_file(file).unwrap();
        }
        chat.start_again().await;
        assert_eq!(views(&[&alice, &bob], &dialog).await, before, "the same rows, the same sessions");
        let carol = chat.user("carol").await;
        assert!(carol.id() > bob.id());
        chat.verify().await;
        chat.stop().await;
        assert!(!identity.is_empty());

        // A damaged one is no better than none.
        let file = readmodel(&chat.data());
        let mut bytes = fs::read(&file).unwrap();
        bytes[..100].fill(0xaa);
        fs::write(&file, bytes).unwrap();
        chat.start_again().await;
        assert_eq!(views(&[&alice, &bob], &dialog).await, before);
        chat.verify().await;
    })
    .await;
}

/// The read model is not what a fold of the log makes: found by the operator's command, and
/// mended by the other.
#[tokio::test]
async fn a_wrong_row_is_named_and_mended() {
    each_embedded(async |mut chat: Chat| {
        let ([alice, bob], dialog) = furnish(&chat).await;
        let before = views(&[&alice, &bob], &dialog).await;
        let refused = chat.operator(&["readmodel", "rebuild"]).await;
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains("in use by another process"), "{refused:?}");
        chat.stop().await;
        let db = Connection::open(readmodel(&chat.data())).unwrap();
        assert_eq!(db.execute("UPDATE messages SET text = 'forged' WHERE text = '3'", []).unwrap(), 1);
        drop(db);
        chat.start_again().await;
        let verified = chat.operator(&["readmodel", "verify"]).await;
        assert_eq!(verified.code, Some(1), "{verified:?}");
        assert!(verified.stdout.contains("messages"), "{verified:?}");
        chat.stop().await;
        chat.operator(&["readmodel", "rebuild"]).await.well();
        chat.start_again().await;
        assert_eq!(views(&[&alice, &bob], &dialog).await, before);
        chat.verify().await;
    })
    .await;
}

#[tokio::test]
async fn read_models_of_other_versions_are_left_alone() {
    each_embedded(async |mut chat: Chat| {
        let ([alice, bob], dialog) = furnish(&chat).await;
        let before = views(&[&alice, &bob], &dialog).await;
        chat.stop().await;
        for name in ["readmodel-0.db", "readmodel-999.db"] {
            fs::write(chat.data().join(name), b"of another version").unwrap();
        }
        chat.start_again().await;
        assert_eq!(views(&[&alice, &bob], &dialog).await, before);
        for name in ["readmodel-0.db", "readmodel-999.db"] {
            assert_eq!(fs::read(chat.data().join(name)).unwrap(), b"of another version");
        }
    })
    .await;
}

/// An older copy of the log under newer read models: what was acknowledged is gone, and
/// nobody may be served as if it were not.
#[tokio::test]
async fn an_older_log_is_refused() {
    each_embedded(async |mut chat: Chat| {
        let ([alice, _], dialog) = furnish(&chat).await;
        chat.stop().await;
        let older = fs::read(chat.data().join("log.db")).unwrap();
        chat.start_again().await;
        alice.post(&dialog, "6").await;
        chat.stop().await;
        fs::write(chat.data().join("log.db"), older).unwrap();
        let ended = chat.try_start_again().await.unwrap_err();
        refused(&ended, "older than its reader");
    })
    .await;
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let chat = Chat::start(Setup::embedded(1)).await;
    let ended = Server::start(&chat.data(), chat.setup()).await.unwrap_err();
    refused(&ended, "in use by another process");
    chat.user("alice").await;
}

#[tokio::test]
async fn a_foreign_folder_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let ended = Server::start(folder.path(), &Setup::embedded(1)).await.unwrap_err();
    refused(&ended, "\"notes.txt\" and is not a data folder of Hansard");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(folder.path().join("notes.txt")).unwrap(), "mine");
}

#[tokio::test]
async fn a_foreign_log_is_refused_and_left_alone() {
    let mut chat = Chat::start(Setup::embedded(1)).await;
    furnish(&chat).await;
    chat.stop().await;
    let log = chat.data().join("log.db");
    fs::remove_file(&log).unwrap();
    let db = Connection::open(&log).unwrap();
    db.execute_batch("CREATE TABLE recipes (name TEXT)").unwrap();
    drop(db);
    let foreign = fs::read(&log).unwrap();
    refused(&chat.try_start_again().await.unwrap_err(), "is not a Hansard log");
    assert_eq!(fs::read(&log).unwrap(), foreign);
    fs::write(&log, "dear diary".repeat(100)).unwrap();
    refused(&chat.try_start_again().await.unwrap_err(), "is not a Hansard log");
}

#[tokio::test]
async fn newer_formats_are_refused() {
    let mut chat = Chat::start(Setup::embedded(1)).await;
    furnish(&chat).await;
    chat.stop().await;
    let marker = chat.data().join("hansard-data");
    let kept = fs::read(&marker).unwrap();
    fs::write(&marker, "999\n").unwrap();
    refused(&chat.try_start_again().await.unwrap_err(), "has format 999");
    fs::write(&marker, kept).unwrap();

    let log = Connection::open(chat.data().join("log.db")).unwrap();
    log.pragma_update(None, "user_version", 999).unwrap();
    drop(log);
    refused(&chat.try_start_again().await.unwrap_err(), "has log format 999");
}

#[tokio::test]
async fn another_number_of_partitions_is_refused() {
    let mut chat = Chat::start(Setup::embedded(4)).await;
    furnish(&chat).await;
    chat.stop().await;
    let ended =
        Server::start(&chat.data(), &chat.setup().clone().with("log.partitions", 2)).await.unwrap_err();
    refused(&ended, "the log has 4 partitions, not 2");
    chat.start_again().await;
}
