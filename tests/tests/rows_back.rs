//! A database that was restored from an older copy: nothing older than what was shown is
//! shown, at no gateway, until the log has been folded again.

use std::time::Duration;

use engines::Programs;
use tests::{Answer, Chat, Person, Setup};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

/// Much longer than anything here may take; what hangs fails instead of hanging the tests.
const AMPLE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Copies every table of the read model aside. The index for searches is another one.
const COPY: &str = "
    CREATE SCHEMA aside;
    DO $$ DECLARE found record; BEGIN
        FOR found IN SELECT schemaname, tablename FROM pg_tables
                WHERE schemaname LIKE 'readmodel%' AND schemaname NOT LIKE '%search%' LOOP
            EXECUTE format('CREATE TABLE aside.%I AS TABLE %I.%I',
                           found.tablename, found.schemaname, found.tablename);
        END LOOP;
    END $$";
/// Puts them back, as one change; what is computed from other columns comes by itself.
const RESTORE: &str = "
    DO $$ DECLARE found record; columns text; BEGIN
        FOR found IN SELECT schemaname, tablename FROM pg_tables
                WHERE schemaname LIKE 'readmodel%' AND schemaname NOT LIKE '%search%' LOOP
            SELECT string_agg(quote_ident(column_name), ', ') INTO columns FROM information_schema.columns
                WHERE table_schema = found.schemaname AND table_name = found.tablename
                AND is_generated = 'NEVER';
            EXECUTE format('DELETE FROM %I.%I', found.schemaname, found.tablename);
            EXECUTE format('INSERT INTO %I.%I (%s) SELECT %s FROM aside.%I',
                           found.schemaname, found.tablename, columns, columns, found.tablename);
        END LOOP;
    END $$";

async fn sql(chat: &Chat, statements: &str) {
    let programs = Programs::find().await.expect("the engines' programs are there");
    let mut psql = Command::new(programs.postgresql("psql"));
    psql.args(["--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--command", statements, chat.database_url()]);
    let done = psql.output().await.expect("psql can be started");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn listed(person: &Person, dialog: &str) -> Answer {
    person.get(&format!("chat/Message?chat_dialog_id={dialog}&mark_as_read=0")).await
}

#[tokio::test]
async fn rows_that_have_gone_back_are_shown_to_nobody() {
    let mut chat = Chat::start(Setup::cluster(2).twice()).await;
    let [alice, bob] = chat.users(["alice", "bob"]).await;
    let dialog = alice.create_group("restored", [&bob]).await;
    alice.post(&dialog, "old").await;
    sql(&chat, COPY).await;
    alice.post(&dialog, "new").await;
    // Nobody has read the new one, and only one gateway has answered for it; both have heard of it.
    chat.stop_one("projector", 0).await;
    chat.stop_one("projector", 0).await;
    sql(&chat, RESTORE).await;

    for gateway in chat.each("gateway") {
        let bob = bob.at(&gateway.api());
        for path in ["chat/Dialog", "chat/Message/unread"] {
            bob.get(path).await.is(503);
        }
        for _ in 0..10 {
            let refused = listed(&bob, &dialog).await.is(503);
            assert!(!refused.header("Retry-After").is_empty(), "{:?}", refused.headers);
        }
        assert!(gateway.api().comes_to_be_ready(false).await);
        let health = gateway.api().get("health/ready").await.is(503).text();
        assert!(health.contains("have gone back"), "{health}");
    }

    chat.start_one("projector").await;
    for gateway in chat.each("gateway") {
        let bob = bob.at(&gateway.api());
        let again = async {
            while listed(&bob, &dialog).await.status != 200 {
                sleep(LOOK_EVERY).await;
            }
        };
        timeout(AMPLE, again).await.expect("it is folded again");
        assert_eq!(bob.texts(&dialog).await, ["old", "new"]);
        assert_eq!(bob.unread(&dialog).await, 2);
        assert!(gateway.api().comes_to_be_ready(true).await);
    }
    alice.post(&dialog, "newer").await;
    assert_eq!(bob.texts(&dialog).await, ["old", "new", "newer"]);
    chat.verify().await;
}
